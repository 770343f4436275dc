"""The frame of the demo, on a sandbox that is only pretended."""

import json
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest

from sandbox import demo as frame
from sandbox.child import PartFailed
from sandbox.scenarios import scenario
from sandbox.scenarios.gp_user import Refused
from sandbox.scenarios.scenario import NotSeen, Scenario, until


class Pretended:
    """Notes what each sandbox was asked for."""

    asked: ClassVar[list[dict[str, Any]]] = []

    def __init__(self, state, **given):
        self.ready = {"gp": {}}
        self.overrides = {}
        self.asked.append(given | {"overrides": self.overrides})

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        pass


@pytest.fixture
def play(monkeypatch, tmp_path, capsys):
    """Play steps that return text, or raise what they are given; returns (all well, the JSON lines)."""
    monkeypatch.setattr(frame, "Sandbox", Pretended)

    async def run(**results):
        monkeypatch.setattr(frame, "SCENARIOS", {"one": Scenario(playing(**results))})
        ok = await frame.demo(["one"], as_json=True, state=tmp_path)
        return ok, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


def playing(**results):
    @asynccontextmanager
    async def play_one(_):
        yield [step(name, result) for name, result in results.items()]

    return play_one


def step(name, result):
    async def made():
        if isinstance(result, Exception):
            raise result
        return result

    made.__name__ = name
    return made


async def test_every_step_is_told_and_the_last_line_is_the_outcome(play):
    ok, lines = await play(it_is_created="account A", it_is_changed="account B")
    assert ok
    assert [line.get("step") for line in lines] == ["The sandbox starts", "It is created", "It is changed", None]
    assert lines[1]["detail"] == "account A"
    assert set(lines[1]) == {"step", "ok", "seconds", "detail"}
    assert lines[-1] == {"demo": "ok"}


@pytest.mark.parametrize("failure", [NotSeen("nothing"), Refused("taX refused: 250"), PermissionError("no token")])
async def test_a_failed_step_ends_the_scenario_and_says_why(play, failure):
    ok, lines = await play(one=failure, never="played")
    assert not ok
    assert [line.get("step") for line in lines] == ["The sandbox starts", "One", None]
    assert str(failure) in lines[1]["detail"]
    assert lines[-1] == {"demo": "failed"}


async def test_a_sandbox_that_does_not_start_is_a_failed_demo(play, monkeypatch):
    @asynccontextmanager
    async def broken(*_, **__):
        raise PartFailed("gp ended with status 1")
        yield

    monkeypatch.setattr(frame, "Sandbox", broken)
    ok, lines = await play(one="never")
    assert not ok
    assert "gp ended" in lines[0]["detail"]
    assert lines[-1] == {"demo": "failed"}


async def test_each_scenario_has_a_fresh_sandbox_with_what_it_asks_for(play, monkeypatch, tmp_path):
    scenarios = {
        "one": Scenario(playing(a=""), webhooks=True, overlays=tmp_path / "own"),
        "two": Scenario(playing(b="")),
    }
    monkeypatch.setattr(frame, "SCENARIOS", scenarios)
    monkeypatch.setattr(Pretended, "asked", [])
    assert await frame.demo(list(scenarios), as_json=False, state=tmp_path)
    assert Pretended.asked == [
        {"fresh": True, "webhooks": True, "overrides": {"GP365_OVERLAYS": str(tmp_path / "own")}},
        {"fresh": True, "webhooks": False, "overrides": {}},
    ]


def test_a_title_writes_the_systems_as_people_do():
    assert frame.title(step("an_account_in_dataverse_becomes_a_gp_customer", "")) == (
        "An account in Dataverse becomes a GP customer"
    )


async def test_waiting_ends_when_the_wanted_is_seen(monkeypatch):
    monkeypatch.setattr(scenario, "PAUSE", 0)
    seen = iter([0, 0, 7])

    async def look():
        return next(seen)

    assert await until(look, bool, "a number") == 7


async def test_waiting_past_the_deadline_tells_what_was_there_instead(monkeypatch):
    monkeypatch.setattr(scenario, "PAUSE", 0)

    async def look():
        return "an empty page"

    with pytest.raises(NotSeen, match="an empty page"):
        await until(look, lambda seen: seen == "full", "a full page", seconds=0)
