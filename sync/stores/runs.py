"""Runs: work over many records that a person set going, such as a backfill. Where each stands, and what came of it.

Partition `runs`: one row a run, moved by compare-and-set. Partition `{run}`: what became of its keys, one row per
message and outcome. Rows are never changed, and their order doesn't matter: a key counts once however often its message
was delivered, split or sent again.
"""

import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Mapping as Lookup
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sync.stores.ledger import Result
from sync.stores.tables import Table, quoted

PARTITION = "runs"
OVERLAP = timedelta(seconds=30)
"""How far a second look at a run's outcomes reads back: rows become visible out of the order of their stamps."""

_WEAKEST_FIRST = [Result.SKIPPED, Result.OBSERVED, Result.PARKED, Result.UPDATED, Result.CREATED]


class State(StrEnum):
    """Where a run stands. A running one may be taken up again at its place."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Run:
    """One run. `place` is the last key that was put on a lane, `sent` how many were, `total` how many there were at the
    start; `all_sent` once there is none left to send. `counts` says what became of the records of a finished run.
    """

    id: str
    kind: str
    company: str
    flow: str
    fields: tuple[str, ...]
    who: str
    started: str
    total: int
    place: str = ""
    sent: int = 0
    all_sent: bool = False
    state: State = State.RUNNING
    ended: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    etag: str = ""


@dataclass
class Tally:
    """What became of each key of a run so far. Of two outcomes of one key the one that wrote counts."""

    results: dict[str, Result] = field(default_factory=dict)
    seen: datetime | None = None

    def add(self, keys: Lookup[str, Result]) -> None:
        for key, result in keys.items():
            before = self.results.get(key)
            if before is None or _strength(before) < _strength(result):
                self.results[key] = result

    @property
    def counts(self) -> dict[str, int]:
        """How many records by outcome."""
        return {str(result): count for result, count in sorted(Counter(self.results.values()).items())}


class Runs:
    def __init__(self, table: Table) -> None:
        self._table = table

    async def start(
        self, kind: str, company: str, flow: str, *, fields: tuple[str, ...] = (), who: str, total: int
    ) -> Run:
        """A new run, stored."""
        now = datetime.now(UTC)
        name = f"{now:%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:4]}"
        run = Run(name, kind, company, flow, fields, who, now.isoformat(timespec="seconds"), total)
        etag = await self._table.insert(_row(run))
        return replace(run, etag=etag or "")

    async def move(self, run: Run, **news: Any) -> Run | None:
        """Store what is new of a run; None when somebody else moved it meanwhile."""
        moved = replace(run, **news)
        etag = await self._table.replace(_row(moved), run.etag)
        return replace(moved, etag=etag) if etag else None

    async def finish(self, run: Run, state: State, counts: dict[str, int]) -> Run | None:
        """Close a run as done or stopped; None as `move`."""
        return await self.move(run, state=state, counts=counts, ended=datetime.now(UTC).isoformat(timespec="seconds"))

    async def list(self) -> list[Run]:
        """All runs, newest first."""
        found = [_run(row) async for row in self._table.query(f"PartitionKey eq {quoted(PARTITION)}")]
        return sorted(found, key=lambda run: run.id, reverse=True)

    async def get(self, name: str) -> Run | None:
        row = await self._table.get(PARTITION, name)
        return _run(row) if row else None

    async def note(self, run: str, message_id: str, results: Lookup[str, Result]) -> None:
        """Note what became of some keys of one message of a run. Noting it again changes nothing."""
        grouped: dict[str, list[str]] = {}
        for key, result in sorted(results.items()):
            grouped.setdefault(result, []).append(key)
        text = json.dumps(grouped, ensure_ascii=False)
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        await self._table.put({"PartitionKey": run, "RowKey": f"{message_id}~{digest}", "results": text})

    async def count(self, run: str, tally: Tally) -> Tally:
        """Add to `tally` what was noted since it was last counted."""
        where = f"PartitionKey eq {quoted(run)}"
        if tally.seen:
            where += f" and Timestamp ge datetime'{tally.seen - OVERLAP:%Y-%m-%dT%H:%M:%S}Z'"
        async for row in self._table.query(where):
            stamp = row.metadata["timestamp"]  # type: ignore[attr-defined]
            tally.seen = max(tally.seen or stamp, stamp)
            tally.add({key: Result(result) for result, keys in json.loads(row["results"]).items() for key in keys})
        return tally


def _strength(result: Result) -> int:
    return _WEAKEST_FIRST.index(result) if result in _WEAKEST_FIRST else -1


def _row(run: Run) -> dict[str, Any]:
    names = Run.__dataclass_fields__.keys() - {"id", "etag"}
    row = {name: getattr(run, name) for name in names}
    told = {"fields": json.dumps(run.fields), "state": run.state.value, "counts": json.dumps(run.counts)}
    return {"PartitionKey": PARTITION, "RowKey": run.id, **row, **told}


def _run(row: dict[str, Any]) -> Run:
    names = Run.__dataclass_fields__.keys() - {"id", "etag", "fields", "state", "counts"}
    return Run(
        id=row["RowKey"],
        fields=tuple(json.loads(row["fields"])),
        state=State(row["state"]),
        counts=json.loads(row["counts"]),
        etag=row.metadata["etag"],  # type: ignore[attr-defined]
        **{name: row[name] for name in names},
    )
