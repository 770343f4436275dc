"""What `doctor` says beside the systems: each thing once, and what to do about it."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from sync.errors import RetryLater
from sync.operations import doctor as doctor_module
from sync.operations.checks.host import HOST_JSON, check_host
from sync.operations.checks.storage import lanes
from sync.operations.checks.work import LATE, catching_up, polling, runs
from sync.operations.doctor import doctor
from sync.sender import Sender
from sync.stores.cursors import Cursors
from sync.stores.ledger import Result
from sync.stores.modes import Mode, Modes
from sync.stores.runs import Runs
from sync.stores.standings import Standing, Standings
from sync.system import Check
from tests.fakes import FakeLanes, FakeTable, customer_flows, later
from tests.unit.conftest import FLOW


def host(**queues: object) -> Check:
    told = json.loads(HOST_JSON.read_text(encoding="utf-8"))
    told["extensions"]["queues"] |= queues
    return check_host(json.dumps(told))


def test_the_host_file_of_this_release_is_well() -> None:
    assert host().ok
    assert "at most 12 messages" in host().detail


@pytest.mark.parametrize(
    "queues", [{"messageEncoding": "none"}, {"maxDequeueCount": 3}, {"batchSize": None}, {"newBatchThreshold": -1}]
)
def test_a_host_file_that_breaks_the_line_is_said_by_name(queues: dict[str, object]) -> None:
    line = host(**queues)
    assert not line.ok
    assert next(iter(queues)) in line.detail


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"extensions": {}}'])
def test_a_host_file_that_is_none_is_said(text: str) -> None:
    assert not check_host(text).ok


class Desk:
    def __init__(self) -> None:
        self.table = FakeTable()
        self.cursors, self.modes, self.runs = Cursors(self.table), Modes(FakeTable(), 0.0), Runs(FakeTable())
        self.standings = Standings(self.cursors)
        settings = SimpleNamespace(companies=("TWO",))
        self.runtime: Any = SimpleNamespace(
            settings=settings, cursors=self.cursors, modes=self.modes, runs=self.runs, flows={},
            standings=self.standings, catchup=SimpleNamespace(tables=["account"]),
        )  # fmt: skip

    async def catch_up(self, standing: Standing) -> None:
        cursor, _ = await self.standings.read("account")
        assert await self.standings.move(cursor, standing)

    async def caught_up(self) -> Check:
        [line] = [line async for line in catching_up(self.runtime)]
        return line

    async def polled(self) -> Check:
        [line] = [line async for line in polling(self.runtime)]
        return line


async def test_a_company_that_is_not_polled_any_more_is_said() -> None:
    desk = Desk()
    assert (await desk.polled()).detail == "never yet"
    await desk.cursors.move(await desk.cursors.read("TWO", "gp"), {"v": 1})
    assert (await desk.polled()).ok
    later(desk.table, LATE + timedelta(minutes=1))
    late = await desk.polled()
    assert not late.ok
    assert "76 min ago" in late.detail
    assert "Is the function app running?" in late.next_step


async def test_a_paused_company_need_not_be_polled() -> None:
    desk = Desk()
    await desk.cursors.move(await desk.cursors.read("TWO", "gp"), {"v": 1})
    later(desk.table, 2 * LATE)
    await desk.modes.set("TWO", "*", Mode.PAUSED, "person", "month end")
    assert (await desk.polled()).ok


async def test_a_table_that_is_not_caught_up_with_any_more_is_said() -> None:
    desk = Desk()
    assert (await desk.caught_up()).detail == "never yet"
    await desk.catch_up(Standing(opening="/accounts?$skiptoken=2", lost=True))
    assert "everything is compared" in (await desk.caught_up()).detail
    await desk.catch_up(Standing(link="/accounts?$deltatoken=1"))
    assert (await desk.caught_up()).ok
    later(desk.table, LATE + timedelta(minutes=1))
    late = await desk.caught_up()
    assert (late.ok, late.detail) == (False, "its token is 76 min old")
    assert "GP365_DELTA_SCHEDULE" in late.next_step
    await desk.modes.set("TWO", "*", Mode.PAUSED, "person", "month end")
    assert (await desk.caught_up()).ok


async def test_an_unfinished_run_is_told_with_the_command_that_goes_on() -> None:
    desk = Desk()
    assert [line.detail async for line in runs(desk.runtime)] == ["all are finished"]
    run = await desk.runs.start("backfill", "TWO", FLOW, fields=("fax",), who="anna", total=10)
    [line] = [line async for line in runs(desk.runtime)]
    assert "0 of 10 sent" in line.detail
    assert f"python -m sync backfill --company TWO --flow {FLOW} --field fax" in line.next_step
    assert await desk.runs.move(run, sent=1, all_sent=True)
    await desk.runs.note(run.id, "m", {"A": Result.CREATED})
    assert [line.detail async for line in runs(desk.runtime)] == ["all are finished"]


async def test_a_system_that_fails_many_looks_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(_: object) -> AsyncIterator[Check]:
        raise RetryLater("Azure Table Storage did not answer.", code="system_unreachable")
        yield  # pragma: no cover

    async def well(_: object) -> AsyncIterator[Check]:
        yield Check("well", True, "")

    monkeypatch.setattr(doctor_module, "LOOKS", {"one": fails, "two": fails, "three": well})
    lines = [line async for line in doctor(Desk().runtime)]
    assert [(line.name, line.ok) for line in lines] == [("one", False), ("well", True)]


async def test_a_full_lane_is_told_in_words_and_poison_is_not_well() -> None:
    queues = FakeLanes()
    runtime: Any = SimpleNamespace(flows=customer_flows(), lanes=queues, sender=Sender(queues, 10))
    queues.depth["to-dataverse-bulk"] = 10
    queues.depth["to-dataverse-poison"] = 1
    told = {line.name: line async for line in lanes(runtime)}
    assert "full, so GP is not read until the workers have caught up" in told["lane to-dataverse-bulk"].detail
    assert (told["lane to-dataverse"].ok, told["lane to-dataverse-bulk"].ok) == (False, True)
    queues.depth["to-dataverse-bulk"] = 9
    assert all("full" not in line.detail for line in [line async for line in lanes(runtime)])
