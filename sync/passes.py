"""One page of a pass over a pair: which of its records should be sent. A pass goes over the source first, then the
crosswalk.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from sync.differs import Watched
from sync.flow import Flow
from sync.mapping import Mapping
from sync.message import Bulk
from sync.stores.couple import DELETED, Outline
from sync.stores.crosswalk import Crosswalk
from sync.walks import Walk

PAGE = 500
"""Keys a page: what a system is asked for in one request."""

LEFT_BEHIND = timedelta(minutes=30)
"""An intent older than this has lost its message."""


@dataclass(frozen=True)
class Place:
    """Where a pass stands, as kept among the cursors.

    `reason` "sweep" sends what differs, any other everything. `since` is when the pair was first watched. `began` is
    when this pass began, blank before its first page; `pages` how many it has done of `expected`. Times are ISO texts.
    """

    since: str
    reason: Bulk = "sweep"
    side: Literal["source", "crosswalk"] = "source"
    after: str = ""
    began: str = ""
    pages: int = 0
    expected: int = 0

    def begun(self, held: int, now: datetime) -> "Place":
        """The place with the length of the pass known, as far as it can be: the crosswalk is taken to be as long."""
        return replace(self, began=now.isoformat(), expected=2 * (-(-held // PAGE) or 1))

    def further(self, after: str) -> "Place":
        """The place when a page ended at `after`; blank was the last page of its side, and after both a new pass begins."""
        if after:
            return replace(self, after=after, pages=self.pages + 1)
        if self.side != "crosswalk":
            return replace(self, side="crosswalk", after="", pages=self.pages + 1)
        return Place(self.since)

    def due(self, span: timedelta, now: datetime) -> int:
        """How many pages are due by now for the pass to take `span`; at least one."""
        share = (now - datetime.fromisoformat(self.began)) / span if self.began else 0.0
        return max(1, round(self.expected * share) - self.pages)


class Passes:
    """Takes passes one page further. `scale` shortens the age at which an intent counts as left behind."""

    def __init__(self, walk: Walk, crosswalk: Crosswalk, scale: float) -> None:
        self.walk = walk
        self._crosswalk = crosswalk
        self._left_behind = LEFT_BEHIND * scale

    async def page(
        self, flow: Flow, company: str, mapping: Mapping, place: Place, *, loaded: bool
    ) -> tuple[list[str], Place]:
        """The keys to send of the page at `place`, and the place after it. Raises as the systems and storage do."""
        if place.side == "crosswalk":
            outlines = await self._crosswalk.outlines(company, flow.pair, place.after, PAGE)
            last = outlines[-1].key if len(outlines) == PAGE else ""
            return await self._lost(flow, company, mapping, outlines, place), place.further(last)
        page = await self.walk.page(company, mapping, place.after, PAGE)
        keys = page.keys
        if place.reason == "sweep":
            keys = await self.walk.news(company, mapping, keys, Watched(datetime.fromisoformat(place.since), loaded))
        return keys, place.further(page.after)

    async def _lost(
        self, flow: Flow, company: str, mapping: Mapping, outlines: Sequence[Outline], place: Place
    ) -> list[str]:
        """Those of a page of the crosswalk whose intent was left behind, or that the source no longer holds."""
        left = [
            outline for outline in outlines if outline.left_behind(self._left_behind) and outline.intent == flow.name
        ]
        policies = mapping.rules.on_delete
        if (policies.gp if flow.side == "gp" else policies.d365) == "ignore":
            return [outline.on(flow.side) for outline in left]
        coupled = [outline for outline in outlines if outline.coupled and not outline.intent]
        gone = [one for one in await self.walk.gone(company, mapping, coupled) if _matters(one, flow, place)]
        couples = await self._crosswalk.read(company, flow.pair, [outline.key for outline in gone])
        unsettled = [outline for outline in gone if not couples[outline.key].settled_delete]
        return [outline.on(flow.side) for outline in (*left, *unsettled)]


def _matters(outline: Outline, flow: Flow, place: Place) -> bool:
    waits = outline.parked_by(flow.side) and place.reason == "sweep"
    return not waits and outline.discarded != DELETED
