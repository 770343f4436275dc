"""Intake: a cursor moves only after its events are on a lane; many keys share a message; loads go to the bulk lane."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from sync.errors import RetryLater
from sync.guard import Guard
from sync.intake import Intake
from sync.mapping import Mapping
from sync.passes import Passes
from sync.pauses import Pauses
from sync.rounds import Rounds
from sync.sender import INTERACTIVE, Sender
from sync.stores.crosswalk import Crosswalk
from sync.stores.cursors import Cursors
from sync.stores.identities import Identities
from sync.stores.modes import WHOLE, Mode, Modes
from sync.sweep import Sweep
from sync.system import Change, Identity
from sync.walks import GpWalk
from tests.fakes import START, FakeBraking, FakeLanes, FakeSource, FakeTable, customer_flows

HOME = Identity("gp", {"server": "SQL01", "database": "TWO"}, 12)


@dataclass
class FakePoll:
    changes: dict[str, list[Change]] = field(default_factory=dict)
    cursor: dict[str, Any] = field(default_factory=dict)
    full_reread: set[str] = field(default_factory=set)
    more: bool = False
    identity: Identity = HOME
    server_time: datetime = START


@dataclass
class FakeFeeds:
    poll_result: FakePoll

    async def poll(self, company: str, mappings: list[Mapping], cursor: dict[str, Any]) -> FakePoll:
        return self.poll_result


def guard(modes: Modes | None = None) -> Guard:
    return Guard(modes or Modes(FakeTable()), Identities(FakeTable()), {}, ["TWO", "THREE"])


def changes(count: int) -> dict[str, list[Change]]:
    return {"customer": [Change("customer", f"C{n:05}", "timestamp") for n in range(count)]}


def intake(
    mapping: Mapping,
    feeds: FakeFeeds,
    lanes: FakeLanes,
    table: FakeTable,
    modes: Modes | None = None,
    source: FakeSource | None = None,
    depth: int = 2000,
    braking: FakeBraking | None = None,
) -> Intake:
    flows, mappings, modes = customer_flows(), {"customer": mapping}, modes or Modes(FakeTable())
    cursors, sender = Cursors(table), Sender(lanes, depth)  # type: ignore[arg-type]
    crosswalk = Crosswalk(FakeTable())  # type: ignore[arg-type]
    passes = Passes(GpWalk(source or FakeSource(mapping), crosswalk), crosswalk, 1.0)
    brake = braking or FakeBraking()
    sweep = Sweep(flows, mappings, passes, cursors, sender, modes, timedelta(hours=24), brake)  # type: ignore[arg-type]
    return Intake(flows, mappings, feeds, cursors, sender, guard(modes), brake, sweep, Rounds(Pauses()))  # type: ignore[arg-type]


async def test_changed_keys_go_to_the_lane_many_to_a_message(mapping: Mapping) -> None:
    lanes, table = FakeLanes(), FakeTable()
    polled = await intake(mapping, FakeFeeds(FakePoll(changes(250), {"v": 1})), lanes, table).poll("TWO")
    assert [(lane, len(message.keys)) for lane, message, _ in lanes.sent] == [
        ("to-dataverse", 100),
        ("to-dataverse", 100),
        ("to-dataverse", 50),
    ]
    assert (polled.keys, polled.moved) == ({"customer_gp_to_dataverse": 250}, True)
    assert (await Cursors(table).read("TWO", "gp")).place == {"v": 1}


async def test_a_load_goes_to_the_bulk_lane(mapping: Mapping) -> None:
    lanes = FakeLanes()
    feeds = FakeFeeds(FakePoll(changes(INTERACTIVE + 1)))
    await intake(mapping, feeds, lanes, FakeTable()).poll("TWO")
    assert {lane for lane, _, _ in lanes.sent} == {"to-dataverse-bulk"}


async def test_the_cursor_stays_when_a_lane_does_not_take_the_message(mapping: Mapping) -> None:
    class Broken(FakeLanes):
        async def send(self, *_: Any) -> None:
            raise RetryLater("no storage", code="system_unreachable")

    table = FakeTable()
    with pytest.raises(RetryLater):
        await intake(mapping, FakeFeeds(FakePoll(changes(1), {"v": 1})), Broken(), table).poll("TWO")
    assert (await Cursors(table).read("TWO", "gp")).place == {}


async def test_two_pollers_do_not_move_one_cursor_twice(mapping: Mapping) -> None:
    table = FakeTable()
    cursors = Cursors(table)
    mine = await cursors.read("TWO", "gp")
    assert await cursors.move(await cursors.read("TWO", "gp"), {"v": 1})
    assert not await cursors.move(mine, {"v": 2})
    assert (await cursors.read("TWO", "gp")).place == {"v": 1}


async def test_a_cleaned_history_has_every_record_looked_at_again(mapping: Mapping) -> None:
    lanes = FakeLanes()
    keys = [f"C{n:05}" for n in range(1201)]
    source = FakeSource(mapping)
    for key in keys:
        source.type_customer("TWO", key)
    feeds = FakeFeeds(FakePoll({}, {"v": 9}, {"customer"}))
    polled = await intake(mapping, feeds, lanes, FakeTable(), source=source).poll("TWO")
    assert [key for _, message, _ in lanes.sent for key in message.keys] == keys
    assert {lane for lane, _, _ in lanes.sent} == {"to-dataverse-bulk"}
    assert polled.reread == ["customer_gp_to_dataverse"]


@pytest.mark.parametrize("error", [RetryLater("down", code="system_unreachable"), TypeError("a surprise")])
async def test_a_company_that_fails_stops_no_other(mapping: Mapping, error: Exception) -> None:
    class OneDown(FakeFeeds):
        async def poll(self, company: str, mappings: list[Mapping], cursor: dict[str, Any]) -> FakePoll:
            if company == "TWO":
                raise error
            return self.poll_result

    lanes = FakeLanes()
    done = await intake(mapping, OneDown(FakePoll(changes(1))), lanes, FakeTable()).poll_all(["TWO", "THREE"])
    assert [polled.company for polled in done] == ["THREE"]
    assert [message.company for _, message, _ in lanes.sent] == ["THREE"]


async def test_a_bulk_change_is_read_to_its_end(mapping: Mapping) -> None:
    class Paged(FakeFeeds):
        async def poll(self, company: str, mappings: list[Mapping], cursor: dict[str, Any]) -> FakePoll:
            page = cursor.get("page", 0) + 1
            keys = [Change("customer", f"P{page}-{n}", "timestamp") for n in range(3)]
            return FakePoll({"customer": keys}, {"page": page}, more=page < 4)

    lanes, table = FakeLanes(), FakeTable()
    polled = await intake(mapping, Paged(FakePoll()), lanes, table).poll("TWO")
    assert polled.keys == {"customer_gp_to_dataverse": 12}
    assert (await Cursors(table).read("TWO", "gp")).place == {"page": 4}


async def test_a_paused_company_is_not_polled_and_keeps_its_place(mapping: Mapping) -> None:
    lanes, table, modes = FakeLanes(), FakeTable(), Modes(FakeTable())
    await modes.set("TWO", WHOLE, Mode.PAUSED, "person", "month end")
    taker = intake(mapping, FakeFeeds(FakePoll(changes(1), {"v": 1})), lanes, table, modes)
    assert [polled.company for polled in await taker.poll_all(["TWO", "THREE"])] == ["THREE"]
    assert [message.company for _, message, _ in lanes.sent] == ["THREE"]
    assert (await Cursors(table).read("TWO", "gp")).place == {}


@pytest.mark.parametrize("other", [replace(HOME, version=9, seen=12), replace(HOME, facts={"server": "SQL02"})])
async def test_another_environment_pauses_the_company_before_a_key_is_sent_or_the_cursor_moved(
    mapping: Mapping, other: Identity
) -> None:
    lanes, table, modes = FakeLanes(), FakeTable(), Modes(FakeTable())
    feeds = FakeFeeds(FakePoll({}, {"v": 1}))
    taker = intake(mapping, feeds, lanes, table, modes)
    await taker.poll("TWO")
    feeds.poll_result = FakePoll(changes(1), {"v": 2}, {"customer"}, identity=other)
    with pytest.raises(RetryLater, match="resume --company TWO --after-restore") as raised:
        await taker.poll("TWO")
    assert raised.value.code == "identity_changed"
    assert lanes.sent == []
    assert (await Cursors(table).read("TWO", "gp")).place == {"v": 1}
    [standing] = await modes.list()
    assert (standing.company, standing.flow, standing.mode, standing.cause) == ("TWO", WHOLE, Mode.PAUSED, "identity")


async def test_the_brake_is_told_how_many_deletes_come_before_they_are_sent(mapping: Mapping) -> None:
    gone = [Change("gp.customer", f"C{n}", "change_tracking", deleted=True) for n in range(30)]
    kept = [Change("gp.customer", f"D{n}", "change_tracking") for n in range(5)]
    lanes, braking = FakeLanes(), FakeBraking()
    await intake(mapping, FakeFeeds(FakePoll({"customer": [*gone, *kept]})), lanes, FakeTable(), braking=braking).poll(
        "TWO"
    )
    assert braking.foreseen == [("customer_gp_to_dataverse", "TWO", 30)]
    assert sum(len(message.keys) for _, message, _ in lanes.sent) == 35


@pytest.mark.parametrize("lane", ["to-dataverse", "to-dataverse-bulk"])
async def test_nothing_is_read_while_a_lane_is_full_and_the_place_is_kept(mapping: Mapping, lane: str) -> None:
    lanes, table = FakeLanes(), FakeTable()
    taker = intake(mapping, FakeFeeds(FakePoll(changes(1), {"v": 1})), lanes, table, depth=10)
    lanes.depth[lane] = 10
    assert (await taker.poll("TWO")).full
    assert (lanes.sent, (await Cursors(table).read("TWO", "gp")).place) == ([], {})
    lanes.depth[lane] = 9
    assert not (await taker.poll("TWO")).full
    assert len(lanes.sent) == 1


async def test_a_long_change_stops_between_pages_when_the_lane_fills(mapping: Mapping) -> None:
    class Endless(FakeFeeds):
        async def poll(self, company: str, mappings: list[Mapping], cursor: dict[str, Any]) -> FakePoll:
            page = cursor.get("page", 0) + 1
            lanes.depth["to-dataverse"] += 1
            return FakePoll({"customer": [Change("customer", f"P{page}", "timestamp")]}, {"page": page}, more=True)

    lanes, table = FakeLanes(), FakeTable()
    assert (await intake(mapping, Endless(FakePoll()), lanes, table, depth=3).poll("TWO")).full
    assert (await Cursors(table).read("TWO", "gp")).place == {"page": 3}


async def test_the_first_look_notes_since_when_a_company_is_watched(mapping: Mapping) -> None:
    table = FakeTable()
    taker = intake(mapping, FakeFeeds(FakePoll({}, {"v": 1})), FakeLanes(), table)
    await taker.poll("TWO")
    assert (await Cursors(table).read("TWO", "sweep.customer")).place["since"] == START.isoformat()


async def test_an_idle_poll_writes_no_row(mapping: Mapping) -> None:
    table = FakeTable()
    taker = intake(mapping, FakeFeeds(FakePoll({}, {"v": 1})), FakeLanes(), table)
    await taker.poll("TWO")
    before = dict(table.entities)
    await taker.poll("TWO")
    assert {key: row.metadata for key, row in table.entities.items()} == {k: row.metadata for k, row in before.items()}
