"""One page of a pass over a pair: which of its records should be sent. A pass goes over GP first, then the crosswalk."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from sync.differs import Watched, is_news
from sync.flow import Flow
from sync.mapping import Mapping
from sync.message import Bulk
from sync.stores.couple import DELETED, Outline
from sync.stores.crosswalk import Crosswalk
from sync.system import Record

PAGE = 500
"""Keys a page: what GP is asked for in one statement."""

LEFT_BEHIND = timedelta(minutes=30)
"""An intent older than this has lost its message."""


class Records(Protocol):
    """A system whose records can be gone through in the order of their keys."""

    async def count(self, company: str, mapping: Mapping) -> int: ...
    async def keys(self, company: str, mapping: Mapping, after: str, limit: int) -> list[str]: ...
    async def read(self, company: str, mapping: Mapping, keys: Sequence[str]) -> dict[str, Record]: ...
    async def held(self, company: str, mapping: Mapping, keys: Sequence[str]) -> AbstractSet[str]: ...


@dataclass(frozen=True)
class Place:
    """Where a pass stands, as kept among the cursors.

    `reason` "sweep" sends what differs, any other everything. `since` is when the pair was first watched. `began` is
    when this pass began, blank before its first page; `pages` how many it has done of `expected`. Times are ISO texts.
    """

    since: str
    reason: Bulk = "sweep"
    side: Literal["gp", "crosswalk"] = "gp"
    after: str = ""
    began: str = ""
    pages: int = 0
    expected: int = 0

    def begun(self, held: int, now: datetime) -> "Place":
        """The place with the length of the pass known, as far as it can be: the crosswalk is taken to be as long as GP."""
        return replace(self, began=now.isoformat(), expected=2 * (-(-held // PAGE) or 1))

    def further(self, last: str, count: int) -> "Place":
        """The place after a page of `count` keys; the start of the next pass after the last one."""
        if count == PAGE:
            return replace(self, after=last, pages=self.pages + 1)
        if self.side == "gp":
            return replace(self, side="crosswalk", after="", pages=self.pages + 1)
        return Place(self.since)

    def due(self, span: timedelta, now: datetime) -> int:
        """How many pages are due by now for the pass to take `span`; at least one."""
        share = (now - datetime.fromisoformat(self.began)) / span if self.began else 0.0
        return max(1, round(self.expected * share) - self.pages)


class Passes:
    """Takes passes one page further. `scale` shortens the age at which an intent counts as left behind."""

    def __init__(self, records: Records, crosswalk: Crosswalk, scale: float) -> None:
        self._records = records
        self._crosswalk = crosswalk
        self._left_behind = LEFT_BEHIND * scale

    async def count(self, company: str, mapping: Mapping) -> int:
        """How many records GP holds."""
        return await self._records.count(company, mapping)

    async def page(
        self, flow: Flow, company: str, mapping: Mapping, place: Place, *, loaded: bool
    ) -> tuple[list[str], Place]:
        """The keys to send of the page at `place`, and the place after it. Raises as the systems and storage do."""
        if place.side == "gp":
            keys = await self._records.keys(company, mapping, place.after, PAGE)
            last = keys[-1] if keys else ""
            if place.reason == "sweep":
                watched = Watched(datetime.fromisoformat(place.since), loaded)
                return await self._news(flow, company, mapping, keys, watched), place.further(last, len(keys))
            return keys, place.further(last, len(keys))
        outlines = await self._crosswalk.outlines(company, flow.pair, place.after, PAGE)
        last = outlines[-1].key if outlines else ""
        return await self._lost(flow, company, mapping, outlines, place), place.further(last, len(outlines))

    async def _news(
        self, flow: Flow, company: str, mapping: Mapping, keys: Sequence[str], watched: Watched
    ) -> list[str]:
        """Those of a page of GP that hold something the line has not seen."""
        couples = await self._crosswalk.read(company, flow.pair, keys, close=True)
        records = await self._records.read(company, mapping, keys)
        now = datetime.now(UTC)
        return [key for key, record in records.items() if is_news(mapping, couples[key], record, watched, now)]

    async def _lost(
        self, flow: Flow, company: str, mapping: Mapping, outlines: Sequence[Outline], place: Place
    ) -> list[str]:
        """Those of a page of the crosswalk whose intent was left behind, or that GP no longer holds."""
        left = [outline.key for outline in outlines if outline.left_behind(self._left_behind)]
        if mapping.on_delete == "ignore":
            return left
        coupled = [outline for outline in outlines if outline.coupled and not outline.intent]
        held = await self._records.held(company, mapping, [outline.key for outline in coupled])
        gone = [outline.key for outline in coupled if outline.key not in held and _matters(outline, place)]
        couples = await self._crosswalk.read(company, flow.pair, gone)
        return [*left, *(key for key, couple in couples.items() if not couple.settled_delete)]


def _matters(outline: Outline, place: Place) -> bool:
    waits = outline.parked and place.reason == "sweep"
    return not waits and outline.discarded != DELETED
