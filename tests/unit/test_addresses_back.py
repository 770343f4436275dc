"""An address typed at an account becomes one of its customer: after it, once, and never of what is there already."""

import re
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.directions import check_directions
from sync.errors import Rejected
from sync.flow import find_flows
from sync.keys import canonical, split_key
from sync.mapping import Mapping, load_all
from sync.mapping_model import Ids
from sync.message import Message
from sync.operations.describe import describe
from sync.stores.couple import APPROVED, LEFT, Couple
from sync.systems.dataverse.wanted import steps
from tests.fakes import later
from tests.unit.both import ACCOUNT, Both, build, with_rules
from tests.unit.conftest import MAPPINGS

THERE = "address_gp_to_dataverse"
BACK = "address_dataverse_to_gp"
ROW = "0b000000-0000-4000-8000-000000000001"
OTHER = "0b000000-0000-4000-8000-000000000002"
KEY = "A1~WAREHOUSE"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Mapping:
    folder = tmp_path_factory.mktemp("overlays")
    (folder / "address.yaml").write_text("enabled: true", "utf-8")
    return load_all(MAPPINGS, folder)["address"]


@pytest.fixture
def line(two_way: Mapping, address: Mapping) -> Both:
    """Both pairs, both ways."""
    return build(two_way, address)


def of(line: Both) -> Mapping:
    """The pair's mapping."""
    return line.deliveries._pipeline._mappings["address"]


def type_row(line: Both, account: str, id_: str = ROW, **values: Any) -> None:
    """A person types an address at an account, or edits one."""
    line.accounts.type(id_, of(line), **{"name": "Warehouse", "addressnumber": 3, "parentid": account} | values)


async def back(line: Both, *ids: str, message: Message | None = None) -> Message:
    message = message or Message.new(BACK, "TWO", ids or [ROW], "webhook")
    await line.deliveries.receive(message.to_json(), 1, "to-gp")
    return message


async def there(line: Both, key: str = KEY) -> None:
    await line.deliveries.receive(Message.new(THERE, "TWO", [key], "timestamp").to_json(), 1, "to-dataverse")


async def gone(line: Both, *ids: str) -> None:
    """A look, and the one after a message's visibility, which believes that a record is gone."""
    message = await back(line, *ids)
    later(line.table, timedelta(minutes=11))
    await back(line, message=message.again(message.keys))
    line.lanes.sent.clear()


async def couple_of(line: Both, key: str = KEY) -> Couple:
    return (await line.crosswalk.read("TWO", "address", [key]))[key]


async def codes(line: Both) -> list[tuple[str, str]]:
    return sorted((entry.key, entry.code) for entry in await line.parked())


def addresses(line: Both) -> list[str]:
    return sorted(key for _, key in line.gp.records if "~" in key)


async def agreed(line: Both) -> str:
    """An address that both sides hold; its account."""
    account = await line.coupled()
    type_row(line, account, line1="Quay 1")
    await back(line)
    await there(line)
    await line.rest()
    line.gp.writes.clear()
    line.accounts.writes.clear()
    return account


async def test_a_row_typed_at_an_account_becomes_an_address_of_its_customer(line: Both) -> None:
    type_row(line, await line.coupled(), line1="Quay 1", telephone1="+1 414-555-0145")
    await back(line)
    held = line.gp.records["TWO", KEY].values
    assert (held["ADDRESS1"], held["PHONE1"]) == ("Quay 1", "41455501450000")
    assert (await couple_of(line)).id == ROW
    assert await codes(line) == []


async def test_its_code_comes_back_as_its_name_and_nothing_echoes(line: Both) -> None:
    await agreed(line)
    row = line.account(ROW)
    assert (row["name"], row["gp365_key"]) == ("WAREHOUSE", "TWO-A1_7EWAREHOUSE")
    await there(line)
    await back(line)
    await line.rest()
    assert (line.gp.writes, line.accounts.writes) == ([], [])


