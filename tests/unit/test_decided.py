"""What waits for a person between both directions: reviews, requests, fights, and what becomes of the answer."""

from dataclasses import replace

import pytest

from sync.mapping import Mapping
from sync.stores.couple import A_FIGHT
from tests.unit.both import ACCOUNT, BACK, Both, build, ruled, with_rules


@pytest.mark.parametrize(("take", "name"), [("gp", "By GP"), ("d365", "By a rep")])
async def test_a_difference_under_review_waits_with_all_values_and_a_persons_choice_holds(
    two_way: Mapping, take: str, name: str
) -> None:
    both = build(ruled(two_way, "name", owner="review"))
    id_ = await both.coupled()
    both.gp.type_customer("TWO", "A1", CUSTNAME="By GP")
    both.accounts.type(id_, both.mapping, name="By a rep")
    await both.back(id_)
    await both.rest()
    [entry] = await both.parked()
    assert entry.code == "values_differ"
    assert all(value in entry.message for value in ("'By GP'", "'By a rep'", "'Ann'"))
    await both.answer(id_, take)
    await both.there("A1")
    await both.rest()
    await both.there("A1")
    assert (both.customer()["CUSTNAME"], both.account(id_)["name"]) == (name, name)
    assert await both.parked() == []


async def test_a_difference_that_went_away_in_dataverse_is_taken_off_the_list(two_way: Mapping) -> None:
    both = build(ruled(two_way, "name", owner="review"))
    id_ = await both.coupled()
    both.gp.type_customer("TWO", "A1", CUSTNAME="By GP")
    both.accounts.type(id_, both.mapping, name="By a rep")
    await both.there("A1")
    both.accounts.type(id_, both.mapping, name="By GP")
    await both.back(id_)
    await both.rest()
    assert await both.parked() == []


async def test_an_edit_of_gps_own_field_waits_for_approval_and_is_not_put_back_meanwhile(both: Both) -> None:
    id_ = await both.coupled()
    both.accounts.type(id_, both.mapping, creditonhold=True, fax="+1 414-555-0100")
    await both.back(id_)
    await both.there("A1")
    await both.rest()
    [entry] = await both.parked()
    assert (entry.code, entry.flow) == ("approval_needed", BACK)
    assert (both.customer()["HOLD"], both.account(id_)["creditonhold"]) == (0, True)
    assert both.customer()["FAX"].startswith("4145550100")


@pytest.mark.parametrize(("take", "held"), [("d365", 1), ("gp", 0)])
async def test_a_request_is_carried_out_or_put_back_as_a_person_says(both: Both, take: str, held: int) -> None:
    id_ = await both.coupled()
    both.accounts.type(id_, both.mapping, creditonhold=True)
    await both.back(id_)
    await both.answer(id_, take)
    await both.back(id_)
    await both.rest()
    await both.back(id_)
    assert (both.customer()["HOLD"], both.account(id_)["creditonhold"]) == (held, bool(held))
    assert await both.parked() == []


async def test_a_side_that_a_person_took_holds_also_where_a_first_coupling_is_not_over(both: Both) -> None:
    both.gp.type_customer("TWO", "A1", CUSTNAME="Ann", CRLMTTYP=1)
    both.accounts.type(ACCOUNT, both.mapping, name="Anna", accountnumber="A1")
    await both.back()
    both.lanes.sent.clear()
    both.accounts.type(ACCOUNT, both.mapping, fax="+1 414-555-0100")
    await both.answer(ACCOUNT, "d365")
    await both.there("A1")
    await both.rest()
    await both.there("A1")
    assert (both.customer()["CUSTNAME"], both.account(ACCOUNT)["name"]) == ("Anna", "Anna")
    assert both.customer()["FAX"].startswith("4145550100")


async def test_where_every_edit_is_asked_for_a_refused_one_is_put_back(two_way: Mapping) -> None:
    both = build(replace(two_way, rules=two_way.rules.model_copy(update={"approve": "always"})))
    id_ = await both.coupled()
    both.accounts.type(id_, both.mapping, name="Anna")
    await both.back(id_)
    assert [entry.code for entry in await both.parked()] == ["approval_needed"]
    await both.answer(id_, "gp")
    await both.back(id_)
    await both.rest()
    await both.back(id_)
    assert (both.customer()["CUSTNAME"], both.account(id_)["name"]) == ("Ann", "Ann")
    assert await both.parked() == []


async def test_a_choice_that_has_nothing_left_to_decide_decides_nothing_later(both: Both) -> None:
    id_ = await both.coupled()
    both.accounts.type(id_, both.mapping, creditonhold=True)
    await both.back(id_)
    both.accounts.type(id_, both.mapping, creditonhold=False)
    await both.answer(id_, "gp")
    await both.back(id_)
    both.accounts.type(id_, both.mapping, creditonhold=True)
    await both.back(id_)
    await both.rest()
    assert [entry.code for entry in await both.parked()] == ["approval_needed"]


