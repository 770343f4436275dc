"""The guard: what is paused waits, untouched; what is observed is told and not done."""

import pytest

from sync.errors import Rejected
from sync.stores.ledger import Result
from sync.stores.modes import WHOLE, Mode
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
