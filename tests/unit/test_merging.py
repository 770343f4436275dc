"""Two records meet for the first time: a blank says nothing against a value, whichever side is asked first."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sync.mapping import Mapping
from sync.message import Message
from tests.fakes import START
from tests.unit.both import ACCOUNT, THERE, Both, build, ruled, with_rules

PHONE = "+1 414-555-0100"
POLICIES = ["owner", "newest", "gp", "d365", "fill", "review"]


async def meet(both: Both, gp: dict[str, Any], dataverse: dict[str, Any], *, first: str = "gp") -> None:
    """A customer and an account of one number, seen by one direction and then by the other, until nothing is left to do."""
    both.gp.type_customer("TWO", "A1", **{"CUSTNAME": "Ann", "CRLMTTYP": 1} | gp)
    both.accounts.type(ACCOUNT, both.mapping, **{"name": "Ann", "accountnumber": "A1"} | dataverse)
    for side in (first, "d365", "gp"):
        await (both.there("A1") if side == "gp" else both.back(ACCOUNT))
        await both.rest()


@pytest.mark.parametrize("first", ["gp", "d365"])
@pytest.mark.parametrize("policy", POLICIES)
async def test_each_sides_value_goes_where_the_other_holds_none_by_every_policy(
    two_way: Mapping, policy: str, first: str
) -> None:
    both = build(ruled(ruled(two_way, "fax", first_sync=policy), "telephone1", first_sync=policy))
    await meet(both, {"PHONE1": "41455501450000"}, {"fax": PHONE}, first=first)
    assert both.customer()["FAX"].startswith("4145550100")
    assert (both.account(ACCOUNT)["fax"], both.account(ACCOUNT)["telephone1"]) == (PHONE, "+1 414-555-0145")
    assert await both.parked() == []


@pytest.mark.parametrize("first", ["gp", "d365"])
async def test_where_a_value_may_not_go_both_stay_as_they_are_also_when_another_field_is_edited(
    both: Both, first: str
) -> None:
    await meet(both, {}, {"paymenttermscode": 1}, first=first)
    writes = len(both.accounts.writes), len(both.gp.writes)
    both.gp.type_customer("TWO", "A1", CUSTNAME="Anna")
    await both.there("A1")
    await both.back(ACCOUNT)
    await both.rest()
    await both.there("A1")
    assert (both.account(ACCOUNT)["name"], both.account(ACCOUNT)["paymenttermscode"]) == ("Anna", 1)
    assert (len(both.accounts.writes), len(both.gp.writes)) == (writes[0] + 1, writes[1])
    both.gp.type_customer("TWO", "A1", PYMTRMID="Net 45")
    await both.there("A1")
    assert both.account(ACCOUNT)["paymenttermscode"] == 3


async def test_a_number_of_gp_is_a_value_also_where_dataverse_would_hold_nothing(both: Both) -> None:
    await meet(both, {"CRLMTTYP": 1, "HOLD": 0}, {"creditlimit": 500, "creditonhold": True})
    assert (both.account(ACCOUNT)["creditlimit"], both.account(ACCOUNT)["creditonhold"]) == (None, False)


@pytest.mark.parametrize(("owner", "held"), [("gp", "0177"), ("d365", "0100")])
async def test_a_blank_that_is_filled_before_the_value_came_over_is_an_edit_like_any(
    two_way: Mapping, owner: str, held: str
) -> None:
    both = build(ruled(two_way, "fax", owner=owner))
    both.gp.type_customer("TWO", "A1", CUSTNAME="Ann", CRLMTTYP=1)
    both.accounts.type(ACCOUNT, both.mapping, name="Ann", accountnumber="A1", fax=PHONE)
    await both.there("A1")
    both.gp.type_customer("TWO", "A1", FAX="41455501770000")
    await both.rest()
    await both.there("A1")
    await both.rest()
    assert (both.account(ACCOUNT)["fax"], both.customer()["FAX"][:10]) == (f"+1 414-555-{held}", f"414555{held}")
    assert await both.parked() == []


async def test_a_value_that_is_taken_away_after_the_coupling_is_taken_away_on_both_sides(both: Both) -> None:
    await meet(both, {}, {"fax": PHONE})
    both.accounts.type(ACCOUNT, both.mapping, fax=None)
    await both.back(ACCOUNT)
    await both.there("A1")
    await both.rest()
    assert (both.customer()["FAX"].strip(), both.account(ACCOUNT)["fax"]) == ("", None)


async def test_what_an_earlier_try_of_ours_made_is_emptied_where_its_source_was(both: Both) -> None:
    both.gp.type_customer("TWO", "A1", CUSTNAME="Ann", CRLMTTYP=1, FAX="41455501000000")
    both.accounts.cut_after = 1
    await both.there("A1")
    couple = await both.couple()
    await both.crosswalk.save([(couple, replace(couple, intent=None, base={}))])
    both.gp.type_customer("TWO", "A1", FAX="")
    await both.there("A1")
    assert [row.values["fax"] for row in both.accounts.rows.values()] == [None]


async def test_where_all_is_approved_a_value_that_would_fill_a_blank_in_gp_waits_for_a_yes(two_way: Mapping) -> None:
    both = build(with_rules(two_way, approve="always"))
    await meet(both, {}, {"fax": PHONE})
    [entry] = await both.parked()
    assert (entry.code, both.account(ACCOUNT)["fax"]) == ("approval_needed", PHONE)
    await both.answer(ACCOUNT, "d365")
    await both.back(ACCOUNT)
    assert both.customer()["FAX"].startswith("4145550100")


async def test_a_newly_mapped_field_is_filled_by_its_backfill_from_whichever_side_holds_a_value(both: Both) -> None:
    id_ = await both.coupled()
    couple = await both.couple()
    base = {name: agreed for name, agreed in couple.base.items() if name != "fax"}
    await both.crosswalk.save([(couple, replace(couple, base=base))])
    both.accounts.type(id_, both.mapping, fax=PHONE)
    await both.there(message=Message.new(THERE, "TWO", ["A1"], "backfill", fields=["fax"]))
    await both.rest()
    assert (both.customer()["FAX"][:10], both.account(id_)["fax"]) == ("4145550100", PHONE)


HOUR = timedelta(hours=1)


def edit_both(both: Both, id_: str, clerk: timedelta, rep: timedelta) -> None:
    """A clerk and a rep change the name of one customer, so long after the start."""
    both.gp.now = START + clerk
    both.gp.type_customer("TWO", "A1", CUSTNAME="By the clerk")
    both.accounts.edit(id_, name="By the rep")
    both.accounts.rows[id_] = replace(both.accounts.rows[id_], changed=START + rep)


@pytest.mark.parametrize("first", ["gp", "d365"])
@pytest.mark.parametrize(
    ("clerk", "rep", "held"), [(2 * HOUR, HOUR, "By the clerk"), (HOUR, 2 * HOUR, "By the rep"), (HOUR, HOUR, None)]
)
async def test_the_latest_holds_where_both_changed_and_a_person_says_where_the_clocks_do_not_tell(
    two_way: Mapping, first: str, clerk: timedelta, rep: timedelta, held: str | None
) -> None:
    both = build(ruled(two_way, "name", owner="latest"))
    id_ = await both.coupled()
    edit_both(both, id_, clerk, rep)
    await (both.there("A1") if first == "gp" else both.back(id_))
    await both.rest()
    if held:
        assert (both.customer()["CUSTNAME"], both.account(id_)["name"], await both.parked()) == (held, held, [])
    else:
        assert {entry.code for entry in await both.parked()} == {"values_differ"}


@pytest.mark.parametrize(("clerk", "held"), [(2 * HOUR, "By the clerk"), (timedelta(), None)])
async def test_a_stamp_of_gp_that_may_be_of_our_own_write_says_nothing_about_people(
    two_way: Mapping, clerk: timedelta, held: str | None
) -> None:
    both = build(ruled(two_way, "name", owner="latest"))
    id_ = await both.coupled()
    both.accounts.edit(id_, fax=PHONE)
    await both.back(id_)
    edit_both(both, id_, clerk, -HOUR)
    await both.back(id_)
    await both.rest()
    assert [entry.code for entry in await both.parked()] == ([] if held else ["values_differ"])
    assert both.account(id_)["name"] == (held or "By the rep")


async def test_a_stamp_of_dataverse_that_is_of_our_own_write_says_nothing_about_people(two_way: Mapping) -> None:
    both = build(ruled(two_way, "name", owner="latest"))
    id_ = await both.coupled()
    edit_both(both, id_, HOUR, 2 * HOUR)
    both.accounts.rows[id_] = replace(both.accounts.rows[id_], written_by_us=True)
    await both.there("A1")
    await both.rest()
    assert {entry.code for entry in await both.parked()} == {"values_differ"}
