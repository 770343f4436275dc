"""How a pass goes over the records of one system: in which order, what is news among them, what is gone."""

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Table
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Protocol

from sync.differs import Watched, is_news, is_news_in_dataverse
from sync.keys import gp_id_of
from sync.mapping import Mapping
from sync.stores.couple import Couple, Outline
from sync.stores.crosswalk import Crosswalk
from sync.system import Page, Record


class Records(Protocol):
    """A system whose records can be gone through."""

    async def count(self, company: str, mapping: Mapping) -> int: ...
    async def read(self, company: str, mapping: Mapping, keys: Sequence[str]) -> dict[str, Record]: ...
    async def held(self, company: str, mapping: Mapping, keys: Sequence[str]) -> AbstractSet[str]: ...


class Ordered(Records, Protocol):
    """One that gives its keys in their order, after any of them."""

    async def keys(self, company: str, mapping: Mapping, after: str, limit: int) -> list[str]: ...


class Paged(Records, Protocol):
    """One that gives its keys in an order of its own, page by page."""

    async def keys(self, company: str, mapping: Mapping, after: str, limit: int) -> Page: ...


class Walk(Protocol):
    """A pass's way over one system. `exact`: its count is of now, and of the company alone."""

    system: str
    exact: bool

    async def count(self, company: str, mapping: Mapping) -> int: ...
    async def page(self, company: str, mapping: Mapping, after: str, limit: int) -> Page: ...
    async def news(self, company: str, mapping: Mapping, keys: Sequence[str], watched: Watched) -> list[str]: ...
    async def gone(self, company: str, mapping: Mapping, outlines: Iterable[Outline]) -> list[Outline]: ...


class GpWalk:
    system = "gp"
    exact = True

    def __init__(self, records: Ordered, crosswalk: Crosswalk) -> None:
        self._records = records
        self._crosswalk = crosswalk

    async def count(self, company: str, mapping: Mapping) -> int:
        return await self._records.count(company, mapping)

    async def page(self, company: str, mapping: Mapping, after: str, limit: int) -> Page:
        keys = await self._records.keys(company, mapping, after, limit)
        return Page(keys, keys[-1] if len(keys) == limit else "")

    async def news(self, company: str, mapping: Mapping, keys: Sequence[str], watched: Watched) -> list[str]:
        """Those that hold something the line has not seen."""
        couples = await self._crosswalk.read(company, mapping.pair, keys, close=True)
        records = await self._records.read(company, mapping, keys)
        now = datetime.now(UTC)
        return [key for key, record in records.items() if is_news(mapping, couples[key], record, watched, now)]

    async def gone(self, company: str, mapping: Mapping, outlines: Iterable[Outline]) -> list[Outline]:
        """Those that GP no longer holds."""
        by_key = {outline.key: outline for outline in outlines}
        held = await self._records.held(company, mapping, list(by_key))
        return [outline for key, outline in by_key.items() if key not in held]


class DataverseWalk:
    """Records come in the order of the GP keys that they carry, so that their couples are neighbours."""

    system = "dataverse"
    exact = False

    def __init__(self, records: Paged, crosswalk: Crosswalk) -> None:
        self._records = records
        self._crosswalk = crosswalk

    async def count(self, company: str, mapping: Mapping) -> int:
        return await self._records.count(company, mapping)

    async def page(self, company: str, mapping: Mapping, after: str, limit: int) -> Page:
        return await self._records.keys(company, mapping, after, limit)

    async def news(self, company: str, mapping: Mapping, keys: Sequence[str], watched: Watched) -> list[str]:
        """Those that hold something the line has not seen. Couples are read after the records that tell their keys: a
        couple that moved meanwhile costs a message, and no more.
        """
        records = await self._records.read(company, mapping, keys)
        couples = await self._couples(company, mapping, records.values())
        at_home = await self._at_home(company, mapping, records, couples)
        now = datetime.now(UTC)
        return [
            id_
            for id_, record in at_home.items()
            if is_news_in_dataverse(
                mapping, couples.get(id_) or Couple(company, mapping.pair, ""), record, watched, now
            )
        ]

    async def _at_home(
        self, company: str, mapping: Mapping, records: Table[str, Record], couples: Table[str, Couple]
    ) -> Table[str, Record]:
        """Without those, unknown so far, that belong to a record which is coupled in another company, or in none."""
        if mapping.parent is None:
            return records
        new = {id_ for id_ in records if id_ not in couples or not couples[id_].etag}
        above = {id_: str(records[id_].values.get(mapping.parent.attribute) or "") for id_ in new}
        wanted = sorted(filter(None, above.values()))
        owners = await self._crosswalk.owners(company, mapping.parent.pair, wanted) if wanted else {}
        return {id_: record for id_, record in records.items() if id_ not in new or above[id_] in owners}

    async def _couples(self, company: str, mapping: Mapping, records: Iterable[Record]) -> dict[str, Couple]:
        held = {record.key: str(record.values.get(mapping.dataverse.key) or "") for record in records}
        keys = {id_: key for id_, text in held.items() if (key := gp_id_of(company, text))}
        by_id = await self._crosswalk.carried(company, mapping.pair, keys)
        rest = [id_ for id_ in held if id_ not in by_id]
        return by_id | await self._crosswalk.read_ids(company, mapping.pair, rest)

    async def gone(self, company: str, mapping: Mapping, outlines: Iterable[Outline]) -> list[Outline]:
        """Those that Dataverse no longer holds."""
        by_id = {outline.id: outline for outline in outlines if outline.id}
        held = await self._records.held(company, mapping, list(by_id))
        return [outline for id_, outline in by_id.items() if id_ not in held]
