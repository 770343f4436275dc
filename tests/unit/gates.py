"""Several instances of the app at one gate, on one table, one clock and without waiting."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from sync.errors import RetryLater
from sync.gate import BULK, LINE, Gate, Passing, caller
from sync.slots import Times
from sync.stores.gates import Gates
from tests.fakes import START, FakeTable


class ClockTable(FakeTable):
    """A table whose service tells the time of `clock`, in whole seconds as storage does."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.down = False
        self.cut = 0
        super().__init__()

    @property
    def now(self) -> datetime:  # type: ignore[override]
        return START + timedelta(seconds=int(self._clock()))

    @now.setter
    def now(self, value: datetime) -> None:
        pass

    async def query(self, filter_: str):  # type: ignore[no-untyped-def]
        self._answer()
        async for entity in super().query(filter_):
            yield entity

    async def transact(self, groups):  # type: ignore[no-untyped-def]
        self._answer()
        refusals = 0
        done = []
        for group in groups:  # each refused group costs one more call, as in the real table
            [result] = await super().transact([group])
            refusals += result is None
            done.append(result)
        self.calls += refusals + (refusals < len(groups)) - len(groups)
        if self.cut:
            self.cut -= 1
            raise RetryLater("cut after it was done", code="system_unreachable", system="storage")
        return done

    def _answer(self) -> None:
        if self.down:
            self.calls += 1
            raise RetryLater("no answer", code="system_unreachable", system="storage")


class Instance:
    """One process at the gate. Its clock may differ from storage's by any constant."""

    def __init__(
        self, table: FakeTable, clock: Callable[[], float], limit: int, times: Times, offset: float = 0
    ) -> None:
        self.clock = lambda: clock() + offset
        self.gate = Gate("dataverse", limit, Gates(table), times, self.clock)  # type: ignore[arg-type]
        self.gate._stir = lambda: None  # type: ignore[method-assign]
        self.stalled = False
        self.calling: list[tuple[bool, Passing]] = []
        self.lined_up: list[tuple[bool, asyncio.Task[Passing]]] = []

    async def call(self, bulk: bool = False) -> None:
        """Ask for a call; it begins at once or at a later turn."""
        token = caller.set(BULK if bulk else LINE)
        self.lined_up.append((bulk, asyncio.create_task(self.gate.enter())))
        caller.reset(token)
        await self.settle()

    async def turn(self) -> None:
        """What the pulse does now, if anything is due."""
        due = None if self.stalled else self.gate.due()
        if due is not None and due <= self.clock():
            await self.gate.turn()
        await self.settle()

    async def settle(self) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        for bulk, task in list(self.lined_up):
            if task.done():
                self.lined_up.remove((bulk, task))
                if not task.exception():
                    self.calling.append((bulk, task.result()))

    async def end(self, bulk: bool | None = None) -> bool:
        """End the first call in progress (of a kind); False when there is none."""
        found = next((one for one in self.calling if bulk in (None, one[0])), None)
        if found:
            self.calling.remove(found)
            found[1].leave()
            await self.settle()
        return found is not None

    @property
    def running(self) -> int:
        return len(self.calling)

    async def die(self) -> None:
        """The process is gone, and its calls with it."""
        for _, task in self.lined_up:
            task.cancel()
        await asyncio.gather(*(task for _, task in self.lined_up), return_exceptions=True)
        self.calling.clear()
        self.lined_up.clear()
