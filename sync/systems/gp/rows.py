"""What is read of a record, and how a row becomes one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sync import schema
from sync.keys import join_key, split_key
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


@dataclass(frozen=True)
class KeyColumn:
    """A column of the pair's key, and a value in it, where there is one."""

    name: str
    type: str
    value: str = ""


def key_columns(mapping: Mapping, key: str = "") -> list[KeyColumn]:
    """The columns of the pair's key; with a key, those that it has a value for: none when it is no key of the pair."""
    table, names = mapping.gp.table, mapping.gp.key
    parts = split_key(key, len(names)) if key else ("",) * len(names)
    return [KeyColumn(name, column_type(table, name), part) for name, part in zip(names, parts, strict=False)]


def key_facts(mapping: Mapping) -> dict[str, object]:
    """The pair's own table and its key, as the templates name them."""
    return {"table": mapping.gp.table, "key": key_columns(mapping)}


def key_of(mapping: Mapping, row: Row) -> str:
    """The key of a row that has its parts as k0, k1 ..."""
    return join_key([str(row[f"k{index}"]) for index in range(len(mapping.gp.key))])


def record_of(mapping: Mapping, row: Row) -> Record:
    """The record that a row of `selection` holds."""
    names = {path: f"c{index}" for index, path in enumerate(_paths(mapping))}
    stamp = row[names[STAMP]] if STAMP in names else None
    return Record(
        key=join_key([str(row[names[column]]) for column in mapping.gp.key]),
        values=values(row, {path: names[path] for path in mapping.gp.paths}),
        version=stamp_text(stamp) if isinstance(stamp, datetime) else "",
        identity=identity_of(row[names[mapping.gp.identity]]) if mapping.gp.identity else "",
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
    own = [*mapping.gp.key, mapping.gp.identity, *(name for name in (STAMP, mapping.gp.mark) if name in known)]
    return list(dict.fromkeys(path for path in [*own, *mapping.gp.paths] if path))


def identity_of(raw: object) -> str:
    """What a row holds in its identity column. GP never gives note index 0: it stands in rows that an import made without one."""
    value = normalise(raw)
    return str(normal(value) if isinstance(value, Decimal) else value) if value else ""
