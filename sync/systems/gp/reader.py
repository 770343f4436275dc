"""Reads records of a GP company in bulk: what a mapping names, for up to 500 keys in one round trip."""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from collections.abc import Mapping as Table
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched

from sync.keys import join_key, split_key
from sync.mapping import Mapping
from sync.schema import gp_column
from sync.system import Record
from sync.systems.gp.client import GpClient
from sync.systems.gp.rows import (
    can_hold,
    column_type,
    identity_of,
    key_columns,
    key_facts,
    key_of,
    record_of,
    selection,
)
from sync.systems.gp.statements import Statement, render

# OPENJSON came with compatibility level 130, SQL Server 2016; GP databases carried along from older ones lack it.
OPENJSON_LEVEL = 130

type Texts = tuple[str, ...]


@dataclass(frozen=True)
class _Sought:
    """A column of a group that is looked for: k0, k1 ... of `wanted`; `main` is the pair's own column that stands in for it
    where the joined row is missing.
    """

    table: int
    name: str
    type: str
    present: str
    main: bool


@dataclass(frozen=True)
class _Database:
    openjson: bool
    ignores_case: bool


class GpReader:
    """Reads through `client`; looks once at each company database for what it can do."""

    def __init__(self, client: GpClient) -> None:
        self._client = client
        self._databases: dict[str, _Database] = {}

    async def read(self, company: str, mapping: Mapping, keys: Iterable[str]) -> dict[str, Record]:
        """The records by canonical key; a key that GP does not hold is absent. One round trip per page of keys.

        `values` has every path the mapping reads, None where a joined row is missing. `identity` is the identity
        column's number, blank when GP never gave one; `version` the row's DEX_ROW_TS; `mark` that of the try which wrote it
        last. Raises as `GpClient.query`.
        """
        return (await self.read_at(company, mapping, keys))[0]

    async def read_at(
        self, company: str, mapping: Mapping, keys: Iterable[str]
    ) -> tuple[dict[str, Record], datetime | None]:
        """As `read`, and the server's time before the first row was read, UTC; None when nothing was asked."""
        records, at = {}, None
        for page in self._pages(mapping, keys):
            statement = read_statement(mapping, page, openjson=(await self._database(company)).openjson)
            times, rows = await self._client.run(company, statement)
            records.update({record.key: record for record in (record_of(mapping, row) for row in rows)})
            at = at or _moment(times[0]["server_time"])
        return records, at

    async def alike(
        self, company: str, mapping: Mapping, wanted: Table[Texts, Collection[Texts]]
    ) -> tuple[list[Record], datetime | None]:
        """The records that hold, in the paths of a group, one of its values together, as GP compares; in one round trip.

        A value that the column can't hold finds nothing. Raises as `GpClient.query`.
        """
        sought = {paths: _fitting(mapping, paths, values) for paths, values in wanted.items()}
        groups = {paths: values for paths, values in sought.items() if values}
        if not groups:
            return [], None
        openjson = (await self._database(company)).openjson
        times, *found = await self._client.run(company, alike_statement(mapping, groups, openjson=openjson))
        records = [record_of(mapping, row) for rows in found for row in rows]
        return list({record.key: record for record in records}.values()), _moment(times[0]["server_time"])

    async def now(self, company: str) -> datetime:
        """The server's time, UTC."""
        ((row,),) = await self._client.run(company, render("time"))
        return _moment(row["server_time"])

    async def keys(self, company: str, mapping: Mapping, after: str, limit: int) -> list[str]:
        """The next `limit` canonical keys after `after` (blank: from the start), in the server's order.

        Fewer than `limit` means the end; the last one is the next `after`. Where the database tells capital from
        small letters only keys in capitals are found, as in `read`.
        """
        statement = render(
            "keys",
            **key_facts(mapping),
            after=key_columns(mapping, after) if after else [],
            limit=limit,
            capitals_only=not (await self._database(company)).ignores_case,
        )
        (rows,) = await self._client.run(company, statement)
        return [key_of(mapping, row) for row in rows]

    async def count(self, company: str, mapping: Mapping) -> int:
        """How many keys there are, as `keys` finds them."""
        capitals_only = not (await self._database(company)).ignores_case
        statement = render("count", **key_facts(mapping), capitals_only=capitals_only)
        ((row,),) = await self._client.run(company, statement)
        return int(str(row["n"]))

    async def held(self, company: str, mapping: Mapping, keys: Iterable[str]) -> set[str]:
        """Those of the canonical keys that GP holds. One round trip per page of keys."""
        found: set[str] = set()
        for page in self._pages(mapping, keys):
            wanted = _wanted(mapping, page, openjson=(await self._database(company)).openjson)
            (rows,) = await self._client.run(company, render("held", **wanted))
            found |= {key_of(mapping, row) for row in rows}
        return found

    async def living(self, company: str, mapping: Mapping, identities: Iterable[str]) -> dict[str, list[str]]:
        """The canonical keys of the records with these identities, by identity; an identity that GP does not hold is absent.

        GP has no index on it, so each page of them is one pass over the table.
        """
        found: dict[str, list[str]] = {}
        for page in batched(dict.fromkeys(identities), self._client.settings.page, strict=False):
            statement = living_statement(mapping, page, openjson=(await self._database(company)).openjson)
            (rows,) = await self._client.run(company, statement)
            for row in rows:
                found.setdefault(identity_of(row["i"]), []).append(key_of(mapping, row))
        return found

    def _pages(self, mapping: Mapping, keys: Iterable[str]) -> Iterator[tuple[str, ...]]:
        count = len(mapping.gp.key)
        spelled = dict.fromkeys(join_key(split_key(key, count)) for key in keys)
        wanted = [key for key in spelled if _can_be_key(key, mapping)]
        return batched(wanted, self._client.settings.page, strict=False)

    async def _database(self, company: str) -> _Database:
        if company not in self._databases:
            ((row,),) = await self._client.run(company, render("level"))
            self._databases[company] = _Database(
                openjson=int(str(row["level"])) >= OPENJSON_LEVEL, ignores_case="_CI_" in str(row["collation"])
            )
        return self._databases[company]


