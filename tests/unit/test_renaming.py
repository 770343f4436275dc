"""A customer whose id was changed in GP keeps its account, whichever of the two ids is heard of first."""

from dataclasses import replace
from typing import Any

import pytest

from sync.mapping_model import OnDelete
from sync.message import Message
from sync.stores.couple import NONE, UNCOUPLED
from sync.stores.ledger import Result
from sync.stores.modes import Mode
from sync.system import Record
from tests.unit.both import Both
from tests.unit.conftest import FLOW, Rig

ADDRESS = {
    "bill_to.CUSTNMBR": "OLD",
    "bill_to.ADRSCODE": "PRIMARY",
    "bill_to.ADDRESS1": "1 Main",
    "bill_to.ZIP": "60603",
    "bill_to.CITY": "Chicago",
}


async def coupled(rig: Rig, key: str = "OLD", **values: Any) -> str:
    """A customer with its account; the account's id."""
    rig.gp.type_customer("TWO", key, **({"CUSTNAME": "Aaron Fitz"} | ADDRESS | values))
    await rig.send(key)
    return (await rig.couple(key)).id


async def codes(rig: Rig) -> dict[str, str]:
    return {entry.key: entry.code for entry in await rig.parked()}


def one_account(rig: Rig) -> Record:
    [row] = rig.dataverse.rows.values()
    return row


async def assert_moved(rig: Rig, id_: str) -> None:
    """The one account is the new id's, it has its key, and nobody waits."""
    row = one_account(rig)
    assert (row.key, row.values["gp365_key"], row.values["accountnumber"]) == (id_, "TWO-NEW", "NEW")
    couple = await rig.couple("NEW")
    assert (couple.id, couple.coupled, couple.intent, couple.base["accountnumber"].gp) == (id_, True, None, "NEW")
    assert (await rig.couple("OLD")).etag == ""
    assert await rig.crosswalk.owners("TWO", "customer", [id_]) == {id_: "NEW"}
    assert (await rig.parked(), row.values["statecode"]) == ([], 0)


@pytest.mark.parametrize("policy", ["park", "deactivate"])
@pytest.mark.parametrize("messages", [["NEW"], ["NEW", "OLD"], ["OLD", "NEW"], ["OLD"], ["OLD NEW"], ["NEW OLD"]])
async def test_a_changed_id_keeps_its_account_in_whatever_order_its_changes_are_told(
    rig: Rig, policy: str, messages: list[str]
) -> None:
    rules = rig.mapping.rules.model_copy(update={"on_delete": OnDelete(gp=policy)})
    rig.deliveries._pipeline._mappings = {"customer": replace(rig.mapping, rules=rules)}
    id_ = await coupled(rig)
    rig.gp.change_id("TWO", "OLD", "NEW")
    for keys in messages:
        await rig.send(*keys.split())
    await rig.rest()
    await assert_moved(rig, id_)


async def test_the_ledger_tells_that_the_id_changed(rig: Rig) -> None:
    await coupled(rig)
    rig.gp.change_id("TWO", "OLD", "NEW")
    await rig.send("NEW")
    [line] = await rig.history("NEW")
    assert (line.result, line.text) == (Result.UPDATED, "id changed from OLD to NEW")
    await rig.send("OLD")
    assert (await rig.history("OLD"))[0].text == "not in GP"


async def test_the_old_id_points_to_the_new_one_until_that_was_looked_at(rig: Rig) -> None:
    await coupled(rig)
    rig.gp.change_id("TWO", "OLD", "NEW")
    await rig.send("OLD")
    [(_, message, _)] = rig.lanes.sent
    assert (message.keys, message.reason) == (("NEW",), "id_changed")
    assert (await rig.history("OLD"))[0].text == "its id in GP is NEW by now"


@pytest.mark.parametrize(
    "values",
    [
        {"CUSTNAME": "Aaron Fitz Ltd"},
        {"bill_to.ADDRESS1": "9 Oak", "bill_to.ZIP": "53202"},
        {"CUSTNAME": "AARON FITZ "},
    ],
    ids=["renamed", "moved", "respelled"],
)
async def test_the_name_or_the_address_is_enough(rig: Rig, values: dict[str, Any]) -> None:
    id_ = await coupled(rig)
    rig.gp.change_id("TWO", "OLD", "NEW", **values)
    await rig.send("NEW")
    await assert_moved(rig, id_)


async def test_with_neither_name_nor_address_a_person_says_and_the_old_account_is_left_alone(rig: Rig) -> None:
    id_ = await coupled(rig)
    rig.gp.change_id("TWO", "OLD", "NEW", CUSTNAME="Baker", **{"bill_to.ADDRESS1": "9 Oak"})
    await rig.send("NEW", "OLD")
    await rig.rest()
    assert await codes(rig) == {"NEW": "id_change_unclear"}
    assert (one_account(rig).key, one_account(rig).values["name"]) == (id_, "Aaron Fitz")
    assert (await rig.couple("OLD")).id == id_


