"""What people do when a side is put back to what it was."""

from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from tests.chaos import people as people_module
from tests.chaos import steps as steps_module
from tests.chaos.people import People
from tests.chaos.plan import plan
from tests.chaos.steps import Steps
from tests.chaos.truth import Truth


async def _nothing(*_: Any, **__: Any) -> list[Any]:
    return []


async def _paused(_: str) -> list[dict[str, Any]]:
    return [{"cause": "identity"}] * 2


async def test_a_clerk_whose_part_is_away_gives_up_and_the_history_goes_on() -> None:
    async def away(*_: Any) -> None:
        raise httpx.ConnectError("restarting")

    people: Any = SimpleNamespace(hold_open=away)
    stage: Any = SimpleNamespace()
    steps = Steps(stage, plan(1).keeping([]), people)
    await steps._hold("gp")
    await steps.all()


@pytest.mark.parametrize("deed", ["restore", "copy"])
async def test_nobody_goes_on_editing_a_record_that_a_restore_took_away(
    deed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps_module, "door", _nothing)
    monkeypatch.setattr(people_module, "at_door", lambda *_: None)
    monkeypatch.setattr(People, "sql", _nothing)
    box: Any = SimpleNamespace(contract={"gp": {}})
    stage: Any = SimpleNamespace(box=box, books=SimpleNamespace(rows=_paused), command=_nothing)
    history, people = plan(1), People(box, Truth())
    partner = history.partners[0]
    people._known[partner.number, "gp"] = partner.key
    await getattr(Steps(stage, history, people), f"_{deed}")("gp")
    assert await people.has(partner, "gp") == ""
