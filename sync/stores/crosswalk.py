"""The crosswalk: which GP record is which Dataverse record, what both held when they last agreed, what is being written.

Partition `{company}.{pair}`. Two rows a couple, written in one transaction: `gp~key` carries everything,
`d365~id` points back to it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sync.keys import encode
from sync.stores.tables import Table, quoted
from sync.stores.transactions import Operation
from sync.value import Value, from_json, to_json

NONE = "none"
"""A person's answer: none of the records in Dataverse is this one."""


@dataclass(frozen=True)
class Agreed:
    """The base of one field: what each side held when it last agreed. `unsure`: the target half is a guess."""

    source: Value
    target: Value
    unsure: bool = False


@dataclass(frozen=True)
class Planned:
    """One field of an intent: the source's value, the target's value before, the value to be written."""

    source: Value
    old: Value
    new: Value


@dataclass(frozen=True)
class Intent:
    """What a worker is about to write, stored before it writes."""

    attempt: str
    message_id: str
    target: str
    create: bool
    version: str
    fields: dict[str, Planned]
    flow: str
    reason: str
    seen_at: str


@dataclass(frozen=True)
class Lineage:
    """Where the last write of a record came from: it explains a value and answers a redelivered message."""

    message_id: str
    flow: str
    reason: str
    seen_at: str
    attempt: str


@dataclass(frozen=True)
class Couple:
    """One GP record and its Dataverse counterpart.

    `id` is the Dataverse id or blank. `coupled` is true once the counterpart is known to be this one; before that, a
    row without an intent has an id only while a create with that id may still land. `answer` is what a person said of
    a record not coupled yet: NONE, or the id of the Dataverse record that it is. `identity` is GP's NOTEINDX. `parked`
    holds the cause while a person must look, `discarded` the one that a person let go, until the record is worked
    again. `etag` is blank for a row that does not exist yet.
    """

    company: str
    pair: str
    key: str
    id: str = ""
    coupled: bool = False
    identity: str = ""
    base: dict[str, Agreed] = field(default_factory=dict)
    intent: Intent | None = None
    parked: str = ""
    answer: str = ""
    discarded: str = ""
    lineage: Lineage | None = None
    etag: str = ""
    age: timedelta = timedelta()

    @property
    def partition(self) -> str:
        return f"{self.company}.{self.pair}"

    @property
    def settled_delete(self) -> bool:
        """Whether the counterpart was made inactive already because its source is gone."""
        state = self.base.get("statecode")
        return state is not None and state.source is None

    @property
    def gone(self) -> bool:
        """Whether the source no longer holds it, and that is done with or a person's: nothing is left to be lost."""
        return self.settled_delete or DELETED in (self.parked, self.discarded)

    @property
    def chosen(self) -> str:
        """The Dataverse id that a person chose, or blank."""
        return "" if self.answer == NONE else self.answer


@dataclass(frozen=True)
class Outline:
    """A couple without its base. `intent`: something is being written; `age`: since the row was stored."""

    key: str
    id: str
    coupled: bool
    parked: str
    discarded: str
    intent: bool
    age: timedelta

    def left_behind(self, older: timedelta) -> bool:
        """Whether its message is lost. A record that kills its worker waits for a person, and not for a sweep."""
        return self.intent and self.age > older and self.parked != KILLER


DELETED = "deleted_in_source"
"""The cause under which a record that is gone from its source is parked."""

KILLER = "worker_killed"
"""The cause under which a record is parked whose worker died each time."""

MOST_ROWS = 1_000
"""The most that one call brings."""

OUTLINE = ("key", "d365", "coupled", "parked", "discarded", "intent", "Timestamp")