async def test_the_city_alone_is_no_address(rig: Rig) -> None:
    blank = {"bill_to.ADDRESS1": "", "bill_to.ZIP": "60603"}
    await coupled(rig, **blank)
    rig.gp.change_id("TWO", "OLD", "NEW", CUSTNAME="Baker")
    await rig.send("NEW")
    assert await codes(rig) == {"NEW": "id_change_unclear"}


async def test_two_customers_in_gp_with_one_note_index_wait_for_a_person(rig: Rig) -> None:
    await coupled(rig, NOTEINDX="7")
    rig.gp.type_customer("TWO", "NEW", NOTEINDX="7", CUSTNAME="Aaron Fitz", **ADDRESS)
    await rig.send("NEW")
    assert await codes(rig) == {"NEW": "id_change_unclear"}
    assert len(rig.dataverse.rows) == 1


async def test_an_old_id_that_goes_later_settles_what_waited(rig: Rig) -> None:
    id_ = await coupled(rig, NOTEINDX="7")
    rig.gp.type_customer("TWO", "NEW", NOTEINDX="7", CUSTNAME="Aaron Fitz", **ADDRESS)
    await rig.send("NEW")
    del rig.gp.records["TWO", "OLD"]
    await rig.send("OLD")
    await rig.rest()
    await assert_moved(rig, id_)


async def test_an_old_id_that_waits_as_deleted_leaves_the_list(rig: Rig) -> None:
    id_ = await coupled(rig)
    record = rig.gp.records.pop(("TWO", "OLD"))
    await rig.send("OLD")
    await rig.rest()
    assert await codes(rig) == {"OLD": "deleted_in_source"}
    rig.gp.records["TWO", "OLD"] = record
    rig.gp.change_id("TWO", "OLD", "NEW")
    await rig.send("NEW")
    await assert_moved(rig, id_)


async def test_two_new_ids_with_the_note_index_of_one_old_wait_for_a_person(rig: Rig) -> None:
    await coupled(rig)
    rig.gp.change_id("TWO", "OLD", "NEW")
    rig.gp.records["TWO", "NEW2"] = replace(rig.gp.records["TWO", "NEW"], key="NEW2")
    await rig.send("NEW", "NEW2")
    assert await codes(rig) == {"NEW": "id_change_unclear", "NEW2": "id_change_unclear"}


async def test_a_person_who_says_that_it_is_another_one_gets_a_second_account(rig: Rig) -> None:
    await coupled(rig)
    rig.gp.change_id("TWO", "OLD", "NEW", CUSTNAME="Baker", **{"bill_to.ADDRESS1": "9 Oak"})
    await rig.send("NEW")
    couple = await rig.couple("NEW")
    await rig.crosswalk.save([(couple, replace(couple, answer=NONE))])
    await rig.send("NEW")
    assert len(rig.dataverse.rows) == 2
    await rig.send("OLD")
    await rig.rest()
    assert await codes(rig) == {"OLD": "deleted_in_source"}


async def test_customers_without_a_note_index_are_no_match(rig: Rig) -> None:
    await coupled(rig, NOTEINDX="")
    rig.gp.change_id("TWO", "OLD", "NEW")
    await rig.send("NEW", "OLD")
    await rig.rest()
    assert await codes(rig) == {"OLD": "deleted_in_source"}
    assert len(rig.dataverse.rows) == 2


async def test_the_same_note_index_in_another_company_is_no_match(rig: Rig) -> None:
    await coupled(rig, NOTEINDX="7")
    rig.gp.type_customer("THREE", "NEW", NOTEINDX="7", CUSTNAME="Aaron Fitz", **ADDRESS)
    await rig.send("NEW", company="THREE")
    assert (len(rig.dataverse.rows), await codes(rig)) == (2, {})


async def test_new_customers_that_share_a_note_index_are_created_together(rig: Rig) -> None:
    for key in ("A", "B"):
        rig.gp.type_customer("TWO", key, NOTEINDX="7", CUSTNAME=key)
    await rig.send("A", "B")
    assert (len(rig.dataverse.rows), await codes(rig)) == (2, {})


