"""A delete acts only when the record is missing still at a later look, and nothing else is taken for that look."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sync.mapping_model import OnDelete
from sync.match import INACTIVE
from sync.message import Message
from sync.planning import STATE
from sync.stores.couple import Agreed
from sync.stores.ledger import Result
from sync.stores.modes import Mode
from tests.fakes import later
from tests.unit.both import BACK, Both, build
from tests.unit.conftest import FLOW, LANE, Rig

POLICIES = ["park", "deactivate"]


def ruled(rig: Rig, policy: str) -> Rig:
    rules = rig.mapping.rules.model_copy(update={"on_delete": OnDelete(gp=policy)})
    rig.deliveries._pipeline._mappings = {"customer": replace(rig.mapping, rules=rules)}
    return rig


async def coupled(rig: Rig, key: str = "A1") -> str:
    """A customer with its account; the account's id."""
    rig.gp.type_customer("TWO", key, CUSTNAME="Ann")
    await rig.send(key)
    return (await rig.couple(key)).id


async def touched(rig: Rig) -> tuple[list[str], list[Any]]:
    """What a delete has done so far: the causes of parked records, and the states of accounts."""
    return [entry.code for entry in await rig.parked()], [
        row.values["statecode"] for row in rig.dataverse.rows.values()
    ]


UNTOUCHED = ([], [0])
DONE = {"park": (["deleted_in_source"], [0]), "deactivate": ([], [1])}


@pytest.mark.parametrize("policy", POLICIES)
async def test_the_first_look_only_marks_the_couple_and_comes_again_after_ten_minutes(rig: Rig, policy: str) -> None:
    await coupled(ruled(rig, policy))
    rig.gp.records.clear()
    message = await rig.send("A1")
    assert (await rig.couple("A1")).missing == "gp"
    [(lane, again, delay)] = rig.lanes.sent
    assert (lane, again.message_id, again.delays) == (LANE, message.message_id, 1)
    assert 600 < delay < 900
    assert (await touched(rig), len(await rig.history("A1"))) == (UNTOUCHED, 1)


@pytest.mark.parametrize("policy", POLICIES)
async def test_missing_still_at_the_later_look_it_follows_the_policy_and_has_one_line(rig: Rig, policy: str) -> None:
    await coupled(ruled(rig, policy))
    rig.gp.records.clear()
    await rig.send("A1")
    seen = (await rig.couple("A1")).stored
    await rig.rest()
    couple = await rig.couple("A1")
    assert (await touched(rig), couple.missing, couple.gone_from) == (DONE[policy], None, "gp")
    line, _ = await rig.history("A1")
    told = f"deleted in GP (missing since {seen:%Y-%m-%d %H:%M} UTC)"
    assert told in (line.text if policy == "park" else line.changes[0].rule)


@pytest.mark.parametrize("policy", POLICIES)
async def test_a_record_that_is_there_again_is_left_alone_and_its_mark_is_cleared(rig: Rig, policy: str) -> None:
    await coupled(ruled(rig, policy))
    record = rig.gp.records.pop(("TWO", "A1"))
    await rig.send("A1")
    rig.gp.records["TWO", "A1"] = record
    await rig.rest()
    assert (await touched(rig), (await rig.couple("A1")).missing) == (UNTOUCHED, None)
    assert [line.result for line in await rig.history("A1")] == [Result.SKIPPED, Result.CREATED]


async def test_a_record_missing_once_more_after_it_was_there_begins_anew(rig: Rig) -> None:
    await coupled(rig)
    record = rig.gp.records.pop(("TWO", "A1"))
    await rig.send("A1")
    rig.gp.records["TWO", "A1"] = record
    later(rig.crosswalk_table, timedelta(minutes=9))
    await rig.send("A1")
    rig.gp.records.clear()
    later(rig.crosswalk_table, timedelta(minutes=9))
    await rig.send("A1")
    assert await touched(rig) == UNTOUCHED


