"""Plays one history on a stage: people at work, trouble at its time, quiet, and what was found then."""

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.scenarios.scenario import NotSeen, door
from tests.chaos.kills import Kills
from tests.chaos.people import People
from tests.chaos.plan import COMPANIES, History
from tests.chaos.stage import PARTS, Stage
from tests.chaos.steps import SIDES, Steps
from tests.chaos.truth import Truth
from tests.chaos.verdict import evidence, verdict

PATIENCE = 90
"""Seconds until everything must have come to rest."""


@dataclass
class Played:
    """What a history came to: its faults, in words, and how often each seam was struck."""

    history: History
    faults: list[str]
    struck: Counter[str]
    operations: int
    writes: int
    seconds: float = 0
    evidence: list[str] = field(default_factory=list)


async def play(stage: Stage, history: History) -> Played:
    """Play it whole."""
    began = asyncio.get_running_loop().time()
    await stage.prepare(history)
    truth = Truth()
    async with People(stage.box, truth) as people:
        one = _Play(stage, history, people)
        faults = await one.all()
    counts = await door(stage.box, "dataverse", "GET", "/counts")
    writes = sum(counts.get(f"operations {kind}", 0) for kind in ("create", "update", "delete"))
    took = asyncio.get_running_loop().time() - began
    return Played(history, faults, one.struck, truth.operations, writes, took, one.evidence)


class _Play:
    def __init__(self, stage: Stage, history: History, people: People) -> None:
        self._stage = stage
        self._history = history
        self._people = people
        self._kills = Kills(stage)
        self._steps = Steps(stage, history, people, self._kills)
        self.evidence: list[str] = []

    @property
    def struck(self) -> Counter[str]:
        return self._steps.struck + self._kills.struck

    async def all(self) -> list[str]:
        await self._begin()
        async with self._kills:
            await self._steps.all()
            at_rest = await self._end()
        if not at_rest:
            return [f"not at rest after {PATIENCE} s: {await self._stage.waiting()}"]
        return await self._judge()

    async def _begin(self) -> None:
        """Both sides as they are at first, and the app at work on them."""
        history, stage = self._history, self._stage
        for partner in history.partners:
            for side in SIDES:
                if partner.there and partner.born in (side, "both"):
                    await self._people.make(partner, side)
        await stage.command("poll")
        if "restore" in history.deeds:
            await door(stage.box, "gp", "POST", "/restore-point")
        if "copy" in history.deeds:
            await door(stage.box, "dataverse", "POST", "/copies/mid")
        if history.populated and history.setting.first_sync == "report":
            await self._couple(stage.box.state / "match.csv")
        await stage.start_hosts(history.setting.hosts)
        if history.populated:
            for company in COMPANIES:
                await stage.command("backfill", "--company", company, "--no-wait")

    async def _couple(self, file: Path) -> None:
        """Two populated sides are coupled through the match file, as the report proposes it."""
        for company in COMPANIES:
            where = ("match", "--pair", "customer", "--company", company)
            await self._stage.command(*where, "--out", str(file))
            with contextlib.suppress(NotSeen):  # a row that could not be applied is told, and waits for a person
                await self._stage.command(*where, "--apply", str(file))

    async def _end(self) -> bool:
        """No more trouble; then everything is left to come to rest. Whether it did."""
        await self._kills.stop()
        await self._steps.note_faults()
        for part in PARTS:
            await door(self._stage.box, part, "DELETE", "/faults")
        return await self._settled()

    async def _settled(self) -> bool:
        """At rest, also after a look at every record of both sides."""
        if not await self._stage.quiet(PATIENCE):
            return False
        await self._stage.command("sweep")
        return await self._stage.quiet(PATIENCE)

    async def _judge(self) -> list[str]:
        faults = await self._faults("")
        if await self._steps.decide() and not await self._settled():
            return [*faults, f"not at rest after a person decided: {await self._stage.waiting()}"]
        before = await self._stage.pulse()
        await self._stage.command("sweep")
        await self._stage.quiet(PATIENCE)
        after = await self._stage.pulse()
        writes = [] if before == after else [f"written after quiet: {before} became {after}"]
        return [*faults, *await self._faults("after a person decided, "), *writes]

    async def _faults(self, when: str) -> list[str]:
        found = await self._stage.found()
        faults = verdict(self._history, self._people.truth, found)
        self.evidence += evidence(self._history, found, faults)
        return [f"{when}{fault}" for fault in faults]
