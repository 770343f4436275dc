"""Answers become errors that say what to do next; amounts cross the wire exactly."""

import json
from decimal import Decimal

import httpx
import pytest

from sync.errors import BadSettings, Rejected, RetryLater, SyncError
from sync.systems.dataverse.client import DataverseClient, error_from, read_json, write_json
from sync.systems.dataverse.tokens import Credentials, Tokens

from ..gated import NotingGate


def body(code: str, message: str = "said by Dataverse") -> bytes:
    return json.dumps({"error": {"code": code, "message": message}}).encode()


@pytest.mark.parametrize(
    ("status", "content", "kind", "code"),
    [
        (429, body("0x80072322"), RetryLater, "throttled"),
        (503, b"<html>down</html>", RetryLater, "busy"),
        (500, body("0x80044150"), RetryLater, "busy"),
        (400, body("0x80071151"), RetryLater, "busy"),
        (401, b"", BadSettings, "sign_in_failed"),
        (403, body("0x80072560"), BadSettings, "right_missing"),
        (403, body("0x80040220"), BadSettings, "right_missing"),
        (400, body("0x80060888", "Could not find a property named 'x' on type 'y'."), BadSettings, "column_missing"),
        (400, body("0x80044331"), Rejected, "value_too_long"),
        (412, body("0x80060892"), Rejected, "duplicate_in_target"),
        (400, body("0x80040265"), Rejected, "refused_by_target"),
    ],
)
def test_an_answer_says_what_to_do_next(status: int, content: bytes, kind: type[SyncError], code: str) -> None:
    error = error_from(status, content, {})
    assert (type(error), error.code, error.system) == (kind, code, "dataverse")
    assert error.next_step


def test_the_pause_that_dataverse_asks_for_is_kept() -> None:
    assert error_from(429, body("0x80072322"), {"Retry-After": "17"}).retry_after == 17


def test_a_pause_that_a_proxy_gives_as_a_date_is_left_to_us() -> None:
    error = error_from(503, b"", {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"})
    assert (error.code, error.retry_after) == ("busy", None)


async def test_a_proxys_page_is_no_answer_and_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    client = DataverseClient("https://contoso.crm4.dynamics.com", Tokens(Credentials("")))

    async def page(*_: object, **__: object) -> httpx.Response:
        return httpx.Response(302, html="<html>sign in first</html>")

    monkeypatch.setattr(client, "send", page)
    with pytest.raises(RetryLater, match=r"contoso.*302"):
        await client.get("/WhoAmI")
    await client.close()


def test_no_answer_moves_a_cursor_or_forges_a_log_line() -> None:
    assert "␛[2J␊" in error_from(400, body("0x1", "\x1b[2J\n"), {}).message


def test_amounts_cross_the_wire_exactly() -> None:
    amount = Decimal("12345678901234.12345")
    assert b"12345678901234.12345" in write_json({"creditlimit": amount})
    assert read_json(write_json({"creditlimit": amount}))["creditlimit"] == amount


@pytest.mark.parametrize(
    ("status", "headers", "heard"),
    [
        (200, {"x-ms-dop-hint": "4"}, {"busy": False, "pause": None, "advised": 4}),
        (429, {"Retry-After": "17"}, {"busy": True, "pause": 17, "advised": 0}),
        (503, {"Retry-After": "5", "x-ms-dop-hint": "many"}, {"busy": True, "pause": 5, "advised": 0}),
        (503, {}, {"busy": True, "pause": None, "advised": 0}),
        (400, {"Retry-After": "17"}, {"busy": False, "pause": None, "advised": 0}),
    ],
)
async def test_each_request_passes_the_gate_and_tells_what_dataverse_said(
    monkeypatch: pytest.MonkeyPatch, status: int, headers: dict[str, str], heard: dict[str, object]
) -> None:
    gate = NotingGate()
    client = DataverseClient("https://contoso.crm4.dynamics.com", Tokens(Credentials("")), gate=gate)

    async def token() -> str:
        return "t"

    async def answer(*_: object, **__: object) -> httpx.Response:
        assert gate.inside == 1
        return httpx.Response(status, headers=headers, content=body("0x1"))

    monkeypatch.setattr(client._tokens, "get", token)
    monkeypatch.setattr(client._http, "request", answer)
    await client.send_raw("GET", "/WhoAmI", None, {})
    assert (gate.entered, gate.inside, gate.heard) == (1, 0, [heard])
    await client.close()


async def test_a_request_without_an_answer_leaves_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = NotingGate()
    client = DataverseClient("https://contoso.crm4.dynamics.com", Tokens(Credentials("")), gate=gate)

    async def token() -> str:
        return "t"

    async def cut(*_: object, **__: object) -> httpx.Response:
        raise httpx.ReadError("cut")

    monkeypatch.setattr(client._tokens, "get", token)
    monkeypatch.setattr(client._http, "request", cut)
    with pytest.raises(RetryLater):
        await client.send_raw("GET", "/WhoAmI", None, {})
    assert (gate.inside, gate.heard) == (0, [])
    await client.close()
