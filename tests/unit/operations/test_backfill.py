"""A backfill sends every key once, goes on where it stopped, and counts what became of the records."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from sync.errors import Rejected, RetryLater
from sync.mapping import Mapping
from sync.message import Message
from sync.operations.backfill import Progress, backfill, begin, progress_of
from sync.passes import PAGE
from sync.sender import KEYS_A_BULK_MESSAGE, Sender
from sync.stores.cursors import Cursors
from sync.stores.ledger import Result
from sync.stores.modes import Mode, Modes
from sync.stores.runs import Run, State
from tests.fakes import FakeTable
from tests.unit.conftest import FLOW, Rig

BULK = "to-dataverse-bulk"
DEPTH = 2000


class Desk:
    """A runtime on fakes with `keys` in GP; workers do what lies on the lane whenever the command pauses."""

    def __init__(self, rig: Rig, keys: list[str]) -> None:
        self.rig, self.all_keys, self.pauses = rig, keys, 0
        self.cursors = Cursors(FakeTable())
        self.modes = Modes(FakeTable(), 0.0)
        self.runtime: Any = SimpleNamespace(
            flows=rig.flows, mappings={"customer": rig.mapping}, gp=self, lanes=rig.lanes, runs=rig.runs,
            cursors=self.cursors, modes=self.modes, sender=Sender(rig.lanes, DEPTH),
        )  # fmt: skip

    async def count(self, company: str, mapping: Mapping) -> int:
        return len(self.all_keys)

    async def keys(self, company: str, mapping: Mapping, after: str, limit: int) -> list[str]:
        return [key for key in self.all_keys if key > after][:limit]

    async def begin(self, *fields: str, restart: bool = False) -> Run:
        return await begin(self.runtime, "TWO", self.runtime.flows[FLOW], fields, restart=restart, without_match=True)

    async def work_off(self, seconds: float) -> None:
        self.pauses += 1
        self.rig.lanes.depth[BULK] = 0
        for _, message, _ in self.rig.lanes.sent:
            await self.rig.runs.note(message.run, message.message_id, dict.fromkeys(message.keys, Result.CREATED))

    async def run(self, run: Run, *, wait: bool = True) -> list[Progress]:
        return [progress async for progress in backfill(self.runtime, run, wait=wait, pause=self.work_off)]

    def sent(self) -> list[str]:
        return [key for _, message, _ in self.rig.lanes.sent for key in message.keys]


@pytest.fixture
def desk(rig: Rig) -> Desk:
    return Desk(rig, [f"C{number:05}" for number in range(2 * PAGE + 7)])


async def test_every_key_is_sent_once_on_the_bulk_lane_and_counted(desk: Desk) -> None:
    progress = await desk.run(await desk.begin())
    assert desk.sent() == desk.all_keys
    assert {(lane, message.reason) for lane, message, _ in desk.rig.lanes.sent} == {(BULK, "backfill")}
    assert max(len(message.keys) for _, message, _ in desk.rig.lanes.sent) == KEYS_A_BULK_MESSAGE
    assert (progress[-1].done, progress[-1].counts) == (len(desk.all_keys), {"created": len(desk.all_keys)})
    [run] = await desk.rig.runs.list()
    assert run == progress[-1].run
    assert (run.state, run.counts, run.total) == (State.DONE, {"created": len(desk.all_keys)}, len(desk.all_keys))


async def test_interrupted_it_goes_on_at_the_place_it_stored(desk: Desk) -> None:
    first = backfill(desk.runtime, await desk.begin(), pause=desk.work_off)
    await anext(first)
    await first.aclose()
    assert len(desk.sent()) == PAGE
    await desk.run(await desk.begin())
    assert desk.sent() == desk.all_keys
    assert len(await desk.rig.runs.list()) == 1


async def test_a_page_sent_before_its_place_was_stored_is_sent_again_and_counts_once(desk: Desk) -> None:
    run = await desk.begin()
    lost = Message.new(FLOW, "TWO", desk.all_keys[:PAGE], "backfill", run=run.id)
    await desk.rig.lanes.send(BULK, lost)
    progress = await desk.run(run)
    assert progress[-1].counts == {"created": len(desk.all_keys)}


async def test_restart_stops_the_old_run_and_begins_anew(desk: Desk) -> None:
    await anext(backfill(desk.runtime, await desk.begin(), pause=desk.work_off))
    await desk.run(await desk.begin(restart=True))
    assert [run.state for run in await desk.rig.runs.list()].count(State.STOPPED) == 1
    assert desk.sent() == desk.all_keys[:PAGE] + desk.all_keys


async def test_a_run_of_other_fields_is_another_run(desk: Desk) -> None:
    await desk.run(await desk.begin("fax"), wait=False)
    assert (await desk.begin()).place == ""
    assert {message.fields for _, message, _ in desk.rig.lanes.sent} == {("fax",)}


async def test_two_commands_at_once_are_told_apart(desk: Desk) -> None:
    run = await desk.begin()
    other = replace(run)
    await desk.run(run, wait=False)
    with pytest.raises(Rejected) as caught:
        await desk.run(other)
    assert caught.value.code == "run_taken"


async def test_nothing_is_sent_while_the_lane_is_deep(desk: Desk) -> None:
    desk.rig.lanes.depth[BULK] = DEPTH
    [first, *_, last] = await desk.run(await desk.begin())
    assert (first.run.sent, first.waits) == (0, "to-dataverse is full")
    assert (last.waits, last.finished) == ("", True)


async def test_a_system_that_does_not_answer_is_waited_for(desk: Desk) -> None:
    run = await desk.begin()
    keys, asked = desk.keys, 0

    async def sometimes(company: str, mapping: Mapping, after: str, limit: int) -> list[str]:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise RetryLater("GP did not answer.", code="system_unreachable")
        return await keys(company, mapping, after, limit)

    desk.runtime.gp = SimpleNamespace(keys=sometimes)
    progress = await desk.run(run)
    assert [each.waits for each in progress if each.waits] == ["GP did not answer."]
    assert desk.sent() == desk.all_keys
    assert progress[-1].finished


async def test_a_paused_flow_is_told_while_its_records_wait(desk: Desk) -> None:
    await desk.modes.set("TWO", FLOW, Mode.PAUSED, "brake", "too many deletes")
    progress = await desk.run(await desk.begin(), wait=False)
    assert progress[-1].run.all_sent
    assert progress[-1].waits == f"{FLOW} of TWO is paused (brake)"


async def test_without_waiting_it_ends_when_all_is_sent_and_is_closed_when_next_looked_at(desk: Desk) -> None:
    progress = await desk.run(await desk.begin(), wait=False)
    assert (desk.pauses, progress[-1].waiting) == (0, len(desk.all_keys))
    await desk.work_off(0)
    [run] = await desk.rig.runs.list()
    assert (await progress_of(desk.rig.runs, run)).run.state is State.DONE
    assert (await desk.rig.runs.list())[0].counts == {"created": len(desk.all_keys)}


async def test_the_pair_counts_as_loaded_once_all_is_sent(desk: Desk) -> None:
    await desk.run(await desk.begin("fax"))
    assert not await desk.cursors.is_loaded("TWO", "customer")
    under_way = backfill(desk.runtime, await desk.begin(), pause=desk.work_off)
    await anext(under_way)
    assert not await desk.cursors.is_loaded("TWO", "customer")
    async for _ in under_way:
        pass
    assert await desk.cursors.is_loaded("TWO", "customer")


async def test_a_backfill_that_is_only_observed_loads_nothing(desk: Desk) -> None:
    await desk.modes.set("TWO", FLOW, Mode.OBSERVE, "person", "a look first")
    await desk.run(await desk.begin())
    assert not await desk.cursors.is_loaded("TWO", "customer")


async def test_a_company_without_records_is_done_at_once(desk: Desk) -> None:
    desk.all_keys.clear()
    [progress] = await desk.run(await desk.begin())
    assert (progress.finished, progress.run.sent) == (True, 0)
