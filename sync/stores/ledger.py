"""The ledger: what became of every change event. One final outcome per message and key; a skip never replaces a write.

Partition `{company}.{pair}.{month of the message}`: all outcomes of a message lie in one partition, 100 to a call.
Row `{key}~{message}`: redelivery overwrites its own line, and a record's history is one range.
"""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sync.keys import encode
from sync.stores.tables import Table, quoted
from sync.stores.transactions import Entity, Operation
from sync.value import Value, from_json, to_json


class Result(StrEnum):
    """How a change event can end."""

    CREATED = "created"
    UPDATED = "updated"
    SKIPPED = "skipped"
    PARKED = "parked"
    DISCARDED = "discarded"
    OBSERVED = "observed"


@dataclass(frozen=True)
class FieldChange:
    """One value that was written: before, after, and the rule that decided. Secret fields are masked before."""

    field: str
    old: Value
    new: Value
    rule: str


@dataclass(frozen=True)
class Line:
    """One outcome, as read back for people."""

    key: str
    flow: str
    result: Result
    text: str
    reason: str
    seen_at: str
    done_at: str
    message_id: str
    attempt: str = ""
    code: str = ""
    changes: tuple[FieldChange, ...] = field(default_factory=tuple)


class Ledger:
    """Append-only for writes; the retention is the storage account's."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def write(
        self, company: str, pair: str, lines: Sequence[Line], *, redelivered: bool, close: bool = False
    ) -> dict[str, Result]:
        """File outcomes. What was told of a message and key before is added to, never replaced by a skip. Returns what
        stands there now, by key.

        `redelivered`: some of them may stand there already, so that is read first. `close`: their records are thought
        to be neighbours.
        """
        by_partition: dict[str, dict[str, Line]] = {}
        for line in lines:
            partition = by_partition.setdefault(f"{company}.{pair}.{_month(line.seen_at)}", {})
            partition[f"{encode(line.key)}~{line.message_id}"] = line
        stands: dict[str, Result] = {}
        for name, some in by_partition.items():
            kept = await self._kept(name, list(some), close) if redelivered else {}
            stands |= await self._write(name, some, kept)
        return stands

    async def _write(self, partition: str, lines: dict[str, Line], kept: dict[str, Entity]) -> dict[str, Result]:
        stands: dict[str, Result] = {}
        while lines:
            news = {name: _merged(kept.get(name), line) for name, line in lines.items()}
            stands |= {line.key: (news[name] or _line(kept[name])).result for name, line in lines.items()}
            groups = [[_operation(partition, name, new, kept.get(name))] for name, new in news.items() if new]
            done = await self._table.transact(groups)
            written = [name for name, new in news.items() if new]
            lost = [name for name, etags in zip(written, done, strict=True) if not etags]
            lines = {name: lines[name] for name in lost}
            kept = await self._kept(partition, lost, close=False)
        return stands

    async def _kept(self, partition: str, names: Sequence[str], close: bool) -> dict[str, Entity]:
        return {row["RowKey"]: row for row in await self._table.rows(partition, names, close=close)} if names else {}

    async def history(self, company: str, pair: str, key: str, months: int = 3) -> list[Line]:
        """A record's outcomes of the last months, newest first."""
        lines = []
        start, end = f"{encode(key)}~", f"{encode(key)}~~"
        for month in _months(datetime.now(UTC), months):
            where = f"PartitionKey eq {quoted(f'{company}.{pair}.{month}')}"
            async for row in self._lines(f"{where} and RowKey ge {quoted(start)} and RowKey lt {quoted(end)}"):
                lines.append(row)
        return sorted(lines, key=lambda line: line.done_at, reverse=True)

    async def since(self, company: str, pair: str, moment: datetime) -> AsyncIterator[Line]:
        """Every outcome of a pair that was filed since a moment, in no order.

        A change that was seen the month before that moment and worked later is among them.
        """
        now = datetime.now(UTC)
        count = (now.year - moment.year) * 12 + now.month - moment.month + 2
        for month in _months(now, count):
            where = f"PartitionKey eq {quoted(f'{company}.{pair}.{month}')}"
            async for line in self._lines(f"{where} and done_at ge {quoted(moment.isoformat())}"):
                yield line

    async def _lines(self, filter_: str) -> AsyncIterator[Line]:
        async for row in self._table.query(filter_):
            yield _line(row)


def _is_weak(line: Line) -> bool:
    """Whether it says nothing that was done."""
    return line.result is Result.OBSERVED or (not line.changes and line.result is not Result.PARKED)


def _merged(kept: Entity | None, line: Line) -> Line | None:
    """What is to be stored beside what stands there; None when that says it all."""
    before = _line(kept) if kept else None
    if before is None or before.result is Result.OBSERVED:
        return line
    if _is_weak(line) or (line.attempt and line.attempt == before.attempt):
        return None
    result = Result.CREATED if (before.result, line.result) == (Result.CREATED, Result.UPDATED) else line.result
    earlier = [change for change in before.changes if change not in line.changes]
    return replace(line, result=result, changes=(*earlier, *line.changes))


def _operation(partition: str, name: str, line: Line, kept: Entity | None) -> Operation:
    row = {"PartitionKey": partition, "RowKey": name, **_stored(line)}
    return ("update", row, {"etag": kept.metadata["etag"]}) if kept else ("create", row)  # type: ignore[attr-defined]


def _stored(line: Line) -> dict[str, Any]:
    changes = [[c.field, to_json(c.old), to_json(c.new), c.rule] for c in line.changes]
    return {**vars(line), "result": line.result.value, "changes": json.dumps(changes, ensure_ascii=False)}


def _line(row: dict[str, Any]) -> Line:
    names = Line.__dataclass_fields__.keys() - {"changes", "result"}
    changes = tuple(
        FieldChange(name, from_json(old), from_json(new), rule) for name, old, new, rule in json.loads(row["changes"])
    )
    return Line(**{name: row[name] for name in names}, result=Result(row["result"]), changes=changes)


def _month(seen_at: str) -> str:
    return datetime.fromisoformat(seen_at).strftime("%Y%m")


def _months(now: datetime, count: int) -> list[str]:
    first = now.year * 12 + now.month - 1
    return [f"{(first - back) // 12:04}{(first - back) % 12 + 1:02}" for back in range(count)]
