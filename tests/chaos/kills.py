"""Kills the app at planned moments and starts it again, as the platform does."""

import asyncio
import contextlib
from collections import Counter
from typing import Self

from sandbox.scenarios.scenario import door
from tests.chaos.stage import Stage
from tests.chaos.troubles import Trouble

HOST = "host"
KILLED = ("storage", "gp", "dataverse")


class Kills:
    """While it is open, a host that was killed is started again, and told to the doors that still mean to kill it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._planned: list[tuple[Trouble, int]] = []
        self._watch: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self.struck: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def plan(self, trouble: Trouble, skip: int) -> None:
        """Have the host killed at a seam, at its `skip`-th next crossing."""
        self._planned.append((trouble, skip))
        await self._at_the_door(trouble, skip)
        self._watch = self._watch or asyncio.create_task(self._start_again())

    async def stop(self) -> None:
        """Kill no more; a host runs when this ends."""
        if not self._watch:
            return
        for part in KILLED:
            await door(self._stage.box, part, "DELETE", "/faults")
        async with self._starting:
            self._watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._watch
        self._watch = None
        if self._stage.box.has_ended(HOST):
            await self._stage.box.start(HOST)
        self.struck = await self._done()

    async def _start_again(self) -> None:
        while True:
            await self._stage.box.ended(HOST)
            async with self._starting:
                await self._stage.box.start(HOST)
            done = await self._done()
            for trouble, skip in self._planned:
                if not done[trouble.seam]:
                    await self._at_the_door(trouble, skip)

    async def _at_the_door(self, trouble: Trouble, skip: int) -> None:
        assert trouble.door
        pid = self._stage.box.ready[HOST]["pid"]
        await door(
            self._stage.box, trouble.part, "POST", "/faults", **trouble.door, text=trouble.seam, skip=skip, process=pid
        )

    async def _done(self) -> Counter[str]:
        counts: Counter[str] = Counter()
        for part in KILLED:
            counts.update(await door(self._stage.box, part, "GET", "/counts"))
        return Counter({name.removeprefix("kill."): n for name, n in counts.items() if name.startswith("kill.")})
