"""The tables and columns a mapping may name: GP's and Dataverse's, as `sync/data/*.json` list them.

Sources: GP 2013 R2 / 2015 company database and the parameters of its eConnect procedures; Dataverse's common and sales
tables. Columns that an installation adds itself (`gp365_*`) are declared in the mapping file, not here.
"""

import difflib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

type Kind = Literal["text", "number", "amount", "date", "binary"]

_KINDS: dict[str, Kind] = {
    "char": "text",
    "varchar": "text",
    "text": "text",
    "smallint": "number",
    "tinyint": "number",
    "int": "number",
    "numeric": "amount",
    "datetime": "date",
    "binary": "binary",
}
# Decimals a column keeps when its description names no precision: Money is stored as SQL money (4).
_DECIMALS = {"Money": 4, "Decimal": 10, "Double": 5}
_INT_RANGE = (-(2**31), 2**31 - 1)
_WHOLE_NUMBERS = {"tinyint": (0, 255), "smallint": (-(2**15), 2**15 - 1), "int": _INT_RANGE}


class UnknownName(LookupError):
    """A table, column or attribute that isn't in the data; the text says which and what was probably meant."""


@dataclass(frozen=True)
class GpColumn:
    """A GP column. `type` is SQL Server's (`char(65)`), `length` its size in characters, None unless it is char."""

    table: str
    name: str
    type: str
    kind: Kind
    length: int | None
    key: bool


@dataclass(frozen=True)
class Parameter:
    """How a GP column is written: the eConnect `procedure` and its parameter `name` (without `@I_v`). What both the
    parameter and the column take: `length` in characters (None: a text of any length), whole numbers from `low` to
    `high`, amounts of `digits` before and `decimals` after the point.

    A parameter cuts what is too long without a word, and most are shorter than their column.
    """

    procedure: str
    name: str
    column: str
    kind: Kind
    length: int | None = None
    low: int = 0
    high: int = 0
    digits: int = 0
    decimals: int = 0


@dataclass(frozen=True)
class GpTable:
    name: str
    key: tuple[str, ...]
    columns: dict[str, GpColumn]


@dataclass(frozen=True)
class Attribute:
    """A Dataverse column. `max_length` counts UTF-16 units, as the platform does; `decimals` are those it keeps.

    `options` holds the values a choice takes; empty where the reference lists none.
    """

    entity: str
    name: str
    type: str
    max_length: int | None = None
    minimum: int | float | None = None
    maximum: int | float | None = None
    decimals: int | None = None
    options: frozenset[int] = frozenset()
    read_only: bool = False
    required: str = ""
    date_only: bool = False


@dataclass(frozen=True)
class Entity:
    name: str
    set: str
    id: str
    attributes: dict[str, Attribute]


def gp_table(name: str) -> GpTable:
    """The GP table of that name. Raises UnknownName."""
    return _pick(_gp_tables(), name, "GP table")


def gp_column(table: str, column: str) -> GpColumn:
    """A column of a GP table, named exactly as GP spells it. Raises UnknownName."""
    return _pick(gp_table(table).columns, column, f"column of {table}")


def gp_parameter(table: str, column: str) -> Parameter:
    """How a column of a GP table is written. Raises UnknownName when no procedure of ours writes it: a key, a total, a
    percentage (columns hold hundredths, parameters percent), or a table that is only read.
    """
    writes = _gp_writes().get(table)
    if writes is None or column not in writes["columns"]:
        raise UnknownName(f"GP365 can't write {column} of {table}")
    name, sql_type = writes["columns"][column]
    own, known = _gp_column(table, name, sql_type, ()), gp_column(table, column)
    lengths = [each.length for each in (own, known) if each.length is not None]
    ranges = [_WHOLE_NUMBERS[each.type] for each in (own, known) if each.type in _WHOLE_NUMBERS]
    digits, decimals = map(int, re.findall(r"\d+", sql_type)) if own.kind == "amount" else (0, 0)
    return Parameter(
        writes["procedure"],
        name,
        column,
        known.kind,
        length=min(lengths, default=None),
        low=max((low for low, _ in ranges), default=0),
        high=min((high for _, high in ranges), default=0),
        digits=digits - decimals,
        decimals=decimals,
    )


def dataverse_entity(name: str) -> Entity:
    """The Dataverse table of that logical name. Raises UnknownName."""
    return _pick(_entities(), name, "Dataverse table")


def dataverse_attribute(entity: str, name: str) -> Attribute:
    """A column of a Dataverse table, by logical names. Raises UnknownName."""
    return _pick(dataverse_entity(entity).attributes, name, f"column of {entity}")


def attribute(entity: str, name: str, description: dict[str, Any]) -> Attribute:
    """An `Attribute` from its description, in the words of Dataverse's metadata (`type`, `maxLength`, ...)."""
    kind = description["type"]
    low, high = _INT_RANGE if kind == "Integer" else (None, None)
    return Attribute(
        entity=entity,
        name=name,
        type=kind,
        max_length=description.get("maxLength"),
        minimum=description.get("minimumValue", low),
        maximum=description.get("maximumValue", high),
        decimals=description.get("precision", _DECIMALS.get(kind)),
        options=frozenset(int(value) for value in description.get("options", {})),
        read_only=description.get("readOnly", False),
        required=description.get("required", ""),
        date_only="DateOnly" in (description.get("format"), description.get("behavior")),
    )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean X?` for the nearest known name, or nothing."""
    by_lower = {each.lower(): each for each in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return f"; did you mean {by_lower[near[0]]}?" if near else ""


def _pick[T](known: dict[str, T], name: str, what: str) -> T:
    if name not in known:
        raise UnknownName(f"{name} is no {what}{did_you_mean(name, known)}")
    return known[name]


def _read(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(files("sync").joinpath("data", name).read_text("utf-8"))
    return data


@cache
def _gp_tables() -> dict[str, GpTable]:
    tables = {}
    for name, table in _read("gp-tables.json").items():
        key = tuple(table["key"])
        columns = {column: _gp_column(name, column, kind, key) for column, kind in table["columns"].items()}
        tables[name] = GpTable(name, key, columns)
    return tables


def _gp_column(table: str, name: str, sql_type: str, key: tuple[str, ...]) -> GpColumn:
    base, _, size = sql_type.partition("(")
    kind = _KINDS[base.split()[0]]
    length = int(re.sub(r"\D", "", size)) if kind == "text" and size else None
    return GpColumn(table, name, sql_type, kind, length, name in key)


@cache
def _gp_writes() -> dict[str, Any]:
    return _read("gp-writes.json")


@cache
def _entities() -> dict[str, Entity]:
    return {
        name: Entity(
            name,
            entity["set"],
            entity["id"],
            {each: attribute(name, each, described) for each, described in entity["attributes"].items()},
        )
        for name, entity in _read("dataverse-entities.json").items()
    }
