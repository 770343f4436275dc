"""Plays one history on a stage: people at work, trouble at its time, quiet, and what was found then."""

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.scenarios.scenario import NotSeen, door
from tests.chaos.people import People
from tests.chaos.plan import COMPANIES, History
from tests.chaos.stage import PARTS, Stage
from tests.chaos.stall import stalled
from tests.chaos.steps import SIDES, Steps
from tests.chaos.truth import Truth
from tests.chaos.verdict import evidence, verdict

PATIENCE = 300
"""Seconds until everything must have come to rest."""

LOOKS = 2
"""So many looks at every record there are after a person has decided: the last must write nothing."""


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
        self._steps = Steps(stage, history, people)
        self._kills = self._steps.kills
        self._written: list[str] = []
        self._messages: list[str] = []
        self.evidence: list[str] = []

    @property
    def struck(self) -> Counter[str]:
        return self._steps.struck + self._kills.struck

    async def all(self) -> list[str]:
        await self._begin()
        async with self._kills:
            await self._steps.all()
            at_rest = await self._end()
        return await self._judge() if at_rest else await self._stalled("")

    async def _stalled(self, when: str) -> list[str]:
        """Found so that it can be understood afterwards."""
        self.evidence += await stalled(self._stage)
        return [f"not at rest after {PATIENCE} s{when}: {await self._stage.books.waiting()}"]

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
        """Trouble also while what people did comes to rest; then no more of it, and everything is left to. Whether it did."""
        self._messages = await self._stage.books.messages()
        at_rest = await self._stage.quiet(PATIENCE)
        if at_rest and await self._steps.decide():
            at_rest = await self._stage.quiet(PATIENCE)
        await self._kills.stop()
        await self._steps.note_faults(*PARTS)
        return (at_rest or await self._stage.quiet(PATIENCE)) and await self._looked_at_all()

    async def _looked_at_all(self) -> bool:
        """Whether all is at rest also after a look at every record of both sides. Notes what that look wrote."""
        before = await self._stage.pulse()
        await self._stage.command("sweep")
        at_rest = await self._stage.quiet(PATIENCE)
        after = await self._stage.pulse()
        self._written = [f"{before} became {after}"] if before != after else []
        return at_rest

    async def _judge(self) -> list[str]:
        """What is wrong, also after a person has decided what waits and a look at every record has written nothing."""
        faults = [*await self._faults(""), *await self._stage.secrets(self._messages)]
        decided = await self._steps.decide()
        at_rest = not decided or await self._stage.quiet(PATIENCE)
        for _ in range(LOOKS if decided or self._written else 0):
            at_rest = at_rest and await self._looked_at_all()
            if not at_rest:
                return [*faults, *await self._stalled(" when a person had decided")]
            if not self._written:
                break
        written = [f"written after quiet: {what}" for what in self._written]
        return [*faults, *(await self._faults("after a person decided, ") if decided else []), *written]

    async def _faults(self, when: str) -> list[str]:
        found = await self._stage.found()
        faults = verdict(self._history, self._people.truth, found)
        self.evidence += evidence(self._history, found, faults)
        return [f"{when}{fault}" for fault in faults]
