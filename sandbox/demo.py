"""The demo: scenarios played on a fresh sandbox, each step telling what was seen and how long it took."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import pymssql
from rich.console import Console
from rich.table import Table

from sandbox.child import ROOT, PartFailed
from sandbox.scenarios import SCENARIOS
from sandbox.scenarios.gp_user import Refused
from sandbox.scenarios.scenario import NotSeen, Step
from sandbox.up import Sandbox

STATE = ROOT / ".sandbox" / "demo"


@dataclass(frozen=True)
class Outcome:
    """What became of one step: `detail` is what was seen, or why it failed."""

    step: str
    ok: bool
    seconds: float
    detail: str


async def demo(names: Sequence[str], *, as_json: bool, state: Path = STATE) -> bool:
    """Play the named scenarios; True when every step saw what it waited for."""
    console = Console(stderr=True)
    outcomes: list[Outcome] = []

    def tell(outcome: Outcome) -> None:
        outcomes.append(outcome)
        colour = "green" if outcome.ok else "red"
        console.print(f"[{colour}]{'✓' if outcome.ok else '✗'}[/] {outcome.step} [dim]{outcome.seconds:.1f} s[/]")
        console.print(f"  {outcome.detail}", highlight=False, markup=False)
        if as_json:
            print(json.dumps(outcome.__dict__), flush=True)

    try:
        await _play(names, state, tell)
    except PartFailed as failure:
        tell(Outcome("the sandbox starts", False, 0.0, str(failure)))
    ok = bool(outcomes) and all(outcome.ok for outcome in outcomes)
    console.print(_summary(outcomes))
    if as_json:
        print(json.dumps({"demo": "ok" if ok else "failed"}), flush=True)
    return ok


async def _play(names: Sequence[str], state: Path, tell: Callable[[Outcome], None]) -> None:
    started = time.monotonic()
    async with Sandbox(state, fresh=True) as box:
        parts = ", ".join(sorted(box.ready))
        tell(Outcome("the sandbox starts", True, _since(started), parts))
        for name in names:
            async with SCENARIOS[name](box) as steps:
                for step in steps:
                    outcome = await _try(step)
                    tell(outcome)
                    if not outcome.ok:
                        break


async def _try(step: Step) -> Outcome:
    started = time.monotonic()
    name = step.__name__.replace("_", " ")
    try:
        detail = await step()
    except (NotSeen, Refused, PermissionError, httpx.HTTPError, pymssql.Error) as failure:
        return Outcome(name, False, _since(started), f"{type(failure).__name__}: {failure}")
    return Outcome(name, True, _since(started), detail)


def _since(started: float) -> float:
    return round(time.monotonic() - started, 2)


def _summary(outcomes: Sequence[Outcome]) -> Table:
    table = Table(title="What was seen", show_lines=False)
    for heading in ("Step", "Seen", "Seconds"):
        table.add_column(heading)
    for outcome in outcomes:
        table.add_row(outcome.step, "yes" if outcome.ok else "[red]no[/]", f"{outcome.seconds:.1f}")
    return table
