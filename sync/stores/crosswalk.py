"""The crosswalk: which GP record is which Dataverse record, found from either side.

Partition `{company}.{pair}`. Three rows a couple, written in one transaction: `gp~key` carries everything, `d365~id`
points back to it, and so does `note~identity`. Of a record without a counterpart in GP `d365~id` carries everything
itself. `note~` is a hint: two records of GP may share an identity, then it points to the one that was written last, and it
is never removed. Whoever follows it looks whether the row has that identity.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sync.errors import RetryLater
from sync.keys import encode
from sync.stores.couple import Couple, Outline
from sync.stores.couple_rows import couple_from, each_note_once, note_row, operations_of, outline_from
from sync.stores.tables import Table, quoted

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
        found = {row["key"]: couple_from(row, company, pair, self._table.now) for row in rows}
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
        alone = {row["d365"]: couple_from(row, company, pair, self._table.now) for row in rows if not row["key"]}
        return {
            id_: couples[keys[id_]] if id_ in keys else alone.get(id_) or Couple(company, pair, id=id_) for id_ in ids
        }

    async def carried(self, company: str, pair: str, keys: Mapping[str, str]) -> dict[str, Couple]:
        """The couples, by Dataverse id, of the ids that are coupled under the GP key that each carries; others are absent.

        `keys`: by id. They are thought to be neighbours, which ids never are: this takes far fewer calls.
        """
        couples = await self.read(company, pair, list(keys.values()), close=True)
        return {id_: couples[key] for id_, key in keys.items() if couples[key].id == id_}

    async def read_identities(self, company: str, pair: str, identities: Sequence[str]) -> dict[str, Couple]:
        """The couples to which these identities point; others are absent. One may have another identity by now, or none.

        Raises RetryLater when one of them moved while it was read.
        """
        keys = await self._keys_of(company, pair, identities)
        couples = await self.read(company, pair, list(keys.values()))
        doubtful = {identity: key for identity, key in keys.items() if couples[key].identity != identity}
        if doubtful and await self._keys_of(company, pair, list(doubtful)) != doubtful:
            raise RetryLater("Its row in the crosswalk moved while it was read.", code="in_progress")
        return {identity: couples[key] for identity, key in keys.items()}

    async def _keys_of(self, company: str, pair: str, identities: Sequence[str]) -> dict[str, str]:
        names = {note_row(identity): identity for identity in identities}
        rows = await self._table.rows(f"{company}.{pair}", list(names), close=True)
        return {names[row["RowKey"]]: row["key"] for row in rows}

    async def page(self, company: str, pair: str, after: str, limit: int) -> list[Couple]:
        """The next couples after the key `after` (blank: from the start), in row order, which is not GP's order.

        At most `limit`, up to 1,000, in one call. Fewer than `limit` means the end; the last key is the next `after`.
        """
        rows = await self._page(company, pair, after, limit)
        return [couple_from(row, company, pair, self._table.now) for row in rows]

    async def outlines(self, company: str, pair: str, after: str, limit: int) -> list[Outline]:
        """`page` without the bases: for keys alone, and for what was left behind."""
        return [outline_from(row, self._table.now) for row in await self._page(company, pair, after, limit, OUTLINE)]

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
        found = [outline_from(row, self._table.now) async for row in rows]
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
        the row of its own that the counterpart had (`Couple.beside`), if nobody changed that one either. With another
        key the couple moves: its old row goes in the same transaction.
        """
        etags = await self._table.transact(each_note_once([operations_of(old, new) for old, new in changes]))
        return [
            replace(new, etag=done[0], age=timedelta(), unnoted=False, beside=None) if done else None
            for (_, new), done in zip(changes, etags, strict=True)
        ]
