"""A record as it was read, as conditions of SQL: nothing is written when GP holds something else by now. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from sync.mapping import Join, Mapping
from sync.schema import gp_column
from sync.system import Record, Write
from sync.systems.gp.arguments import NO_DATE
from sync.systems.gp.normalise import STAMP
from sync.systems.gp.rows import conditions
from sync.systems.gp.statements import Parameter, misread
from sync.value import Value


@dataclass(frozen=True)
class Test:
    """A column that must hold just this: a text to the letter (`exact`), or a number or date as `type`."""

    column: str
    type: str
    how: Literal["exact", "bytes", "value"]
    value: Parameter


@dataclass(frozen=True)
class Joined:
    """A joined row: `on` its key columns and the customer's columns that name it, `where` the fixed ones. `absent`: it did
    not exist; else `tests` hold.
    """

    table: str
    on: Sequence[tuple[str, str]]
    where: Sequence[tuple[str, Parameter, str]]
    absent: bool
    tests: Sequence[Test] = ()


def own_tests(mapping: Mapping, write: Write) -> list[Test]:
    """What the record's own row must hold. Raises ValueError for a write that does not say what it was decided on."""
    version = write.seen.version if write.seen else write.version
    if not version and not write.seen:
        raise ValueError(f"the write of {write.id} does not say what was seen")
    stamp = [Test(STAMP, "datetime", "value", version)] if version else []
    return [*stamp, *_tests(mapping.gp.table, _values(mapping, write.seen, ""))]


def joined_rows(mapping: Mapping, seen: Record | None) -> dict[str, Joined]:
    """What each joined row must hold, by alias."""
    if seen is None:
        return {}
    joins = {alias: join for alias, join in mapping.gp.joins.items() if alias in mapping.reads}
    return {alias: joined_row(join, _values(mapping, seen, alias)) for alias, join in joins.items()}


def joined_row(join: Join, values: Iterable[tuple[str, Value]] = ()) -> Joined:
    """A joined row that held `values`. One whose values are all None did not exist: GP's own are never NULL."""
    held = list(values)
    absent = all(value is None for _, value in held)
    return Joined(
        join.table, list(join.on.items()), conditions(join), absent, () if absent else _tests(join.table, held)
    )


def _values(mapping: Mapping, seen: Record | None, alias: str) -> list[tuple[str, Value]]:
    if seen is None:
        return []
    parts = [(path.rpartition("."), value) for path, value in seen.values.items()]
    return [(column, value) for (of, _, column), value in parts if of == alias and column in mapping.reads[alias]]


def _tests(table: str, values: Iterable[tuple[str, Value]]) -> list[Test]:
    return [_test(table, column, value) for column, value in values]


def _test(table: str, column: str, value: Value) -> Test:
    known = gp_column(table, column)
    if isinstance(value, str):
        sql_type = "varchar(max)" if known.type == "text" else known.type
        if misread(value) and known.length:
            return Test(column, f"varbinary({known.length})", "bytes", _padded(value, known.length))
        return Test(column, sql_type, "exact", value)
    if value is None or isinstance(value, date):
        return Test(column, "datetime", "value", _moment(value))
    return Test(column, known.type, "value", value if isinstance(value, Decimal) else int(value))


def _padded(text: str, length: int) -> str:
    return text.encode("cp1252", "replace").ljust(length)[:length].hex().upper()


def _moment(value: date | None) -> str:
    if value is None:
        return NO_DATE
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)  # noqa: DTZ001
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds")
