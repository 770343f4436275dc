"""Cursors: how far each feed has been read. Moved by compare-and-set, after its events are on a lane."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sync.stores.tables import Table


@dataclass(frozen=True)
class Cursor:
    """A feed's place. `etag` is blank for a feed that was never read; `age` is how long ago the cursor moved."""

    feed: str
    company: str
    place: dict[str, Any] = field(default_factory=dict)
    etag: str = ""
    age: timedelta = timedelta()


class Cursors:
    def __init__(self, table: Table) -> None:
        self._table = table

    async def read(self, company: str, feed: str) -> Cursor:
        row = await self._table.get(company, feed)
        if row is None:
            return Cursor(feed, company)
        metadata = row.metadata  # type: ignore[attr-defined]
        age = self._table.now - metadata["timestamp"]
        return Cursor(feed, company, json.loads(row["place"]), metadata["etag"], age)

    async def is_loaded(self, company: str, pair: str) -> bool:
        """Whether all records of a pair were sent once by a backfill."""
        return await self._table.get(company, _loaded(pair)) is not None

    async def mark_loaded(self, company: str, pair: str) -> None:
        """Note that all records of a pair were sent. Noting it again changes nothing."""
        await self._table.put({"PartitionKey": company, "RowKey": _loaded(pair), "place": "{}"})

    async def move(self, cursor: Cursor, place: dict[str, Any]) -> bool:
        """Store the new place; False when another instance moved the cursor meanwhile."""
        row = {"PartitionKey": cursor.company, "RowKey": cursor.feed, "place": json.dumps(place)}
        done = await (self._table.replace(row, cursor.etag) if cursor.etag else self._table.insert(row))
        return done is not None


def _loaded(pair: str) -> str:
    return f"loaded.{pair}"
