"""New customers: which addresses they get, what a class gives them, and what happens when the id is taken."""

import pytest

from sync.errors import Rejected
from sync.system import Outcome
from sync.systems.gp.marks import stored_mark
from tests.sandbox.gp.records import World

BILL = {"bill_to.ADDRESS1": "2 Bill", "bill_to.CITY": "Ames"}
SHIP = {"ship_to.ADDRESS1": "3 Ship", "ship_to.CITY": "Gary"}
CODES = "ADRSCODE, PRBTADCD, PRSTADCD, STADDRCD"


async def _made(world: World, values: dict, **other: object) -> str:
    key = world.new_key()
    [verdict] = await world.write(world.create(key, values, **other))
    assert (verdict.outcome, verdict.error) == (Outcome.WRITTEN, None)
    assert verdict.kept == await world.look(key)
    return key


def _rows(world: World, key: str) -> list[tuple]:
    return world.sql(f"SELECT ADRSCODE, ADDRESS1, CITY FROM RM00102 WHERE CUSTNMBR = '{key}' ORDER BY 1")


async def test_a_new_customer_has_one_address_that_all_its_codes_name(world: World) -> None:
    key = await _made(world, {**BILL, "ship_to.ADDRESS1": "", "ship_to.CITY": ""})
    assert world.stored(CODES, key=key) == ("PRIMARY",) * 4
    assert _rows(world, key) == [("PRIMARY", "2 Bill", "Ames")]
    assert world.stored("ADDRESS1, CITY", key=key) == ("2 Bill", "Ames")


async def test_a_ship_to_address_of_its_own_gets_a_code_of_its_own(world: World) -> None:
    key = await _made(world, {**BILL, **SHIP})
    assert world.stored(CODES, key=key) == ("PRIMARY", "PRIMARY", "SHIP TO", "PRIMARY")
    assert _rows(world, key) == [("PRIMARY", "2 Bill", "Ames"), ("SHIP TO", "3 Ship", "Gary")]


async def test_two_equal_addresses_are_one(world: World) -> None:
    same = {path.replace("bill_to", "ship_to"): value for path, value in BILL.items()}
    key = await _made(world, {**BILL, **same})
    assert _rows(world, key) == [("PRIMARY", "2 Bill", "Ames")]


async def test_a_customer_without_any_address_has_an_empty_main_one(world: World) -> None:
    key = await _made(world, {})
    assert _rows(world, key) == [("PRIMARY", "", "")]


async def test_a_further_address_starts_empty_whatever_the_customer_has(world: World) -> None:
    key = await _made(world, {"PHONE1": "123", "PHONE2": "456", **BILL, **SHIP})
    assert world.stored("PHONE1, PHONE2", "RM00102", "AND ADRSCODE = 'SHIP TO'", key) == ("", "")
    assert world.stored("PHONE1, PHONE2", "RM00102", "AND ADRSCODE = 'PRIMARY'", key) == ("123", "456")
    assert world.stored("PHONE1, PHONE2", key=key) == ("123", "456")


async def test_a_phone_of_the_bill_to_address_alone_is_also_the_customers(world: World) -> None:
    key = await _made(world, {"PHONE1": "", **BILL, "bill_to.PHONE1": "789"})
    assert world.stored("PHONE1", key=key) == ("789",)


async def test_a_bill_to_address_with_another_phone_than_the_customers_stands_apart(world: World) -> None:
    key = await _made(world, {"PHONE1": "123", **BILL, "bill_to.PHONE1": "789"})
    assert world.stored(CODES, key=key) == ("PRIMARY", "BILL TO", "PRIMARY", "PRIMARY")
    assert world.stored("PHONE1", "RM00102", "AND ADRSCODE = 'BILL TO'", key) == ("789",)
    assert world.stored("PHONE1", key=key) == ("123",)


async def test_codes_that_are_given_are_used(world: World) -> None:
    key = await _made(world, {**BILL, **SHIP, "bill_to.ADRSCODE": "office", "ship_to.ADRSCODE": "Dock 1"})
    assert [code for code, _, _ in _rows(world, key)] == ["DOCK 1", "OFFICE"]
    assert world.stored(CODES, key=key) == ("OFFICE", "OFFICE", "DOCK 1", "OFFICE")


