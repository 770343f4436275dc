"""Finds which company a changed Dataverse record belongs to, and puts it on the lanes of the flows that start there."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Table
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from sync.errors import Rejected
from sync.event import Event
from sync.flow import Flow
from sync.keys import gp_id_of
from sync.mapping_model import Parent
from sync.parking import NOWHERE, Parking
from sync.sender import Sender
from sync.stores.crosswalk import Crosswalk
from sync.value import Value

log = logging.getLogger(__name__)

type Values = Table[str, Value]


class Side(Protocol):
    """A mapping's Dataverse side."""

    @property
    def entity(self) -> str: ...
    @property
    def key(self) -> str: ...


class Routed(Protocol):
    """What routing needs of a mapping."""

    @property
    def pair(self) -> str: ...
    @property
    def dataverse(self) -> Side: ...
    @property
    def parent(self) -> Parent | None: ...
    @property
    def routing(self) -> tuple[str, ...]: ...
    def in_scope(self, d365_values: Values, /) -> bool: ...
    def company_of(self, d365_values: Values, companies: Sequence[str], /) -> str: ...


class Rows[M: Routed](Protocol):
    """Where the values come from that no event carried."""

    async def hints(self, mapping: M, ids: Sequence[str], /) -> Table[str, Values]: ...


class Became(IntEnum):
    """What became of an event; the highest of all flows counts."""

    UNMAPPED = 0  # no flow starts at its entity
    DROPPED = 1  # coupled nowhere, and out of scope, gone, or of a parent that is coupled nowhere either
    PARKED = 2
    SENT = 3


@dataclass
class _Sorted:
    """Where the records of one flow go: ids by company, refusals and drops by id."""

    companies: dict[str, list[str]] = field(default_factory=dict)
    refused: dict[str, Rejected] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)

    def became(self) -> dict[str, Became]:
        sent = {id_: Became.SENT for ids in self.companies.values() for id_ in ids}
        return dict.fromkeys(self.dropped, Became.DROPPED) | dict.fromkeys(self.refused, Became.PARKED) | sent