def read_statement(mapping: Mapping, keys: Sequence[str], *, openjson: bool) -> Statement:
    """The batch that tells the time and reads `keys`: see `rows.selection`."""
    return render("read", **selection(mapping), **_wanted(mapping, keys, openjson=openjson))


def living_statement(mapping: Mapping, identities: Sequence[str], *, openjson: bool) -> Statement:
    """The batch that finds the keys of records by their identity."""
    table, column = mapping.gp.table, mapping.gp.identity
    assert column is not None
    sought = _Sought(0, column, column_type(table, column), "", main=False)
    wanted = _listed([(identity,) for identity in identities], openjson=openjson)
    return render("living", **key_facts(mapping), identity_column=column, sought=[sought], **wanted)


def alike_statement(mapping: Mapping, groups: Table[Texts, Collection[Texts]], *, openjson: bool) -> Statement:
    """The batch that tells the time and finds records by what they hold: one result per group."""
    listed = [
        {"sought": [_sought(mapping, path) for path in paths], **_listed(values, openjson=openjson)}
        for paths, values in groups.items()
    ]
    return render("alike", **selection(mapping), table=mapping.gp.table, groups=listed)


def _wanted(mapping: Mapping, keys: Sequence[str], *, openjson: bool) -> dict[str, object]:
    """What `wanted.sql` needs to know."""
    sought = [_Sought(0, column.name, column.type, "", main=False) for column in key_columns(mapping)]
    parts = [split_key(key, len(sought)) for key in keys]
    return {**key_facts(mapping), "sought": sought, **_listed(parts, openjson=openjson)}


def _listed(values: Collection[Texts], *, openjson: bool) -> dict[str, object]:
    rows = list(values)
    listed = [row[0] if len(row) == 1 else row for row in rows]
    return {"json": json.dumps(listed, ensure_ascii=False) if openjson else "", "rows": rows}


def _sought(mapping: Mapping, path: str) -> _Sought:
    alias, _, name = path.rpartition(".")
    joined = [each for each in mapping.gp.joins if each in mapping.reads]
    table, number = (mapping.gp.joins[alias].table, joined.index(alias) + 1) if alias else (mapping.gp.table, 0)
    join = mapping.gp.joins.get(alias)
    main = join is not None and join.otherwise is not None
    return _Sought(number, name, column_type(table, name), next(iter(join.on)) if join else "", main)


def _fitting(mapping: Mapping, paths: Texts, values: Collection[Texts]) -> list[Texts]:
    """Those of the values that the columns can hold, none of them blank."""
    lengths = [gp_column(*_column(mapping, path)).length for path in paths]
    return [
        row
        for row in dict.fromkeys(values)
        if all(text.strip(" ") and can_hold(text, length) for text, length in zip(row, lengths, strict=True))
    ]


def _column(mapping: Mapping, path: str) -> tuple[str, str]:
    alias, _, name = path.rpartition(".")
    return (mapping.gp.joins[alias].table if alias else mapping.gp.table), name


def _can_be_key(key: str, mapping: Mapping) -> bool:
    """Whether GP can hold this key at all."""
    columns = [gp_column(mapping.gp.table, name) for name in mapping.gp.key]
    parts = split_key(key, len(columns))
    return bool(parts) and all(can_hold(part, column.length) for part, column in zip(parts, columns, strict=True))


def _moment(raw: object) -> datetime:
    """A time of the server's UTC clock."""
    assert isinstance(raw, datetime)
    return raw.replace(tzinfo=UTC)
