"""Reads records of a GP company in bulk: what a mapping names, for up to 500 keys in one round trip."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import batched

from sync import schema
from sync.keys import canonical
from sync.mapping import Mapping
from sync.system import Record
from sync.systems.gp.client import GpClient, Row
from sync.systems.gp.normalise import STAMP, normalise, stamp_text, values
from sync.systems.gp.statements import Parameter, Statement, render
from sync.value import Value, normal

# OPENJSON came with compatibility level 130, SQL Server 2016; GP databases carried along from older ones lack it.
OPENJSON_LEVEL = 130


@dataclass(frozen=True)
class _Column:
    table: int
    name: str


@dataclass(frozen=True)
class _Join:
    number: int
    table: str
    on: Sequence[tuple[str, str]]
    where: Sequence[tuple[str, Parameter, str]]


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
        column's number, blank when GP never gave one; `version` the row's DEX_ROW_TS. Raises as `GpClient.query`.
        """
        records = {}
        for page in self._pages(mapping, keys):
            statement = read_statement(mapping, page, openjson=(await self._database(company)).openjson)
            (rows,) = await self._client.run(company, statement)
            records.update({record.key: record for record in (_record(mapping, row) for row in rows)})
        return records

    async def keys(self, company: str, mapping: Mapping, after: str, limit: int) -> list[str]:
        """The next `limit` canonical keys after `after` (blank: from the start), in the server's order.

        Fewer than `limit` means the end; the last one is the next `after`. Where the database tells capital from
        small letters only keys in capitals are found, as in `read`.
        """
        statement = render(
            "keys",
            table=mapping.gp.table,
            key_column=mapping.gp.key,
            key_type=_type(mapping.gp.table, mapping.gp.key),
            after=after,
            limit=limit,
            capitals_only=not (await self._database(company)).ignores_case,
        )
        (rows,) = await self._client.run(company, statement)
        return [canonical(str(row["k"])) for row in rows]

    async def count(self, company: str, mapping: Mapping) -> int:
        """How many keys there are, as `keys` finds them."""
        capitals_only = not (await self._database(company)).ignores_case
        statement = render("count", table=mapping.gp.table, key_column=mapping.gp.key, capitals_only=capitals_only)
        ((row,),) = await self._client.run(company, statement)
        return int(str(row["n"]))

    async def held(self, company: str, mapping: Mapping, keys: Iterable[str]) -> set[str]:
        """Those of the canonical keys that GP holds. One round trip per page of keys."""
        found: set[str] = set()
        for page in self._pages(mapping, keys):
            wanted = _wanted(mapping, page, openjson=(await self._database(company)).openjson)
            (rows,) = await self._client.run(company, render("held", **wanted))
            found |= {canonical(str(row["k"])) for row in rows}
        return found

    def _pages(self, mapping: Mapping, keys: Iterable[str]) -> Iterator[tuple[str, ...]]:
        wanted = [key for key in dict.fromkeys(map(canonical, keys)) if _can_be_key(key, mapping)]
        return batched(wanted, self._client.settings.page, strict=False)

    async def _database(self, company: str) -> _Database:
        if company not in self._databases:
            ((row,),) = await self._client.run(company, render("level"))
            self._databases[company] = _Database(
                openjson=int(str(row["level"])) >= OPENJSON_LEVEL, ignores_case="_CI_" in str(row["collation"])
            )
        return self._databases[company]


def read_statement(mapping: Mapping, keys: Sequence[str], *, openjson: bool) -> Statement:
    """The batch that reads `keys`; its columns c0, c1 ... are those of `_paths`, in that order."""
    joined = {alias: join for alias, join in mapping.gp.joins.items() if alias in mapping.reads}
    numbers = {"": 0} | {alias: number for number, alias in enumerate(joined, 1)}
    columns = [_Column(numbers[alias], name) for alias, _, name in (path.rpartition(".") for path in _paths(mapping))]
    return render(
        "read",
        columns=columns,
        **_wanted(mapping, keys, openjson=openjson),
        joins=[
            _Join(
                numbers[alias],
                join.table,
                list(join.on.items()),
                [(column, wanted, _type(join.table, column)) for column, wanted in join.where.items()],
            )
            for alias, join in joined.items()
        ],
    )


def _wanted(mapping: Mapping, keys: Sequence[str], *, openjson: bool) -> dict[str, object]:
    """What `wanted.sql` needs to know."""
    return {
        "json": json.dumps(keys, ensure_ascii=False) if openjson else "",
        "keys": keys,
        "table": mapping.gp.table,
        "key_column": mapping.gp.key,
        "key_type": _type(mapping.gp.table, mapping.gp.key),
    }


def _paths(mapping: Mapping) -> list[str]:
    own = [mapping.gp.key, mapping.gp.identity]
    if STAMP in schema.gp_table(mapping.gp.table).columns:
        own.append(STAMP)
    return list(dict.fromkeys([*own, *mapping.gp.paths]))


def _record(mapping: Mapping, row: Row) -> Record:
    names = {path: f"c{index}" for index, path in enumerate(_paths(mapping))}
    stamp = row[names[STAMP]] if STAMP in names else None
    return Record(
        key=canonical(str(row[names[mapping.gp.key]])),
        values=values(row, {path: names[path] for path in mapping.gp.paths}),
        version=stamp_text(stamp) if isinstance(stamp, datetime) else "",
        identity=_identity(normalise(row[names[mapping.gp.identity]])),
    )


def _identity(value: Value) -> str:
    """GP never gives note index 0: it stands in rows that an import made without one."""
    return str(normal(value) if isinstance(value, Decimal) else value) if value else ""


def _can_be_key(key: str, mapping: Mapping) -> bool:
    """Whether GP can hold this key at all: the server would cut a long one, and turn a foreign letter into `?`."""
    length = schema.gp_column(mapping.gp.table, mapping.gp.key).length or 0
    try:
        return 0 < len(key.encode("cp1252")) <= length and "\0" not in key
    except UnicodeEncodeError:
        return False


def _type(table: str, column: str) -> str:
    return schema.gp_column(table, column).type