async def test_edits_of_both_sides_cross_field_by_field(line: Both) -> None:
    await agreed(line)
    line.gp.type_address("TWO", of(line), KEY, CITY="Oslo")
    line.accounts.edit(ROW, line1="Quay 2")
    await back(line)
    await line.rest()
    assert (line.gp.records["TWO", KEY].values["ADDRESS1"], line.account(ROW)["city"]) == ("Quay 2", "Oslo")
    assert await codes(line) == []


async def test_a_name_that_is_edited_in_dataverse_is_put_right_for_a_code_never_changes(line: Both) -> None:
    await agreed(line)
    line.accounts.edit(ROW, name="Depot")
    await back(line)
    line.gp.type_address("TWO", of(line), KEY, CITY="Oslo")
    await there(line)
    assert (line.account(ROW)["name"], addresses(line)) == ("WAREHOUSE", [KEY])


async def test_one_whose_code_the_customer_has_already_is_perhaps_that_one_until_it_has_another_name(
    line: Both,
) -> None:
    account = await agreed(line)
    type_row(line, account, OTHER)
    await back(line, OTHER)
    [entry] = await line.parked()
    assert (entry.code, addresses(line)) == ("possible_duplicate", [KEY])
    assert f"couple {KEY} --with {OTHER}" in entry.message
    line.accounts.edit(OTHER, name="Depot")
    await back(line, OTHER)
    assert (addresses(line), await codes(line)) == (["A1~DEPOT", KEY], [])


async def test_a_person_says_that_it_is_the_one_that_gp_has(line: Both) -> None:
    account = await line.coupled()
    line.gp.type_address("TWO", of(line), KEY, ADDRESS1="Quay 1", CITY="Oslo")
    type_row(line, account, line1="Quay 1")
    await back(line)
    assert await codes(line) == [(ROW, "possible_duplicate")]
    before = await couple_of(line)
    await line.crosswalk.save([(before, replace(before, answer=ROW))])
    await there(line)
    await line.rest()
    await back(line)
    assert ((await couple_of(line)).id, line.account(ROW)["city"], await codes(line)) == (ROW, "Oslo", [])
    assert len([row for row in line.accounts.rows.values() if "line1" in row.values]) == 1


async def test_where_ids_are_counted_a_second_one_of_that_name_is_another(two_way: Mapping, address: Mapping) -> None:
    line = build(two_way, with_rules(address, ids=Ids(letters=9, digits=2)))
    account = await line.coupled()
    type_row(line, account)
    type_row(line, account, OTHER)
    await back(line, ROW, OTHER)
    assert addresses(line) == ["A1~WAREHOUSE01", "A1~WAREHOUSE02"]


async def test_the_same_code_of_two_customers_is_no_trouble(line: Both) -> None:
    first, second = await line.coupled("A1"), await line.coupled("A2")
    type_row(line, first)
    type_row(line, second, OTHER)
    await back(line, ROW, OTHER)
    assert addresses(line) == [KEY, "A2~WAREHOUSE"]


@pytest.mark.parametrize("cut", ["cut_before", "cut_after"])
async def test_an_interrupted_create_makes_one_address(line: Both, cut: str) -> None:
    type_row(line, await line.coupled())
    setattr(line.gp, cut, 1)
    message = await back(line)
    line.gp.now += timedelta(minutes=16)
    later(line.table, timedelta(minutes=16))
    await back(line, message=message)
    await line.rest()
    assert (addresses(line), (await couple_of(line)).coupled) == ([KEY], True)


async def test_a_code_that_a_clerk_types_just_then_stays_the_clerks(line: Both) -> None:
    type_row(line, await line.coupled(), line1="Quay 1")
    line.gp.before_write.append(lambda: line.gp.type_address("TWO", of(line), KEY, ADDRESS1="Depot"))
    await back(line)
    assert (addresses(line), await codes(line)) == ([KEY], [(ROW, "possible_duplicate")])
    assert line.gp.records["TWO", KEY].values["ADDRESS1"] == "Depot"


