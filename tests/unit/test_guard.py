"""The guard: what is paused waits, untouched; what is observed is told and not done."""

import asyncio
from dataclasses import replace

import pytest

from sync.errors import Rejected, RetryLater
from sync.guard import LOOK_EVERY, Guard
from sync.stores.identities import Identities
from sync.stores.ledger import Result
from sync.stores.modes import WHOLE, Mode, Modes
from sync.system import Identity
from tests.fakes import FakeTable
from tests.unit.conftest import FLOW, Rig


@pytest.mark.parametrize("flow", [FLOW, WHOLE])
async def test_a_paused_message_waits_with_its_attempt_unchanged_and_reads_nothing(rig: Rig, flow: str) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    await rig.modes.set("TWO", flow, Mode.PAUSED, "person", "month end")
    rig.gp.error = AssertionError("GP was read")  # type: ignore[assignment]
    message = await rig.send("A1")
    [(_, again, delay)] = rig.lanes.sent
    assert (again.message_id, again.keys, again.delays) == (message.message_id, ("A1",), 1)
    assert delay > 0
    assert (rig.dataverse.writes, await rig.parked(), await rig.history("A1")) == ([], [], [])


async def test_another_company_goes_on_while_one_is_paused(rig: Rig) -> None:
    rig.gp.type_customer("THREE", "A1", CUSTNAME="A")
    await rig.modes.set("TWO", WHOLE, Mode.PAUSED, "person", "month end")
    await rig.send("A1", company="THREE")
    assert len(rig.dataverse.rows) == 1