@pytest.mark.parametrize("minutes", [0, 9])
async def test_neither_a_redelivery_nor_a_doubled_message_is_the_later_look(rig: Rig, minutes: int) -> None:
    await coupled(rig)
    rig.gp.records.clear()
    message = await rig.send("A1")
    before = await rig.couple("A1")
    later(rig.crosswalk_table, timedelta(minutes=minutes))
    await rig.send(message=message)
    await rig.send(message=message.again(["A1"]))
    await rig.send("A1")
    assert await touched(rig) == UNTOUCHED
    assert (await rig.couple("A1")).etag == before.etag, "the mark would never grow old"


async def test_two_workers_at_once_are_one_look(rig: Rig) -> None:
    await coupled(rig)
    rig.gp.records.clear()

    def other() -> None:
        row = rig.crosswalk_table.entities["TWO.customer", "gp~A1"]
        rig.crosswalk_table._set({**row, "missing": "gp"})

    rig.crosswalk_table.before_transaction = [other]
    await rig.send("A1")
    assert (await touched(rig), len(rig.lanes.sent)) == (UNTOUCHED, 1)


async def test_what_a_sweep_finds_late_enough_is_the_later_look(rig: Rig) -> None:
    await coupled(rig)
    rig.gp.records.clear()
    await rig.send("A1")
    rig.lanes.sent.clear()  # the worker died here, and its message with it
    later(rig.crosswalk_table, timedelta(minutes=10))
    await rig.send(message=Message.new(FLOW, "TWO", ["A1"], "sweep"))
    assert (await touched(rig))[0] == ["deleted_in_source"]


async def test_a_delete_that_was_acted_on_waits_no_second_time(rig: Rig) -> None:
    await coupled(rig)
    rig.gp.records.clear()
    await rig.send("A1")
    await rig.rest()
    await rig.send(message=Message.new(FLOW, "TWO", ["A1"], "retry"))
    assert (rig.lanes.sent, (await touched(rig))[0]) == ([], ["deleted_in_source"])


async def test_a_write_that_met_an_edit_after_the_later_look_is_done_without_another_wait(rig: Rig) -> None:
    id_ = await coupled(ruled(rig, "deactivate"))
    await rig.missing("A1")
    rig.dataverse.before_write = [lambda: rig.dataverse.edit(id_, description="typed")]
    await rig.send("A1")
    assert (await touched(rig), rig.lanes.sent) == (DONE["deactivate"], [])


async def test_where_deletes_are_ignored_nobody_waits(rig: Rig) -> None:
    await coupled(ruled(rig, "ignore"))
    rig.gp.records.clear()
    await rig.send("A1")
    assert (rig.lanes.sent, (await rig.history("A1"))[0].result) == ([], Result.SKIPPED)


async def test_a_record_that_was_never_coupled_is_skipped_at_once(rig: Rig) -> None:
    await rig.send("NEVER")
    assert (rig.lanes.sent, [line.text for line in await rig.history("NEVER")]) == ([], ["not in GP"])


async def test_a_record_that_is_there_costs_no_call_more(rig: Rig) -> None:
    await coupled(rig)
    before = rig.crosswalk_table.calls
    await rig.send("A1")
    assert rig.crosswalk_table.calls - before == 1


async def test_an_observed_flow_tells_what_would_be_and_marks_nothing(rig: Rig) -> None:
    await coupled(rig)
    rig.gp.records.clear()
    before = await rig.couple("A1")
    await rig.modes.set("TWO", FLOW, Mode.OBSERVE, "person", "rehearsal")
    await rig.send("A1")
    line, _ = await rig.history("A1")
    assert (line.result, (await rig.couple("A1")).etag) == (Result.OBSERVED, before.etag)
    assert line.text == "would note: not found in GP; when it is missing still after 10 minutes: it is parked"


async def test_a_preview_tells_what_would_be_and_marks_nothing(rig: Rig) -> None:
    await coupled(ruled(rig, "deactivate"))
    rig.gp.records.clear()
    before = await rig.couple("A1")
    [plan] = await rig.pipeline.preview(Message.new(FLOW, "TWO", ["A1"], "backfill"), rig.flows[FLOW])
    assert plan.text == "not found in GP; when it is missing still after 10 minutes: its account is made inactive"
    assert (await rig.couple("A1")).etag == before.etag


