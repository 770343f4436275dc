"""An address as a record of its own: made once, changed as it was seen, and nothing beside it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sync.mapping import load_all
from sync.system import Ask, Outcome, Verdict, Write
from sync.value import Value
from tests.sandbox.gp.records import World

DEPOT = "AND ADRSCODE = 'DEPOT'"


@pytest.fixture
def world(world: World) -> World:
    """A caller that writes addresses; its customer's own ones are PRIMARY, BILLING and WAREHOUSE."""
    world.mapping = load_all(Path("sync/mappings"))["address"]
    return world


def new(world: World, code: str = "DEPOT", **values: Value) -> Write:
    return Write(f"{world.key}~{code}", {"ADDRESS1": "Quay 1", **values}, world.mark(), create=True)


async def made(world: World, code: str = "DEPOT", **values: Value) -> str:
    """The key of an address that GP365 made."""
    [verdict] = await world.write(new(world, code, **values))
    assert (verdict.outcome, verdict.error) == (Outcome.WRITTEN, None)
    return verdict.id


def rows(world: World) -> list[tuple]:
    return world.sql(f"SELECT ADRSCODE, ADDRESS1 FROM RM00102 WHERE CUSTNMBR = '{world.key}' ORDER BY 1")


async def test_a_new_address_is_kept_as_it_is_read_back_and_the_customer_is_left_alone(world: World) -> None:
    before = world.stored("ADDRESS1, CITY, INTEGRATIONID, MODIFDT")  # GP's own trigger stamps it
    write = new(world, CITY="Oslo")
    [verdict] = await world.write(write)
    assert verdict == Verdict(write.id, Outcome.WRITTEN, await world.look(write.id))
    assert (verdict.kept.mark, verdict.kept.values["CITY"]) == (write.mark, "Oslo")
    assert world.stored("ADDRESS1, CITY, ADDRESS2", "RM00102", DEPOT) == ("Quay 1", "Oslo", "")
    assert world.stored("ADDRESS1, CITY, INTEGRATIONID, MODIFDT") == before


async def test_one_that_is_there_is_met_and_not_changed(world: World) -> None:
    key = await made(world)
    [verdict] = await world.write(new(world, ADDRESS1="Quay 2"))
    assert (verdict.outcome, verdict.kept) == (Outcome.EXISTS, await world.look(key))
    assert world.stored("ADDRESS1", "RM00102", DEPOT) == ("Quay 1",)


@pytest.mark.parametrize("column", ["ADRSCODE", "PRBTADCD", "PRSTADCD"])
async def test_a_code_that_the_customer_names_without_having_it_gets_no_address(world: World, column: str) -> None:
    world.sql(f"UPDATE RM00101 SET {column} = 'DEPOT' WHERE CUSTNMBR = '{world.key}'")
    [verdict] = await world.write(new(world))
    assert (verdict.outcome, verdict.error.code) == (Outcome.FAILED, "refused_by_target")
    assert "names this code as an address of its own" in verdict.error.message
    assert (len(rows(world)), world.stored("ADDRESS1")) == (3, ("1 Main",))


async def test_a_customer_that_is_gone_gets_no_address(world: World) -> None:
    [verdict] = await world.write(Write("NOBODY~DEPOT", {"ADDRESS1": "Quay 1"}, world.mark(), create=True))
    assert (verdict.outcome, verdict.error.code) == (Outcome.FAILED, "deleted_in_target")


async def test_an_edit_keeps_all_that_it_does_not_name(world: World) -> None:
    key = await made(world, CITY="Oslo", PHONE1="41455501450000")
    world.sql(f"UPDATE RM00102 SET SHIPMTHD = 'GROUND', GPSFOINTEGRATIONID = 'theirs' WHERE CUSTNMBR = '{world.key}'")
    write = await world.update({"ADDRESS1": "Quay 2"}, key)
    [verdict] = await world.write(write)
    assert verdict == Verdict(key, Outcome.WRITTEN, await world.look(key))
    assert verdict.kept.mark == write.mark
    columns = "ADDRESS1, CITY, PHONE1, SHIPMTHD, GPSFOINTEGRATIONID"
    assert world.stored(columns, "RM00102", DEPOT) == ("Quay 2", "Oslo", "41455501450000", "GROUND", "theirs")


