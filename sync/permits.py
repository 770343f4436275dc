"""Who may call a system now, within one process: interactive calls before bulk ones, fewer while it is overloaded."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from sync.errors import SyncError

RECENT = 2.0
"""Seconds for which a permit stays kept for the next call of an interactive message."""


class Room(NamedTuple):
    """How many calls the slots held now allow: of the bulk kind, and in all."""

    bulk: int
    all: int


class Permits:
    """Counts calls in progress and lines up those that wait. `room` tells what the slots allow, `clock` the seconds."""

    def __init__(self, limit: int, room: Callable[[], Room], clock: Callable[[], float]) -> None:
        self._limit = limit
        self._room = room
        self._clock = clock
        self._waiting: dict[bool, deque[asyncio.Future[None]]] = {False: deque(), True: deque()}
        self.running = {False: 0, True: 0}
        self.allowed = limit
        """Additive increase, multiplicative decrease: what the system seems to bear from this process."""
        self._good = 0
        self._cut = self._interactive = float("-inf")

    def waiting(self, bulk: bool) -> int:
        return sum(not waiter.done() for waiter in self._waiting[bulk])

    def start(self, bulk: bool) -> bool:
        """Begin a call if it may begin now and nobody is before it."""
        if self.waiting(False) or (bulk and self.waiting(True)) or not self._fits(bulk):
            return False
        self._begin(bulk)
        return True

    def line_up(self, bulk: bool) -> asyncio.Future[None]:
        """Stand in line: `turn_of` waits for it."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[bulk].append(waiter)
        return waiter

    async def turn_of(self, waiter: asyncio.Future[None], bulk: bool) -> None:
        """Wait until the call may begin. Raises what `refuse` was given."""
        try:
            await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled() and waiter.exception() is None:
                self.end(bulk)  # its turn came, and nobody takes it
            raise

    def end(self, bulk: bool) -> None:
        """A call is over."""
        self.running[bulk] -= 1
        if not bulk:
            self._interactive = self._clock()
        self.serve()

    def serve(self) -> None:
        """Let begin what may begin."""
        for bulk in (False, True):
            line = self._waiting[bulk]
            while line and (line[0].done() or self._fits(bulk)):
                waiter = line.popleft()
                if not waiter.done():
                    self._begin(bulk)
                    waiter.set_result(None)

    def refuse(self, error: Callable[[], SyncError]) -> None:
        """Send away all that wait."""
        for line in self._waiting.values():
            while line:
                waiter = line.popleft()
                if not waiter.done():
                    waiter.set_exception(error())

    def overloaded(self, since: float) -> None:
        """A call begun at `since` met an overload: halve, once for all calls that were on their way together."""
        if since >= self._cut:
            self.allowed = max(1, min(self.allowed, self._room().all) // 2)
            self._cut = self._clock()
        self._good = 0

    def went_well(self) -> None:
        """One more call a time, after as many good ones as are allowed at once."""
        self._good += 1
        if self._good >= self.allowed:
            self._good = 0
            self.allowed = min(self._limit, self.allowed + 1)

    def _begin(self, bulk: bool) -> None:
        self.running[bulk] += 1
        if not bulk:
            self._interactive = self._clock()

    def _fits(self, bulk: bool) -> bool:
        room = self._room()
        allowed = min(room.all, self.allowed)
        if sum(self.running.values()) >= allowed:
            return False
        if not bulk:
            return True
        kept = 1 if self._clock() - self._interactive < RECENT else 0
        return self.running[True] < min(room.bulk, max(1, allowed - kept))
