"""Parked records: what a person must look at. They stay until resolved."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sync.keys import encode
from sync.stores.tables import Table, quoted


@dataclass(frozen=True)
class Parked:
    """One parked record or message: cause, where, what to do next. `body` holds a message that could not be read."""

    company: str
    pair: str
    key: str
    flow: str
    code: str
    message: str
    next_step: str
    since: str
    message_id: str
    system: str = ""
    entity: str = ""
    details: str = ""
    body: str = ""


@dataclass(frozen=True)
class Head:
    """Of a parked entry, what may be told anywhere: no value and no text."""

    company: str
    pair: str
    key: str
    flow: str
    code: str
    since: str


class ParkedStore:
    """Partition `{company}.{pair}`, one row per flow and key: parking twice updates the cause, not since when."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def put(self, entries: Sequence[Parked]) -> None:
        for entry in entries:
            before = await self._table.get(_partition(entry), _row(entry))
            row = {"PartitionKey": _partition(entry), "RowKey": _row(entry), **asdict(entry)}
            await self._table.put(row | ({"since": before["since"]} if before else {}))

    async def remove(self, company: str, pair: str, flow: str, key: str) -> None:
        await self._table.delete(f"{company}.{pair}", f"{encode(key)}~{flow}")

    async def held(self, company: str, pair: str, flow: str, keys: Sequence[str]) -> list[str]:
        """Those of a flow's keys that are parked."""
        rows = await self._table.rows(f"{company}.{pair}", [f"{encode(key)}~{flow}" for key in keys])
        return [row["key"] for row in rows]

    async def list(self, company: str = "", pair: str = "") -> AsyncIterator[Parked]:
        """All parked entries, or those of one company and pair."""
        filter_ = f"PartitionKey eq {quoted(f'{company}.{pair}')}" if company and pair else ""
        async for row in self._table.query(filter_):
            entry = _entry(row)
            if (not company or entry.company == company) and (not pair or entry.pair == pair):
                yield entry

    async def heads(self) -> AsyncIterator[Head]:
        """All parked entries in brief, 1,000 a call."""
        names = tuple(Head.__dataclass_fields__)
        async for row in self._table.query("", columns=names):
            yield Head(**{name: row[name] for name in names})


def _partition(entry: Parked) -> str:
    return f"{entry.company}.{entry.pair}"


def _row(entry: Parked) -> str:
    return f"{encode(entry.key)}~{entry.flow}"


def _entry(row: dict[str, Any]) -> Parked:
    return Parked(**{name: row[name] for name in Parked.__dataclass_fields__})
