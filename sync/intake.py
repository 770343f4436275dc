"""From a change in a source system to messages on lanes. A cursor moves only after its events are on a lane."""

import logging
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Table
from dataclasses import dataclass, field
from itertools import batched
from typing import Any, Protocol

from sync.braking import Braking
from sync.errors import SyncError
from sync.flow import Flow
from sync.guard import Guard
from sync.mapping import Mapping
from sync.message import Message, Reason
from sync.stores.cursors import Cursors
from sync.stores.queues import Lanes
from sync.system import Change, Identity

KEYS_A_MESSAGE = 100
"""Few enough that one message takes seconds, many enough that a request per record is never needed."""

KEYS_A_BULK_MESSAGE = 250
"""On the bulk lane: a batch of as many writes stays well inside a request's time-out."""

INTERACTIVE = 500
"""A poll that finds more keys than this goes to the bulk lane, so that single edits never wait behind a load."""

PAGE = 500
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


class Feeds(Protocol):
    """A system whose changes are polled."""

    async def poll(self, company: str, mappings: Sequence[Mapping], cursor: dict[str, Any]) -> Poll: ...
    async def keys(self, company: str, mapping: Mapping, after: str, limit: int) -> list[str]: ...


@dataclass
class Polled:
    """What a poll put on lanes: keys per flow, and whether the cursor was moved by us."""

    company: str
    keys: dict[str, int] = field(default_factory=dict)
    reread: list[str] = field(default_factory=list)
    moved: bool = True


class Intake:
    """Polls GP and sends what changed to the flows that care."""

    def __init__(
        self,
        flows: Table[str, Flow],
        mappings: Table[str, Mapping],
        feeds: Feeds,
        cursors: Cursors,
        lanes: Lanes,
        guard: Guard,
        braking: Braking,
    ) -> None:
        self._flows = [flow for flow in flows.values() if flow.source == "gp"]
        self._mappings = mappings
        self._feeds = feeds
        self._cursors = cursors
        self._lanes = lanes
        self._guard = guard
        self._braking = braking

    async def poll_all(self, companies: Sequence[str]) -> list[Polled]:
        """Poll every company; one that fails is logged and stops no other."""
        done = []
        for company in companies:
            try:
                done.append(await self.poll(company))
            except SyncError as error:
                level = logging.INFO if error.code == "paused" else logging.ERROR
                log.log(level, "poll of %s: %s %s", company, error.message, error.next_step)
            except Exception:
                log.exception("poll of %s", company)
        return done

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
            cursor = await self._cursors.read(company, "gp")
            poll = await self._feeds.poll(company, mappings, cursor.place)
            await self._guard.recognise(company, poll.identity)
            await self._send_all(poll, polled)
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
                polled.keys[flow.name] += await self.send(flow, polled.company, keys, reason)
            if flow.pair in poll.full_reread:
                polled.reread.append(flow.name)
                polled.keys[flow.name] += await self._reread(flow, polled.company)

    async def send(self, flow: Flow, company: str, keys: Sequence[str], reason: Reason) -> int:
        """Put keys on the flow's lane, many to a message; the count of keys sent."""
        if len(keys) > INTERACTIVE:
            return await self._send_bulk(flow, company, keys, reason)
        for some in batched(keys, KEYS_A_MESSAGE, strict=False):
            await self._lanes.send(flow.lane, Message.new(flow.name, company, some, reason))
        return len(keys)

    async def _send_bulk(self, flow: Flow, company: str, keys: Sequence[str], reason: Reason) -> int:
        for some in batched(keys, KEYS_A_BULK_MESSAGE, strict=False):
            await self._lanes.send(flow.bulk_lane, Message.new(flow.name, company, some, reason))
        return len(keys)

    async def _reread(self, flow: Flow, company: str) -> int:
        """A feed's history was cleaned: look at every record, on the bulk lane."""
        log.warning("%s: the change history of %s is gone; every record is looked at again.", flow.name, company)
        sent = 0
        after = ""
        while page := await self._feeds.keys(company, self._mappings[flow.pair], after, PAGE):
            sent += await self._send_bulk(flow, company, page, "reread")
            after = page[-1]
        return sent


def _by_reason(changes: Iterable[Change]) -> dict[Reason, list[str]]:
    """Each key once, under the way it was first seen."""
    seen: dict[str, Reason] = {}
    for change in changes:
        seen.setdefault(change.key, change.seen_by)
    groups: dict[Reason, list[str]] = {}
    for key, reason in seen.items():
        groups.setdefault(reason, []).append(key)
    return groups
