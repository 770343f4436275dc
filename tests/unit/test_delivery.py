"""What a lane delivered is worked, split, parked or sent again, and never lost."""

from typing import Any

import pytest

from sync.delivery import DEATHS, SURPRISES
from sync.errors import BadSettings, Rejected, RetryLater
from sync.gate import caller
from sync.message import Message
from sync.stores.ledger import Result
from sync.stores.runs import Tally
from tests.unit.conftest import FLOW, LANE, Rig, last_life


@pytest.mark.parametrize(
    "error",
    [
        RetryLater("no answer", code="system_unreachable"),
        RetryLater("slow down", code="throttled", retry_after=600),
        BadSettings("no right", code="right_missing"),
    ],
)
async def test_what_is_not_the_records_fault_comes_again_and_parks_nothing(rig: Rig, error: RetryLater) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    rig.gp.error = error
    message = await rig.send("A1")
    [(_, again, delay)] = rig.lanes.sent
    assert (again.message_id, again.keys, again.delays) == (message.message_id, ("A1",), 1)
    assert delay >= (error.retry_after or 0)
    assert await rig.parked() == []


async def test_a_second_delivery_is_cut_in_eighths_and_a_third_made_single(rig: Rig) -> None:
    keys = [f"K{n}" for n in range(20)]
    await rig.send(*keys, delivery=2)
    assert [len(message.keys) for _, message, _ in rig.lanes.sent] == [3] * 6 + [2]
    rig.lanes.sent.clear()
    await rig.send(*keys, delivery=3)
    assert [message.keys for _, message, _ in rig.lanes.sent] == [(key,) for key in keys]


async def test_records_that_went_down_together_come_again_at_times_of_their_own(rig: Rig) -> None:
    for number in range(8):
        await rig.send(f"K{number}", delivery=2)
    pauses = sorted(pause for _, _, pause in rig.lanes.sent)
    assert 0 <= pauses[0] < pauses[-1] <= 15 * 60
    assert len(set(pauses)) == 8


async def test_a_message_split_after_it_was_worked_leaves_its_outcomes_as_they_are(rig: Rig) -> None:
    for key in ("A1", "B1"):
        rig.gp.type_customer("TWO", key, CUSTNAME=key)
    message = await rig.send("A1", "B1")
    await rig.send(message=message, delivery=2)
    for _, part, _ in rig.lanes.sent:
        await rig.send(message=part)
    for key in ("A1", "B1"):
        assert [line.result for line in await rig.history(key)] == [Result.CREATED]


async def test_a_run_counts_what_its_message_wrote_before_the_worker_died(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    run = await rig.runs.start("backfill", "TWO", FLOW, who="ada", total=1)
    message = Message.new(FLOW, "TWO", ["A1"], "backfill", run=run.id)
    await rig.send(message=message.model_copy(update={"run": ""}))  # died before the run was told
    await rig.send(message=message.again(["A1"]))
    assert (await rig.runs.count(run.id, Tally())).counts == {Result.CREATED: 1}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("not json", "message_unreadable"),
        ('{"version": 7}', "message_version"),
        (Message.new("no_such_flow", "TWO", ["A1"], "timestamp").to_json(), "unknown_flow"),
        (Message.new(FLOW, "FOUR", ["A1"], "timestamp").to_json(), "unknown_flow"),
    ],
)
async def test_a_message_that_cannot_be_worked_is_kept_whole(rig: Rig, body: str, code: str) -> None:
    await rig.deliveries.receive(body, 1, LANE)
    [entry] = await rig.parked()
    assert (entry.code, entry.body) == (code, body)


async def test_poison_of_many_is_split_and_of_one_goes_once_more(rig: Rig) -> None:
    await rig.deliveries.drain(Message.new(FLOW, "TWO", ["A1", "B1"], "timestamp").to_json(), LANE)
    assert [message.keys for _, message, _ in rig.lanes.sent] == [("A1",), ("B1",)]
    await rig.deliveries.drain(rig.lanes.sent[0][1].to_json(), LANE)
    assert [(message.keys, message.deaths) for _, message, _ in rig.lanes.sent[2:]] == [(("A1",), 1)]
    assert await rig.parked() == []


