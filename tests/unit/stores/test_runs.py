"""Runs: one owner moves them, and a key counts once whatever is delivered twice."""

from hypothesis import given
from hypothesis import strategies as st

from sync.errors import RetryLater
from sync.message import Message
from sync.stores.ledger import Result
from sync.stores.runs import Run, Runs, State, Tally
from tests.fakes import FakeTable
from tests.unit.conftest import FLOW, LANE, Rig, last_life


async def started(runs: Runs) -> Run:
    return await runs.start("backfill", "TWO", FLOW, fields=("fax",), who="anna", total=3)


async def counts(runs: Runs, run: str) -> dict[str, int]:
    return (await runs.count(run, Tally())).counts


def backfill(*keys: str) -> Message:
    return Message.new(FLOW, "TWO", keys, "backfill", run="run")


async def test_a_run_is_read_back_as_it_was_stored() -> None:
    runs = Runs(FakeTable())
    run = await started(runs)
    moved = await runs.move(run, place="B", sent=2)
    assert moved
    assert await runs.get(run.id) == moved
    assert await runs.list() == [moved]
    assert moved.fields == ("fax",)


async def test_of_two_that_move_a_run_one_is_told_that_it_lost() -> None:
    runs = Runs(FakeTable())
    run = await started(runs)
    assert await runs.move(run, place="B", sent=2)
    assert await runs.move(run, place="A", sent=1) is None
    assert (await runs.list())[0].sent == 2


async def test_a_finished_run_keeps_its_counts() -> None:
    runs = Runs(FakeTable())
    run = await runs.finish(await started(runs), State.DONE, {"created": 3})
    assert run
    assert (await runs.get(run.id)) == run
    assert (run.state, run.counts) == (State.DONE, {"created": 3})
    assert run.ended


async def test_what_is_noted_twice_counts_once() -> None:
    runs = Runs(FakeTable())
    for _ in range(2):
        await runs.note("run", "message", {"A": Result.CREATED, "B": Result.SKIPPED})
    await runs.note("run", "sent twice", {"A": Result.SKIPPED})
    await runs.note("another run", "message", {"C": Result.CREATED})
    assert await counts(runs, "run") == {"created": 1, "skipped": 1}


@given(st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from(list(Result)))), st.randoms())
def test_the_order_in_which_outcomes_are_read_does_not_matter(noted: list[tuple[str, Result]], random: object) -> None:
    one, other = Tally(), Tally()
    for key, result in noted:
        one.add({key: result})
    random.shuffle(noted)  # type: ignore[attr-defined]
    for key, result in [*noted, *noted]:
        other.add({key: result})
    assert one.counts == other.counts


async def test_every_key_of_a_runs_message_is_noted_in_one_call(rig: Rig) -> None:
    for key in ("A1", "B1"):
        rig.gp.type_customer("TWO", key, CUSTNAME="Ann")
    rig.gp.type_customer("TWO", "C1", CUSTNAME="Ann", PYMTRMID="no such term")
    await rig.send(message=backfill("A1", "B1", "C1", "NOBODY"))
    assert await counts(rig.runs, "run") == {"created": 2, "parked": 1, "skipped": 1}
    assert len(rig.runs_table.entities) == 1


async def test_a_message_without_a_run_notes_nothing(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Ann")
    await rig.send("A1")
    assert rig.runs_table.entities == {}


async def test_a_key_that_waits_counts_when_it_ends(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Ann")
    rig.gp.error = RetryLater("GP is down.", code="system_unreachable")
    await rig.send(message=backfill("A1"))
    assert await counts(rig.runs, "run") == {}
    rig.gp.error = None
    [(_, again, _)] = rig.lanes.sent
    await rig.send(message=again)
    assert await counts(rig.runs, "run") == {"created": 1}


async def test_a_split_or_redelivered_message_counts_each_key_once(rig: Rig) -> None:
    for key in ("A1", "B1"):
        rig.gp.type_customer("TWO", key, CUSTNAME="Ann")
    message = backfill("A1", "B1")
    await rig.send(message=message)
    await rig.send(message=message, delivery=3)
    for _, part, _ in list(rig.lanes.sent):
        assert part.run == "run"
        await rig.send(message=part, delivery=2)
    assert await counts(rig.runs, "run") == {"created": 2}


async def test_a_record_that_kills_its_worker_counts_as_parked(rig: Rig) -> None:
    await rig.deliveries.drain(last_life(backfill("A1")).to_json(), LANE)
    assert await counts(rig.runs, "run") == {"parked": 1}
