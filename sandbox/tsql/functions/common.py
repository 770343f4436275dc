"""What the functions share."""

from collections.abc import Callable, Sequence

from sqlglot import exp

from sandbox.tds.contract import SqlType
from sandbox.tsql.casts import cast
from sandbox.tsql.compilation import bare_name
from sandbox.tsql.errors import error
from sandbox.tsql.expressions import Expressions
from sandbox.tsql.kinds import DATETIME, INT, family
from sandbox.tsql.scope import Expr

Maker = Callable[[Expressions, Sequence[exp.Expression]], Expr]
SYSNAME = SqlType("nvarchar", 128)
NUMERIC38 = SqlType("numeric", precision=38)

PARTS = {
    "year": "year", "yy": "year", "yyyy": "year", "quarter": "quarter", "qq": "quarter", "q": "quarter", "month": "month", "mm": "month",
    "m": "month", "dayofyear": "dayofyear", "dy": "dayofyear", "y": "dayofyear", "day": "day", "dd": "day", "d": "day", "week": "week",
    "wk": "week", "ww": "week", "weekday": "weekday", "dw": "weekday", "hour": "hour", "hh": "hour", "minute": "minute", "mi": "minute",
    "n": "minute", "second": "second", "ss": "second", "s": "second", "millisecond": "millisecond", "ms": "millisecond",
    "microsecond": "microsecond", "mcs": "microsecond", "iso_week": "iso_week", "isowk": "iso_week",
}  # fmt: skip


def count(name: str, nodes: Sequence[exp.Expression], least: int, most: int | None = None) -> None:
    """SqlError 174 unless there are so many arguments."""
    if not least <= len(nodes) <= (most or least):
        raise error(174, name.lower(), least)


def date_part(node: exp.Expression) -> str:
    """A date part under its full name; SqlError 155 for an unknown one."""
    name = bare_name(node).lower()
    if name not in PARTS:
        raise error(155, name, "datepart")
    return PARTS[name]


def moment(value: Expr) -> Expr:
    """The value as a date or time; text becomes datetime."""
    if family(value.type) == "moment":
        return value
    return cast(value, DATETIME)


def as_timestamp(value: Expr) -> str:
    """PostgreSQL timestamp of any date or time."""
    return f"(date '1900-01-01' + {value.sql})" if value.type.name == "time" else f"({value.sql})::timestamp"


def integer(e: Expressions, node: exp.Expression) -> str:
    """An argument as int."""
    return cast(e.value(node), INT).sql