async def test_two_addresses_under_one_given_code_are_refused(world: World) -> None:
    values = {**BILL, **SHIP, "bill_to.ADRSCODE": "ONE", "ship_to.ADRSCODE": "one"}
    [verdict] = await world.write(world.create(world.new_key(), values))
    assert isinstance(verdict.error, Rejected)
    assert verdict.error.code == "one_in_gp"


async def test_every_row_carries_the_mark(world: World) -> None:
    key = world.new_key()
    write = world.create(key, {**BILL, **SHIP})
    await world.write(write)
    marks = {mark for (mark,) in world.sql(f"SELECT INTEGRATIONID FROM RM00102 WHERE CUSTNMBR = '{key}'")}
    assert marks == {stored_mark(write.mark)} == set(world.stored("INTEGRATIONID", key=key))


async def test_a_class_gives_what_is_left_empty_and_nothing_that_is_said(world: World) -> None:
    [key, plain] = [world.new_key(), world.new_key()]
    await world.write(
        world.create(key, {"CUSTCLAS": "USA-ILMO-T1", "PYMTRMID": "", "CRLMTTYP": 1}),
        world.create(plain, {"CUSTCLAS": ""}),
    )
    assert world.stored("CUSTCLAS, PYMTRMID, TAXSCHID, CRLMTTYP", key=key)[2:] == ("USASTCITY-6*", 1)
    assert world.stored("PYMTRMID", key=key) != ("",)
    assert world.stored("CUSTCLAS, TAXSCHID", key=plain) == ("", "")


async def test_internet_addresses_stand_with_the_main_address_and_are_made_only_if_there_are_any(world: World) -> None:
    key = await _made(world, {"internet.INET1": "a@x.example", "internet.INET2": ""})
    assert world.stored("ADRSCODE, INET1, INET2", "SY01200", key=key) == ("PRIMARY", "a@x.example", "")
    without = await _made(world, {"internet.INET1": "", "internet.INET2": ""})
    assert world.sql(f"SELECT 1 FROM SY01200 WHERE Master_ID = '{without}'") == []


async def test_what_a_deleted_customer_left_of_its_mail_is_not_taken_over(world: World) -> None:
    key = world.new_key()
    world.sql(
        f"INSERT INTO SY01200 (Master_Type, Master_ID, ADRSCODE, INET3) VALUES ('CUS', '{key}', 'PRIMARY', 'old')"
    )
    await world.write(world.create(key, {"internet.INET1": "a@x.example"}))
    assert world.stored("INET1, INET3", "SY01200", key=key) == ("a@x.example", "")


@pytest.mark.parametrize("ours", [True, False])
async def test_an_id_that_is_taken_is_left_alone_and_tells_whose_it_is(world: World, *, ours: bool) -> None:
    write = world.create(world.key, {"CUSTNAME": "Mine"})
    if ours:
        world.sql(f"UPDATE RM00101 SET INTEGRATIONID = '{stored_mark(write.mark)}' WHERE CUSTNMBR = '{world.key}'")
    before = world.stored("*")
    [verdict] = await world.write(write)
    assert verdict.outcome is Outcome.EXISTS
    assert verdict.kept == await world.look()
    assert (verdict.kept.mark == write.mark) is ours
    assert world.stored("*") == before


async def test_an_id_that_is_taken_in_other_letters_is_taken(world: World) -> None:
    world.sql(f"UPDATE RM00101 SET CUSTNMBR = LOWER(CUSTNMBR) WHERE CUSTNMBR = '{world.key}'")
    [verdict] = await world.write(world.create(world.key, {}))
    assert (verdict.outcome, verdict.kept.key) == (Outcome.EXISTS, world.key)


async def test_what_is_left_of_a_deleted_customer_parks_the_new_one(world: World) -> None:
    key = world.new_key()
    world.sql(f"INSERT INTO RM00103 (CUSTNMBR) VALUES ('{key}')")
    [verdict] = await world.write(world.create(key, {}))
    assert verdict.outcome is Outcome.FAILED
    assert isinstance(verdict.error, Rejected)
    assert world.sql(f"SELECT 1 FROM RM00101 WHERE CUSTNMBR = '{key}'") == []