async def test_a_mark_is_no_hindrance_to_following_a_changed_id(rig: Rig) -> None:
    id_ = await coupled(rig)
    record = rig.gp.records.pop(("TWO", "A1"))
    await rig.send("A1")
    rig.gp.records["TWO", "A1"] = record
    rig.gp.change_id("TWO", "A1", "B1")
    await rig.rest()
    couple = await rig.couple("B1")
    assert (couple.id, couple.missing, await touched(rig)) == (id_, None, UNTOUCHED)


def deactivating(two_way: Any) -> Both:
    """Both directions, of a pair whose customers become inactive when their accounts are deleted."""
    rules = two_way.rules.model_copy(update={"on_delete": OnDelete(d365="deactivate")})
    return build(replace(two_way, rules=rules))


async def test_an_account_that_is_away_for_one_look_leaves_its_customer_alone(two_way: Any) -> None:
    both = deactivating(two_way)
    id_ = await both.coupled()
    account = both.accounts.rows.pop(id_)
    await both.back(id_)
    assert (await both.couple()).missing == "d365"
    both.accounts.rows[id_] = account
    await both.there("A1")
    assert (await both.couple()).missing is None
    await both.rest()
    assert (both.gp.writes, await both.parked()) == ([], [])


async def test_an_account_missing_still_makes_its_customer_inactive(two_way: Any) -> None:
    both = deactivating(two_way)
    id_ = await both.coupled()
    del both.accounts.rows[id_]
    await both.back(id_)
    assert both.gp.writes == []
    assert [message.flow for _, message, _ in both.lanes.sent] == [BACK]
    await both.rest()
    assert both.customer()["INACTIVE"] == 1


async def gone_on_both_sides(both: Both) -> str:
    """A couple of which nothing is left on either side; the id that its account had."""
    id_ = await both.coupled()
    both.gp.records.clear()
    del both.accounts.rows[id_]
    return id_


async def test_a_record_that_is_gone_on_both_sides_comes_to_rest_whichever_direction_looks_first(two_way: Any) -> None:
    both = deactivating(two_way)
    id_ = await gone_on_both_sides(both)
    await both.there("A1")
    await both.back(id_)
    assert (await both.couple()).missing == "gp"
    await both.rest()
    assert ((await both.couple()).missing, await both.parked()) == (None, [])


async def test_a_mark_of_the_other_direction_that_nobody_comes_back_for_holds_nobody_up(two_way: Any) -> None:
    both = deactivating(two_way)
    id_ = await gone_on_both_sides(both)
    await both.there("A1")
    both.lanes.sent.clear()
    await both.back(id_)
    await both.rest()
    assert ((await both.couple()).missing, await both.parked()) == (None, [])


async def test_what_is_settled_already_when_it_is_looked_for_again_keeps_no_mark(two_way: Any) -> None:
    both = deactivating(two_way)
    id_ = await both.coupled()
    both.gp.records.clear()
    await both.there("A1")
    del both.accounts.rows[id_]
    marked = await both.couple()
    await both.crosswalk.save([(marked, replace(marked, base=marked.base | {STATE: Agreed(None, INACTIVE)}))])
    await both.rest()
    assert ((await both.couple()).missing, await both.parked()) == (None, [])


async def test_what_is_parked_for_another_cause_while_it_is_looked_for_keeps_no_mark(two_way: Any) -> None:
    both = deactivating(two_way)
    id_ = await both.coupled()
    del both.accounts.rows[id_]
    await both.back(id_)
    assert (await both.couple()).missing == "d365"
    both.gp.records["TWO", "A1"] = replace(both.gp.records["TWO", "A1"], identity="another")
    await both.rest()
    assert ((await both.couple()).missing, [entry.code for entry in await both.parked()]) == (None, ["key_reused"])
