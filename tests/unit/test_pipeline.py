"""The line's rules, one by one, on fakes that keep the other systems' promises."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sync.errors import Rejected, RetryLater
from sync.keys import company_key
from sync.mapping import Mapping
from sync.outcomes import landed_line
from sync.stores.couple import Intent, Planned
from sync.stores.ledger import Result
from sync.system import Outcome, Record, Verdict, Write
from tests.fakes import later
from tests.unit.conftest import LANE, Rig


def one_row(rig: Rig) -> Record:
    [row] = rig.dataverse.rows.values()
    return row


async def test_a_new_customer_becomes_one_account(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "AARONFIT0001", CUSTNAME="Aaron Fitz Electrical")
    await rig.send("AARONFIT0001")
    row = one_row(rig)
    couple = await rig.couple("AARONFIT0001")
    assert row.values["name"] == "Aaron Fitz Electrical"
    assert row.values["gp365_key"] == "TWO-AARONFIT0001"
    assert (couple.id, couple.coupled, couple.intent) == (row.key, True, None)
    assert [line.result for line in await rig.history("AARONFIT0001")] == [Result.CREATED]


async def test_the_same_message_twice_writes_once(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    message = await rig.send("A1")
    await rig.send(message=message, delivery=2)
    assert len(rig.dataverse.writes) == 1
    assert [line.result for line in await rig.history("A1")] == [Result.CREATED]


async def test_only_what_changed_is_written(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Old")
    await rig.send("A1")
    rig.gp.type_customer("TWO", "A1", CUSTNAME="New")
    await rig.send("A1")
    assert rig.dataverse.writes[1].values == {"name": "New"}
    [newest, _] = await rig.history("A1")
    assert [(c.field, c.old, c.new) for c in newest.changes] == [("name", "Old", "New")]


async def test_an_unchanged_record_is_skipped_and_writes_no_row(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    await rig.send("A1")
    before = await rig.couple("A1")
    await rig.send("A1")
    assert (await rig.couple("A1")).etag == before.etag
    assert {line.result for line in await rig.history("A1")} == {Result.CREATED, Result.SKIPPED}


async def test_what_a_plug_in_keeps_is_not_written_again(rig: Rig) -> None:
    rig.dataverse.normalise = lambda name, value: value.upper() if name == "name" else value
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Aaron")
    await rig.send("A1")
    await rig.send("A1")
    assert len(rig.dataverse.writes) == 1
    assert (await rig.couple("A1")).base["name"].d365 == "AARON"


async def test_a_one_way_field_edited_in_dataverse_is_put_right_when_the_record_comes_by(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Right")
    await rig.send("A1")
    rig.dataverse.edit(one_row(rig).key, name="Wrong")
    await rig.send("A1")
    assert one_row(rig).values["name"] == "Right"


async def test_an_inactive_customer_is_created_and_then_made_inactive(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A", INACTIVE=1)
    await rig.send("A1")
    create, update = rig.dataverse.writes
    assert "statecode" not in create.values
    assert update.values == {"statecode": 1}
    assert [line.result for line in await rig.history("A1")] == [Result.CREATED]


async def test_a_create_cut_after_it_landed_is_found_and_not_repeated(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    rig.dataverse.cut_after = 1
    message = await rig.send("A1")
    [(lane, again, delay)] = rig.lanes.sent
    assert (lane, again.message_id, again.delays) == (LANE, message.message_id, 1)
    assert delay > 0
    await rig.send(message=again)
    assert len(rig.dataverse.rows) == 1
    assert len(rig.dataverse.writes) == 1
    [line] = await rig.history("A1")
    assert line.result is Result.CREATED


async def test_a_create_cut_before_it_landed_is_made_once_with_the_same_id(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    rig.dataverse.cut_before = 1
    await rig.send("A1")
    reserved = (await rig.couple("A1")).id
    await rig.send(message=rig.lanes.sent[0][1])
    assert one_row(rig).key == reserved


async def test_an_update_cut_before_it_landed_is_fenced_and_done_again(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Old")
    await rig.send("A1")
    rig.gp.type_customer("TWO", "A1", CUSTNAME="New")
    rig.dataverse.cut_before = 1
    await rig.send("A1")
    await rig.send(message=rig.lanes.sent[0][1])
    _, fence, update = rig.dataverse.writes
    assert fence.values == {}
    assert update.values == {"name": "New"}


async def test_an_edit_between_read_and_write_survives(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Old", CUSTDISC=0)
    await rig.send("A1")
    id_ = one_row(rig).key
    rig.gp.type_customer("TWO", "A1", CUSTNAME="New")
    rig.dataverse.before_write = [lambda: rig.dataverse.edit(id_, description="typed by a person")]
    await rig.send("A1")
    assert one_row(rig).values["name"] == "New"
    assert one_row(rig).values["description"] == "typed by a person"


async def test_another_workers_young_intent_is_waited_for(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    rig.dataverse.cut_before = 1
    await rig.send("A1")
    other = await rig.send("A1")
    assert rig.lanes.sent[-1][1].message_id == other.message_id
    assert rig.dataverse.writes == []
    later(rig.crosswalk_table, timedelta(minutes=11))
    await rig.send(message=other)
    assert len(rig.dataverse.writes) == 1


async def test_a_lost_row_is_left_to_the_other_worker(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    rig.gp.type_customer("TWO", "B1", CUSTNAME="B")
    await rig.send("A1", "B1")
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A2")
    rig.gp.type_customer("TWO", "B1", CUSTNAME="B2")
    row = rig.crosswalk_table.entities["TWO.customer", "gp~A1"]
    rig.crosswalk_table.before_transaction = [lambda: rig.crosswalk_table._set(dict(row))]
    await rig.send("A1", "B1")
    assert [write.values for write in rig.dataverse.writes[2:]] == [{"name": "B2"}]
    assert rig.lanes.sent[-1][1].keys == ("A1",)


async def test_a_bad_record_stops_only_itself(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    rig.gp.type_customer("TWO", "B1", CUSTNAME="B", PYMTRMID="Net 31")
    await rig.send("A1", "B1")
    assert one_row(rig).values["name"] == "A"
    [entry] = await rig.parked()
    assert (entry.key, entry.code) == ("B1", "lookup_missing")
    assert "Net 31" in entry.message
    assert rig.lanes.sent == []


async def test_a_parked_record_leaves_the_list_when_it_passes(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "B1", CUSTNAME="B", PYMTRMID="Net 31")
    await rig.send("B1")
    rig.gp.type_customer("TWO", "B1", CUSTNAME="B", PYMTRMID="Net 30")
    await rig.send("B1")
    assert await rig.parked() == []
    assert (await rig.couple("B1")).parked == ""
    assert one_row(rig).values["paymenttermscode"] == 1


async def test_a_record_that_dataverse_refuses_is_parked_with_its_words(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    rig.dataverse.refuse = {"A1": Rejected("Dataverse refused the record: no", code="refused_by_target")}
    await rig.send("A1")
    [entry] = await rig.parked()
    assert entry.message == "Dataverse refused the record: no"
    assert (await rig.couple("A1")).intent is None


async def test_an_account_with_our_key_is_coupled_and_not_doubled(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="From GP")
    values = {"gp365_key": company_key("TWO", "A1"), "name": "Typed before", "statecode": 0}
    rig.dataverse.rows["known"] = Record("known", values, 'W/"0"')
    await rig.send("A1")
    assert one_row(rig).values["name"] == "From GP"
    assert (await rig.couple("A1")).id == "known"
    assert await rig.crosswalk.owners("TWO", "customer", ["known"]) == {"known": "A1"}


async def test_a_key_typed_in_dataverse_while_we_create_is_coupled_in_the_next_round(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="From GP")
    values = {"gp365_key": company_key("TWO", "A1"), "name": "Typed now", "statecode": 0}
    rig.dataverse.before_write = [lambda: rig.dataverse.rows.update(known=Record("known", values, 'W/"0"'))]
    await rig.send("A1")
    assert one_row(rig).values["name"] == "From GP"
    assert (await rig.couple("A1")).id == "known"


async def test_an_account_deleted_in_dataverse_is_parked_and_not_made_anew(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    await rig.send("A1")
    rig.dataverse.rows.clear()
    await rig.send("A1")
    assert rig.dataverse.rows == {}
    assert [entry.code for entry in await rig.parked()] == ["deleted_in_target"]


async def test_a_customer_deleted_in_gp_is_parked_by_policy(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    await rig.send("A1")
    rig.gp.records.clear()
    await rig.send("A1")
    await rig.rest()
    assert [entry.code for entry in await rig.parked()] == ["deleted_in_source"]
    assert one_row(rig).values["statecode"] == 0


async def test_an_id_given_to_another_customer_is_parked(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    await rig.send("A1")
    rig.gp.records["TWO", "A1"] = replace(rig.gp.records["TWO", "A1"], identity="2")
    await rig.send("A1")
    assert [entry.code for entry in await rig.parked()] == ["key_reused"]


async def test_companies_do_not_meet(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Two's")
    rig.gp.type_customer("THREE", "A1", CUSTNAME="Three's")
    await rig.send("A1")
    await rig.send("A1", company="THREE")
    assert {row.values["gp365_key"]: row.values["name"] for row in rig.dataverse.rows.values()} == {
        "TWO-A1": "Two's",
        "THREE-A1": "Three's",
    }


async def test_an_inactive_create_found_landed_is_still_made_inactive(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A", INACTIVE=1)
    rig.dataverse.cut_after = 1
    await rig.send("A1")
    await rig.send(message=rig.lanes.sent[0][1])
    assert one_row(rig).values["statecode"] == 1


async def test_a_cut_between_create_and_deactivation_is_made_good(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A", INACTIVE=1)

    write = rig.dataverse.write

    async def cut_the_second(company: str, mapping: Mapping, writes: Sequence[Write]) -> list[Verdict]:
        if not rig.dataverse.writes:
            return await write(company, mapping, writes)
        rig.dataverse.write = write  # type: ignore[method-assign]
        raise RetryLater("cut", code="system_unreachable")

    rig.dataverse.write = cut_the_second  # type: ignore[method-assign]
    await rig.send("A1")
    assert one_row(rig).values["statecode"] == 0
    await rig.send(message=rig.lanes.sent[0][1])
    assert one_row(rig).values["statecode"] == 1


async def test_an_account_that_is_coupled_already_is_not_coupled_again(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    await rig.send("A1")
    account = one_row(rig).key
    rig.gp.type_customer("TWO", "B1", CUSTNAME="B")
    rig.dataverse.edit(account, gp365_key=company_key("TWO", "B1"))
    await rig.send("B1")
    [entry] = await rig.parked()
    assert (entry.key, entry.code) == ("B1", "duplicate_in_target")
    assert "A1" in entry.message
    assert rig.lanes.sent == []


async def test_a_parked_record_stays_listed_until_its_write_has_landed(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "B1", CUSTNAME="B", PYMTRMID="Net 31")
    await rig.send("B1")
    rig.gp.type_customer("TWO", "B1", CUSTNAME="B", PYMTRMID="Net 30")
    rig.dataverse.cut_before = 1
    await rig.send("B1")
    assert [entry.key for entry in await rig.parked()] == ["B1"]
    await rig.send(message=rig.lanes.sent[0][1])
    assert await rig.parked() == []


async def test_a_source_that_moved_while_it_was_written_is_looked_at_again(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Read")
    rig.dataverse.before_write = [lambda: rig.gp.type_customer("TWO", "A1", CUSTNAME="Moved")]
    await rig.send("A1")
    assert one_row(rig).values["name"] == "Moved"


async def test_a_source_that_was_mended_while_it_was_parked_passes(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A", PYMTRMID="Net 31")
    rig.crosswalk_table.before_transaction = [lambda: rig.gp.type_customer("TWO", "A1", CUSTNAME="A")]
    await rig.send("A1")
    assert one_row(rig).values["name"] == "A"
    assert await rig.parked() == []
    assert [line.result for line in await rig.history("A1")] == [Result.CREATED]


def next_write_unanswered(rig: Rig) -> list[Write]:
    """Let the next request to Dataverse go unanswered; what it held, to land whenever a test wants."""
    late: list[Write] = []
    write = rig.dataverse.write

    async def no_answer(company: str, mapping: Mapping, writes: Sequence[Write]) -> list[Verdict]:
        rig.dataverse.write = write  # type: ignore[method-assign]
        late.extend(writes)
        raise RetryLater("no answer", code="system_unreachable")

    rig.dataverse.write = no_answer  # type: ignore[method-assign]
    return late


async def test_a_late_write_is_fenced_off_even_when_nothing_is_left_to_write(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    await rig.send("A1")
    rig.gp.type_customer("TWO", "A1", CUSTNAME="B")
    write, late = rig.dataverse.write, next_write_unanswered(rig)
    await rig.send("A1")
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    await rig.send(message=rig.lanes.sent[0][1])
    [verdict] = await write("TWO", rig.mapping, late)
    assert verdict.outcome is Outcome.CHANGED
    assert one_row(rig).values["name"] == "A"


def test_a_secret_value_is_masked_in_a_settled_line_too(mapping: Mapping) -> None:
    fields = [
        replace(f, rule=f.rule.model_copy(update={"secret": True})) if f.name == "name" else f for f in mapping.fields
    ]
    planned = {"name": Planned("old", "old", "new"), "fax": Planned(None, None, "1")}
    intent = Intent("a", "m", "dataverse", False, "", planned, "f", "timestamp", "2026-11-24T12:00:00+00:00")
    line = landed_line(replace(mapping, fields=tuple(fields)), "A1", intent)
    assert [(c.field, c.old, c.new) for c in line.changes] == [("name", "***", "***"), ("fax", None, "1")]


async def test_a_write_that_was_refused_for_now_leaves_no_intent_and_no_id(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    rig.gp.type_customer("TWO", "B1", CUSTNAME="B")
    rig.dataverse.refuse = {"A1": RetryLater("wait", code="throttled", retry_after=7)}
    await rig.send("A1", "B1")
    couple = await rig.couple("A1")
    assert (couple.intent, couple.id, couple.parked) == (None, "", "")
    [(_, again, delay)] = rig.lanes.sent
    assert (again.keys, delay >= 7) == (("A1",), True)
    rig.dataverse.refuse = {}
    await rig.send("A1")
    assert {row.values["name"] for row in rig.dataverse.rows.values()} == {"A", "B"}


async def test_a_fence_that_is_refused_for_now_ends_the_message_and_is_tried_later(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Old")
    await rig.send("A1")
    rig.gp.type_customer("TWO", "A1", CUSTNAME="New")
    rig.dataverse.cut_before = 1
    await rig.send("A1")
    asked: list[Write] = []

    async def refuse(company: str, mapping: Mapping, writes: Sequence[Write]) -> list[Verdict]:
        asked.extend(writes)
        return [Verdict(each.id, Outcome.REFUSED, error=RetryLater("wait", code="throttled")) for each in writes]

    write, rig.dataverse.write = rig.dataverse.write, refuse  # type: ignore[method-assign]
    await rig.send(message=rig.lanes.sent[0][1])
    assert len(asked) == 1
    rig.dataverse.write = write  # type: ignore[method-assign]
    await rig.send(message=rig.lanes.sent[1][1])
    assert one_row(rig).values["name"] == "New"


async def test_a_write_is_told_before_it_is_committed(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    transact = rig.crosswalk_table.transact

    async def die_at_the_commit(groups: Any) -> Any:
        if rig.dataverse.rows:
            raise KeyboardInterrupt
        return await transact(groups)

    rig.crosswalk_table.transact = die_at_the_commit  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        await rig.send("A1")
    assert [line.result for line in await rig.history("A1")] == [Result.CREATED]


async def test_a_second_look_that_fails_loses_nothing_that_was_still_to_be_written(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A", INACTIVE=1)
    rig.gp.type_customer("TWO", "B1", CUSTNAME="B")

    def down() -> None:
        rig.gp.error = RetryLater("no answer", code="system_unreachable")

    rig.dataverse.before_write = [down]
    await rig.send("A1", "B1")
    rig.gp.error = None
    [(_, again, _)] = rig.lanes.sent
    assert again.keys == ("A1", "B1")
    await rig.send(message=again)
    assert {row.values["name"]: row.values["statecode"] for row in rig.dataverse.rows.values()} == {"A": 1, "B": 0}


async def test_a_create_that_lands_as_it_is_given_up_stays_its_customers_and_is_told(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    late = next_write_unanswered(rig)
    await rig.send("A1")
    rig.crosswalk_table.before_transaction = [lambda: rig.dataverse._one("TWO", rig.mapping, late[0])]
    rig.gp.type_customer("TWO", "A1", CUSTNAME="B")
    rig.dataverse.cut_before = 1
    await rig.send(message=rig.lanes.sent[0][1])
    del rig.gp.records["TWO", "A1"]
    later(rig.crosswalk_table, timedelta(minutes=11))
    rig.lanes.sent.clear()
    await rig.send("A1")
    await rig.rest()
    assert (await rig.couple("A1")).id == one_row(rig).key
    assert [entry.code for entry in await rig.parked()] == ["deleted_in_source"]
    assert [line.result for line in await rig.history("A1")] == [Result.PARKED, Result.CREATED]


async def test_a_create_that_lands_after_its_customer_was_deleted_follows_the_delete_policy(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    write, late = rig.dataverse.write, next_write_unanswered(rig)
    await rig.send("A1")
    del rig.gp.records["TWO", "A1"]
    await rig.send(message=rig.lanes.sent[0][1])
    await write("TWO", rig.mapping, late)
    await rig.send("A1")
    await rig.rest()
    assert [entry.code for entry in await rig.parked()] == ["deleted_in_source"]


async def test_an_inactive_customer_that_dataverse_refuses_is_tried_once(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A", INACTIVE=1)
    tries: list[Write] = []
    write = rig.dataverse.write

    async def counted(company: str, mapping: Mapping, writes: Sequence[Write]) -> list[Verdict]:
        tries.extend(writes)
        return await write(company, mapping, writes)

    rig.dataverse.write = counted  # type: ignore[method-assign]
    rig.dataverse.refuse = {"A1": Rejected("no", code="refused_by_target")}
    await rig.send("A1")
    assert len(tries) == 1