async def test_a_write_that_was_cut_under_the_old_id_is_settled_first(rig: Rig) -> None:
    id_ = await coupled(rig)
    rig.gp.type_customer("TWO", "OLD", CUSTNAME="Aaron Fitz Ltd", **ADDRESS)
    rig.dataverse.cut_after = 1
    await rig.send("OLD")
    [(_, message, _)] = rig.lanes.sent
    rig.lanes.sent.clear()
    rig.gp.change_id("TWO", "OLD", "NEW")
    await rig.send("NEW")
    [(_, later, _)] = rig.lanes.sent
    assert (later.keys, later.delays) == (("NEW",), 1)
    await rig.send(message=message)
    await rig.rest()
    await assert_moved(rig, id_)


async def test_a_write_that_is_cut_after_the_move_is_settled_under_the_new_id(rig: Rig) -> None:
    id_ = await coupled(rig)
    rig.gp.change_id("TWO", "OLD", "NEW")
    rig.dataverse.cut_before = 1
    await rig.send("NEW")
    await rig.rest()
    await assert_moved(rig, id_)


async def test_a_key_that_another_account_holds_waits_for_a_person(rig: Rig) -> None:
    await coupled(rig)
    values = {"gp365_key": "TWO-NEW", "name": "Left over", "statecode": 0}
    rig.dataverse.rows["other"] = Record("other", values, 'W/"0"')
    rig.gp.change_id("TWO", "OLD", "NEW")
    await rig.send("NEW")
    assert await codes(rig) == {"NEW": "duplicate_in_target"}


async def test_an_observed_flow_tells_it_and_moves_nothing(rig: Rig) -> None:
    id_ = await coupled(rig)
    await rig.modes.set("TWO", FLOW, Mode.OBSERVE, "person", "to see")
    rig.gp.change_id("TWO", "OLD", "NEW")
    await rig.send("NEW")
    assert (await rig.history("NEW"))[0].text == "id changed from OLD to NEW; would update"
    assert (await rig.couple("OLD")).id == id_


async def test_an_unchanged_known_record_costs_no_call_more(rig: Rig) -> None:
    await coupled(rig)
    before = rig.crosswalk_table.calls
    await rig.send("OLD")
    assert rig.crosswalk_table.calls - before == 1


async def test_the_move_is_one_transaction_that_another_worker_can_win(rig: Rig) -> None:
    id_ = await coupled(rig)
    rig.gp.change_id("TWO", "OLD", "NEW")
    row = rig.crosswalk_table.entities["TWO.customer", "gp~OLD"]
    rig.crosswalk_table.before_transaction = [lambda: rig.crosswalk_table._set(dict(row))]
    await rig.send("NEW")
    assert one_account(rig).values["gp365_key"] == "TWO-OLD"
    await rig.rest()
    await assert_moved(rig, id_)


async def test_edits_in_dataverse_go_on_under_the_new_id(both: Both) -> None:
    id_ = await both.coupled("OLD", PHONE1="42525501010000")
    both.gp.change_id("TWO", "OLD", "NEW")
    both.accounts.edit(id_, telephone1="+1 414-555-0145")
    await both.back(id_)
    await both.rest()
    assert both.customer("NEW")["PHONE1"].startswith("4145550145")
    assert (both.account(id_)["accountnumber"], len(both.accounts.rows)) == ("NEW", 1)
    assert await both.parked() == []


async def test_an_account_deleted_before_the_id_changed_is_told_under_the_new_one(both: Both) -> None:
    id_ = await both.coupled("OLD")
    del both.accounts.rows[id_]
    both.gp.change_id("TWO", "OLD", "NEW")
    await both.there(message=Message.new(FLOW, "TWO", ["NEW"], "timestamp"))
    await both.rest()
    assert [(entry.key, entry.code) for entry in await both.parked()] == [(id_, "deleted_in_source")]
    assert both.accounts.rows == {}


async def test_an_account_made_under_the_old_id_meanwhile_is_seen_before_a_second_one_is_made(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "NEW", NOTEINDX="7", CUSTNAME="Aaron Fitz", **ADDRESS)
    pointer = {"PartitionKey": "TWO.customer", "RowKey": "note~7", "key": "OLD"}
    rig.crosswalk_table.before_transaction = [lambda: rig.crosswalk_table._set(pointer)]
    await rig.send("NEW")
    assert rig.dataverse.rows == {}
    assert [message.keys for _, message, _ in rig.lanes.sent] == [("NEW",)]


async def test_a_customer_that_a_person_has_just_uncoupled_waits_for_that_person_under_its_new_id(rig: Rig) -> None:
    await coupled(rig)
    couple = await rig.couple("OLD")
    await rig.crosswalk.save([(couple, replace(couple, id="", coupled=False, parked=UNCOUPLED))])
    rig.gp.change_id("TWO", "OLD", "NEW")
    await rig.send("NEW")
    assert (await codes(rig), len(rig.dataverse.rows)) == ({"NEW": "id_change_unclear"}, 1)
