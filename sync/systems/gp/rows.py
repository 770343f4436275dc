"""What is read of a record, and how a row becomes one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sync import schema
from sync.keys import canonical
from sync.mapping import Join, Mapping
from sync.system import Record
from sync.systems.gp.client import Row
from sync.systems.gp.marks import mark_of
from sync.systems.gp.normalise import STAMP, normalise, stamp_text, values
from sync.systems.gp.statements import Parameter
from sync.value import normal


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


def selection(mapping: Mapping) -> dict[str, object]:
    """What `columns.sql` and `joins.sql` need to know; the columns c0, c1 ... are those of `_paths`, in that order."""
    joined = {alias: join for alias, join in mapping.gp.joins.items() if alias in mapping.reads}
    numbers = {"": 0} | {alias: number for number, alias in enumerate(joined, 1)}
    parts = [path.rpartition(".") for path in _paths(mapping)]
    return {
        "columns": [_Column(numbers[alias], name) for alias, _, name in parts],
        "joins": [
            _Join(numbers[alias], join.table, list(join.on.items()), conditions(join)) for alias, join in joined.items()
        ],
    }


def key_facts(mapping: Mapping) -> dict[str, str]:
    """The pair's own table and its key, as the templates name them."""
    table, key = mapping.gp.table, mapping.gp.key
    return {"table": table, "key_column": key, "key_type": column_type(table, key)}


def record_of(mapping: Mapping, row: Row) -> Record:
    """The record that a row of `selection` holds."""
    names = {path: f"c{index}" for index, path in enumerate(_paths(mapping))}
    stamp = row[names[STAMP]] if STAMP in names else None
    return Record(
        key=canonical(str(row[names[mapping.gp.key]])),
        values=values(row, {path: names[path] for path in mapping.gp.paths}),
        version=stamp_text(stamp) if isinstance(stamp, datetime) else "",
        identity=identity_of(row[names[mapping.gp.identity]]),
        mark=mark_of(str(normalise(row[names[mapping.gp.mark]]))) if mapping.gp.mark in names else "",
    )


def can_hold(text: str, length: int | None) -> bool:
    """Whether a char column can hold a text: the server would cut a long one, and turn a foreign letter into `?`."""
    try:
        return len(text.encode("cp1252")) <= (length or 0) and "\0" not in text
    except UnicodeEncodeError:
        return False


def column_type(table: str, column: str) -> str:
    """A column's type as SQL spells it."""
    return schema.gp_column(table, column).type


def conditions(join: Join) -> list[tuple[str, Parameter, str]]:
    """The fixed values by which a joined row is known: column, value, type."""
    return [(column, wanted, column_type(join.table, column)) for column, wanted in join.where.items()]


def _paths(mapping: Mapping) -> list[str]:
    known = schema.gp_table(mapping.gp.table).columns
    own = [mapping.gp.key, mapping.gp.identity, *(name for name in (STAMP, mapping.gp.mark) if name in known)]
    return list(dict.fromkeys([*own, *mapping.gp.paths]))


def identity_of(raw: object) -> str:
    """What a row holds in its identity column. GP never gives note index 0: it stands in rows that an import made without one."""
    value = normalise(raw)
    return str(normal(value) if isinstance(value, Decimal) else value) if value else ""
