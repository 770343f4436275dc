"""Alerts on a real HTTP receiver: told once, by one, whatever a channel does."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sync.alerting import Alerting
from sync.channel import channels
from sync.errors import BadSettings, RetryLater
from sync.stores.alerts import Alerts
from sync.stores.modes import Mode, Modes
from sync.stores.parked import Parked, ParkedStore
from tests.fakes import FakeTable

SECRET = "Zq7TokenNobodyMaySee"


class Receiver:
    """Takes what Apprise posts as JSON; answers `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.messages: list[dict[str, Any]] = []
        self.address = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        self.messages.append(json.loads(await reader.readexactly(length)))
        writer.write(f"HTTP/1.1 {self.status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.address = f"json://user:{SECRET}@127.0.0.1:{server.sockets[0].getsockname()[1]}/{SECRET}"
    async with server:
        yield receiver


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as one:
        yield one


@pytest.fixture
def log() -> Iterator[list[logging.LogRecord]]:
    """What reaches the app's log. Not caplog: that listens also to loggers that were silenced."""
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield records
    root.removeHandler(handler)
    root.setLevel(level)


class Office:
    """The tables that instances share."""

    def __init__(self) -> None:
        self.tables = {name: FakeTable() for name in ("parked", "modes", "alerts")}
        self.parked = ParkedStore(self.tables["parked"])  # type: ignore[arg-type]
        self.modes = Modes(self.tables["modes"])  # type: ignore[arg-type]

    def instance(self, *addresses: str, again: timedelta = timedelta(hours=24)) -> Alerting:
        alerts = Alerts(self.tables["alerts"])  # type: ignore[arg-type]
        return Alerting(channels(addresses), self.parked, self.modes, alerts, "contoso", again)

    async def park(self, key: str, code: str = "lookup_missing") -> None:
        since = "2026-11-24T11:00:00+00:00"
        entry = Parked("TWO", "customer", key, "customer_gp_to_dataverse", code, "secret value", "do", since, "m")
        await self.parked.put([entry])

    @property
    def calls(self) -> int:
        return sum(table.calls for table in self.tables.values())


@pytest.fixture
def office() -> Office:
    return Office()


async def test_what_waits_is_told_once_in_one_message(office: Office, receiver: Receiver) -> None:
    await office.park("A")
    await office.park("B", code="worker_killed")
    await office.modes.set("TWO", "*", Mode.PAUSED, "identity", "TWO looks restored.")
    alerting = office.instance(receiver.address)
    assert [(sent.topics, sent.error) for sent in await alerting.run()] == [(3, "")]
    assert await alerting.run() == []
    [message] = receiver.messages
    assert message["title"] == "GP365 contoso: 1 pause, 2 records wait for a person"
    for part in ("TWO looks restored.", "customer/TWO/A", "customer/TWO/B", "worker_killed", "lookup_missing"):
        assert part in message["message"]


async def test_an_alert_holds_no_value_of_a_record(office: Office, receiver: Receiver) -> None:
    await office.park("A")
    await office.instance(receiver.address).run()
    assert "secret value" not in str(receiver.messages)


async def test_a_quiet_look_costs_two_storage_calls(office: Office, receiver: Receiver) -> None:
    alerting = office.instance(receiver.address)
    await office.park("A")
    await alerting.run()
    before = office.calls
    await alerting.run()
    assert office.calls - before == 2


async def test_nothing_is_asked_when_there_is_nobody_to_tell(office: Office) -> None:
    await office.park("A")
    before = office.calls
    assert await office.instance().run() == []
    assert office.calls == before


async def test_another_instance_tells_nothing_that_was_told(office: Office, receiver: Receiver) -> None:
    await office.park("A")
    await office.instance(receiver.address).run()
    assert await office.instance(receiver.address).run() == []
    assert len(receiver.messages) == 1


async def test_of_two_instances_at_once_one_tells(office: Office, receiver: Receiver) -> None:
    await office.park("A")
    both = [office.instance(receiver.address), office.instance(receiver.address)]
    await asyncio.gather(*(one.run() for one in both))
    assert len(receiver.messages) == 1


async def test_who_died_while_sending_is_not_waited_for_for_ever(office: Office, receiver: Receiver) -> None:
    await office.park("A")
    alerting = office.instance(receiver.address)
    alerts = Alerts(office.tables["alerts"])  # type: ignore[arg-type]
    heard = await alerts.read(alerting.channels[0].id)
    for until, told in (("9999-01-01T00:00:00+00:00", 0), ("2026-01-01T00:00:00+00:00", 1)):
        heard = await alerts.save(heard, replace(heard, busy_until=until)) or heard
        assert len(await alerting.run()) == told


async def test_a_failing_channel_is_tried_again_and_logged_once(
    office: Office, receiver: Receiver, log: list[logging.LogRecord]
) -> None:
    await office.park("A")
    alerting = office.instance(receiver.address)
    receiver.status = 500
    first, second = await alerting.run(), await alerting.run()
    assert "500" in first[0].error
    assert second[0].error
    [(_, heard)] = await alerting.heard()
    assert (heard.error, heard.sent_at) == (second[0].error, "")
    receiver.status = 200
    assert [sent.error for sent in await alerting.run()] == [""]
    assert [record.getMessage().split(":")[0] for record in log if record.name == "sync.alerting"] == [
        "Alerts can't be sent to json 1, and are tried again",
        "Alerts can be sent to json 1 again.",
    ]


async def test_a_failing_channel_does_not_stop_another(office: Office, receiver: Receiver) -> None:
    await office.park("A")
    async with receiving() as broken:
        broken.status = 500
        alerting = office.instance(broken.address, receiver.address)
        await alerting.run()
        await alerting.run()
        assert (len(broken.messages), len(receiver.messages)) == (2, 1)


async def test_no_part_of_an_address_is_told(office: Office, receiver: Receiver, log: list[logging.LogRecord]) -> None:
    await office.park("A")
    alerting = office.instance(receiver.address, f"json://{SECRET}.invalid/{SECRET}")
    receiver.status = 403
    sent = [*await alerting.test(), *await alerting.run()]
    assert len(sent) == 4
    logged = [record.getMessage() for record in log]
    told = f"{sent}{logged}{office.tables['alerts'].entities}"
    assert SECRET not in told
    assert SECRET.lower() not in told


@pytest.mark.parametrize("address", [f"nonsense://{SECRET}", f"slack://{SECRET}", SECRET, f"https:/{SECRET}"])
def test_an_address_that_is_none_is_named_by_its_scheme_only(address: str) -> None:
    with pytest.raises(BadSettings) as caught:
        channels(["json://127.0.0.1", address])
    assert caught.value.message.startswith("GP365_ALERTS: the address ")
    assert " 2 " in caught.value.message
    assert SECRET not in caught.value.message


async def test_storage_that_does_not_answer_is_a_line_in_the_log(
    office: Office, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> None:
        raise RetryLater("Azure Table Storage did not answer.", code="system_unreachable")

    monkeypatch.setattr(office.modes, "list", fail)
    await office.instance("json://127.0.0.1:9").tick()
    assert "Azure Table Storage did not answer." in caplog.text