async def test_an_address_of_an_account_that_is_no_customer_takes_no_part_and_comes_with_it(line: Both) -> None:
    line.accounts.type(ACCOUNT, line.mapping, name="Aaron")
    type_row(line, ACCOUNT)
    type_row(line, ACCOUNT, OTHER, addressnumber=2)
    await back(line)
    await line.back()
    assert (addresses(line), line.lanes.sent, await codes(line)) == ([], [], [(ACCOUNT, "approval_needed")])
    await line.answer(ACCOUNT, APPROVED)
    await line.back()
    [(lane, message, _)] = line.lanes.sent
    assert (lane, message.flow, message.keys, message.reason) == ("to-gp", BACK, (ROW,), "awaited")
    await line.rest()
    assert (addresses(line), await codes(line)) == (["AARON0001~WAREHOUSE"], [])


async def test_an_address_waits_while_its_account_is_becoming_a_customer(line: Both) -> None:
    line.accounts.type(ACCOUNT, line.mapping, name="Aaron")
    type_row(line, ACCOUNT)
    await line.answer(ACCOUNT, APPROVED)
    line.gp.cut_after = 1
    await line.back()
    line.lanes.sent.clear()
    await back(line)
    [(_, again, pause)] = line.lanes.sent
    assert (again.keys, again.delays, pause > 0, addresses(line)) == ((ROW,), 1, True, [])


async def test_a_customer_that_gp_had_before_is_sent_no_addresses_of_its_account(line: Both) -> None:
    line.accounts.type(ACCOUNT, line.mapping, name="Ann")
    type_row(line, ACCOUNT)
    line.gp.type_customer("TWO", "A1", CUSTNAME="Ann", CRLMTTYP=1)
    await line.answer(ACCOUNT, "A1")
    await line.back()
    assert (await line.couple()).coupled
    await line.rest()
    assert addresses(line) == []


async def test_the_accounts_own_addresses_take_no_part(line: Both) -> None:
    type_row(line, await line.coupled(), addressnumber=1)
    await back(line)
    assert (addresses(line), await codes(line)) == ([], [])


async def test_an_approval_is_asked_for_where_the_mapping_says_so(two_way: Mapping, address: Mapping) -> None:
    line = build(two_way, with_rules(address, approve="create"))
    type_row(line, await line.coupled())
    await back(line)
    [entry] = await line.parked()
    assert "A customeraddress would become address A1~WAREHOUSE in GP" in entry.message
    [before] = (await line.crosswalk.read_ids("TWO", "address", [ROW])).values()
    await line.crosswalk.save([(before, replace(before, answer=APPROVED))])
    await back(line)
    assert (addresses(line), await codes(line)) == ([KEY], [])


async def test_a_bad_one_is_parked_alone(line: Both) -> None:
    account = await line.coupled()
    type_row(line, account, line1="x" * 61)
    type_row(line, account, OTHER, name="Depot")
    await back(line, ROW, OTHER)
    assert (addresses(line), await codes(line)) == (["A1~DEPOT"], [(ROW, "value_too_long")])


async def test_one_that_gp_refuses_is_parked_and_its_code_is_free_again(line: Both) -> None:
    type_row(line, await line.coupled())
    line.gp.refuse[ROW] = Rejected("no such site", code="not_set_up_in_gp")
    await back(line)
    assert (await codes(line), (await couple_of(line)).id) == ([(ROW, "not_set_up_in_gp")], "")


async def test_a_row_that_holds_a_key_of_ours_is_no_new_address_though_the_crosswalk_lost_it(line: Both) -> None:
    await agreed(line)
    for place in [place for place in line.table.entities if place[0] == "TWO.address"]:
        del line.table.entities[place]
    await back(line)
    [(lane, message, _)] = line.lanes.sent
    assert (lane, message.flow, message.keys, message.reason) == ("to-dataverse", THERE, (KEY,), "handed_over")
    await line.rest()
    assert (addresses(line), (await couple_of(line)).id) == ([KEY], ROW)


