"""Addresses of customers that exist: which row an edit reaches, and that no address is emptied or mixed up by it."""

from dataclasses import replace

import pytest

from sync.errors import Rejected
from sync.system import Outcome
from tests.sandbox.gp.records import World

CODES = "ADRSCODE, PRBTADCD, PRSTADCD, STADDRCD"
MAIN = "AND ADRSCODE = 'PRIMARY'"


def _codes(world: World, **codes: str) -> None:
    settings = ", ".join(f"{column} = '{code}'" for column, code in codes.items())
    world.sql(f"UPDATE RM00101 SET {settings} WHERE CUSTNMBR = '{world.key}'")


def _drop(world: World, *codes: str) -> None:
    listed = ", ".join(f"'{code}'" for code in codes)
    world.sql(f"DELETE FROM RM00102 WHERE CUSTNMBR = '{world.key}' AND ADRSCODE IN ({listed})")


async def _written(world: World, values: dict) -> None:
    [verdict] = await world.write(await world.update(values))
    assert (verdict.outcome, verdict.error) == (Outcome.WRITTEN, None)
    assert verdict.kept == await world.look()


async def test_an_edit_reaches_the_address_that_the_customer_names(world: World) -> None:
    await _written(world, {"bill_to.CITY": "Boone", "ship_to.CITY": "Hobart"})
    rows = world.sql(f"SELECT ADRSCODE, CITY FROM RM00102 WHERE CUSTNMBR = '{world.key}' ORDER BY 1")
    assert rows == [("BILLING", "Boone"), ("PRIMARY", "Chicago"), ("WAREHOUSE", "Hobart")]
    assert world.stored("CITY") == ("Chicago",)


async def test_an_edit_of_the_main_address_is_also_the_customers(world: World) -> None:
    _codes(world, PRBTADCD="PRIMARY")
    await _written(world, {"bill_to.CITY": "Boone"})
    assert world.stored("CITY") == ("Boone",)


async def test_a_missing_bill_to_address_means_the_main_one(world: World) -> None:
    _codes(world, PRBTADCD="")
    await _written(world, {"bill_to.CITY": "Boone"})
    assert world.stored(f"{CODES}, CITY, ADDRESS1") == ("PRIMARY", "", "WAREHOUSE", "", "Boone", "1 Main")
    assert world.stored("CITY, ADDRESS1", "RM00102", MAIN) == ("Boone", "1 Main")


async def test_a_customer_that_an_import_left_without_addresses_keeps_what_it_has(world: World) -> None:
    _drop(world, "PRIMARY", "BILLING", "WAREHOUSE")
    await _written(world, {"bill_to.CITY": "Boone"})
    assert world.stored("ADDRESS1, CITY, PHONE1") == ("1 Main", "Boone", "31255501020000")
    assert world.stored("ADDRESS1, CITY, PHONE1", "RM00102", MAIN) == ("1 Main", "Boone", "31255501020000")


async def test_a_phone_of_a_customer_without_address_rows_makes_a_whole_main_address(world: World) -> None:
    _drop(world, "PRIMARY", "BILLING", "WAREHOUSE")
    _codes(world, PRBTADCD="PRIMARY", PRSTADCD="PRIMARY")
    await _written(world, {"PHONE1": "1"})
    assert world.stored("ADDRESS1, CITY, PHONE1", "RM00102", MAIN) == ("1 Main", "Chicago", "1")
    assert world.stored("ADDRESS1, CITY, PHONE1") == ("1 Main", "Chicago", "1")


async def test_a_missing_ship_to_address_that_is_the_main_one_does_not_empty_the_customer(world: World) -> None:
    _drop(world, "PRIMARY", "WAREHOUSE")
    _codes(world, PRSTADCD="PRIMARY")
    await _written(world, {"ship_to.CITY": "Boone"})
    assert world.stored("ADDRESS1, CITY") == ("1 Main", "Boone")
    assert world.stored("ADDRESS1, CITY", "RM00102", MAIN) == ("1 Main", "Boone")


async def test_a_first_ship_to_address_gets_a_code_that_is_free(world: World) -> None:
    _codes(world, PRSTADCD="")
    await _written(world, {"PHONE1": "1", "ship_to.CITY": "Boone"})
    assert world.stored(CODES) == ("PRIMARY", "BILLING", "SHIP TO", "")
    assert world.stored("CITY, ADDRESS1, PHONE1", "RM00102", "AND ADRSCODE = 'SHIP TO'") == ("Boone", "", "")


async def test_a_ship_to_address_whose_row_is_missing_is_made_under_its_code(world: World) -> None:
    _drop(world, "WAREHOUSE")
    await _written(world, {"ship_to.CITY": "Boone"})
    assert world.stored("CITY, ADDRESS1", "RM00102", "AND ADRSCODE = 'WAREHOUSE'") == ("Boone", "")


