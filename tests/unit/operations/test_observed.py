"""The report on an observed flow: the last word on each record, counted by field and by cause."""

from types import SimpleNamespace
from typing import Any

import pytest

from sync.operations.observed import Observed, observed
from sync.render import observed as render_observed
from sync.stores.modes import Mode
from tests.unit.conftest import FLOW, Rig
from tests.unit.test_render import seen


async def report(rig: Rig) -> Observed:
    runtime: Any = SimpleNamespace(modes=rig.modes, ledger=rig.ledger)
    return await observed(runtime, rig.flows[FLOW], "TWO")


async def observe(rig: Rig) -> None:
    await rig.modes.set("TWO", FLOW, Mode.OBSERVE, "person", "a look first")


async def test_every_record_is_counted_once_by_what_would_become_of_it(rig: Rig) -> None:
    for key in ("A1", "B1"):
        rig.gp.type_customer("TWO", key, CUSTNAME="Ann")
    await rig.send("A1", "B1")
    await observe(rig)
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Anna")
    rig.gp.type_customer("TWO", "C1", CUSTNAME="New")
    rig.gp.type_customer("TWO", "D1", CUSTNAME="")
    for _ in range(2):
        await rig.send("A1", "B1", "C1", "D1")
    told = await report(rig)
    assert (told.observing, told.records) == (True, 4)
    assert (told.created, told.updated, told.parked, told.agreed) == (1, 1, 1, 1)
    assert {name: (each.count, each.examples) for name, each in told.fields.items()} == {
        "name": (1, [("A1", "Ann", "Anna")])
    }
    assert {code: (each.count, each.examples) for code, each in told.causes.items()} == {"value_required": (1, ["D1"])}


async def test_what_was_taken_back_meanwhile_is_not_reported(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Ann")
    await rig.send("A1")
    await observe(rig)
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Anna")
    await rig.send("A1")
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Ann")
    await rig.send("A1")
    told = await report(rig)
    assert (told.updated, told.agreed, told.fields) == (0, 1, {})


async def test_nothing_observed_tells_how_to_begin(rig: Rig) -> None:
    assert "python -m sync pause --company TWO" in " ".join(
        seen(render_observed.pictured(await report(rig)), 120).split()
    )


@pytest.mark.parametrize("width", [80, 100])
async def test_the_report_can_be_read_at_any_width(rig: Rig, width: int) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Ann")
    await rig.send("A1")
    await observe(rig)
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Anna")
    rig.gp.type_customer("TWO", "B1", CUSTNAME="")
    await rig.send("A1", "B1")
    told = await report(rig)
    text = seen(render_observed.pictured(told), width)
    for word in ("Ann → Anna", "value_required", "would be updated", "Nothing was written."):
        assert word in " ".join(text.split())
    assert render_observed.as_json(told)["fields"]["name"]["examples"] == [{"key": "A1", "old": "Ann", "new": "Anna"}]