async def test_an_edit_of_the_customers_main_address_is_also_the_customers(world: World) -> None:
    [verdict] = await world.write(await world.update({"CITY": "Boone"}, f"{world.key}~PRIMARY"))
    assert (verdict.outcome, world.stored("CITY")) == (Outcome.WRITTEN, ("Boone",))


MEANWHILE = {
    "a clerk's edit": "UPDATE RM00102 SET CITY = 'Bergen' WHERE CUSTNMBR = '{key}' AND ADRSCODE = 'DEPOT'",
    "the bill-to by now": "UPDATE RM00101 SET PRBTADCD = 'DEPOT' WHERE CUSTNMBR = '{key}'",
}


@pytest.mark.parametrize("said", MEANWHILE.values(), ids=MEANWHILE)
async def test_one_that_moved_since_it_was_seen_is_not_written(world: World, said: str) -> None:
    write = await world.update({"ADDRESS1": "Quay 2"}, await made(world))
    world.sql(said.format(key=world.key))
    [verdict] = await world.write(write)
    assert (verdict.outcome, world.stored("ADDRESS1", "RM00102", DEPOT)) == (Outcome.CHANGED, ("Quay 1",))


async def test_one_that_was_deleted_is_not_made_again(world: World) -> None:
    write = await world.update({"ADDRESS1": "Quay 2"}, await made(world))
    world.sql(f"DELETE FROM RM00102 WHERE CUSTNMBR = '{world.key}' {DEPOT}")
    [verdict] = await world.write(write)
    assert (verdict.outcome, len(rows(world))) == (Outcome.GONE, 3)


@pytest.mark.parametrize("create", [True, False])
async def test_nothing_lands_after_its_time(world: World, create: bool) -> None:
    key = f"{world.key}~DEPOT" if create else await made(world)
    seen = await world.records.look("TWO", world.mapping, Ask(ids=[key]))
    late = seen.at - timedelta(seconds=1)
    write = new(world) if create else await world.update({"ADDRESS1": "Quay 2"}, key)
    [verdict] = await world.write(replace(write, not_after=late))
    assert verdict.outcome is Outcome.CHANGED
    assert ("DEPOT", "Quay 2") not in rows(world)
    assert (("DEPOT", "Quay 1") in rows(world)) is not create


BAD: dict[str, Callable[[World], Write]] = {
    "value_too_long": lambda world: new(world, "BAD", ADDRESS1="x" * 61),
    "not_set_up_in_gp": lambda world: new(world, "BAD", CCode="XX"),
}


@pytest.mark.parametrize("code", BAD)
async def test_a_bad_one_of_a_batch_stops_no_other(world: World, code: str) -> None:
    verdicts = await world.write(new(world), BAD[code](world), new(world, "PLANT"))
    assert [verdict.outcome for verdict in verdicts] == [Outcome.WRITTEN, Outcome.FAILED, Outcome.WRITTEN]
    assert verdicts[1].error.code == code
    assert {code for code, _ in rows(world)} == {"PRIMARY", "BILLING", "WAREHOUSE", "DEPOT", "PLANT"}


async def test_a_code_and_a_column_of_the_customer_are_not_written(world: World) -> None:
    key = await made(world)
    for values in ({"ADRSCODE": "OTHER"}, {"customer.PRBTADCD": "DEPOT"}):
        [verdict] = await world.write(await world.update(values, key))
        assert (verdict.outcome, verdict.error.code) == (Outcome.FAILED, "not_writable")
