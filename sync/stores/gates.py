"""The shared half of the gate: which instance holds which slot, the pause a system asked for, and who waits.

Partition: the system. Rows `slot~NN`, one a slot; `hold`, the pause and the parallelism that the system advised;
`want~N`, an instance that lacks slots. Times are on the storage service's clock, so that no instance's own matters.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sync.stores.tables import Table, quoted
from sync.stores.transactions import Operation

NEVER = datetime.fromtimestamp(0, UTC)

WANTS = 32
"""Rows for instances that lack slots: two in one row count as one, and none is left to be swept away."""


@dataclass(frozen=True)
class Slot:
    """One call at a time. Free without an owner or after `until`. `rest`: kept by an idle instance for its next call."""

    number: int
    owner: str = ""
    until: datetime = NEVER
    rest: bool = False
    etag: str = ""


@dataclass(frozen=True)
class Hold:
    """Nobody calls before `until`; at most `advised` calls at once (0: the system gave no advice)."""

    until: datetime = NEVER
    advised: int = 0
    etag: str = ""


@dataclass(frozen=True)
class View:
    """A system's gate as it was at `now`. `wants`: until when which instance waits for slots."""

    now: datetime
    slots: dict[int, Slot] = field(default_factory=dict)
    hold: Hold = Hold()
    wants: dict[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """What an instance does at the gate: `keep` changes slots of its own, `take` takes free ones, wholly or not at all."""

    keep: tuple[Slot, ...] = ()
    take: tuple[Slot, ...] = ()
    hold: Hold | None = None
    want: datetime | None = None

    @property
    def size(self) -> int:
        """How many rows it writes."""
        return len(self.keep) + len(self.take) + (self.hold is not None) + (self.want is not None)

    def __bool__(self) -> bool:
        return self.size > 0


class Gates:
    """Reads and changes the gates of all systems."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def look(self, system: str) -> View:
        """The gate now, in one call."""
        slots: dict[int, Slot] = {}
        hold, wants = Hold(), {}
        async for row in self._table.query(f"PartitionKey eq {quoted(system)}"):
            kind, _, number = row["RowKey"].partition("~")
            etag = row.metadata["etag"]  # type: ignore[attr-defined]
            if kind == "slot":
                slots[int(number)] = Slot(int(number), row["owner"], row["until"], row["rest"], etag)
            elif kind == "want":
                wants[row["owner"]] = row["until"]
            else:
                hold = Hold(row["until"], row["advised"], etag)
        return View(self._table.now, slots, hold, wants)

    async def change(self, system: str, owner: str, change: Change) -> tuple[Change, int]:
        """What of a change was done, with its new ETags, and the calls it took: one, and one for every part refused
        because another instance was first.
        """
        parts = [part for part in _parts(system, owner, change) if part]
        etags = await self._table.transact(parts)
        refused = sum(done is None for done in etags)
        given = iter(etags)
        keep = _stamped(change.keep, next(given) if change.keep else None)
        take = _stamped(change.take, next(given) if change.take else None)
        stamp = next(given) if change.hold else None
        hold = replace(change.hold, etag=stamp[0]) if change.hold and stamp else None
        return Change(keep, take, hold, change.want), refused + (refused < len(parts))


def _parts(system: str, owner: str, change: Change) -> list[list[Operation]]:
    hold = [_operation(_hold_row(system, change.hold), change.hold.etag)] if change.hold else []
    want: list[Operation] = [("upsert", _want_row(system, owner, change.want))] if change.want else []
    return [
        [_operation(_slot_row(system, slot), slot.etag) for slot in change.keep],
        [_operation(_slot_row(system, slot), slot.etag) for slot in change.take],
        hold,
        want,
    ]


def _operation(row: dict[str, Any], etag: str) -> Operation:
    if not etag:
        return ("create", row)
    return ("update", row, {"etag": etag})


def _stamped(slots: Sequence[Slot], etags: list[str] | None) -> tuple[Slot, ...]:
    return tuple(replace(slot, etag=etag) for slot, etag in zip(slots, etags, strict=True)) if etags else ()


def _slot_row(system: str, slot: Slot) -> dict[str, Any]:
    key = {"PartitionKey": system, "RowKey": f"slot~{slot.number:02}"}
    return {**key, "owner": slot.owner, "until": slot.until, "rest": slot.rest}


def _hold_row(system: str, hold: Hold) -> dict[str, Any]:
    return {"PartitionKey": system, "RowKey": "hold", "until": hold.until, "advised": hold.advised}


def _want_row(system: str, owner: str, until: datetime) -> dict[str, Any]:
    row = f"want~{zlib.crc32(owner.encode()) % WANTS}"
    return {"PartitionKey": system, "RowKey": row, "owner": owner, "until": until}
