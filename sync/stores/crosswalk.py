"""The crosswalk: which GP record is which Dataverse record, found from either side.

Partition `{company}.{pair}`. Two rows a couple, written in one transaction: `gp~key` carries everything,
`d365~id` points back to it. Of a record without a counterpart in GP `d365~id` carries everything itself.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sync.errors import RetryLater
from sync.keys import encode
from sync.stores.couple import Agreed, Couple, Intent, Lineage, Outline, Planned, Turns
from sync.stores.tables import Table, quoted
from sync.stores.transactions import Operation
from sync.value import from_json, to_json

TRIES = 5
"""A row that moves while it is read is read so often."""

MOST_ROWS = 1_000
"""The most that one call brings."""

OUTLINE = ("key", "d365", "coupled", "parked", "parked_d365", "discarded", "intent", "Timestamp")


class Crosswalk:
    """The durable ID map, found from either side."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def read(self, company: str, pair: str, keys: Sequence[str], *, close: bool = False) -> dict[str, Couple]:
        """One couple per key; those without a row come back blank. `close`: the keys are thought to be neighbours."""
        rows = await self._table.rows(f"{company}.{pair}", [f"gp~{encode(key)}" for key in keys], close=close)
        found = {row["key"]: _couple(row, company, pair, self._table.now) for row in rows}
        return {key: found.get(key) or Couple(company, pair, key) for key in keys}

    async def read_ids(self, company: str, pair: str, ids: Sequence[str], *, close: bool = False) -> dict[str, Couple]:
        """One couple per Dataverse id; those without a row come back blank. Raises RetryLater while they keep moving."""
        found: dict[str, Couple] = {}
        for _ in range(TRIES):
            todo = [id_ for id_ in ids if id_ not in found]
            read = await self._read_ids(company, pair, todo, close=close)
            found |= {id_: couple for id_, couple in read.items() if couple.id == id_}
            if len(found) == len(set(ids)):
                return {id_: found[id_] for id_ in ids}
        raise RetryLater("Its row in the crosswalk moved while it was read.", code="in_progress")

    async def _read_ids(self, company: str, pair: str, ids: Sequence[str], *, close: bool) -> dict[str, Couple]:
        """As `read_ids`, but where the pointed row moved after its pointer was read the couple is another one's, or blank."""
        rows = await self._table.rows(f"{company}.{pair}", [f"d365~{id_}" for id_ in ids])
        keys = {row["RowKey"].removeprefix("d365~"): row["key"] for row in rows if row["key"]}
        couples = await self.read(company, pair, list(keys.values()), close=close)
        alone = {row["d365"]: _couple(row, company, pair, self._table.now) for row in rows if not row["key"]}
        return {
            id_: couples[keys[id_]] if id_ in keys else alone.get(id_) or Couple(company, pair, id=id_) for id_ in ids
        }

    async def carried(self, company: str, pair: str, keys: Mapping[str, str]) -> dict[str, Couple]:
        """The couples, by Dataverse id, of the ids that are coupled under the GP key that each carries; others are absent.

        `keys`: by id. They are thought to be neighbours, which ids never are: this takes far fewer calls.
        """
        couples = await self.read(company, pair, list(keys.values()), close=True)
        return {id_: couples[key] for id_, key in keys.items() if couples[key].id == id_}

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
        return {row["RowKey"].removeprefix("d365~"): row["key"] for row in rows if row["key"]}

    async def save(self, changes: Sequence[tuple[Couple, Couple]]) -> list[Couple | None]:
        """Replace each old couple by the new one if nobody changed it meanwhile (ETag); None where somebody did.

        All changes belong to one partition. The pointing row is written and removed in the same transaction, and so is
        the row of its own that the counterpart had (`Couple.beside`), if nobody changed that one either.
        """
        etags = await self._table.transact([_operations(old, new) for old, new in changes])
        return [
            replace(new, etag=done[0], age=timedelta(), beside=None) if done else None
            for (_, new), done in zip(changes, etags, strict=True)
        ]


