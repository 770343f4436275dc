"""Accounts become customers once, and what was there before is found: nothing comes twice."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from sync.mapping import Mapping
from sync.mapping_model import OnDelete, Side
from sync.message import Message
from sync.stores.couple import APPROVED, NONE
from tests.unit.both import ACCOUNT, BACK, THERE, Both, build, ruled, with_rules


async def test_an_account_waits_for_a_persons_yes_and_then_becomes_one_customer(both: Both) -> None:
    both.accounts.type(ACCOUNT, both.mapping, name="Aaron Fitz Electrical", telephone1="+1 414-555-0145")
    await both.back()
    [entry] = await both.parked()
    assert (entry.code, both.gp.writes) == ("approval_needed", [])
    assert "AARONFIT0001" in entry.message
    await both.answer(ACCOUNT, APPROVED)
    await both.back()
    assert both.customer("AARONFIT0001")["CUSTNAME"] == "Aaron Fitz Electrical"
    assert both.customer("AARONFIT0001")["PHONE1"].startswith("4145550145")
    assert await both.parked() == []


async def test_a_new_customers_number_and_key_come_back_to_its_account(both: Both) -> None:
    both.accounts.type(ACCOUNT, both.mapping, name="Aaron Fitz Electrical")
    await both.answer(ACCOUNT, APPROVED)
    await both.back()
    await both.there("AARONFIT0001")
    await both.rest()
    assert both.account(ACCOUNT)["accountnumber"] == "AARONFIT0001"
    assert both.account(ACCOUNT)["gp365_key"] == "TWO-AARONFIT0001"
    assert len(both.gp.records) == 1
    assert len(both.accounts.rows) == 1


async def test_a_create_cut_after_it_landed_is_found_by_its_mark_and_not_repeated(both: Both) -> None:
    both.accounts.type(ACCOUNT, both.mapping, name="Aaron")
    await both.answer(ACCOUNT, APPROVED)
    both.gp.cut_after = 1
    message = Message.new(BACK, "TWO", [ACCOUNT], "webhook")
    await both.back(message=message)
    both.gp.now += timedelta(minutes=11)
    await both.back(message=message)
    await both.rest()
    assert [key for _, key in both.gp.records] == ["AARON0001"]
    assert (await both.couple("AARON0001")).coupled


async def interrupted(both: Both, **edited: str) -> None:
    """An account became a customer, nobody heard of it, and somebody has emptied the mark and edited some fields."""
    both.accounts.type(ACCOUNT, both.mapping, name="Aaron", fax="+1 414-555-0145")
    await both.answer(ACCOUNT, APPROVED)
    both.gp.cut_after = 1
    await both.back()
    [(company, key)] = both.gp.records
    both.gp.type_customer(company, key, **edited)
    both.gp.records[company, key] = replace(both.gp.records[company, key], mark="")
    both.gp.now += timedelta(minutes=16)
    await both.rest()
    await both.there(key)
    await both.rest()


async def test_a_new_customer_whose_mark_is_emptied_and_that_is_edited_is_known_by_what_is_left(both: Both) -> None:
    await interrupted(both, CUSTNAME="Aaron Ltd")
    assert (await both.couple("AARON0001")).coupled
    assert (len(both.gp.records), await both.parked()) == (1, [])


async def test_where_too_little_is_left_of_it_both_wait_for_a_person(both: Both) -> None:
    await interrupted(both, CUSTNAME="B", FAX="")
    assert (len(both.gp.records), len(both.accounts.rows)) == (1, 1)
    waiting = sorted((entry.flow, entry.code, entry.key) for entry in await both.parked())
    assert waiting == [(BACK, "possible_duplicate", ACCOUNT), (THERE, "possible_duplicate", "AARON0001")]
    assert all(f"couple AARON0001 --with {ACCOUNT}" in entry.message for entry in await both.parked())


@pytest.mark.parametrize("first", ["gp", "d365"])
async def test_a_person_says_that_it_is_the_one_and_what_was_edited_since_comes_over(both: Both, first: str) -> None:
    await interrupted(both, CUSTNAME="B", FAX="")
    both.accounts.type(ACCOUNT, both.mapping, telephone1="+1 414-555-0199")
    await both.answer(ACCOUNT, ACCOUNT)
    await (both.there("AARON0001") if first == "gp" else both.back())
    await both.rest()
    await both.there("AARON0001")
    assert (len(both.gp.records), len(both.accounts.rows), await both.parked()) == (1, 1, [])
    assert (both.account(ACCOUNT)["name"], both.account(ACCOUNT)["fax"]) == ("B", None)
    assert both.customer("AARON0001")["PHONE1"].startswith("4145550199")
    assert (await both.couple("AARON0001")).id == ACCOUNT


@pytest.mark.parametrize("first", ["gp", "d365"])
async def test_a_person_says_that_it_is_another_and_each_gets_a_counterpart_of_its_own(
    two_way: Mapping, first: str
) -> None:
    both = build(with_rules(two_way, approve="never"))
    await interrupted(both, CUSTNAME="B", FAX="")
    await both.answer(ACCOUNT, NONE)
    await (both.there("AARON0001") if first == "gp" else both.back())
    await both.there("AARON0001")
    await both.rest()
    names = sorted((key, record.values["CUSTNAME"]) for (_, key), record in both.gp.records.items())
    assert names == [("AARON0001", "B"), ("AARON0002", "Aaron")]
    assert sorted(str(row.values["name"]) for row in both.accounts.rows.values()) == ["Aaron", "B"]
    assert ((await both.couple("AARON0002")).id, await both.parked()) == (ACCOUNT, [])


@pytest.mark.parametrize("first", ["gp", "d365"])
async def test_when_the_doubtful_customer_is_deleted_the_account_becomes_one_anew(two_way: Mapping, first: str) -> None:
    both = build(with_rules(two_way, approve="never"))
    await interrupted(both, CUSTNAME="B", FAX="")
    del both.gp.records["TWO", "AARON0001"]
    await (both.there("AARON0001") if first == "gp" else both.back())
    await both.rest()
    assert [record.values["CUSTNAME"] for record in both.gp.records.values()] == ["Aaron"]
    assert ((await both.couple("AARON0001")).id, await both.parked()) == (ACCOUNT, [])


async def test_a_create_cut_before_it_landed_is_done_again_once_it_can_not_land_any_more(both: Both) -> None:
    both.accounts.type(ACCOUNT, both.mapping, name="Aaron")
    await both.answer(ACCOUNT, APPROVED)
    both.gp.cut_before = 1
    await both.back()
    both.lanes.sent.clear()
    await both.back()
    assert both.gp.records == {}
    both.gp.now += timedelta(minutes=16)
    await both.back()
    assert [key for _, key in both.gp.records] == ["AARON0001"]


async def test_an_id_that_a_clerk_took_that_very_second_is_left_to_the_clerk(both: Both) -> None:
    both.accounts.type(ACCOUNT, both.mapping, name="Aaron")
    await both.answer(ACCOUNT, APPROVED)
    both.gp.before_write.append(lambda: both.gp.type_customer("TWO", "AARON0001", CUSTNAME="Somebody else"))
    await both.back()
    assert both.customer("AARON0001")["CUSTNAME"] == "Somebody else"
    assert both.customer("AARON0002")["CUSTNAME"] == "Aaron"
    assert (await both.couple("AARON0002")).id == ACCOUNT
    assert not (await both.couple("AARON0001")).etag


async def test_two_accounts_of_one_name_get_two_ids(both: Both) -> None:
    other = ACCOUNT[:-1] + "2"
    for id_ in (ACCOUNT, other):
        both.accounts.type(id_, both.mapping, name="Aaron")
        await both.answer(id_, APPROVED)
    await both.back(ACCOUNT, other)
    assert sorted(key for _, key in both.gp.records) == ["AARON0001", "AARON0002"]


async def test_an_account_with_a_customers_number_is_coupled_with_it(both: Both) -> None:
    both.gp.type_customer("TWO", "A1", CUSTNAME="Ann")
    both.accounts.type(ACCOUNT, both.mapping, name="Ann", accountnumber="A1")
    await both.back()
    await both.rest()
    assert (await both.couple("A1")).id == ACCOUNT
    assert len(both.gp.records) == 1


async def test_whoever_couples_them_gps_values_hold_at_a_first_coupling(both: Both) -> None:
    both.gp.type_customer("TWO", "A1", CUSTNAME="Ann", PHONE1="41455501450000", FAX="41455501000000")
    both.accounts.type(ACCOUNT, both.mapping, name="Anna", accountnumber="A1", fax="+1 414-555-0199")
    await both.back()
    await both.rest()
    account = both.account(ACCOUNT)
    assert (account["name"], account["telephone1"], account["fax"]) == ("Ann", "+1 414-555-0145", "+1 414-555-0100")


async def test_an_account_that_waits_for_approval_and_turns_out_to_be_a_customer_waits_no_more(both: Both) -> None:
    both.accounts.type(ACCOUNT, both.mapping, name="Ann", accountnumber="A1")
    await both.back()
    both.gp.type_customer("TWO", "A1", CUSTNAME="Ann")
    await both.there("A1")
    await both.back()
    assert (await both.couple("A1")).id == ACCOUNT
    assert (await both.parked(), len(both.gp.records), len(both.accounts.rows)) == ([], 1, 1)
    assert len(both.table.entities) == 3  # the couple, and what points to it from either side's identity


async def test_a_customer_that_waits_and_turns_out_to_be_an_account_waits_no_more(both: Both) -> None:
    other = ACCOUNT[:-1] + "2"
    both.gp.type_customer("TWO", "A1", CUSTNAME="Ann")
    for id_ in (ACCOUNT, other):
        both.accounts.type(id_, both.mapping, name="Ann", accountnumber="A1")
    await both.there("A1")
    del both.accounts.rows[other]
    await both.back()
    assert (await both.couple("A1")).id == ACCOUNT
    await both.there("A1")
    assert await both.parked() == []


async def test_a_field_that_was_empty_when_the_customer_was_made_can_be_filled_in_on_either_side(both: Both) -> None:
    both.accounts.type(ACCOUNT, both.mapping, name="Aaron")
    await both.answer(ACCOUNT, APPROVED)
    await both.back()
    both.gp.type_customer("TWO", "AARON0001", PHONE1="41455501450000")
    both.accounts.type(ACCOUNT, both.mapping, fax="+1 414-555-0100")
    await both.there("AARON0001")
    await both.back()
    await both.rest()
    assert both.account(ACCOUNT)["telephone1"] == "+1 414-555-0145"
    assert both.account(ACCOUNT)["fax"] == "+1 414-555-0100"
    assert both.customer("AARON0001")["FAX"].startswith("4145550100")


async def test_an_account_that_may_be_a_customer_waits_for_a_person(both: Both) -> None:
    both.gp.type_customer("TWO", "A1", CUSTNAME="Ann", **{"bill_to.CUSTNMBR": "A1", "bill_to.ZIP": "60603"})
    both.accounts.type(ACCOUNT, both.mapping, name="ANN", address1_postalcode="60603")
    await both.back()
    [entry] = await both.parked()
    assert (entry.code, entry.key) == ("possible_duplicate", ACCOUNT)


async def test_an_account_out_of_scope_is_left_alone(both: Both) -> None:
    both.accounts.type(ACCOUNT, both.mapping, name="A prospect", customertypecode=1)
    await both.back()
    assert (both.gp.writes, await both.parked()) == ([], [])


async def test_a_customer_deleted_while_a_rep_worked_on_its_account_waits_for_a_person(two_way: Mapping) -> None:
    rules = two_way.rules.model_copy(update={"on_delete": OnDelete(gp="deactivate")})
    both = build(replace(two_way, rules=rules))
    id_ = await both.coupled()
    both.accounts.type(id_, both.mapping, fax="+1 414-555-0100")
    del both.gp.records["TWO", "A1"]
    await both.there("A1")
    await both.rest()
    [entry] = await both.parked()
    assert (entry.code, "fax" in entry.message, both.accounts.writes) == ("deleted_in_source", True, [])


async def test_where_nobody_approves_a_new_customer_it_takes_nothing_that_gp_decides_about(two_way: Mapping) -> None:
    both = build(with_rules(two_way, approve="never"))
    both.accounts.type(ACCOUNT, both.mapping, name="Aaron", creditonhold=True, creditlimit=Decimal(9_999_999))
    await both.back()
    await both.there("AARON0001")
    await both.rest()
    assert (both.customer("AARON0001")["CRLMTAMT"], both.customer("AARON0001")["HOLD"]) == (0, 0)
    assert (both.account(ACCOUNT)["creditonhold"], await both.parked()) == (False, [])


@pytest.mark.parametrize(("take", "name"), [("gp", "Ann"), ("d365", "Anna")])
async def test_a_side_taken_of_two_records_that_meet_for_the_first_time_makes_no_second_account(
    two_way: Mapping, take: Side, name: str
) -> None:
    both = build(ruled(with_rules(two_way, first_sync="owner"), "name", first_sync="review"))
    both.gp.type_customer("TWO", "A1", CUSTNAME="Ann", CRLMTTYP=1)
    both.accounts.type(ACCOUNT, both.mapping, name="Anna", accountnumber="A1")
    await both.there("A1")
    assert [entry.code for entry in await both.parked()] == ["values_differ"]
    before = await both.couple()
    assert not before.coupled
    await both.crosswalk.save([(before, replace(before, take=take))])
    await both.there("A1")
    await both.rest()
    await both.there("A1")
    await both.rest()
    assert list(both.accounts.rows) == [ACCOUNT]
    assert (both.customer()["CUSTNAME"], both.account(ACCOUNT)["name"]) == (name, name)
    assert await both.parked() == []


async def test_many_accounts_of_one_name_in_one_message_get_an_id_each(both: Both) -> None:
    ids = [f"{ACCOUNT[:-2]}{n:02}" for n in range(25)]
    for id_ in ids:
        both.accounts.type(id_, both.mapping, name="Aaron")
        await both.answer(id_, APPROVED)
    await both.back(*ids)
    assert await both.parked() == []
    assert sorted(key for _, key in both.gp.records) == [f"AARON{n:04}" for n in range(1, 26)]


async def test_the_ids_of_many_new_customers_are_looked_up_together(both: Both) -> None:
    ids = [f"{ACCOUNT[:-2]}{n:02}" for n in range(25)]
    for id_ in ids:
        both.accounts.type(id_, both.mapping, name=f"{id_[-2:]} Aaron")
        await both.answer(id_, APPROVED)
    await both.back(*ids)
    assert (len(both.gp.records), both.gp.looks) == (25, 2)


async def test_an_account_that_waits_for_approval_and_leaves_the_scope_waits_no_more(both: Both) -> None:
    both.accounts.type(ACCOUNT, both.mapping, name="Aaron Fitz Electrical")
    await both.back()
    assert [entry.code for entry in await both.parked()] == ["approval_needed"]
    both.accounts.type(ACCOUNT, both.mapping, customertypecode=1)
    await both.back()
    assert await both.parked() == []


@pytest.mark.parametrize(("company", "accounts"), [("THREE", 2), ("TWO", 1), (None, 1)])
async def test_a_customer_never_takes_the_account_of_another_company_for_having_its_number(
    two_way: Mapping, company: str | None, accounts: int
) -> None:
    both = build(with_rules(two_way, company="sic"))
    both.accounts.type(ACCOUNT, both.mapping, name="Aaron", accountnumber="A1", sic=company)
    both.gp.type_customer("TWO", "A1", CUSTNAME="Aaron")
    await both.there("A1")
    assert len(both.accounts.rows) == accounts
    assert (await both.couple("A1")).id == ACCOUNT or accounts == 2
