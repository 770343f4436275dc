"""What is told and listed: the parked list holds what waits for a person, and nothing else."""

import pytest

from sync.message import Message
from sync.stores.parked import Parked
from tests.unit.conftest import FLOW, Rig

LEFT = Parked("TWO", "customer", "A1", FLOW, "lookup_missing", "", "", "2026-11-24T12:00:00+00:00", "")


@pytest.mark.parametrize("before", [{"deaths": 1}, {"delays": 1}])
async def test_what_a_delivery_that_was_cut_short_left_on_the_list_is_taken_off(
    rig: Rig, before: dict[str, int]
) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    await rig.send("A1")
    await rig.parked_store.put([LEFT])
    await rig.send(message=Message.new(FLOW, "TWO", ["A1"], "timestamp").model_copy(update=before))
    assert await rig.parked() == []


async def test_what_still_waits_for_a_person_stays_on_the_list_however_often_it_is_delivered(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A", PYMTRMID="Net 31")
    message = await rig.send("A1")
    await rig.send(message=message.model_copy(update={"delays": 1}))
    assert [entry.code for entry in await rig.parked()] == ["lookup_missing"]
