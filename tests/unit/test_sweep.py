"""The sweep finds what no feed told, sends nothing that agrees or waits for a person, and keeps its place."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sync.errors import RetryLater
from sync.flow import Flow
from sync.mapping import Mapping
from sync.mapping_model import OnDelete
from sync.message import Message
from sync.passes import PAGE, Passes, Place
from sync.sender import Sender
from sync.stores.cursors import Cursors
from sync.stores.modes import Mode
from sync.sweep import AT_ONCE, STRETCH, Sweep
from sync.walks import GpWalk
from tests.fakes import FakeBraking, FakeTable, later
from tests.unit.conftest import FLOW, Rig, last_life

BULK = "to-dataverse-bulk"


class Desk:
    """A sweep over the customers of TWO, and workers for what it sends."""

    def __init__(self, rig: Rig, depth: int = 2000) -> None:
        self.rig = rig
        self.flow: Flow = rig.flows[FLOW]
        self.cursor_table = FakeTable()
        self.cursors = Cursors(self.cursor_table)
        self.braking = FakeBraking()
        self.now = datetime.now(UTC)
        rig.crosswalk_table.now = self.now
        sender = Sender(rig.lanes, depth)  # type: ignore[arg-type]
        passes = Passes(GpWalk(rig.gp, rig.crosswalk), rig.crosswalk, 1.0)
        self.sweep = Sweep(
            rig.flows, {"customer": rig.mapping}, passes, self.cursors, sender, rig.modes, timedelta(hours=24),
            self.braking,  # type: ignore[arg-type]
        )  # fmt: skip

    async def found(self) -> list[str]:
        """What a whole pass sends."""
        self.rig.lanes.sent.clear()
        await self.sweep.whole("TWO")
        return self.sent()

    def sent(self) -> list[str]:
        return sorted(key for _, message, _ in self.rig.lanes.sent for key in message.keys)

    async def work(self) -> None:
        await self.rig.rest()

    async def agreeing(self, *keys: str, **values: Any) -> None:
        """Customers that both sides hold alike."""
        for key in keys:
            self.rig.gp.type_customer("TWO", key, **({"CUSTNAME": f"Customer {key}"} | values))
        await self.rig.send(*keys)

    def retype(self, key: str, age: timedelta = timedelta(), **values: Any) -> None:
        """A change in GP that no feed tells; `age`: how long ago GP stamped it."""
        record = self.rig.gp.records["TWO", key]
        stamp = (self.now - age).replace(tzinfo=None).isoformat(timespec="milliseconds")
        self.rig.gp.records["TWO", key] = replace(record, values=record.values | values, version=stamp)

    def delete(self, *keys: str) -> None:
        for key in keys:
            del self.rig.gp.records["TWO", key]

    async def place(self) -> Place:
        return Place(**(await self.cursors.read("TWO", "sweep.customer")).place)


@pytest.fixture
def desk(rig: Rig) -> Desk:
    return Desk(rig)


def on_delete(rig: Rig, policy: str) -> Rig:
    rules = rig.mapping.rules.model_copy(update={"on_delete": OnDelete(gp=policy)})
    mapping = replace(rig.mapping, rules=rules)
    rig.deliveries._pipeline._mappings = {"customer": mapping}
    return replace(rig, mapping=mapping)


async def test_what_agrees_makes_no_traffic(desk: Desk) -> None:
    await desk.agreeing("A", "B", "C", PYMTRMID="Net 30", CRLMTTYP=2, HOLD=1)
    await desk.agreeing("D", INACTIVE=1)
    assert await desk.found() == []


async def test_a_change_that_no_feed_told_is_found_once(desk: Desk) -> None:
    await desk.agreeing("A", "B")
    desk.retype("B", CUSTNAME="New name")
    assert await desk.found() == ["B"]
    assert {(lane, message.reason) for lane, message, _ in desk.rig.lanes.sent} == {(BULK, "sweep")}
    await desk.work()
    assert [row.values["name"] for row in desk.rig.dataverse.rows.values()] == ["Customer A", "New name"]
    assert await desk.found() == []


@pytest.mark.parametrize("phone", ["42525501010000", "x" * 30])
async def test_a_field_that_never_agreed_waits_for_a_backfill(desk: Desk, phone: str) -> None:
    await desk.agreeing("A")
    couple = await desk.rig.couple("A")
    base = {name: agreed for name, agreed in couple.base.items() if name != "telephone3"}
    await desk.rig.crosswalk.save([(couple, replace(couple, base=base))])
    desk.retype("A", PHONE3=phone)
    assert await desk.found() == []


async def test_a_key_that_gp_gave_to_another_record_is_found(desk: Desk) -> None:
    await desk.agreeing("A")
    desk.rig.gp.records["TWO", "A"] = replace(desk.rig.gp.records["TWO", "A"], identity="77")
    assert await desk.found() == ["A"]


@pytest.mark.parametrize("policy", ["park", "deactivate"])
async def test_a_delete_that_no_feed_told_is_found_once(rig: Rig, policy: str) -> None:
    desk = Desk(on_delete(rig, policy))
    await desk.agreeing("A", "B")
    desk.delete("B")
    assert await desk.found() == ["B"]
    await desk.work()
    assert await desk.found() == []


async def test_a_delete_that_policy_ignores_is_not_sent(rig: Rig) -> None:
    desk = Desk(on_delete(rig, "ignore"))
    await desk.agreeing("A")
    desk.delete("A")
    assert await desk.found() == []


@pytest.mark.parametrize("inactive", [True, False], ids=["inactive", "deleted"])
async def test_a_record_gone_on_both_sides_is_sent_once(rig: Rig, inactive: bool) -> None:
    desk = Desk(on_delete(rig, "deactivate"))
    await desk.agreeing("A")
    [id_] = rig.dataverse.rows
    if inactive:
        rig.dataverse.edit(id_, statecode=1)
    else:
        del rig.dataverse.rows[id_]
    desk.delete("A")
    assert await desk.found() == ["A"]
    await desk.work()
    assert await desk.found() == []


async def test_a_record_that_comes_back_after_its_delete_is_found(rig: Rig) -> None:
    desk = Desk(on_delete(rig, "deactivate"))
    await desk.agreeing("A")
    record = rig.gp.records["TWO", "A"]
    desk.delete("A")
    await desk.found()
    await desk.work()
    rig.gp.records["TWO", "A"] = record
    assert await desk.found() == ["A"]
    await desk.work()
    assert [row.values["statecode"] for row in rig.dataverse.rows.values()] == [0]


async def test_a_parked_record_waits_for_a_person(desk: Desk) -> None:
    await desk.agreeing("A")
    desk.retype("A", PYMTRMID="Net 99")
    assert await desk.found() == ["A"]
    await desk.work()
    assert [entry.code for entry in await desk.rig.parked()] == ["lookup_missing"]
    assert await desk.found() == []


async def test_what_a_person_let_go_is_left_alone_until_it_changes(desk: Desk) -> None:
    await desk.agreeing("A", "B")
    desk.delete("B")
    for key, cause in (("A", "lookup_missing"), ("B", "deleted_in_source")):
        couple = await desk.rig.couple(key)
        await desk.rig.crosswalk.save([(couple, replace(couple, discarded=cause))])
    desk.retype("A", timedelta(hours=1), PYMTRMID="Net 99")
    assert await desk.found() == []
    desk.retype("A", -timedelta(hours=1))
    assert await desk.found() == ["A"]


async def test_a_record_worked_again_is_let_go_no_more(desk: Desk) -> None:
    await desk.agreeing("A")
    couple = await desk.rig.couple("A")
    await desk.rig.crosswalk.save([(couple, replace(couple, discarded="deleted_in_source"))])
    await desk.rig.send("A")
    desk.delete("A")
    assert await desk.found() == ["A"]


async def test_a_pass_tells_the_brake_how_many_records_are_left(desk: Desk) -> None:
    await desk.agreeing("A", "B", "C")
    desk.delete("B", "C")
    await desk.found()
    assert desk.braking.foreseen == [(FLOW, "TWO", 1)]


class TestUnknown:
    async def test_what_was_there_before_the_first_look_waits_for_a_backfill(self, desk: Desk) -> None:
        await desk.sweep.watch("TWO", desk.now)
        desk.rig.gp.type_customer("TWO", "OLD", CUSTNAME="Old")
        desk.retype("OLD", timedelta(hours=1))
        desk.rig.gp.type_customer("TWO", "LATE", CUSTNAME="Late")
        desk.retype("LATE", -timedelta(seconds=1))
        assert await desk.found() == ["LATE"]

    async def test_after_a_backfill_every_unknown_record_is_found(self, desk: Desk) -> None:
        await desk.sweep.watch("TWO", desk.now)
        await desk.cursors.mark_loaded("TWO", "customer")
        desk.rig.gp.type_customer("TWO", "OLD", CUSTNAME="Old")
        desk.retype("OLD", timedelta(hours=1))
        assert await desk.found() == ["OLD"]
        await desk.work()
        assert await desk.found() == []

    async def test_the_first_look_is_noted_once(self, desk: Desk) -> None:
        await desk.sweep.watch("TWO", desk.now)
        await desk.sweep.watch("TWO", desk.now + timedelta(hours=1))
        assert (await desk.place()).since == desk.now.isoformat()


class TestLeftBehind:
    @pytest.fixture
    async def interrupted(self, desk: Desk) -> Desk:
        """A write whose worker died and whose message is gone."""
        desk.rig.gp.type_customer("TWO", "A", CUSTNAME="A")
        desk.rig.dataverse.cut_after = 1
        with pytest.raises(RetryLater):
            await desk.rig.dataverse.write("TWO", desk.rig.mapping, [])
        desk.rig.dataverse.cut_after = 1
        await desk.rig.send("A")
        assert (await desk.rig.couple("A")).intent
        return desk

    async def test_an_intent_keeps_its_message_for_half_an_hour(self, interrupted: Desk) -> None:
        later(interrupted.rig.crosswalk_table, timedelta(minutes=29))
        assert await interrupted.found() == []

    async def test_an_older_intent_is_sent_and_settled(self, interrupted: Desk) -> None:
        later(interrupted.rig.crosswalk_table, timedelta(minutes=31))
        assert await interrupted.found() == ["A"]
        await interrupted.work()
        assert not (await interrupted.rig.couple("A")).intent
        assert len(interrupted.rig.dataverse.rows) == 1

    async def test_that_of_a_record_parked_because_it_kills_its_worker_waits_for_a_person(
        self, interrupted: Desk
    ) -> None:
        killed = last_life(Message.new(FLOW, "TWO", ["A"], "timestamp"))
        await interrupted.rig.send(message=killed, delivery=2)
        assert (await interrupted.rig.couple("A")).parked == "worker_killed"
        later(interrupted.rig.crosswalk_table, timedelta(hours=24))
        assert await interrupted.found() == []


class TestEverything:
    async def test_a_reread_sends_both_sides_once_then_the_sweep_goes_on(self, desk: Desk) -> None:
        await desk.agreeing("A", "B", "C")
        desk.delete("C")
        await desk.sweep.restart(desk.flow, "TWO", "reread")
        desk.rig.lanes.sent.clear()
        swept = await desk.sweep.advance(desk.flow, "TWO")
        assert (desk.sent(), swept.keys, swept.ended) == (["A", "B", "C"], 3, True)
        assert {message.reason for _, message, _ in desk.rig.lanes.sent} == {"reread"}
        assert (await desk.place()).reason == "sweep"

    async def test_it_stops_at_full_lanes_and_goes_on_with_the_next_tick(self, rig: Rig) -> None:
        desk = Desk(rig, depth=10)
        await fill(desk, 3 * PAGE)
        rig.lanes.depth[BULK] = 3
        await desk.sweep.restart(desk.flow, "TWO", "restored")
        swept = await desk.sweep.advance(desk.flow, "TWO")
        assert (swept.full, len(desk.sent())) == (True, PAGE)
        rig.lanes.depth[BULK] = 0
        await desk.sweep.tick("TWO")
        assert desk.sent() == sorted({key for _, key in rig.gp.records})

    async def test_a_crash_in_the_middle_sends_again_and_leaves_nothing_out(self, desk: Desk) -> None:
        await fill(desk, (STRETCH + 2) * PAGE)
        await desk.sweep.restart(desk.flow, "TWO", "reread")
        read, calls = desk.rig.gp.keys, iter(range(STRETCH + 2))

        async def failing(company: str, mapping: Mapping, after: str, limit: int) -> Sequence[str]:
            if next(calls) == STRETCH + 1:
                raise RetryLater("cut", code="system_unreachable")
            return await read(company, mapping, after, limit)

        desk.rig.gp.keys = failing  # type: ignore[method-assign,assignment]
        with pytest.raises(RetryLater):
            await desk.sweep.advance(desk.flow, "TWO")
        assert (await desk.place()).pages == STRETCH
        desk.rig.gp.keys = read  # type: ignore[method-assign]
        await desk.sweep.advance(desk.flow, "TWO")
        assert set(desk.sent()) == {key for _, key in desk.rig.gp.records}


class TestPace:
    async def test_a_pass_is_spread_over_the_day(self) -> None:
        began = datetime.now(UTC)
        place = Place(began.isoformat(), began=began.isoformat(), pages=10, expected=1000)
        day = timedelta(hours=24)
        assert place.due(day, began) == 1
        assert place.due(day, began + day / 2) == 490
        assert place.due(day, began + day * 2) == 1990

    async def test_a_tick_takes_one_page_and_keeps_the_place(self, desk: Desk) -> None:
        await fill(desk, PAGE + 1)
        sides = []
        for _ in range(4):
            await desk.sweep.tick("TWO")
            place = await desk.place()
            sides.append((place.side, place.pages))
        assert sides == [("source", 1), ("crosswalk", 2), ("source", 0), ("source", 1)]

    async def test_after_missed_ticks_one_makes_up_for_some(self, desk: Desk) -> None:
        began = (desk.now - timedelta(days=2)).isoformat()
        place = Place(began, began=began, expected=10_000)
        await desk.cursors.move(await desk.cursors.read("TWO", "sweep.customer"), vars(place))
        await fill(desk, (AT_ONCE + 1) * PAGE)
        [swept] = await desk.sweep.tick("TWO")
        assert swept.pages == AT_ONCE

    @pytest.mark.parametrize(("mode", "swept"), [(Mode.PAUSED, 0), (Mode.OBSERVE, 0), (Mode.ON, 1)])
    async def test_only_a_flow_that_is_on_is_swept(self, desk: Desk, mode: Mode, swept: int) -> None:
        await desk.rig.modes.set("TWO", FLOW, mode, "person", "month end")
        assert len(await desk.sweep.tick("TWO")) == swept

    async def test_two_instances_do_not_move_one_place_twice(self, desk: Desk) -> None:
        await fill(desk, PAGE + 1)
        page = desk.sweep._passes.page

        async def overtaken(*args: Any, **kwargs: Any) -> Any:
            desk.sweep._passes.page = page  # type: ignore[method-assign]
            await desk.sweep.advance(desk.flow, "TWO", 1)
            return await page(*args, **kwargs)

        desk.sweep._passes.page = overtaken  # type: ignore[method-assign]
        await desk.sweep.advance(desk.flow, "TWO", 1)
        assert (await desk.place()).pages == 1


async def fill(desk: Desk, count: int) -> None:
    for key in numbered(count):
        desk.rig.gp.type_customer("TWO", key)


def numbered(count: int) -> Iterator[str]:
    return (f"C{number:06}" for number in range(count))
