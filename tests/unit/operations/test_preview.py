"""A preview says what the line would do, field by field, and touches nothing."""

from types import SimpleNamespace
from typing import Any

import pytest

from sync.mapping import load_mapping
from sync.operations.preview import Does, Preview, Would, preview
from sync.render import preview as render_preview
from tests.unit.conftest import FLOW, MAPPINGS, Rig
from tests.unit.test_plan import newly_mapped
from tests.unit.test_render import seen


async def look(rig: Rig, *keys: str, fields: tuple[str, ...] = ()) -> list[Preview]:
    runtime: Any = SimpleNamespace(mappings={"customer": rig.mapping}, pipeline=rig.pipeline)
    return [each async for each in preview(runtime, rig.flows[FLOW], "TWO", keys, fields)]


def field(shown: Preview, name: str) -> tuple[Any, ...]:
    [found] = [each for each in shown.fields if each.field == name]
    return found.does, found.rule, found.source, found.wanted, found.present


async def test_a_new_record_would_be_created_with_every_value_as_dataverse_takes_it(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Ann", PHONE1="41455501450000", INACTIVE=1)
    [shown] = await look(rig, "A1")
    assert (shown.would, shown.id) == (Would.CREATE, "")
    assert field(shown, "telephone1") == (Does.WRITE, "new record", "41455501450000", "+1 414-555-0145", None)
    assert field(shown, "statecode") == (Does.WRITE, "right after the record is created", 1, 1, None)


async def test_a_changed_record_would_be_updated_in_the_fields_that_differ(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Ann")
    await rig.send("A1")
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Anna")
    [shown] = await look(rig, "A1")
    assert (shown.would, shown.writes) == (Would.UPDATE, ["name"])
    assert field(shown, "name") == (Does.WRITE, "source changed", "Anna", "Anna", "Ann")
    assert field(shown, "accountnumber")[:2] == (Does.KEEP, "both agree")


async def test_what_would_be_parked_says_why_in_all_its_fields(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="", PYMTRMID="no such term")
    [shown] = await look(rig, "A1")
    assert (shown.would, shown.code) == (Would.PARK, "value_required")
    assert shown.next_step
    assert [each.field for each in shown.fields if each.does is Does.PARK] == ["name", "paymenttermscode"]


async def test_a_record_that_gp_does_not_hold_would_be_left(rig: Rig) -> None:
    [shown] = await look(rig, "NOBODY")
    assert (shown.would, shown.text, shown.fields) == (Would.LEAVE, "not in GP", [])


async def test_a_preview_writes_nothing_anywhere(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Ann")
    rig.gp.type_customer("TWO", "B1", CUSTNAME="")
    await rig.send("A1")
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Anna")
    tables = (rig.crosswalk_table, rig.ledger_table, rig.runs_table)
    before = [dict(table.entities) for table in tables], dict(rig.dataverse.rows), await rig.parked()
    await look(rig, "A1", "B1", "C1")
    assert ([dict(table.entities) for table in tables], dict(rig.dataverse.rows), await rig.parked()) == before


async def test_a_newly_mapped_field_waits_until_it_is_named(rig: Rig) -> None:
    await newly_mapped(rig, "websiteurl")
    [shown] = await look(rig, "A1")
    assert field(shown, "websiteurl")[:2] == (Does.KEEP, "newly mapped, waits for a backfill")
    [shown] = await look(rig, "A1", fields=("websiteurl",))
    assert field(shown, "websiteurl")[0] is Does.WRITE


async def test_secret_values_are_in_no_preview(rig: Rig, tmp_path: Any) -> None:
    overlay = tmp_path / "customer.yaml"
    overlay.write_text(
        "pair: customer\none_way: gp\nfields:\n  - {gp: internet.INET2, dataverse: websiteurl, too_long: refuse, secret: true}\n"
    )
    secret = load_mapping(MAPPINGS / "customer.yaml", overlay)
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Ann", **{"internet.INET2": "hush"})
    runtime: Any = SimpleNamespace(mappings={"customer": secret}, pipeline=rig.pipeline)
    [shown] = [each async for each in preview(runtime, rig.flows[FLOW], "TWO", ["A1"])]
    assert [each.field for each in shown.fields if each.secret] == ["websiteurl"]
    assert "hush" not in repr(shown) + seen(render_preview.pictures([shown])) + str(render_preview.as_json(shown))


@pytest.mark.parametrize("width", [80, 100, 140])
async def test_few_are_shown_whole_and_many_one_line_each(rig: Rig, width: int) -> None:
    for number in range(5):
        rig.gp.type_customer("TWO", f"A{number}", CUSTNAME="Ann" if number else "", PYMTRMID="Net 30")
    await rig.send("A1")
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Anna")
    whole = seen(render_preview.pictures(await look(rig, "A1")), width)
    assert "customer/TWO/A1" in whole
    assert "source changed" in " ".join(whole.split())
    many = " ".join(seen(render_preview.pictures(await look(rig, *(f"A{n}" for n in range(5)))), width).split())
    assert "Of 5 records 3 would be created, 1 would be updated, 1 would be parked. Nothing was written." in many
    assert "Causes: 1 value_required." in many
