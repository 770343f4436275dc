"""Doctor finds writes that lost their message, says how many, and sends them again."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from sync.operations.checks.left_behind import left_behind
from sync.sender import Sender
from sync.stores.couple import Intent
from sync.system import Check
from tests.fakes import later
from tests.unit.conftest import FLOW, Rig


@pytest.fixture
async def looked(rig: Rig) -> Any:
    """Two couples, one of them with an intent; a function that looks after some minutes."""
    for key in ("A", "B"):
        rig.gp.type_customer("TWO", key, CUSTNAME=key)
    await rig.send("A", "B")
    couple = await rig.couple("A")
    intent = Intent("dead", "gone", "dataverse", create=False, version="", fields={}, flow=FLOW, reason="", seen_at="")
    await rig.crosswalk.save([(couple, replace(couple, intent=intent))])
    runtime: Any = SimpleNamespace(
        settings=SimpleNamespace(companies=("TWO",), time_scale=1.0),
        flows=rig.flows,
        crosswalk=rig.crosswalk,
        sender=Sender(rig.lanes, 2000),  # type: ignore[arg-type]
    )

    async def look(minutes: int) -> Check:
        later(rig.crosswalk_table, timedelta(minutes=minutes))
        [line] = [line async for line in left_behind(runtime)]
        return line

    return look


async def test_a_young_intent_has_its_message_still(rig: Rig, looked: Any) -> None:
    line = await looked(29)
    assert (line.ok, rig.lanes.sent) == (True, [])


async def test_an_old_one_is_counted_and_sent_again(rig: Rig, looked: Any) -> None:
    line = await looked(31)
    assert (line.ok, line.detail) == (False, "1 left behind")
    assert [(lane, message.keys) for lane, message, _ in rig.lanes.sent] == [("to-dataverse-bulk", ("A",))]
    await rig.send(message=rig.lanes.sent[0][1])
    assert not (await rig.couple("A")).intent