class Routing[M: Routed]:
    """`mappings` by pair. `rows` are those of the environment that the events come from."""

    def __init__(
        self,
        flows: Iterable[Flow],
        mappings: Table[str, M],
        companies: Sequence[str],
        crosswalk: Crosswalk,
        rows: Rows[M],
        sender: Sender,
        parking: Parking,
    ) -> None:
        self._flows = [flow for flow in flows if flow.source == "dataverse"]
        self._mappings = mappings
        self._companies = companies
        self._crosswalk = crosswalk
        self._rows = rows
        self._sender = sender
        self._parking = parking

    async def send(self, events: Sequence[Event]) -> list[Became]:
        """Put what the events name on lanes; what became of each, in order.

        When it returns, each is on a lane, parked, or nobody's. Raises RetryLater when that can't be had now, and
        BadSettings: then some may be on lanes already, and all are to be sent again.
        """
        became: dict[tuple[str, str], Became] = {}
        for flow in self._flows:
            entity = self._mappings[flow.pair].dataverse.entity
            for id_, what in (await self._send(flow, _latest(entity, events))).items():
                became[entity, id_] = max(what, became.get((entity, id_), what))
        result = [became.get((event.entity, event.id), Became.UNMAPPED) for event in events]
        _count(result)
        return result

    async def _send(self, flow: Flow, events: Table[str, Event]) -> dict[str, Became]:
        """What became of one flow's events, by id. Coupled records go first: they wait for no answer of Dataverse."""
        coupled = await self._coupled(flow, events)
        await self._put(flow, coupled, events)
        others = {id_: event for id_, event in events.items() if id_ not in coupled.became()}
        if not others:
            return coupled.became()
        found = await self._sort(flow, others)
        await self._put(flow, found, events)
        for id_, error in found.refused.items():
            await self._parking.park(flow, NOWHERE, id_, error, "")
        await self._parking.found(flow, others.keys() - found.refused.keys())
        return coupled.became() | found.became()

    async def _coupled(self, flow: Flow, events: Table[str, Event]) -> _Sorted:
        """The companies where each record is coupled already. The one that its key names is asked first, and alone when it
        knows the couple: an echo of many writes costs a few calls.
        """
        found = {company: await self._carried(flow, company, events) for company in self._companies}
        known = {id_ for ids in found.values() for id_ in ids}
        rest = [id_ for id_ in events if id_ not in known]
        owners = await asyncio.gather(
            *(self._crosswalk.owners(company, flow.pair, rest) for company in self._companies if rest)
        )
        for company, some in zip(self._companies, owners, strict=False):
            found[company] += some
        return _Sorted({company: ids for company, ids in found.items() if ids})

    async def _carried(self, flow: Flow, company: str, events: Table[str, Event]) -> list[str]:
        """Those that are coupled in a company under the key of it that they carry."""
        column = self._mappings[flow.pair].dataverse.key
        held = {id_: str((event.values or {}).get(column) or "") for id_, event in events.items()}
        keys = {id_: key for id_, text in held.items() if (key := gp_id_of(company, text))}
        return list(await self._crosswalk.carried(company, flow.pair, keys))

    async def _sort(self, flow: Flow, events: Table[str, Event]) -> _Sorted:
        """Where records go that are coupled nowhere, by their values."""
        mapping, found = self._mappings[flow.pair], _Sorted()
        unread = [id_ for id_, event in events.items() if event.values is None and event.change != "deleted"]
        read = await self._rows.hints(mapping, unread) if unread else {}
        values = {id_: event.values if event.values is not None else read.get(id_) for id_, event in events.items()}
        homes = await self._homes(mapping, values)
        for id_, event in events.items():
            try:
                company = self._company(mapping, event, values[id_], homes.get(id_, ""))
            except Rejected as error:
                found.refused[id_] = error
                continue
            if company:
                found.companies.setdefault(company, []).append(id_)
            else:
                found.dropped.add(id_)
        return found

    async def _homes(self, mapping: M, values: Table[str, Values | None]) -> dict[str, str]:
        """In which company the parent of each record is coupled, or about to be, by the record's id; others are absent."""
        parent = mapping.parent
        if parent is None:
            return {}
        above = {id_: str(held.get(parent.attribute) or "") for id_, held in values.items() if held}
        wanted, homes = sorted({one for one in above.values() if one}), dict[str, str]()
        for company in self._companies:
            homes |= dict.fromkeys(await self._crosswalk.owners(company, parent.pair, wanted), company)
        return {id_: homes[one] for id_, one in above.items() if one in homes}

    def _company(self, mapping: M, event: Event, values: Values | None, home: str) -> str:
        """The company of one record; blank when it is nobody's. Raises Rejected for none or several. `home` is that of the
        record that it belongs to, blank where there is none.

        Of a deleted one only the key is sure to be known.
        """
        if values is None or (event.change == "deleted" and not values.get(mapping.dataverse.key)):
            return ""
        known = {name: values.get(name) for name in mapping.routing}
        if event.change != "deleted" and not mapping.in_scope(known):
            return ""
        if mapping.parent and not known[mapping.dataverse.key]:
            return home
        return mapping.company_of(known, self._companies)

    async def _put(self, flow: Flow, found: _Sorted, events: Table[str, Event]) -> None:
        for company, ids in found.companies.items():
            for reason in dict.fromkeys(events[id_].seen_by for id_ in ids):
                keys = [id_ for id_ in ids if events[id_].seen_by == reason]
                await self._sender.send(flow, company, keys, reason)


def _latest(entity: str, events: Iterable[Event]) -> dict[str, Event]:
    """The last event of each record of an entity, with values if one has them."""
    latest: dict[str, Event] = {}
    for event in events:
        if event.entity == entity and (event.values is not None or event.id not in latest):
            latest[event.id] = event
    return latest


def _count(result: Iterable[Became]) -> None:
    counts = Counter(result)
    if counts[Became.DROPPED] or counts[Became.UNMAPPED]:
        log.info(
            "Of Dataverse's changes %d take no part, %d are of no flow.",
            counts[Became.DROPPED],
            counts[Became.UNMAPPED],
        )