async def test_a_difference_under_review_at_a_first_coupling_still_waits_after_the_second_look(
    two_way: Mapping,
) -> None:
    reviewed = ruled(two_way, "name", first_sync="review")
    both = build(replace(reviewed, rules=reviewed.rules.model_copy(update={"first_sync": "owner"})))
    both.gp.type_customer("TWO", "A1", CUSTNAME="Ann", PHONE1="41455501450000")
    both.accounts.type(ACCOUNT, both.mapping, name="Anna", accountnumber="A1")
    await both.back()
    await both.rest()
    await both.there("A1")
    await both.rest()
    assert [entry.code for entry in await both.parked()] == ["values_differ"]


async def test_a_request_beside_a_difference_under_review_is_not_handed_to_and_fro(two_way: Mapping) -> None:
    both = build(ruled(two_way, "name", owner="review"))
    id_ = await both.coupled()
    both.gp.type_customer("TWO", "A1", CUSTNAME="By GP")
    both.accounts.type(id_, both.mapping, name="By a rep", creditonhold=True)
    await both.back(id_)
    await both.rest()
    assert sorted(entry.code for entry in await both.parked()) == ["approval_needed", "values_differ"]


@pytest.mark.parametrize(("granted", "phone"), [("d365", "5550100"), ("gp", "5550145")])
@pytest.mark.parametrize(("take", "name"), [("gp", "By GP"), ("d365", "By a rep")])
@pytest.mark.parametrize("first", ["approval_needed", "values_differ"])
async def test_of_a_difference_and_an_approval_each_goes_as_a_person_said_of_it(
    two_way: Mapping, first: str, take: str, name: str, granted: str, phone: str
) -> None:
    both = build(with_rules(ruled(two_way, "name", owner="review"), approve="always"))
    id_ = await both.coupled(PHONE1="41455501450000")
    both.gp.type_customer("TWO", "A1", CUSTNAME="By GP")
    both.accounts.type(id_, both.mapping, name="By a rep", telephone1="+1 414-555-0100")
    await both.back(id_)
    await both.rest()
    answers = {"values_differ": take, "approval_needed": granted}
    assert {entry.code for entry in await both.parked()} == answers.keys()
    for code in (first, *(answers.keys() - {first})):
        await both.answer(id_, answers[code], code=code)
    for _ in range(2):
        await both.back(id_)
        await both.there("A1")
        await both.rest()
    assert (both.customer()["CUSTNAME"], both.account(id_)["name"]) == (name, name)
    assert phone in both.customer()["PHONE1"]
    assert both.account(id_)["telephone1"].replace("-", "").endswith(phone)
    assert await both.parked() == []


async def test_where_everything_is_approved_an_edit_waits_and_is_carried_out_once_a_person_said_yes(
    two_way: Mapping,
) -> None:
    both = build(with_rules(two_way, approve="always"))
    id_ = await both.coupled()
    both.accounts.type(id_, both.mapping, name="Anna")
    await both.back(id_)
    [entry] = await both.parked()
    assert (entry.code, "from 'Ann' to 'Anna'" in entry.message) == ("approval_needed", True)
    assert both.customer()["CUSTNAME"] == "Ann"
    await both.answer(id_, "d365")
    await both.back(id_)
    assert (both.customer()["CUSTNAME"], await both.parked()) == ("Anna", [])


async def fight(both: Both, id_: str, turns: int) -> None:
    """A program in Dynamics 365 and one in GP each put the name back to what they hold for right, again and again."""
    for _ in range(turns):
        both.accounts.edit(id_, name="As CRM has it")
        await both.back(id_)
        await both.rest()
        both.gp.type_customer("TWO", "A1", CUSTNAME="As GP has it")
        await both.there("A1")
        await both.rest()


async def test_a_field_that_two_systems_fight_over_is_parked_and_no_longer_written(both: Both) -> None:
    id_ = await both.coupled()
    await fight(both, id_, 20)
    [entry] = await both.parked()
    assert (entry.code, "put back again and again" in entry.message) == ("values_differ", True)
    assert len(both.gp.writes) + len(both.accounts.writes) <= A_FIGHT + 2


@pytest.mark.parametrize(("take", "name"), [("gp", "As GP has it"), ("d365", "As CRM has it")])
async def test_a_person_ends_a_fight(both: Both, take: str, name: str) -> None:
    id_ = await both.coupled()
    await fight(both, id_, 20)
    both.accounts.edit(id_, name="As CRM has it")
    await both.answer(id_, take)
    await both.there("A1")
    await both.rest()
    await both.back(id_)
    await both.rest()
    assert (both.customer()["CUSTNAME"], both.account(id_)["name"]) == (name, name)
    assert await both.parked() == []


async def test_many_edits_of_one_side_are_no_fight(both: Both) -> None:
    id_ = await both.coupled()
    for number in range(20):
        both.accounts.edit(id_, name=f"Edit {number}")
        await both.back(id_)
        await both.rest()
    assert await both.parked() == []
    assert both.customer()["CUSTNAME"] == "Edit 19"
