"""Looks at GP as a target: by id, by what records hold, and the server's time with them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sync.errors import RetryLater
from sync.mapping import load_all
from sync.system import Ask
from sync.systems.gp.client import GpClient
from sync.systems.gp.records import GpRecords
from sync.systems.gp.writing_checks import writing
from tests.sandbox.gp.conftest import Endpoint
from tests.sandbox.gp.records import World

NAME_AND_ZIP = ("CUSTNAME", "bill_to.ZIP")


async def _alike(world: World, group: tuple[str, ...], *values: tuple[str, ...]) -> list[str]:
    seen = await world.records.look("TWO", world.mapping, Ask(alike={group: set(values)}))
    return [record.key for record in seen.alike if record.key == world.key]


async def test_ids_are_one_round_trip_and_all_that_is_alike_another(world: World) -> None:
    await world.look()
    before = world.client.round_trips
    alike = {NAME_AND_ZIP: {("Café Zürich", "50010")}, ("PHONE1",): {("31255501020000",)}}
    seen = await world.records.look("TWO", world.mapping, Ask(ids=[world.key, "NOBODY"], keys=["x"], alike=alike))
    assert world.client.round_trips == before + 2
    assert list(seen.by_id) == [world.key]
    assert seen.by_key == {}
    assert seen.by_id[world.key] in seen.alike


async def test_the_time_is_the_servers_and_before_the_read(world: World) -> None:
    before = world.sql("SELECT GETUTCDATE()")[0][0].replace(tzinfo=UTC)
    seen = await world.records.look("TWO", world.mapping, Ask(ids=[world.key]))
    after = world.sql("SELECT GETUTCDATE()")[0][0].replace(tzinfo=UTC)
    assert before <= seen.at <= after


async def test_the_time_is_told_also_when_a_new_record_is_like_none(world: World) -> None:
    seen = await world.records.look("TWO", world.mapping, Ask(keys=["some-account"]))
    assert abs(seen.at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_nothing_asked_is_no_round_trip(world: World) -> None:
    before = world.client.round_trips
    await world.records.look("TWO", world.mapping, Ask())
    assert world.client.round_trips == before


@pytest.mark.parametrize("name", ["Café Zürich", "CAFÉ ZÜRICH", "café zürich   "])
async def test_values_are_compared_as_gp_does(world: World, name: str) -> None:
    assert await _alike(world, NAME_AND_ZIP, (name, "50010")) == [world.key]


@pytest.mark.parametrize("values", [("Cafe Zurich", "50010"), ("Café Zürich", "50011"), (" Café Zürich", "50010")])
async def test_all_columns_of_a_group_must_agree(world: World, values: tuple[str, str]) -> None:
    assert await _alike(world, NAME_AND_ZIP, values) == []


async def test_values_of_two_records_are_not_mixed(world: World) -> None:
    assert await _alike(world, NAME_AND_ZIP, ("Café Zürich", "1"), ("Other", "50010")) == []


async def test_a_customer_without_bill_to_address_is_found_by_its_main_one(world: World) -> None:
    world.sql(f"UPDATE RM00101 SET PRBTADCD = '', ZIP = '99999' WHERE CUSTNMBR = '{world.key}'")
    assert await _alike(world, NAME_AND_ZIP, ("Café Zürich", "99999")) == [world.key]
    assert await _alike(world, ("ship_to.ZIP",), ("99999",)) == []


@pytest.mark.parametrize("hostile", ["'; DELETE FROM RM00101 --", "100% %s %d", "x" * 66, "Łódź", "a\0b", ""])
async def test_a_value_that_is_in_no_record_finds_nothing_and_harms_nothing(world: World, hostile: str) -> None:
    assert await _alike(world, ("CUSTNAME",), (hostile,)) == []
    assert await _alike(world, NAME_AND_ZIP, (hostile, "50010"), ("Café Zürich", "50010")) == [world.key]


async def test_many_values_are_one_round_trip(world: World) -> None:
    await world.look()
    before = world.client.round_trips
    many = [(f"Name {number}", "1") for number in range(500)]
    assert await _alike(world, NAME_AND_ZIP, *many, ("Café Zürich", "50010")) == [world.key]
    assert world.client.round_trips == before + 1


async def test_an_unreachable_server_is_tried_later(world: World) -> None:
    nowhere = GpRecords(GpClient(replace(world.settings, port=1, login_timeout=1)))
    with pytest.raises(RetryLater):
        await nowhere.look("TWO", world.mapping, Ask(ids=[world.key]))


# Doctor -----------------------------------------------------------------------------------------


async def test_doctor_finds_the_rights_to_write_in_order(world: World) -> None:
    world.sql("UPDATE RM00101 SET INTEGRATIONID = ''")
    await world.write(await world.update({"CUSTNAME": "Marked"}))
    lines = await writing(world.client, "TWO", [world.mapping])
    assert [line.name.removeprefix("GP TWO: ") for line in lines] == [
        *("procedure taUpdateCreateCustomerRcd", "procedure taCreateCustomerAddress"),
        *("procedure taCreateInternetAddresses", "error texts", "mark of RM00101"),
    ]
    assert all(line.ok for line in lines), lines


async def test_doctor_names_what_a_login_may_not_execute(gp: Endpoint, world: World) -> None:
    lines = await writing(World(gp, "reader").client, "TWO", [world.mapping])
    assert [line.ok for line in lines[:3]] == [False] * 3
    assert "GRANT EXECUTE ON dbo.taUpdateCreateCustomerRcd TO [reader]" in lines[0].next_step
    assert lines[3].detail == "errors of customisations are told by their number only"


async def test_doctor_tells_when_another_program_uses_the_column_of_the_mark(world: World) -> None:
    world.sql(f"UPDATE RM00101 SET INTEGRATIONID = 'theirs' WHERE CUSTNMBR = '{world.key}'")
    line = (await writing(world.client, "TWO", [world.mapping]))[-1]
    world.sql(f"UPDATE RM00101 SET INTEGRATIONID = '' WHERE CUSTNMBR = '{world.key}'")
    assert not line.ok
    assert line.detail == "RM00101.INTEGRATIONID holds something else in 1 records"


async def test_doctor_asks_for_no_procedure_of_the_customer_where_addresses_are_written_alone(world: World) -> None:
    lines = await writing(world.client, "TWO", [load_all(Path("sync/mappings"))["address"]])
    names = [line.name.removeprefix("GP TWO: ") for line in lines]
    assert names == ["procedure taCreateCustomerAddress", "error texts", "mark of RM00102"]
