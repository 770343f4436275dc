"""A record of GP that takes no part makes nothing; one that took part is a person's, and is nothing lost when it comes back."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sync.differs import Watched, is_news
from sync.mapping import Mapping, load_mapping
from sync.stores.ledger import Result
from tests.unit.conftest import MAPPINGS, Rig
from tests.unit.customer_file import faults

ONE_WAY = (Path(__file__).parent / "one_way" / "customer.yaml").read_text("utf-8")


def with_scope(rig: Rig, folder: Path, scope: str = "CUSTCLAS != 'RETAIL'", policy: str = "park") -> Mapping:
    """Customers of the class RETAIL take no part."""
    overlay = folder / "customer.yaml"
    overlay.write_text(f'{ONE_WAY}\ngp: {{scope: "{scope}"}}\non_leave: {policy}\n', "utf-8")
    rig.mapping = load_mapping(MAPPINGS / "customer.yaml", overlay)
    rig.deliveries._pipeline._mappings = {"customer": rig.mapping}
    return rig.mapping


def type_in(rig: Rig, customer_class: str, name: str = "Ann") -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME=name, CUSTCLAS=customer_class)


async def test_a_record_that_takes_no_part_makes_nothing(rig: Rig, tmp_path: Path) -> None:
    with_scope(rig, tmp_path)
    type_in(rig, "RETAIL")
    await rig.send("A1")
    assert (rig.dataverse.rows, rig.crosswalk_table.entities, await rig.parked()) == ({}, {}, [])
    assert [line.text for line in await rig.history("A1")] == ["takes no part, by its scope"]


async def test_a_coupled_record_that_takes_no_part_any_more_is_parked_and_comes_back_by_itself(
    rig: Rig, tmp_path: Path
) -> None:
    with_scope(rig, tmp_path)
    type_in(rig, "")
    await rig.send("A1")
    type_in(rig, "RETAIL", "Anna")
    await rig.send("A1")
    assert [entry.code for entry in await rig.parked()] == ["left_scope"]
    assert len(rig.dataverse.writes) == 1
    type_in(rig, "", "Anna")
    await rig.send("A1")
    assert await rig.parked() == []
    assert [row.values["name"] for row in rig.dataverse.rows.values()] == ["Anna"]


async def test_by_policy_its_counterpart_stays_as_it_is(rig: Rig, tmp_path: Path) -> None:
    with_scope(rig, tmp_path, policy="ignore")
    type_in(rig, "")
    await rig.send("A1")
    type_in(rig, "RETAIL", "Anna")
    await rig.send("A1")
    assert (await rig.parked(), len(rig.dataverse.writes)) == ([], 1)
    assert (await rig.history("A1"))[0].text == "takes no part any more, kept in Dataverse by policy"


async def test_where_a_person_deleted_the_counterpart_the_couple_ends_and_a_new_one_begins(
    rig: Rig, tmp_path: Path
) -> None:
    with_scope(rig, tmp_path)
    type_in(rig, "")
    await rig.send("A1")
    [first] = rig.dataverse.rows
    type_in(rig, "RETAIL")
    await rig.send("A1")
    del rig.dataverse.rows[first]
    await rig.send("A1")
    couple = await rig.couple("A1")
    assert (await rig.parked(), couple.coupled, couple.id, couple.base) == ([], False, "", {})
    type_in(rig, "")
    await rig.send("A1")
    [second] = rig.dataverse.rows
    assert second != first
    assert (await rig.history("A1"))[0].result is Result.CREATED


async def test_the_sweep_sends_what_left_and_nothing_that_never_took_part(rig: Rig, tmp_path: Path) -> None:
    mapping, watched, now = (
        with_scope(rig, tmp_path),
        Watched(datetime(2020, 1, 1, tzinfo=UTC), True),
        datetime.now(UTC),
    )
    type_in(rig, "RETAIL")
    record = rig.gp.records["TWO", "A1"]
    assert not is_news(mapping, await rig.couple("A1"), record, watched, now)
    type_in(rig, "")
    await rig.send("A1")
    assert is_news(mapping, await rig.couple("A1"), record, watched, now)
    kept = with_scope(rig, tmp_path, policy="ignore")
    assert not is_news(kept, await rig.couple("A1"), record, watched, now)
    type_in(rig, "RETAIL")
    with_scope(rig, tmp_path)
    await rig.send("A1")
    assert not is_news(mapping, await rig.couple("A1"), record, watched, now)


async def test_a_record_of_which_it_cannot_be_told_is_parked(rig: Rig, tmp_path: Path) -> None:
    with_scope(rig, tmp_path, scope="$uppercase(HOLD) = 'X'")
    type_in(rig, "")
    await rig.send("A1")
    assert [entry.code for entry in await rig.parked()] == ["value_invalid"]


@pytest.mark.parametrize("scope", ["CUSTCLASS = 'A'", "nobody.CITY = 'A'", "CITY = = 1"])
def test_a_scope_over_what_is_not_there_is_told_at_start(tmp_path: Path, scope: str) -> None:
    assert "gp, scope: " in faults(tmp_path, over=f'gp: {{scope: "{scope}"}}')
