"""Plays many histories side by side, each stage one after another, and sums up what they came to."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.plan import History
from tests.chaos.play import Played, play
from tests.chaos.stage import Stage
from tests.chaos.troubles import TROUBLES

AREA = "customers"


@dataclass
class Tally:
    """The sum of a campaign."""

    histories: int = 0
    records: int = 0
    operations: int = 0
    writes: int = 0
    planned: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    broken: list[Played] = field(default_factory=list)

    def add(self, played: Played) -> None:
        self.histories += 1
        self.records += len(played.history.partners)
        self.operations += played.operations
        self.writes += played.writes
        self.planned += Counter(step.seam for step in played.history.steps if step.seam)
        self.struck += played.struck
        if played.faults:
            self.broken.append(played)

    def as_dict(self) -> dict[str, Any]:
        """The last line of `--json`."""
        faults = [fault for played in self.broken for fault in played.faults]
        lost, doubled = (sum(f"{kind}:" in fault for fault in faults) for kind in ("lost", "doubled"))
        return {
            "chaos": "failed" if faults else "ok",
            "area": AREA,
            "histories": self.histories,
            "records": self.records,
            "operations": self.operations,
            "faults_by_seam": {trouble.seam: self.struck[trouble.seam] for trouble in TROUBLES},
            "writes": self.writes,
            "lost": lost,
            "doubled": doubled,
            "unexplained": len(faults) - lost - doubled,
            "failing_seeds": [played.history.seed for played in self.broken],
        }


@asynccontextmanager
async def stages(folder: Path, count: int) -> AsyncIterator[list[Stage]]:
    """So many sandboxes, side by side."""
    opened = [Stage(folder / f"stage-{number}") for number in range(count)]
    try:
        async with asyncio.TaskGroup() as group:
            for stage in opened:
                group.create_task(stage.open())
        yield opened
    finally:
        for stage in opened:
            await stage.close()


async def play_all(opened: Sequence[Stage], histories: Sequence[History], told: Callable[[Played], None]) -> Tally:
    """Play every history on whichever stage is free; `told` hears of each."""
    tally, waiting = Tally(), list(reversed(histories))

    async def work(stage: Stage) -> None:
        while waiting:
            played = await play(stage, waiting.pop())
            tally.add(played)
            told(played)

    async with asyncio.TaskGroup() as group:
        for stage in opened:
            group.create_task(work(stage))
    return tally


async def shrink(stage: Stage, history: History, tries: int) -> History:
    """The same history with as few steps as still break it, as far as so many tries find."""
    part = max(1, len(history.steps) // 2)
    while tries > 0:
        for start in range(0, len(history.steps), part):
            rest = history.keeping([*history.steps[:start], *history.steps[start + part :]])
            tries -= 1
            if (await play(stage, rest)).faults:
                history = rest
                break
            if tries <= 0:
                return history
        else:
            if part == 1:
                return history
            part = max(1, part // 2)
    return history


def keep(folder: Path, history: History, played: Played) -> Path:
    """Write a history down, to be played again, and beside it what was found."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{history.seed}.txt").write_text("\n".join([*played.faults, *played.evidence]), encoding="utf-8")
    file = folder / f"{history.seed}.json"
    file.write_text(json.dumps(history.to_json(), indent=1), encoding="utf-8")
    return file


def kept(file: Path) -> History:
    return History.from_json(json.loads(file.read_text(encoding="utf-8")))