async def test_when_all_codes_are_taken_a_person_must_say(world: World) -> None:
    _codes(world, PRSTADCD="")
    world.sql(f"INSERT INTO RM00102 (CUSTNMBR, ADRSCODE) VALUES ('{world.key}', 'SHIP TO')")
    [verdict] = await world.write(await world.update({"ship_to.CITY": "Boone"}))
    assert isinstance(verdict.error, Rejected)
    assert "give the customer one in GP" in verdict.error.message
    assert world.stored("PRSTADCD") == ("",)


async def test_nothing_to_say_about_a_missing_address_makes_none(world: World) -> None:
    _codes(world, PRSTADCD="")
    await _written(world, {"CUSTNAME": "Other", "ship_to.CITY": "", "ship_to.ZIP": ""})
    assert world.stored("PRSTADCD") == ("",)


async def test_mail_of_a_customer_that_had_none_stands_with_its_main_address(world: World) -> None:
    world.sql(f"DELETE FROM SY01200 WHERE Master_ID = '{world.key}'")
    await _written(world, {"internet.INET1": "a@x.example"})
    assert world.stored("ADRSCODE, INET1, INET2", "SY01200") == ("PRIMARY", "a@x.example", "")


async def test_mail_of_a_customer_without_a_main_address_gets_one(world: World) -> None:
    world.sql(f"DELETE FROM SY01200 WHERE Master_ID = '{world.key}'")
    _drop(world, "PRIMARY")
    _codes(world, ADRSCODE="")
    await _written(world, {"internet.INET1": "a@x.example"})
    assert world.stored("ADRSCODE, CITY") == ("PRIMARY", "Chicago")
    assert world.stored("ADRSCODE, INET1", "SY01200") == ("PRIMARY", "a@x.example")
    assert world.stored("CITY", "RM00102", MAIN) == ("Chicago",)


@pytest.mark.parametrize(
    "values", [{"bill_to.CITY": "Boone", "ship_to.CITY": "Hobart"}, {"PHONE1": "1", "bill_to.PHONE1": "2"}]
)
async def test_two_values_for_one_address_wait_for_a_person(world: World, values: dict) -> None:
    _codes(world, PRBTADCD="PRIMARY", PRSTADCD="PRIMARY")
    [verdict] = await world.write(await world.update(values))
    assert isinstance(verdict.error, Rejected)
    assert verdict.error.code == "one_in_gp"
    assert world.stored("CITY, PHONE1", "RM00102", MAIN) == ("Chicago", "31255501020000")


async def test_one_value_for_one_address_is_written_once_for_both(world: World) -> None:
    _codes(world, PRBTADCD="PRIMARY", PRSTADCD="PRIMARY")
    await _written(world, {"bill_to.CITY": "Boone", "ship_to.CITY": "Boone"})
    assert world.stored("CITY", "RM00102", MAIN) == ("Boone",)


async def test_the_code_of_an_address_that_is_named_as_it_was_is_no_change(world: World) -> None:
    await _written(world, {"bill_to.ADRSCODE": "BILLING", "CUSTNMBR": world.key, "bill_to.CITY": "Boone"})
    assert world.stored(CODES) == ("PRIMARY", "BILLING", "WAREHOUSE", "")


async def test_a_mail_address_too_long_for_the_procedure_stops_the_write_instead_of_being_cut(world: World) -> None:
    world.sql(f"UPDATE SY01200 SET INET4 = REPLICATE('x', 201) WHERE Master_ID = '{world.key}'")
    [verdict] = await world.write(await world.update({"internet.INET1": "a@x.example", "CUSTNAME": "Other"}))
    assert isinstance(verdict.error, Rejected)
    assert verdict.error.code == "value_too_long"
    assert world.stored("CUSTNAME") == ("Café Zürich",)


async def test_a_mark_column_of_another_name_leaves_the_usual_one_alone(world: World) -> None:
    world.sql(f"UPDATE RM00101 SET INTEGRATIONID = 'theirs' WHERE CUSTNMBR = '{world.key}'")
    rules = world.mapping.rules
    gp = rules.gp.model_copy(update={"mark": "GPSFOINTEGRATIONID"})
    world.mapping = replace(world.mapping, rules=rules.model_copy(update={"gp": gp}))
    write = await world.update({"CUSTNAME": "Other"})
    [verdict] = await world.write(write)
    assert verdict.kept.mark == write.mark
    assert world.stored("INTEGRATIONID, INTEGRATIONSOURCE") == ("theirs", 3)
