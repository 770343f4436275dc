"""The stores on real Azurite behind the gate that refuses what Azure refuses."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from azure.data.tables.aio import TableServiceClient
from azure.storage.queue.aio import QueueServiceClient

from sandbox.up import Sandbox
from sync.message import Message
from sync.stores.couple import Agreed, Couple, Intent
from sync.stores.crosswalk import Crosswalk
from sync.stores.cursors import Cursors
from sync.stores.gates import Change, Gates, Hold, Slot
from sync.stores.ledger import FieldChange, Ledger, Line, Result
from sync.stores.parked import Parked, ParkedStore
from sync.stores.queues import Lanes
from sync.stores.runs import Runs, Tally
from sync.stores.tables import Table


@pytest.fixture
async def table(box: Sandbox) -> AsyncIterator[Table]:
    connection = box.contract["storage"]["connection_string"]
    async with TableServiceClient.from_connection_string(connection) as service:
        yield Table(service, f"t{uuid.uuid4().hex}")


def line(key: str, result: Result, message_id: str, *changes: FieldChange) -> Line:
    now = datetime.now(UTC).isoformat()
    return Line(key, "f", result, "", "timestamp", now, now, message_id, changes=changes)


async def test_a_couple_comes_back_as_it_was_stored(table: Table) -> None:
    crosswalk = Crosswalk(table)
    blank = Couple("TWO", "customer", "A/B #1?")
    base = {"name": Agreed("Ärö'x", "ÄRÖ'X", unsure="d365")}
    [saved] = await crosswalk.save([(blank, replace(blank, id="g1", coupled=True, identity="7", base=base))])
    assert saved is not None
    read = (await crosswalk.read("TWO", "customer", ["A/B #1?", "B"]))["A/B #1?"]
    assert read.stored is not None
    assert replace(read, age=saved.age, stored=None) == saved
    assert await crosswalk.owners("TWO", "customer", ["g1", "g2"]) == {"g1": "A/B #1?"}


async def test_of_many_couples_only_the_one_that_moved_is_lost(table: Table) -> None:
    crosswalk = Crosswalk(table)
    blanks = [Couple("TWO", "customer", f"K{n}") for n in range(120)]
    first = await crosswalk.save([(blank, replace(blank, id=f"g{blank.key}")) for blank in blanks])
    couples = [couple for couple in first if couple]
    assert len(couples) == 120
    await crosswalk.save([(couples[7], replace(couples[7], identity="moved"))])
    second = await crosswalk.save([(couple, replace(couple, coupled=True)) for couple in couples])
    assert [n for n, couple in enumerate(second) if couple is None] == [7]


async def test_couples_come_page_by_page_in_row_order(table: Table) -> None:
    crosswalk = Crosswalk(table)
    keys = ["A", "A 1", "A-1", "A/1", "AB", "B"]
    blanks = [Couple("TWO", "customer", key) for key in keys]
    intent = Intent("a", "m", "dataverse", create=True, version="", fields={}, flow="f", reason="sweep", seen_at="")
    await crosswalk.save(
        [
            (blank, replace(blank, id=f"g{n}", parked=str(n), intent=intent if n else None))
            for n, blank in enumerate(blanks)
        ]
    )
    after, pages = "", []
    while page := await crosswalk.page("TWO", "customer", after, 4):
        pages.append([couple.key for couple in page])
        after = page[-1].key
    assert [len(page) for page in pages] == [4, 2]
    assert sorted(key for page in pages for key in page) == keys
    couples = await crosswalk.page("TWO", "customer", "", 10)
    outlines = await crosswalk.outlines("TWO", "customer", "", 10)
    assert [(o.key, o.id, o.coupled, o.parked, o.intent) for o in outlines] == [
        (c.key, c.id, c.coupled, c.parked, c.intent.flow if c.intent else "") for c in couples
    ]
    assert all(abs(outline.age) < timedelta(minutes=1) for outline in outlines)


async def test_neighbours_are_found_whatever_lies_between(table: Table) -> None:
    crosswalk = Crosswalk(table)
    keys = [f"K{number:03}" for number in range(120)]
    await crosswalk.save([(Couple("TWO", "customer", key), Couple("TWO", "customer", key, id=key)) for key in keys])
    wanted = [*keys[10:70], "K0355", "L"]
    read = await crosswalk.read("TWO", "customer", wanted, close=True)
    assert {key: couple.id for key, couple in read.items()} == {key: key if key in keys else "" for key in wanted}


async def test_a_couple_that_gets_another_id_is_found_by_the_new_one_only(table: Table) -> None:
    crosswalk = Crosswalk(table)
    blank = Couple("TWO", "customer", "A")
    [first] = await crosswalk.save([(blank, replace(blank, id="old"))])
    assert first is not None
    await crosswalk.save([(first, replace(first, id="new"))])
    assert await crosswalk.owners("TWO", "customer", ["old", "new"]) == {"new": "A"}


async def test_a_skip_after_a_redelivery_does_not_replace_what_was_written(table: Table) -> None:
    ledger = Ledger(table)
    written = line("A", Result.CREATED, "m1", FieldChange("name", None, "x", "new record"))
    await ledger.write("TWO", "customer", [written], redelivered=False)
    await ledger.write(
        "TWO", "customer", [line("A", Result.SKIPPED, "m1"), line("B", Result.SKIPPED, "m1")], redelivered=True
    )
    assert await ledger.history("TWO", "customer", "A") == [written]
    assert [entry.result for entry in await ledger.history("TWO", "customer", "B")] == [Result.SKIPPED]


async def test_keys_that_begin_alike_have_their_own_history(table: Table) -> None:
    ledger = Ledger(table)
    await ledger.write(
        "TWO", "customer", [line("A", Result.CREATED, "m"), line("A1", Result.CREATED, "m")], redelivered=False
    )
    assert [entry.key for entry in await ledger.history("TWO", "customer", "A")] == ["A"]


async def test_parked_entries_are_listed_and_removed(table: Table) -> None:
    store = ParkedStore(table)
    entry = Parked("TWO", "customer", "A", "f", "value_too_long", "too long", "shorten", "2026", "m")
    await store.put([entry, replace(entry, company="THREE")])
    assert [parked async for parked in store.list("TWO", "customer")] == [entry]
    await store.remove("TWO", "customer", "f", "A")
    assert [parked.company async for parked in store.list()] == ["THREE"]


async def test_a_cursor_moves_only_from_where_it_was_read(table: Table) -> None:
    cursors = Cursors(table)
    fresh = await cursors.read("TWO", "gp")
    assert await cursors.move(fresh, {"n": 1})
    assert not await cursors.move(fresh, {"n": 2})
    read = await cursors.read("TWO", "gp")
    assert await cursors.move(read, {"n": 3})
    assert not await cursors.move(read, {"n": 4})


async def test_of_two_who_take_a_slot_at_once_one_gets_it(table: Table) -> None:
    gates = Gates(table)
    view = await gates.look("gp")
    assert abs(view.now - datetime.now(UTC)) < timedelta(seconds=5)
    until = view.now + timedelta(seconds=30)
    wanted = Change(take=(Slot(3, "one", until),), hold=Hold(until, 4), want=until)
    first, calls = await gates.change("gp", "one", wanted)
    assert (first.size, calls) == (3, 1)
    second, calls = await gates.change("gp", "two", Change(take=(Slot(3, "two", until),), want=until))
    assert (second.take, second.want, calls) == ((), until, 2)
    now = await gates.look("gp")
    assert (now.slots, now.hold) == ({3: first.take[0]}, first.hold)
    assert now.wants == {"one": until, "two": until}
    freed, _ = await gates.change("gp", "one", Change(keep=(Slot(3, etag=now.slots[3].etag),)))
    stale, _ = await gates.change("gp", "two", Change(take=(replace(now.slots[3], owner="two"),)))
    assert (freed.size, stale.size) == (1, 0)


async def test_messages_never_expire_and_lanes_are_made_when_needed(box: Sandbox) -> None:
    connection = box.contract["storage"]["connection_string"]
    lane = f"lane-{uuid.uuid4().hex}"
    async with QueueServiceClient.from_connection_string(connection) as service:
        lanes = Lanes(service)
        assert await lanes.waiting(lane) == 0
        await lanes.send(lane, Message.new("f", "TWO", ["A"], "timestamp"))
        assert await lanes.waiting(lane) == 1
        [message] = await service.get_queue_client(lane).peek_messages()
        assert message.expires_on is not None
        assert message.expires_on.year == 9999


async def test_a_run_is_stored_first_thing_and_its_outcomes_are_read_as_they_come(table: Table) -> None:
    runs, tally = Runs(table), Tally()
    run = await runs.start("backfill", "TWO", "f", who="anna", total=2)
    await runs.note(run.id, "m1", {"A/B #1?": Result.CREATED})
    assert (await runs.count(run.id, tally)).counts == {"created": 1}
    await runs.note(run.id, "m2", {"É": Result.PARKED})
    assert (await runs.count(run.id, tally)).counts == {"created": 1, "parked": 1}
    moved = await runs.move(run, sent=2)
    assert moved
    assert await runs.move(run, sent=1) is None
    assert await runs.list() == [moved]