async def test_a_row_deleted_in_dataverse_waits_for_a_person(line: Both) -> None:
    await agreed(line)
    del line.accounts.rows[ROW]
    await gone(line)
    assert await codes(line) == [(ROW, "deleted_in_source")]


async def test_a_row_deleted_with_its_account_is_told_once(line: Both) -> None:
    account = await agreed(line)
    del line.accounts.rows[ROW], line.accounts.rows[account]
    await gone(line)
    assert (await codes(line), (await couple_of(line)).settled_delete) == ([], True)


async def test_an_address_that_became_the_bill_to_is_left_alone_and_the_flow_from_gp_says_so(line: Both) -> None:
    await agreed(line)
    line.gp.type_address("TWO", of(line), KEY, **{"customer.PRBTADCD": "WAREHOUSE"})
    line.accounts.edit(ROW, line1="Quay 2")
    await back(line)
    assert line.gp.records["TWO", KEY].values["ADDRESS1"] == "Quay 1"
    await line.rest()
    assert await codes(line) == [(KEY, LEFT)]
    await back(line)
    assert line.lanes.sent == [], "told once"


async def test_the_row_of_one_that_left_may_be_deleted_and_nothing_is_left_of_the_couple(line: Both) -> None:
    await agreed(line)
    line.gp.type_address("TWO", of(line), KEY, **{"customer.PRBTADCD": "WAREHOUSE"})
    await there(line)
    del line.accounts.rows[ROW]
    await back(line)
    await line.rest()
    couple = await couple_of(line)
    assert (couple.coupled, couple.id, await codes(line)) == (False, "", [])


SHIPPED = load_all(MAPPINGS)["address"]
IDS = st.text(st.characters(codec="cp1252", exclude_characters="\0"), min_size=1, max_size=15)


@given(IDS, st.text(max_size=200))
def test_a_new_key_is_the_customers_and_a_code_that_gp_can_hold_whatever_is_typed(customer: str, name: str) -> None:
    address = SHIPPED
    parent = canonical(customer)
    if not parent:
        return
    try:
        keys = list(islice(address.ids({"name": name}, parent), 3))
    except Rejected:
        return  # nothing of it can stand in a code
    assert len(set(keys)) == 3
    for key in keys:
        above, code = split_key(key, 2)
        assert (above, address.parent_key(key)) == (parent, parent)
        assert re.fullmatch("[A-Z0-9][A-Z0-9 ._-]{0,14}", code)


async def test_it_is_switched_off_as_shipped_and_checked_all_the_same(two_way: Mapping, address: Mapping) -> None:
    shipped = load_all(MAPPINGS)
    assert not shipped["address"].rules.enabled
    check_directions(find_flows().values(), shipped | {"customer": two_way, "address": address})


def test_a_company_of_its_own_is_refused_where_a_parent_has_one(tmp_path: Path) -> None:
    (tmp_path / "address.yaml").write_text("company: \"'TWO'\"", "utf-8")
    with pytest.raises(Exception, match="it is the company of the account it belongs to"):
        load_all(MAPPINGS, tmp_path)


def test_its_flow_says_whose_a_new_one_is_and_how_gp_names_it() -> None:
    page = describe(find_flows()[BACK], SHIPPED)
    assert "- Their company: by `gp365_key`, else that of their account" in page
    assert "- Ids of new records: the customer's, and `$uppercase(" in page
    assert "- Each belongs to a customer, by `parentid_account`, and comes after it" in page


def test_its_webhooks_bring_along_what_says_whose_it_is() -> None:
    found = {step.message: step for step in steps([SHIPPED])}
    assert found["Create"].image.attributes == ("addressnumber", "gp365_key", "parentid")
    assert {"line1", "parentid", "gp365_key"} <= set(found["Update"].filtering)
    assert "gp365_mark" not in found["Update"].filtering
    assert found["Delete"].image.attributes == ("gp365_key",)
