"""Registering asks the app first, and `doctor` tells what keeps webhooks from coming."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from sync.errors import BadSettings, RetryLater
from sync.flow import Flow
from sync.operations import register as operation
from sync.operations.checks.webhooks import webhooks
from sync.stores.registrations import Registrations
from sync.system import Check
from sync.systems.dataverse.wanted import KEY_HEADER, NAME, SECRET_HEADER
from tests.unit.systems.dataverse.test_registration import Platform, Rig, mapping

URL = "https://gp365.example/api/hooks/dataverse"
SECRET = "s" * 32


class Desk:
    """A runtime with a far end for the app, and the registrations of Dataverse."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rig, self.asked = Rig(), list[httpx.Request]()
        self.answer: Callable[[httpx.Request], httpx.Response] = lambda _: httpx.Response(204)
        self.settings = SimpleNamespace(
            hook_url=URL, hook_inside_url="", hook_key=SecretStr("function-key"), hook_secret=SecretStr(SECRET),
            hook_secret_old=SecretStr(""), ca_file=None,
        )  # fmt: skip
        self.runtime: Any = SimpleNamespace(
            settings=self.settings,
            flows={"x": Flow("customer", "dataverse", "gp", "x")},
            mappings={"customer": mapping()},
            dataverse=self.platform.client(),
            registrations=Registrations(self.rig.table),  # type: ignore[arg-type]
        )
        transport = httpx.MockTransport(self._answer)
        client = httpx.AsyncClient
        monkeypatch.setattr(operation.httpx, "AsyncClient", lambda **_: client(transport=transport))

    @property
    def platform(self) -> Platform:
        return self.rig.platform

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.answer(request)

    async def register(self, **options: bool) -> list[str]:
        return [done.state async for done in operation.register(self.runtime, **options)]

    async def lines(self) -> dict[str, Check]:
        return {line.name: line async for line in webhooks(self.runtime)}


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


async def test_the_app_is_asked_with_what_webhooks_will_show_before_anything_is_written(desk: Desk) -> None:
    await desk.register()
    [request] = desk.asked
    assert (request.method, str(request.url)) == ("GET", URL)
    assert (request.headers[SECRET_HEADER], request.headers[KEY_HEADER]) == (SECRET, "function-key")


async def test_the_app_is_asked_from_inside_where_that_is_said(desk: Desk) -> None:
    desk.settings.hook_inside_url = "http://127.0.0.1:7071/api/hooks/dataverse"
    await desk.register()
    assert [str(request.url) for request in desk.asked] == [desk.settings.hook_inside_url]
    [endpoint] = desk.platform.rows["serviceendpoints"].values()
    assert endpoint["url"] == URL


@pytest.mark.parametrize(
    ("status", "said"), [(401, "GP365_HOOK_SECRET"), (404, "GP365_HOOK_SECRET"), (200, "answered 200")]
)
async def test_nothing_is_written_while_the_app_does_not_take_it(desk: Desk, status: int, said: str) -> None:
    desk.answer = lambda _: httpx.Response(status)
    with pytest.raises(BadSettings, match=said) as caught:
        await desk.register()
    assert (caught.value.code, desk.rig.writes()) == ("webhook_refused", [])
    assert SECRET not in caught.value.message


async def test_nothing_is_written_while_the_app_does_not_answer(desk: Desk) -> None:
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("away", request=request)

    desk.answer = away
    with pytest.raises(RetryLater):
        await desk.register()
    assert desk.rig.writes() == []
    assert set(await desk.register(dry=True)) == {"created"}


@pytest.mark.parametrize(
    ("name", "setting"),
    [("hook_url", "GP365_HOOK_URL"), ("hook_key", "GP365_HOOK_KEY"), ("hook_secret", "GP365_HOOK_SECRET")],
)
async def test_a_missing_setting_is_named(desk: Desk, name: str, setting: str) -> None:
    setattr(desk.settings, name, "" if name == "hook_url" else SecretStr(""))
    with pytest.raises(BadSettings, match=setting):
        await desk.register(dry=True)


async def test_doctor_is_content_with_what_was_registered(desk: Desk) -> None:
    await desk.register()
    assert all(line.ok for line in (await desk.lines()).values())
    assert SECRET not in str(await desk.lines())


async def test_doctor_tells_what_is_missing_disabled_or_points_elsewhere_and_writes_nothing(desk: Desk) -> None:
    line = (await desk.lines())["webhooks: registered"]
    assert (line.ok, f"service endpoint {NAME} is missing" in line.detail) == (False, True)
    await desk.register()
    desk.platform.step("GP365: Update of account")["statecode"] = 1
    next(iter(desk.platform.rows["serviceendpoints"].values()))["url"] = "https://elsewhere.example/"
    desk.rig.writes()
    line = (await desk.lines())["webhooks: registered"]
    assert "step Update of account differs (was disabled)" in line.detail
    assert f"url: https://elsewhere.example/ → {URL}" in line.detail
    assert "python -m sync register" in line.next_step
    assert desk.rig.writes() == []


async def test_doctor_tells_that_the_app_takes_no_webhooks(desk: Desk) -> None:
    await desk.register()
    desk.answer = lambda _: httpx.Response(401)
    assert not (await desk.lines())["webhooks: the app"].ok


async def test_doctor_tells_what_dataverse_gave_up(desk: Desk) -> None:
    await desk.register()
    step = desk.platform.step("GP365: Update of account")["sdkmessageprocessingstepid"]
    desk.platform.failed[step] = 7
    line = (await desk.lines())["webhooks: delivered"]
    assert not line.ok
    assert "7 of Update of account, the last: HTTP status code: 503" in line.detail


async def test_doctor_reminds_of_an_old_secret(desk: Desk) -> None:
    desk.settings.hook_secret_old = SecretStr("o" * 32)
    await desk.register()
    line = (await desk.lines())["webhooks: secret"]
    assert (line.ok, "GP365_HOOK_SECRET_OLD" in line.next_step) == (True, True)


async def test_doctor_is_content_without_webhooks(desk: Desk) -> None:
    desk.settings.hook_secret = SecretStr("")
    assert [line.ok for line in (await desk.lines()).values()] == [True]
    desk.runtime.flows = {}
    assert [line.ok for line in (await desk.lines()).values()] == [True]
