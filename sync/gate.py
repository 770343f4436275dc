"""The gate before a system: "do not call it before T, at most N at once", shared by all instances of the app.

Slots are leased in storage (`stores/gates.py`, `leases.py`), which ones to take and to give back is decided in
`slots.py`, and who may use those held in `permits.py`. Here: the way in for a call, and the pulse that goes to storage
while there are calls.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol, Self

from sync.errors import RetryLater, SyncError
from sync.leases import Leases
from sync.permits import Permits
from sync.slots import Need, Times, capacity
from sync.stores.gates import Gates, View


@dataclass(frozen=True)
class Caller:
    """For whom a call is made: of the bulk kind or interactive, and how many seconds it waits for its turn."""

    bulk: bool = False
    patience: float = 20


LINE = Caller()
BULK = Caller(bulk=True, patience=60)
PERSON = Caller(patience=10)

caller: ContextVar[Caller] = ContextVar("caller", default=LINE)
"""Set at the door of the lanes and by the command line."""


class Passing:
    """One call on its way; leave when it is over."""

    def heard(self, *, busy: bool = False, pause: float | None = None, advised: int = 0) -> None:
        """What the system said: that it is overloaded, a pause in seconds, how many calls at once it advises."""

    def leave(self) -> None:
        """The call is over."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()


class Entrance(Protocol):
    """What a client passes before each call."""

    async def enter(self) -> Passing: ...


class Open:
    """An entrance without a gate, for a client that is used outside the line."""

    async def enter(self) -> Passing:
        return Passing()


class Gate:
    """The gate of one system in this process. `clock` gives seconds that never step back."""

    def __init__(
        self,
        system: str,
        limit: int,
        gates: Gates,
        times: Times,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.system = system
        self.leases = Leases(system, limit, gates, times, clock)
        self.permits = Permits(limit, self.leases.room, clock)
        self._limit = limit
        self._gates = gates
        self._times = times
        self._clock = clock
        self._last = -math.inf
        self._stirred = asyncio.Event()
        self._pulse: asyncio.Task[None] | None = None

    async def enter(self) -> Passing:
        """Wait until one more call may be made. Raises RetryLater: `throttled` while the system wants a pause,
        `gate_closed` when no turn came in time; or what storage answered while nothing is leased.
        """
        who = caller.get()
        self._last = self._clock()
        if self.leases.held_until > self._last:
            raise self._held()
        if self.leases.fresh() and self.permits.start(who.bulk):
            self._stir()
        else:
            await self._wait(who)
        return _Passing(self, who.bulk, self._clock())

    def heard(self, since: float, *, busy: bool, pause: float | None, advised: int) -> None:
        """What a call begun at `since` was told."""
        if busy or pause:
            self.permits.overloaded(since)
        else:
            self.permits.went_well()
        if advised:
            self.leases.advise(advised)
        if pause:
            self.leases.hold(pause)
            self.permits.refuse(self._held)
            self._stir()

    def left(self, bulk: bool) -> None:
        """A call is over."""
        self._last = self._clock()
        self.permits.end(bulk)

    async def turn(self) -> None:
        """Go to storage, and let begin what may begin then."""
        try:
            await self.leases.turn(self._need)
        except SyncError as error:
            failure = error
            if not self.leases.room().all:
                self.permits.refuse(lambda: failure)
        if self.leases.held_until > self._clock():
            self.permits.refuse(self._held)
        self.permits.serve()

    async def look(self) -> View:
        """The gate as storage has it now. Raises what storage answered."""
        return await self._gates.look(self.system)

    def allowed(self, view: View) -> int:
        """How many calls at once the gate allows, from all instances together."""
        return capacity(self._limit, view.hold.advised).slots

    async def close(self) -> None:
        """Give back what is leased; if storage doesn't answer, it lapses."""
        if self._pulse:
            self._pulse.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pulse
        with contextlib.suppress(SyncError):
            await self.leases.give_back()

    async def _wait(self, who: Caller) -> None:
        waiter = self.permits.line_up(who.bulk)
        self._stir()
        try:
            async with asyncio.timeout(who.patience):
                await self.permits.turn_of(waiter, who.bulk)
        except TimeoutError:
            text = f"No call to {self.system} came free within {who.patience:.0f} s."
            raise RetryLater(text, code="gate_closed", system=self.system) from None

    def _held(self) -> RetryLater:
        rest = max(1, math.ceil(self.leases.held_until - self._clock()))
        text = f"{self.system} asked for a pause, which lasts {rest} s more."
        return RetryLater(text, code="throttled", system=self.system, retry_after=rest)

    def _need(self) -> Need:
        running, waiting = self.permits.running, self.permits.waiting
        interactive, bulk = running[False] + waiting(False), running[True] + waiting(True)
        quiet = not interactive and not bulk and self._clock() - self._last >= self._times.idle
        return Need(running[False] + running[True], running[True], interactive, bulk, idle=quiet)

    def _stir(self) -> None:
        """See that turns are taken while there is a reason to."""
        self._stirred.set()
        if self._pulse is None or self._pulse.done():
            self._pulse = asyncio.create_task(self._beat())

    async def _beat(self) -> None:
        while (due := self.due()) is not None:
            self._stirred.clear()
            if (pause := due - self._clock()) <= 0:
                await self.turn()
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stirred.wait()

    def due(self) -> float | None:
        """When the next turn is due; None when there is nothing to do until the next call."""
        need = self._need()
        if need.idle:
            return max(self._clock(), self.leases.next_turn) if self.leases.retires(need) else None
        if need.interactive or need.bulk:
            return self.leases.due(need)
        return self._last + self._times.idle


class _Passing(Passing):
    def __init__(self, gate: Gate, bulk: bool, since: float) -> None:
        self._gate = gate
        self._bulk = bulk
        self._since = since

    def heard(self, *, busy: bool = False, pause: float | None = None, advised: int = 0) -> None:
        self._gate.heard(self._since, busy=busy, pause=pause, advised=advised)

    def leave(self) -> None:
        self._gate.left(self._bulk)