class Crosswalk:
    """The durable ID map, found from either side."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def read(self, company: str, pair: str, keys: Sequence[str], *, close: bool = False) -> dict[str, Couple]:
        """One couple per key; those without a row come back blank. `close`: the keys are thought to be neighbours."""
        rows = await self._table.rows(f"{company}.{pair}", [f"gp~{encode(key)}" for key in keys], close=close)
        found = {row["key"]: _couple(row, company, pair, self._table.now) for row in rows}
        return {key: found.get(key) or Couple(company, pair, key) for key in keys}

    async def page(self, company: str, pair: str, after: str, limit: int) -> list[Couple]:
        """The next couples after the key `after` (blank: from the start), in row order, which is not GP's order.

        At most `limit`, up to 1,000, in one call. Fewer than `limit` means the end; the last key is the next `after`.
        """
        rows = await self._page(company, pair, after, limit)
        return [_couple(row, company, pair, self._table.now) for row in rows]

    async def outlines(self, company: str, pair: str, after: str, limit: int) -> list[Outline]:
        """`page` without the bases: for keys alone, and for what was left behind."""
        return [_outline(row, self._table.now) for row in await self._page(company, pair, after, limit, OUTLINE)]

    async def count(self, company: str, pair: str) -> int:
        """How many records are coupled, without those known to be gone: a call for every 1,000."""
        coupled, after = 0, ""
        while rows := await self._page(company, pair, after, MOST_ROWS, ("key", "coupled", "gone")):
            coupled += sum(row["coupled"] and not row.get("gone") for row in rows)
            if len(rows) < MOST_ROWS:
                break
            after = rows[-1]["key"]
        return coupled

    async def left_behind(self, company: str, pair: str, older: timedelta) -> list[Outline]:
        """Couples with a write left behind that is older than that. The service looks through the whole partition for them."""
        where = f"PartitionKey eq {quoted(f'{company}.{pair}')} and RowKey ge 'gp~' and RowKey lt 'gp~~'"
        rows = self._table.query(f"{where} and intent ne ''", columns=OUTLINE)
        found = [_outline(row, self._table.now) async for row in rows]
        return [outline for outline in found if outline.left_behind(older)]

    async def _page(
        self, company: str, pair: str, after: str, limit: int, columns: Sequence[str] | None = None
    ) -> list[dict[str, Any]]:
        low = f"gp~{encode(after)}!" if after else "gp~"
        return await self._table.page(f"{company}.{pair}", low, "gp~~", limit, columns)

    async def owners(self, company: str, pair: str, dataverse_ids: Sequence[str]) -> dict[str, str]:
        """The GP keys that these Dataverse ids are coupled with or reserved for, by id; others are absent."""
        rows = await self._table.rows(f"{company}.{pair}", [f"d365~{id_}" for id_ in dataverse_ids])
        return {row["RowKey"].removeprefix("d365~"): row["key"] for row in rows}

    async def save(self, changes: Sequence[tuple[Couple, Couple]]) -> list[Couple | None]:
        """Replace each old couple by the new one if nobody changed it meanwhile (ETag); None where somebody did.

        All changes belong to one partition. The pointing row is written and removed in the same transaction.
        """
        etags = await self._table.transact([_operations(old, new) for old, new in changes])
        return [
            replace(new, etag=done[0], age=timedelta()) if done else None
            for (_, new), done in zip(changes, etags, strict=True)
        ]


def _outline(row: dict[str, Any], now: datetime) -> Outline:
    return Outline(
        row["key"],
        row["d365"],
        row["coupled"],
        row["parked"],
        row.get("discarded", ""),
        intent=bool(row["intent"]),
        age=now - row.metadata["timestamp"],  # type: ignore[attr-defined]
    )


def _operations(old: Couple, new: Couple) -> list[Operation]:
    row = _row(new)
    first: Operation = ("create", row)
    if old.etag:
        first = ("update", row, {"etag": old.etag})
    operations = [first]
    if old.id and old.id != new.id:
        operations.append(("delete", {"PartitionKey": new.partition, "RowKey": f"d365~{old.id}"}))
    if new.id and old.id != new.id:
        pointer = {"PartitionKey": new.partition, "RowKey": f"d365~{new.id}", "key": new.key}
        operations.append(("create", pointer))
    return operations


def _row(couple: Couple) -> dict[str, Any]:
    return {
        "PartitionKey": couple.partition,
        "RowKey": f"gp~{encode(couple.key)}",
        "key": couple.key,
        "d365": couple.id,
        "coupled": couple.coupled,
        "identity": couple.identity,
        "base": _dump({name: [to_json(a.source), to_json(a.target), a.unsure] for name, a in couple.base.items()}),
        "intent": _dump(_intent_json(couple.intent)) if couple.intent else "",
        "parked": couple.parked,
        "gone": couple.gone,
        "answer": couple.answer,
        "discarded": couple.discarded,
        "lineage": _dump(vars(couple.lineage)) if couple.lineage else "",
    }


def _intent_json(intent: Intent) -> dict[str, Any]:
    fields = {name: [to_json(p.source), to_json(p.old), to_json(p.new)] for name, p in intent.fields.items()}
    return {**vars(intent), "fields": fields}


def _couple(row: dict[str, Any], company: str, pair: str, now: datetime) -> Couple:
    metadata = row.metadata  # type: ignore[attr-defined]
    base = {
        name: Agreed(from_json(source), from_json(target), unsure)
        for name, (source, target, unsure) in json.loads(row["base"]).items()
    }
    return Couple(
        company,
        pair,
        row["key"],
        id=row["d365"],
        coupled=row["coupled"],
        identity=row["identity"],
        base=base,
        intent=_intent(json.loads(row["intent"])) if row["intent"] else None,
        parked=row["parked"],
        answer=row["answer"],
        discarded=row.get("discarded", ""),
        lineage=Lineage(**json.loads(row["lineage"])) if row["lineage"] else None,
        etag=metadata["etag"],
        age=now - metadata["timestamp"],
    )


def _intent(stored: dict[str, Any]) -> Intent:
    fields = {name: Planned(*map(from_json, halves)) for name, halves in stored["fields"].items()}
    return Intent(**{**stored, "fields": fields})


def _dump(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
