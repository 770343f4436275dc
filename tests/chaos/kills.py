"""Kills the app at planned moments and starts it again, as the platform does."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Self

from sandbox.scenarios.scenario import door
from tests.chaos.stage import Stage
from tests.chaos.troubles import BY_SEAM, Trouble

HOST = "host"
KILLED = ("storage", "gp", "dataverse")

type TakeBack = Callable[[Trouble], Awaitable[bool]]
"""A person takes back what was written last, if there is anything to take back; whether there was."""


class Kills:
    """While it is open, a host that was killed is started again, and told to the doors that still mean to kill it. Before it
    is, `take_back` is asked where the trouble says so: between a write and its recovery.
    """

    def __init__(self, stage: Stage, take_back: TakeBack) -> None:
        self._stage = stage
        self._take_back = take_back
        self._planned: list[tuple[Trouble, int]] = []
        self._watch: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._done: Counter[str] = Counter()
        self._in_vain: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def struck(self) -> Counter[str]:
        """How often the host was killed at each seam; where a write was to be taken back, how often it was."""
        return self._done - self._in_vain

    async def plan(self, trouble: Trouble, skip: int) -> None:
        """Have the host killed at a seam, at its `skip`-th next crossing."""
        self._planned.append((trouble, skip))
        await self._at_the_door(trouble, skip)
        self._watch = self._watch or asyncio.create_task(self._start_again())

    async def stop(self) -> None:
        """Kill no more; a host runs when this ends."""
        if not self._watch:
            return
        await self._call_off()
        async with self._starting:
            self._watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._watch
        self._watch = None
        if self._stage.box.has_ended(HOST):
            await self._note()
            await self._stage.box.start(HOST)

    async def _start_again(self) -> None:
        while True:
            await self._stage.box.ended(HOST)
            async with self._starting:
                await self._note()
                await self._stage.box.start(HOST)
                await self._call_off()
                for trouble, skip in self._left():
                    await self._at_the_door(trouble, skip)

    def _left(self) -> list[tuple[Trouble, int]]:
        """The kills that have not come about, oldest first."""
        done, left = Counter(self._done), []
        for trouble, skip in self._planned:
            if done[trouble.seam]:
                done[trouble.seam] -= 1
            else:
                left.append((trouble, skip))
        return left

    async def _at_the_door(self, trouble: Trouble, skip: int) -> None:
        assert trouble.door
        pid = self._stage.box.ready[HOST]["pid"]
        await door(
            self._stage.box, trouble.part, "POST", "/faults", **trouble.door, text=trouble.seam, skip=skip, process=pid
        )

    async def _call_off(self) -> None:
        """Those who mean to kill a process that is no more would do nothing but let the next one pass."""
        for part in KILLED:
            await door(self._stage.box, part, "DELETE", "/faults?do=kill")

    async def _note(self) -> None:
        """Who was killed where; and have taken back what a person is to take back."""
        counts: Counter[str] = Counter()
        for part in KILLED:
            counts.update(await door(self._stage.box, part, "GET", "/counts"))
        done = Counter({name.removeprefix("kill."): n for name, n in counts.items() if name.startswith("kill.")})
        for seam in done - self._done:
            if BY_SEAM[seam].taken_back and not await self._take_back(BY_SEAM[seam]):
                self._in_vain[seam] += 1
        self._done = done
