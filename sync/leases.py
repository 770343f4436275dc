"""The slots of one gate that this instance holds, and what it knows of the others: the gate's way to storage."""

import math
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from sync.errors import SyncError
from sync.permits import Room
from sync.slots import Need, Plan, Times, capacity, plan
from sync.stores.gates import Change, Gates, Hold, Slot, View

AFTER_A_FAILURE = 5
"""Seconds until storage that did not answer is asked again."""


class Leases:
    """Goes to storage when told: at most two calls a turn, and a second of silence for each of them.

    `clock` gives seconds that never step back. `held_until` is on it: nobody calls the system before.
    """

    def __init__(self, system: str, limit: int, gates: Gates, times: Times, clock: Callable[[], float]) -> None:
        self.instance = uuid.uuid4().hex
        self.held_until = self.next_turn = -math.inf
        self._system = system
        self._limit = limit
        self._gates = gates
        self._times = times
        self._clock = clock
        self._view: View | None = None
        self._valid: dict[int, float] = {}
        self._looked = self._asked = self._unsaid = -math.inf
        self._advised = 0
        self._leaving: frozenset[int] = frozenset()
        self._starving = False

    def room(self) -> Room:
        """What the slots that are surely still ours allow."""
        if self._view is None:
            return Room(0, 0)
        room = capacity(self._limit, self._view.hold.advised)
        now = self._clock()
        usable = [number for number, until in self._valid.items() if until > now and number < room.slots]
        valid = [number for number in usable if number not in self._leaving]
        return Room(sum(number < room.bulk for number in valid), len(valid))

    def fresh(self) -> bool:
        """Whether a pause that others were asked for would be known: not after a time without a look."""
        return self._clock() - self._asked < self._times.look + 2

    def hold(self, seconds: float) -> None:
        """The system asked us for a pause; the next turn tells the others."""
        self.held_until = max(self.held_until, self._clock() + seconds)
        self._unsaid = self.held_until

    def advise(self, calls: int) -> None:
        """The system advises so many calls at once, from all instances together."""
        self._advised = calls

    def due(self, need: Need) -> float:
        """When the next turn makes sense while there are calls. A pause to be told waits for nothing."""
        if self._view is None:
            return self.next_turn
        change = self._plan(need).change
        if change.hold:
            return self._clock()
        return max(self.next_turn, self._clock() if change else self._asked + self._pace())

    def retires(self, need: Need) -> bool:
        """Whether an idle instance still has something to give back."""
        return bool(self._view and self._plan(need).change)

    async def turn(self, need: Callable[[], Need]) -> None:
        """Look if it is time to, then take, renew or give back. Raises what storage answered."""
        calls = 0
        try:
            if not need().idle and self._clock() - self._asked >= self._pace():
                calls += 1
                await self._look()
            found = self._plan(need())
            self._leaving, self._starving = found.leaving, found.starving
            if found.change:
                calls += await self._change(found.change)
            self._advised = 0
        except SyncError:
            self._asked = self._clock()
            calls = AFTER_A_FAILURE
            raise
        finally:
            self.next_turn = max(self.next_turn, self._clock()) + max(calls, 1)

    async def give_back(self) -> None:
        """Give back everything. Raises what storage answered."""
        self._valid.clear()
        if own := self._own():
            freed = tuple(Slot(slot.number, etag=slot.etag) for slot in own)
            await self._gates.change(self._system, self.instance, Change(keep=freed))

    def _pace(self) -> float:
        """Seconds between looks: fewer while calls wait for slots that others hold."""
        return 1 if self._starving else self._times.look

    async def _look(self) -> None:
        sent = self._clock()
        self._view = view = await self._gates.look(self._system)
        self._looked = self._asked = self._clock()
        lasts = {slot.number: sent + self._lasts(slot, view.now) for slot in self._own()}
        self._valid = {number: max(until, self._valid.get(number, until)) for number, until in lasts.items()}
        left = (view.hold.until - view.now).total_seconds()
        if left > 0:
            self.held_until = max(self.held_until, self._clock() + left)

    def _lasts(self, slot: Slot, now: datetime) -> float:
        return (slot.until - now).total_seconds() - self._times.margin

    def _own(self) -> list[Slot]:
        return [slot for slot in self._view.slots.values() if slot.owner == self.instance] if self._view else []

    def _plan(self, need: Need) -> Plan:
        assert self._view
        # Now on storage's clock: its last answer, and our own clock since.
        view = replace(self._view, now=self._view.now + timedelta(seconds=self._clock() - self._looked))
        found = plan(view, self.instance, need, self._limit, self._times)
        return replace(found, change=replace(found.change, hold=self._news(view)))

    def _news(self, view: View) -> Hold | None:
        """What the system said that the others don't know yet."""
        left = self._unsaid - self._clock()
        until = view.now + timedelta(seconds=left) if left > 0 else view.hold.until
        advised = self._advised or view.hold.advised
        same = capacity(self._limit, advised) == capacity(self._limit, view.hold.advised)
        if same and until <= view.hold.until + timedelta(seconds=1):
            return None
        return Hold(max(until, view.hold.until), advised, view.hold.etag)

    async def _change(self, change: Change) -> int:
        """Make a change and note what of it was done; the calls it took."""
        assert self._view
        sent, now = self._clock(), self._view.now + timedelta(seconds=self._clock() - self._looked)
        for slot in change.keep:
            if not slot.owner:
                self._valid.pop(slot.number, None)
        done, calls = await self._gates.change(self._system, self.instance, change)
        changed = {slot.number: slot for slot in (*done.keep, *done.take)}
        self._valid |= {slot.number: sent + self._lasts(slot, now) for slot in changed.values() if slot.owner}
        self._view = replace(
            self._view,
            slots=self._view.slots | changed,
            hold=done.hold or self._view.hold,
            wants=self._view.wants | ({self.instance: done.want} if done.want else {}),
        )
        if done.hold:
            self._unsaid = -math.inf
        if done.size < change.size:  # another instance was first: see what it did
            self._asked = -math.inf
        return calls