async def test_what_waited_passes_once_it_is_on_again(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    await rig.modes.set("TWO", FLOW, Mode.PAUSED, "person", "month end")
    await rig.send("A1")
    await rig.modes.set("TWO", FLOW, Mode.ON, "person", "done")
    await rig.send(message=rig.lanes.sent[0][1])
    assert len(rig.dataverse.rows) == 1


async def observe(rig: Rig) -> None:
    await rig.modes.set("TWO", FLOW, Mode.OBSERVE, "person", "not live yet")


async def test_an_observed_record_is_told_and_nothing_is_touched(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "NEW", CUSTNAME="New")
    rig.gp.type_customer("TWO", "OLD", CUSTNAME="Old")
    rig.gp.type_customer("TWO", "BAD", CUSTNAME="Bad")
    await rig.send("OLD")
    await rig.send("BAD")
    rig.gp.type_customer("TWO", "OLD", CUSTNAME="Older")
    rig.gp.type_customer("TWO", "BAD", CUSTNAME="Bad", NOTEINDX="2")
    await observe(rig)
    crosswalk, rows = dict(rig.crosswalk_table.entities), dict(rig.dataverse.rows)
    await rig.send("NEW", "OLD", "BAD")
    assert (rig.crosswalk_table.entities, rig.dataverse.rows, await rig.parked()) == (crosswalk, rows, [])
    new, old, bad = [(await rig.history(key))[0] for key in ("NEW", "OLD", "BAD")]
    assert {line.result for line in (new, old, bad)} == {Result.OBSERVED}
    assert new.text == "would create"
    assert [(c.field, c.old, c.new) for c in old.changes if c.field == "name"] == [("name", "Old", "Older")]
    assert (bad.code, bad.text[:10]) == ("key_reused", "would park")


async def test_an_observed_record_that_agrees_is_a_skip(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    await rig.send("A1")
    await observe(rig)
    await rig.send("A1")
    assert (await rig.history("A1"))[0].result is Result.SKIPPED


async def test_a_write_that_was_begun_waits_until_observing_ends(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    rig.dataverse.cut_after = 1
    message = await rig.send("A1")
    await observe(rig)
    rig.lanes.sent.clear()
    await rig.send(message=message, delivery=2)
    [(_, again, _)] = rig.lanes.sent
    assert (again.message_id, again.keys) == (message.message_id, ("A1",))
    assert (await rig.couple("A1")).intent is not None
    await rig.modes.set("TWO", FLOW, Mode.ON, "person", "go")
    await rig.send(message=again)
    assert (await rig.couple("A1")).coupled


async def test_what_the_source_cannot_read_is_not_parked_while_observing(rig: Rig) -> None:
    await observe(rig)
    rig.gp.error = Rejected("GP can't read it", code="source_unreadable")
    await rig.send("A1")
    assert await rig.parked() == []
    assert (await rig.history("A1"))[0].text == "would park: GP can't read it"


async def test_what_was_written_stays_told_when_its_message_comes_again_while_observing(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    message = await rig.send("A1")
    rig.gp.type_customer("TWO", "A1", CUSTNAME="B")
    await observe(rig)
    await rig.send(message=message, delivery=2)
    assert [line.result for line in await rig.history("A1")] == [Result.CREATED]


HOME = Identity("gp", {"server": "SQL01", "database": "TWO", "company": "TWO"}, 120_011)


def guard(table: FakeTable, modes: Modes) -> Guard:
    return Guard(modes, Identities(table), {}, ["TWO"])


async def test_the_same_environment_is_recognised_without_a_storage_call_once_it_is_known() -> None:
    table, modes = FakeTable(), Modes(FakeTable())
    watch = guard(table, modes)
    await watch.recognise("TWO", HOME)
    calls = table.calls
    await watch.recognise("TWO", replace(HOME, version=120_012, seen=120_011))
    assert table.calls == calls
    assert await modes.list() == []


async def test_an_older_copy_is_explained_in_words() -> None:
    modes = Modes(FakeTable())
    watch = guard(FakeTable(), modes)
    await watch.recognise("TWO", HOME)
    with pytest.raises(RetryLater) as raised:
        await watch.recognise("TWO", replace(HOME, version=98, seen=120_011))
    assert raised.value.message == (
        "TWO: GP was server SQL01, database TWO, company TWO, change version 120,011; it now says server SQL01, "
        "database TWO, company TWO, change version 98. It looks as if an older copy was restored, or Change Tracking "
        "was begun anew. Nothing was sent. Check, then: python -m sync resume --company TWO --after-restore"
    )
    assert (await modes.of("TWO")).text == raised.value.message


@pytest.mark.parametrize("fact", HOME.facts)
async def test_every_fact_of_the_environment_counts(fact: str) -> None:
    watch = guard(FakeTable(), Modes(FakeTable()))
    await watch.recognise("TWO", HOME)
    with pytest.raises(RetryLater):
        await watch.recognise("TWO", replace(HOME, facts=HOME.facts | {fact: "ANOTHER"}))


async def test_what_is_not_told_is_no_difference() -> None:
    watch = guard(FakeTable(), Modes(FakeTable()))
    await watch.recognise("TWO", HOME)
    await watch.recognise("TWO", replace(HOME, facts=HOME.facts | {"company": ""}, version=None, seen=120_011))


async def test_what_a_person_accepted_in_another_process_is_seen_before_anything_is_paused() -> None:
    table, modes = FakeTable(), Modes(FakeTable())
    watch = guard(table, modes)
    await watch.recognise("TWO", HOME)
    moved = replace(HOME, facts=HOME.facts | {"server": "SQL02"})
    await Identities(table).accept("TWO", "gp", moved.facts)
    await watch.recognise("TWO", moved)
    assert await modes.list() == []


async def test_another_dataverse_environment_pauses_every_company_before_anything_is_read(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    await rig.send("A1")
    rig.dataverse.organization = "org-2"
    rig.clock.now += LOOK_EVERY + 1
    rig.gp.error = AssertionError("GP was read")  # type: ignore[assignment]
    message = await rig.send("A1")
    assert [again.message_id for _, again, _ in rig.lanes.sent] == [message.message_id]
    standing = await rig.modes.list()
    assert [(each.company, each.cause) for each in standing] == [("THREE", "identity"), ("TWO", "identity")]
    assert "Dataverse was organization org-1; it now says organization org-2" in standing[1].text


async def test_dataverse_is_looked_at_once_in_five_minutes_however_many_messages_come(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    await asyncio.gather(*(rig.send("A1") for _ in range(5)))
    rig.clock.now += LOOK_EVERY - 1
    await rig.send("A1")
    assert rig.dataverse.looks == 1
    rig.clock.now += 1
    await rig.send("A1")
    assert rig.dataverse.looks == 2


async def test_a_target_that_does_not_answer_the_look_is_asked_again_and_parks_nothing(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    rig.dataverse.hidden = RetryLater("down", code="system_unreachable")
    await rig.send("A1")
    assert rig.dataverse.rows == {}
    rig.dataverse.hidden = None
    await rig.send(message=rig.lanes.sent[0][1])
    assert len(rig.dataverse.rows) == 1
    assert await rig.parked() == []
