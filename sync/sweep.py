"""Goes over every record of a pair, spread over the day: finds deletes, late commits and writes left behind.

The same passes serve when a feed's history is gone or a side was restored: then every record is sent, as fast as the
lanes take it. Where a pass stands is kept among the cursors (`sweep.<pair>`, and `sweep.<pair>.<system>` for a source
other than GP), so that it goes on after a crash.
"""

from collections.abc import Mapping as Table
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from sync.braking import Braking
from sync.flow import Flow
from sync.mapping import Mapping
from sync.message import Bulk
from sync.passes import Passes, Place
from sync.sender import Sender
from sync.stores.cursors import Cursor, Cursors
from sync.stores.modes import Mode, Modes

STRETCH = 20
"""Pages after which the place is stored: so many are looked at twice after a crash."""

AT_ONCE = 60
"""Pages that one tick makes up for at most, when ticks were missed."""


@dataclass
class Swept:
    """What a pass did: pages looked at and keys sent. `ended`: it reached its end; `full`: the lanes have no room."""

    company: str
    flow: str
    pages: int = 0
    keys: int = 0
    ended: bool = False
    full: bool = False


class Sweep:
    """Goes over one system's records, for the flows that start there. `span` is how long a pass takes, unless the tables
    are so small that it is over sooner.
    """

    def __init__(
        self,
        flows: Table[str, Flow],
        mappings: Table[str, Mapping],
        passes: Passes,
        cursors: Cursors,
        sender: Sender,
        modes: Modes,
        span: timedelta,
        braking: Braking,
    ) -> None:
        self._flows = [flow for flow in flows.values() if flow.source == passes.walk.system]
        self._mappings = mappings
        self._passes = passes
        self._cursors = cursors
        self._sender = sender
        self._modes = modes
        self._span = span
        self._braking = braking

    async def watch(self, company: str, since: datetime) -> None:
        """Note when a company was first looked at: what was there before is a backfill's. Later calls change nothing."""
        for flow in self._flows:
            await self._cursors.move(Cursor(_feed(flow), company), asdict(Place(since.isoformat())))

    async def tick(self, company: str) -> list[Swept]:
        """Take the pass of every flow as far as it is due by now. Raises as the systems and storage do.

        A paused flow waits. So does the sweep of an observed one: nothing is stored, so it would tell the same each day.
        """
        done = []
        for flow in self._flows:
            mode = (await self._modes.of(company, flow.name)).mode
            _, place = await self._place(flow, company)
            if mode is Mode.ON or (mode is Mode.OBSERVE and place.reason != "sweep"):
                done.append(await self.advance(flow, company, self._due(place)))
        return done

    async def whole(self, company: str) -> list[Swept]:
        """Take a new pass of every flow to its end, or until the lanes are full."""
        done = []
        for flow in self._flows:
            _, place = await self._place(flow, company)
            if place.reason == "sweep":
                await self.restart(flow, company, "sweep")
            done.append(await self.advance(flow, company))
        return done

    async def restart(self, flow: Flow, company: str, reason: Bulk) -> None:
        """Begin a pass anew; with a reason other than "sweep" it sends everything."""
        moved = False
        while not moved:  # lost: another instance was a page further, so it is read again
            cursor, place = await self._place(flow, company)
            moved = await self._cursors.move(cursor, asdict(Place(place.since, reason)))

    async def advance(self, flow: Flow, company: str, pages: int | None = None) -> Swept:
        """Take a pass some pages further, or to its end; not beyond what the lanes take. Its keys lie on the bulk lane
        before the place moves.
        """
        swept = Swept(company, flow.name)
        moved = True
        while moved and not (swept.ended or swept.full) and (pages is None or swept.pages < pages):
            cursor, place = await self._place(flow, company)
            stretch = STRETCH if pages is None else min(STRETCH, pages - swept.pages)
            place = await self._stretch(flow, place, stretch, swept)
            moved = await self._cursors.move(cursor, asdict(place))
        return swept

    def _due(self, place: Place) -> int | None:
        """How many pages one tick takes; None for all of them."""
        return min(place.due(self._span, datetime.now(UTC)), AT_ONCE) if place.reason == "sweep" else None

    async def _stretch(self, flow: Flow, place: Place, pages: int, swept: Swept) -> Place:
        mapping, company = self._mappings[flow.pair], swept.company
        room = await self._sender.bulk_room(flow)
        loaded = await self._cursors.is_loaded(company, _about(flow))
        walk = self._passes.walk
        if not place.began:
            held = await walk.count(company, mapping)
            if walk.exact:
                await self._braking.foresee(flow, company, held=held)
            place = place.begun(held, datetime.now(UTC))
        for _ in range(pages):
            swept.full = room <= 0
            if swept.full or swept.ended:
                break
            keys, after = await self._passes.page(flow, company, mapping, place, loaded=loaded)
            room -= await self._sender.send_bulk(flow, company, keys, place.reason)
            swept.pages, swept.keys, swept.ended = swept.pages + 1, swept.keys + len(keys), not after.began
            place = after
        return place

    async def _place(self, flow: Flow, company: str) -> tuple[Cursor, Place]:
        cursor = await self._cursors.read(company, _feed(flow))
        return cursor, Place(**cursor.place) if cursor.place else Place(datetime.now(UTC).isoformat())


def _feed(flow: Flow) -> str:
    return f"sweep.{_about(flow)}"


def _about(flow: Flow) -> str:
    return flow.pair if flow.source == "gp" else f"{flow.pair}.{flow.source}"
