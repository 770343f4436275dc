"""Alerts by the running app, to a receiver on this machine."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.scenarios.scenario import app, until
from sandbox.up import Sandbox
from tests.e2e.steps import new_id, parked, put_on_lane, type_customer


class Receiver:
    """Takes what Apprise posts as JSON."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        self.messages.append(json.loads(await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


@pytest.fixture
async def receiver(box: Sandbox) -> AsyncIterator[Receiver]:
    """The app tells this receiver what waits for a person."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        box.overrides["GP365_ALERTS"] = f"json://127.0.0.1:{port} json://127.0.0.1:1"
        await box.restart("host")
        try:
            yield receiver
        finally:
            del box.overrides["GP365_ALERTS"]
            await box.restart("host")


async def test_a_parked_record_is_told_once_though_another_channel_fails(box: Sandbox, receiver: Receiver) -> None:
    number = new_id()
    await type_customer(box, number, CUSTNAME="Bell\x07")
    await until(lambda: parked(box, number), bool, "the record parked")

    async def told() -> list[dict[str, Any]]:
        return [message for message in receiver.messages if "control_character" in message["message"]]

    [message] = await until(told, bool, "an alert")
    assert "Bell" not in message["message"]
    assert "python -m sync parked list" in message["message"]
    await put_on_lane(box, "not one of ours")

    async def another() -> list[dict[str, Any]]:
        return [message for message in receiver.messages if "message_unreadable" in message["message"]]

    [later] = await until(another, bool, "a second alert")
    assert "control_character" not in later["message"]
    for entry in await app(box, "parked", "list"):
        if entry["code"] == "message_unreadable":
            await app(box, "parked", "discard", "--code", "message_unreadable", "--why", "test")
    lines = {line["name"]: line async for line in doctor(box)}
    assert lines["alerts json 1"]["ok"]
    assert not lines["alerts json 2"]["ok"]


async def test_a_test_message_says_what_came_back(box: Sandbox, receiver: Receiver) -> None:
    status, out, err = await box.cli("alert", "--test", "--json")
    first, second = map(json.loads, out.splitlines())
    assert (status, first["error"]) == (1, ""), out + err
    assert "Connection error" in second["error"]
    assert any("Nothing is wrong" in message["message"] for message in receiver.messages)


async def doctor(box: Sandbox) -> AsyncIterator[dict[str, Any]]:
    _, out, _ = await box.cli("doctor", "--json")
    for line in out.splitlines():
        yield json.loads(line)