def _outline(row: dict[str, Any], now: datetime) -> Outline:
    return Outline(
        row["key"],
        row["d365"],
        row["coupled"],
        row["parked"],
        row["parked_d365"],
        row.get("discarded", ""),
        intent=json.loads(row["intent"])["flow"] if row["intent"] else "",
        age=now - row.metadata["timestamp"],  # type: ignore[attr-defined]
    )


def _operations(old: Couple, new: Couple) -> list[Operation]:
    """The first one is about the row that carries the couple: its ETag is the couple's."""
    after = _rows(new)
    before = _rows(old) if old.etag else {}
    etags = {next(iter(before)): old.etag} if before else {}
    if new.beside and (own := next(iter(_rows(new.beside)))) in after:
        before[own] = {}
        etags[own] = new.beside.etag
    operations: list[Operation] = []
    for name, row in after.items():
        if name in etags:
            operations.append(("update", row, {"etag": etags[name]}))
        elif name not in before:
            operations.append(("create", row))
        elif before[name] != row:
            operations.append(("upsert", row))
    for name in before.keys() - after.keys():
        row = {"PartitionKey": new.partition, "RowKey": name}
        operations.append(("delete", row, {"etag": etags[name]}) if name in etags else ("delete", row))
    return operations


def _rows(couple: Couple) -> dict[str, dict[str, Any]]:
    """The rows of a couple by name, the one that carries it first."""
    pointing = f"d365~{couple.id}"
    if not couple.key:
        return {pointing: _row(couple, pointing)}
    carrying = f"gp~{encode(couple.key)}"
    pointer = {"PartitionKey": couple.partition, "RowKey": pointing, "key": couple.key}
    return {carrying: _row(couple, carrying)} | ({pointing: pointer} if couple.id else {})


def _row(couple: Couple, name: str) -> dict[str, Any]:
    return {
        "PartitionKey": couple.partition,
        "RowKey": name,
        "key": couple.key,
        "d365": couple.id,
        "coupled": couple.coupled,
        "identity": couple.identity,
        "base": _dump({name: [to_json(a.gp), to_json(a.d365), a.unsure] for name, a in couple.base.items()}),
        "intent": _dump(_intent_json(couple.intent)) if couple.intent else "",
        "parked": couple.parked,
        "parked_d365": couple.parked_d365,
        "unmet": couple.unmet or "",
        "gone": couple.gone,
        "answer": couple.answer,
        "take": couple.take or "",
        "discarded": couple.discarded,
        "lineage": _dump(vars(couple.lineage)) if couple.lineage else "",
        "turns": _dump({name: list(vars(turns).values()) for name, turns in couple.turns.items()})
        if couple.turns
        else "",
    }


def _intent_json(intent: Intent) -> dict[str, Any]:
    fields = {name: [to_json(p.source), to_json(p.old), to_json(p.new)] for name, p in intent.fields.items()}
    return {**vars(intent), "fields": fields}


def _couple(row: dict[str, Any], company: str, pair: str, now: datetime) -> Couple:
    metadata = row.metadata  # type: ignore[attr-defined]
    base = {
        name: Agreed(from_json(gp), from_json(d365), unsure)
        for name, (gp, d365, unsure) in json.loads(row["base"]).items()
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
        parked_d365=row["parked_d365"],
        unmet=row["unmet"] or None,
        answer=row["answer"],
        take=row["take"] or None,
        discarded=row.get("discarded", ""),
        lineage=Lineage(**json.loads(row["lineage"])) if row["lineage"] else None,
        turns={name: Turns(*turns) for name, turns in json.loads(row.get("turns") or "{}").items()},
        etag=metadata["etag"],
        age=now - metadata["timestamp"],
    )


def _intent(stored: dict[str, Any]) -> Intent:
    fields = {name: Planned(*map(from_json, halves)) for name, halves in stored["fields"].items()}
    return Intent(**{**stored, "fields": fields})


def _dump(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
