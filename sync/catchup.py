"""Asks Dataverse what changed, table by table, whatever its webhooks told. A cursor moves only after its events are on a lane.

What is asked is one environment's, shared by all companies: routing finds whose each record is. Our own writes come back
here too: they are the second look at what was written, and end as skips.
"""

import logging
from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from sync.errors import RetryLater
from sync.event import Event
from sync.flow import Flow
from sync.gate import BULK, caller
from sync.guard import Guard
from sync.mapping import Mapping
from sync.message import Bulk
from sync.rounds import Rounds
from sync.sender import Sender
from sync.stores.cursors import Cursor
from sync.stores.standings import Standing, Standings
from sync.sweep import Sweep, Swept
from sync.system import Identity

LOOKS = 50
"""Pages that one tick looks at: a bulk change is bounded, and goes on at the next one."""

HOURLY = timedelta(hours=1)
"""How often a cursor moves though nothing changed: Dataverse forgets a link that is days old."""

log = logging.getLogger(__name__)


class Look(Protocol):
    """One page of what changed, and the link at which the next look goes on. `more`: there is another page now."""

    @property
    def events(self) -> Sequence[Event]: ...
    @property
    def link(self) -> str: ...
    @property
    def more(self) -> bool: ...
    @property
    def version(self) -> int | None: ...


class Changes(Protocol):
    """An environment that tells what changed in a table. None: it does not know a link any more."""

    async def identity(self) -> Identity: ...
    async def begin(self, mappings: Sequence[Mapping]) -> Look: ...
    async def resume(self, link: str) -> Look | None: ...
    async def since(self, mappings: Sequence[Mapping], link: str) -> Look | None: ...


class Routes(Protocol):
    """Where events go. When it returns, each is on a lane, parked, or nobody's."""

    async def send(self, events: Sequence[Event]) -> Sequence[object]: ...


@dataclass
class CaughtUp:
    """What a tick did for a table: events given to routing, and whether the cursor was moved by us.

    `opening`: its first look is under way still; `lost`: everything is compared; `full`: the lanes take no more.
    """

    table: str
    events: int = 0
    moved: bool = True
    opening: bool = False
    lost: bool = False
    full: bool = False