async def test_a_record_that_kills_its_worker_again_and_again_is_parked_and_told(rig: Rig) -> None:
    message = Message.new(FLOW, "TWO", ["A1"], "timestamp")
    for deaths in range(1, DEATHS):
        await rig.send(message=message, delivery=2)
        message = rig.lanes.sent[-1][1]
        assert (message.deaths, await rig.parked()) == (deaths, [])
    await rig.send(message=message, delivery=2)
    [entry] = await rig.parked()
    assert (entry.key, entry.code) == ("A1", "worker_killed")
    assert [line.code for line in await rig.history("A1")] == ["worker_killed"]


async def test_a_message_that_waited_for_a_system_has_not_died(rig: Rig) -> None:
    rig.gp.error = RetryLater("no answer", code="system_unreachable")
    await rig.send(message=last_life(Message.new(FLOW, "TWO", ["A1"], "timestamp")))
    assert [message.deaths for _, message, _ in rig.lanes.sent] == [0]


async def test_a_queue_that_takes_nothing_is_no_fault_of_the_record(rig: Rig) -> None:
    async def down(*_: object) -> None:
        raise RetryLater("no queue", code="system_unreachable")

    rig.gp.error = RetryLater("no answer", code="system_unreachable")
    rig.lanes.send = down  # type: ignore[method-assign, assignment]
    with pytest.raises(RetryLater):
        await rig.send(message=last_life(Message.new(FLOW, "TWO", ["A1"], "timestamp")))
    assert await rig.parked() == []


async def test_a_refusal_of_many_finds_the_one_it_is_about(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    rig.gp.error = Rejected("GP can't read it", code="source_unreadable")
    await rig.send("A1", "B1")
    assert [message.keys for _, message, _ in rig.lanes.sent] == [("A1",), ("B1",)]
    await rig.send(message=rig.lanes.sent[1][1])
    assert [(entry.key, entry.code) for entry in await rig.parked()] == [("B1", "source_unreadable")]


async def test_an_error_nobody_thought_of_is_delivered_again_and_then_parked_without_its_text(rig: Rig) -> None:
    rig.gp.error = ZeroDivisionError("account 4711")  # type: ignore[assignment]
    message = Message.new(FLOW, "TWO", ["A1"], "timestamp")
    for _ in range(SURPRISES - 1):
        with pytest.raises(ZeroDivisionError):
            await rig.send(message=message)
        await rig.send(message=message, delivery=2)
        message = rig.lanes.sent[-1][1]
    await rig.send(message=message)
    [entry] = await rig.parked()
    assert entry.code == "unexpected"
    assert "ZeroDivisionError" in entry.message
    assert "4711" not in str(entry)


async def test_tables_that_do_not_answer_send_the_message_again(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")

    async def down(*_: object) -> None:
        raise RetryLater("no tables", code="system_unreachable")

    rig.ledger_table.transact = down  # type: ignore[method-assign]
    message = await rig.send("A1")
    [(_, again, _)] = rig.lanes.sent
    assert (again.message_id, again.keys) == (message.message_id, ("A1",))


async def test_poison_that_cannot_be_parked_now_is_kept(rig: Rig) -> None:
    async def down(*_: object) -> None:
        raise RetryLater("no tables", code="system_unreachable")

    rig.crosswalk_table.rows = down  # type: ignore[method-assign, assignment]
    body = last_life(Message.new(FLOW, "TWO", ["A1"], "timestamp")).to_json()
    await rig.deliveries.drain(body, LANE)
    assert rig.lanes.kept == [(f"{LANE}-poison", body)]


@pytest.mark.parametrize(("lane", "bulk"), [(LANE, False), (f"{LANE}-bulk", True)])
async def test_calls_for_a_bulk_lane_are_of_the_bulk_kind(rig: Rig, lane: str, bulk: bool) -> None:
    seen = []
    read = rig.gp.read

    async def noting(*args: Any) -> Any:
        seen.append(caller.get().bulk)
        return await read(*args)

    rig.gp.read = noting  # type: ignore[method-assign]
    await rig.deliveries.receive(Message.new(FLOW, "TWO", ["A1"], "timestamp").to_json(), 1, lane)
    assert set(seen) == {bulk}


async def test_a_closed_gate_is_tried_again_soon_however_often_it_was(rig: Rig) -> None:
    rig.gp.error = RetryLater("all taken", code="gate_closed")
    await rig.send(message=Message.new(FLOW, "TWO", ["A1"], "timestamp").model_copy(update={"delays": 50}))
    [(_, _, delay)] = rig.lanes.sent
    assert delay <= 60
