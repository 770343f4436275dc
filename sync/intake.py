"""From a change in a source system to messages on lanes. A cursor moves only after its events are on a lane."""

import logging
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Table
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sync.braking import Braking
from sync.flow import Flow
from sync.gate import BULK, caller
from sync.guard import Guard
from sync.mapping import Mapping
from sync.message import Bulk, Reason
from sync.rounds import Rounds
from sync.sender import Sender
from sync.stores.cursors import Cursors
from sync.sweep import Sweep, Swept
from sync.system import Change, Identity

LOOKS = 50
"""How often one poll looks again while a feed says there is more: a bulk change is bounded, and goes on at the next tick."""

log = logging.getLogger(__name__)


class Poll(Protocol):
    """What one look at a company's feeds found."""

    @property
    def identity(self) -> Identity: ...
    @property
    def changes(self) -> Table[str, Sequence[Change]]: ...
    @property
    def cursor(self) -> dict[str, Any]: ...
    @property
    def full_reread(self) -> Iterable[str]: ...
    @property
    def more(self) -> bool: ...
    @property
    def server_time(self) -> datetime: ...


class Feeds(Protocol):
    """A system whose changes are polled."""

    async def poll(self, company: str, mappings: Sequence[Mapping], cursor: dict[str, Any]) -> Poll: ...


@dataclass
class Polled:
    """What a poll put on lanes: keys per flow, and whether the cursor was moved by us. `full`: the lanes take no more."""

    company: str
    keys: dict[str, int] = field(default_factory=dict)
    reread: list[str] = field(default_factory=list)
    moved: bool = True
    full: bool = False


class Intake:
    """Polls GP and sends what changed to the flows that care."""

    def __init__(
        self,
        flows: Table[str, Flow],
        mappings: Table[str, Mapping],
        feeds: Feeds,
        cursors: Cursors,
        sender: Sender,
        guard: Guard,
        braking: Braking,
        sweep: Sweep,
        rounds: Rounds,
    ) -> None:
        self._flows = [flow for flow in flows.values() if flow.source == "gp"]
        self._mappings = mappings
        self._feeds = feeds
        self._cursors = cursors
        self._sender = sender
        self._guard = guard
        self._braking = braking
        self._sweep = sweep
        self._rounds = rounds
        self._waiting: set[str] = set()

    async def poll_all(self, companies: Sequence[str]) -> list[Polled]:
        """Poll every company at once; one that fails stops no other, and is left alone for a while."""
        return await self._rounds.each("poll", companies, self.poll)

    async def sweep_all(self, companies: Sequence[str]) -> list[list[Swept]]:
        """Take the sweep of every company further, as `poll_all` polls them."""
        return await self._rounds.each("sweep", companies, self.sweep)

    async def sweep(self, company: str, *, whole: bool = False) -> list[Swept]:
        """Take a company's sweep as far as it is due, or a new one to its end. Its feeds are polled first: what they
        tell is not the sweep's to find, and the poll notices whether this still is the company that it was.
        """
        await self.poll(company)
        if whole:
            return await self._sweep.whole(company)
        caller.set(BULK)
        return await self._sweep.tick(company)

    async def poll(self, company: str) -> Polled:
        """Look at all feeds of a company until there is nothing more. The first look only notes where each stands.

        When another instance moved the cursor meanwhile, its events were sent twice, which is harmless. Raises
        RetryLater while the company is paused, and when it turns out to be another one than it was.
        """
        await self._guard.admit_poll(company)
        polled = Polled(company, dict.fromkeys((flow.name for flow in self._flows), 0))
        pairs = list(dict.fromkeys(flow.pair for flow in self._flows))
        mappings = [self._mappings[pair] for pair in pairs]
        for _ in range(LOOKS):
            polled.full = not await self._has_room(company)
            if polled.full:
                break
            cursor = await self._cursors.read(company, "gp")
            poll = await self._feeds.poll(company, mappings, cursor.place)
            await self._guard.recognise(company, poll.identity)
            await self._send_all(poll, polled)
            if not cursor.etag:
                await self._sweep.watch(company, poll.server_time)
            if poll.cursor != cursor.place:
                polled.moved = await self._cursors.move(cursor, poll.cursor)
            if not poll.more or not polled.moved:
                break
        return polled

    async def _send_all(self, poll: Poll, polled: Polled) -> None:
        for flow in self._flows:
            changes = poll.changes.get(flow.pair, ())
            await self._braking.foresee(flow, polled.company, gone=sum(change.deleted for change in changes))
            for reason, keys in _by_reason(changes).items():
                polled.keys[flow.name] += len(keys)
                await self._sender.send(flow, polled.company, keys, reason)
            if flow.pair in poll.full_reread:
                log.warning(
                    "%s: the history of %s is gone; every record is looked at again.", flow.name, polled.company
                )
                polled.reread.append(flow.name)
                polled.keys[flow.name] += await self.reread(flow, polled.company, "reread")

    async def reread(self, flow: Flow, company: str, reason: Bulk) -> int:
        """Send every record that GP holds, and every coupled one that it no longer holds, on the bulk lane; the count
        of keys sent now. What the lanes have no room for goes on with the sweep; so does what a crash left out.
        """
        await self._sweep.restart(flow, company, reason)
        return (await self._sweep.advance(flow, company)).keys

    async def _has_room(self, company: str) -> bool:
        """Whether every lane takes more. When one is full nothing is read: the cursor keeps the place, not the queue."""
        lanes = {flow.lane: flow for flow in self._flows}
        full = [lane for lane, flow in lanes.items() if await self._sender.room(flow) <= 0]
        if full and company not in self._waiting:
            log.warning("%s is not read for now: %s is full.", company, ", ".join(full))
        (self._waiting.add if full else self._waiting.discard)(company)
        return not full


def _by_reason(changes: Iterable[Change]) -> dict[Reason, list[str]]:
    """Each key once, under the way it was first seen."""
    seen: dict[str, Reason] = {}
    for change in changes:
        seen.setdefault(change.key, change.seen_by)
    groups: dict[Reason, list[str]] = {}
    for key, reason in seen.items():
        groups.setdefault(reason, []).append(key)
    return groups