class CatchUp:
    """Serves the flows that start in Dataverse; without any it does nothing. `sweep` goes over the same flows."""

    def __init__(
        self,
        flows: Table[str, Flow],
        mappings: Table[str, Mapping],
        companies: Sequence[str],
        changes: Changes,
        standings: Standings,
        routing: Routes,
        sender: Sender,
        guard: Guard,
        sweep: Sweep,
        rounds: Rounds,
    ) -> None:
        self._flows = _by_table(flows, mappings)
        self._mappings = mappings
        self._companies = companies
        self._changes = changes
        self._standings = standings
        self._routing = routing
        self._sender = sender
        self._guard = guard
        self._sweep = sweep
        self._rounds = rounds
        self._waiting: set[str] = set()

    @property
    def tables(self) -> list[str]:
        """The tables that some flow reads."""
        return list(self._flows)

    async def tick_all(self) -> list[CaughtUp]:
        """Catch up with every table at once; one that fails stops no other, and is left alone for a while."""
        return await self._rounds.each("catch-up", self.tables, self.tick)

    async def tick(self, table: str) -> CaughtUp:
        """Look at what changed until there is nothing more. The first look only notes where the table stands.

        Raises RetryLater while every company is paused, and when it turns out to be another environment than it was;
        else as the systems and storage do.
        """
        here = _Here(await self._awake(), await self._changes.identity())
        await self._recognise(here.awake, here.identity)
        caught = CaughtUp(table)
        for _ in range(LOOKS):
            caught.full = not await self._has_room(table)
            if caught.full or not await self._step(here, caught):
                break
        return caught

    async def sweep_all(self, companies: Sequence[str]) -> list[list[Swept]]:
        """Take the sweep of every company further. The tables are caught up with first: what they tell is not the
        sweep's to find.
        """
        await self.tick_all()
        return await self._rounds.each("Dataverse's sweep", companies if self.tables else (), self.sweep)

    async def sweep(self, company: str, *, whole: bool = False) -> list[Swept]:
        """Take a company's sweep as far as it is due, or a new one to its end. Raises as `tick`."""
        await self._guard.admit_poll(company)
        await self._recognise([company], await self._changes.identity())
        if whole:
            return await self._sweep.whole(company)
        caller.set(BULK)
        return await self._sweep.tick(company)

    async def reread(self, flow: Flow, company: str, reason: Bulk) -> int:
        """Send every record of a company that Dataverse holds, and every coupled one that it no longer holds, on the
        bulk lane; the count of keys sent now. What the lanes have no room for goes on with the sweep.
        """
        await self._sweep.restart(flow, company, reason)
        return (await self._sweep.advance(flow, company)).keys

    async def identity(self) -> Identity:
        """Which environment it is now, and whether a look found one of its tables to be an older copy's."""
        identity = await self._changes.identity()
        for table in self.tables:
            _, standing = await self._standings.read(table)
            if standing.older is not None:
                identity = replace(identity, version=standing.older, seen=standing.version)
        return identity

    async def accept(self) -> None:
        """The environment is the right one, older or not: its change versions count anew."""
        for table in self.tables:
            await self._standings.count_anew(table)

    async def _awake(self) -> list[str]:
        """The companies that are not paused. Raises RetryLater when all are: the cursors keep the place.

        What changes for the others waits on the lane.
        """
        awake, last = [], None
        for company in self._companies:
            try:
                await self._guard.admit_poll(company)
                awake.append(company)
            except RetryLater as error:
                last = error
        if last and not awake:
            raise last
        return awake

    async def _recognise(self, companies: Sequence[str], identity: Identity) -> None:
        """Raises RetryLater when it is another environment than it was for some company; each of them is paused."""
        other = None
        for company in companies:
            try:
                await self._guard.recognise(company, identity)
            except RetryLater as error:
                other = error
        if other:
            raise other

    async def _step(self, here: "_Here", caught: CaughtUp) -> bool:
        """One page; whether there is another one now."""
        cursor, standing = await self._standings.read(caught.table)
        return await (self._follow if standing.link else self._open)(here, caught, cursor, standing)

    async def _follow(self, here: "_Here", caught: CaughtUp, cursor: Cursor, standing: Standing) -> bool:
        look = await self._changes.since(self._mappings_of(caught.table), standing.link)
        if look is None:
            log.warning("Dataverse forgot what changed in %s: every record is compared.", caught.table)
            caught.lost = True
            return await self._move(caught, cursor, Standing(lost=True, version=standing.version))
        await self._check_version(here, cursor, standing, look)
        await self._routing.send(look.events)
        caught.events += len(look.events)
        if not (look.events or look.more or cursor.age > HOURLY):
            return False
        after = replace(standing, link=look.link, version=look.version or standing.version)
        return await self._move(caught, cursor, after) and look.more

    async def _open(self, here: "_Here", caught: CaughtUp, cursor: Cursor, standing: Standing) -> bool:
        look = await self._opened(caught.table, standing)
        if look is None:  # it took so long that its own place was forgotten
            return await self._move(caught, cursor, replace(standing, opening=""))
        if look.more:
            return await self._move(caught, cursor, replace(standing, opening=look.link))
        await self._check_version(here, cursor, standing, look)
        if standing.lost:
            caught.lost = True
            await self._compare_all(caught.table)
        await self._move(caught, cursor, Standing(look.link, version=look.version))
        return False

    async def _opened(self, table: str, standing: Standing) -> Look | None:
        if standing.opening:
            return await self._changes.resume(standing.opening)
        now = datetime.now(UTC)
        for company in self._companies:
            await self._sweep.watch(company, now)
        return await self._changes.begin(self._mappings_of(table))

    async def _compare_all(self, table: str) -> None:
        """Whatever was lost happened before the place now noted: the sweep's next ticks compare everything."""
        for flow in self._flows[table]:
            for company in self._companies:
                await self._sweep.restart(flow, company, "reread")

    async def _check_version(self, here: "_Here", cursor: Cursor, standing: Standing, look: Look) -> None:
        """A table that has read less than before is an older copy's."""
        identity = replace(here.identity, version=look.version, seen=standing.version)
        if identity.went_back:
            await self._standings.move(cursor, replace(standing, older=look.version))
            await self._recognise(here.awake, identity)

    async def _move(self, caught: CaughtUp, cursor: Cursor, standing: Standing) -> bool:
        caught.moved = await self._standings.move(cursor, standing)
        caught.opening = not standing.link
        return caught.moved

    async def _has_room(self, table: str) -> bool:
        """Whether the lanes take more. When one is full nothing is read: the cursor keeps the place, not the queue."""
        full = [flow.lane for flow in self._flows[table] if await self._sender.room(flow) <= 0]
        if full and table not in self._waiting:
            log.warning("%s is not read for now: %s is full.", table, ", ".join(full))
        (self._waiting.add if full else self._waiting.discard)(table)
        return not full

    def _mappings_of(self, table: str) -> list[Mapping]:
        return [self._mappings[flow.pair] for flow in self._flows[table]]


@dataclass(frozen=True)
class _Here:
    """The companies that are not paused, and which environment it is now."""

    awake: Sequence[str]
    identity: Identity


def _by_table(flows: Table[str, Flow], mappings: Table[str, Mapping]) -> dict[str, list[Flow]]:
    """The flows that start in Dataverse, by the table they read."""
    tables: dict[str, list[Flow]] = {}
    for flow in flows.values():
        if flow.source == "dataverse":
            tables.setdefault(mappings[flow.pair].dataverse.entity, []).append(flow)
    return tables
