"""The demo: scenarios played on a fresh sandbox, each step telling what was seen and how long it took."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import pymssql
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from sandbox.child import ROOT, PartFailed
from sandbox.scenarios import SCENARIOS
from sandbox.scenarios.gp_user import Refused
from sandbox.scenarios.scenario import NotSeen, Step
from sandbox.up import Sandbox

STATE = ROOT / ".sandbox" / "demo"
NAMES = {"gp": "GP", "dataverse": "Dataverse"}
"""How the title of a step writes what the name of a function can't."""


@dataclass(frozen=True)
class Outcome:
    """What became of one step: `detail` is what was seen, or why it failed."""

    step: str
    ok: bool
    seconds: float
    detail: str


async def demo(names: Sequence[str], *, as_json: bool, picture: Path | None = None, state: Path = STATE) -> bool:
    """Play the named scenarios; True when every step saw what it waited for. `picture` gets what people saw, as SVG."""
    console = Console(stderr=True, record=picture is not None, width=100 if picture else None)
    outcomes: list[Outcome] = []

    def tell(outcome: Outcome) -> None:
        outcomes.append(outcome)
        tick = "[green]✓[/]" if outcome.ok else "[red]✗[/]"
        console.print(f"{tick} [bold]{outcome.step}[/] [dim]{outcome.seconds:.1f} s[/]", highlight=False)
        console.print(Padding(Text(outcome.detail), (0, 0, 1, 2)))
        if as_json:
            print(json.dumps(outcome.__dict__), flush=True)

    try:
        await _play(names, state, tell)
    except PartFailed as failure:
        tell(Outcome("The sandbox starts", False, 0.0, str(failure)))
    ok = bool(outcomes) and all(outcome.ok for outcome in outcomes)
    console.print(_summary(outcomes), highlight=False)
    if picture:
        console.save_svg(str(picture), title="python3 dev.py demo")
    if as_json:
        print(json.dumps({"demo": "ok" if ok else "failed"}), flush=True)
    return ok


async def _play(names: Sequence[str], state: Path, tell: Callable[[Outcome], None]) -> None:
    """Each scenario has a sandbox of its own."""
    for name in names:
        scenario, started = SCENARIOS[name], time.monotonic()
        box = Sandbox(state, fresh=True, webhooks=scenario.webhooks)
        if scenario.overlays:
            box.overrides["GP365_OVERLAYS"] = str(scenario.overlays)
        async with box, scenario.play(box) as steps:
            tell(Outcome("The sandbox starts", True, _since(started), _parts(box)))
            for step in steps:
                outcome = await _try(step)
                tell(outcome)
                if not outcome.ok:
                    break


async def _try(step: Step) -> Outcome:
    started = time.monotonic()
    name = title(step)
    try:
        detail = await step()
    except (NotSeen, Refused, PermissionError, httpx.HTTPError, pymssql.Error) as failure:
        return Outcome(name, False, _since(started), f"{type(failure).__name__}: {failure}")
    return Outcome(name, True, _since(started), detail)


def _parts(box: Sandbox) -> str:
    return "Ready: " + ", ".join(sorted(box.ready))


def _since(started: float) -> float:
    return round(time.monotonic() - started, 2)


def title(step: Step) -> str:
    """A step's name as a sentence."""
    words = " ".join(NAMES.get(word, word) for word in step.__name__.split("_"))
    return words[0].upper() + words[1:]


def _summary(outcomes: Sequence[Outcome]) -> str:
    seen = sum(outcome.ok for outcome in outcomes)
    colour = "green" if seen == len(outcomes) else "red"
    seconds = sum(outcome.seconds for outcome in outcomes)
    return f"[{colour}]{seen} of {len(outcomes)} steps seen[/] in {seconds:.0f} s"
