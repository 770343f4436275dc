"""Dates and times."""

from collections.abc import Callable, Sequence

from sqlglot import exp

from sandbox.tds.contract import SqlType
from sandbox.tsql.casts import cast
from sandbox.tsql.expressions import Expressions
from sandbox.tsql.functions.common import Maker, as_timestamp, count, date_part, integer, moment
from sandbox.tsql.kinds import BIGINT, DATETIME, INT
from sandbox.tsql.scope import Expr


def _now(sql: str, kind: SqlType) -> Callable[[Expressions, Sequence[exp.Expression]], Expr]:
    def make(e: Expressions, nodes: Sequence[exp.Expression] = ()) -> Expr:  # noqa: ARG001
        return Expr(sql, kind, nullable=False)

    return make


_UTC2 = "(tsql.now() AT TIME ZONE 'UTC')"


def _dateadd(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    count("dateadd", nodes, 3)
    part, value = date_part(nodes[0]), moment(e.value(nodes[2]))
    unit = {"weekday": "day", "dayofyear": "day"}.get(part, part)
    amount = cast(e.value(nodes[1]), BIGINT).sql
    return cast(
        Expr(f"tsql.dateadd('{unit}', {amount}, {as_timestamp(value)})", SqlType("datetime2", scale=6)), value.type
    )


def _datediff(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    count("datediff", nodes, 3)
    part = {"weekday": "day", "dayofyear": "day"}.get(date_part(nodes[0]), date_part(nodes[0]))
    start, end = (as_timestamp(moment(e.value(node))) for node in nodes[1:])
    return Expr(f"tsql.datediff('{part}', {start}, {end})", INT)


def _datepart(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    count("datepart", nodes, 2)
    return Expr(f"tsql.datepart('{date_part(nodes[0])}', {as_timestamp(moment(e.value(nodes[1])))})", INT)


def _datename(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    count("datename", nodes, 2)
    return Expr(
        f"tsql.datename('{date_part(nodes[0])}', {as_timestamp(moment(e.value(nodes[1])))})", SqlType("nvarchar", 30)
    )


def _named_part(part: str) -> Maker:
    def make(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
        count(part, nodes, 1)
        return Expr(f"tsql.datepart('{part}', {as_timestamp(moment(e.value(nodes[0])))})", INT)

    return make


def _eomonth(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    value = as_timestamp(moment(e.value(nodes[0])))
    months = integer(e, nodes[1]) if len(nodes) > 1 else "0"
    return Expr(
        f"(date_trunc('month', {value}) + ({months} + 1) * interval '1 month' - interval '1 day')::date",
        SqlType("date"),
    )


FUNCTIONS: dict[str, Maker] = {
    "GETUTCDATE": _now("tsql.getutcdate()", DATETIME),
    "GETDATE": _now("tsql.getdate()", DATETIME),
    "SYSUTCDATETIME": _now(_UTC2, SqlType("datetime2", scale=7)),
    "SYSDATETIME": _now("tsql.now()::timestamp", SqlType("datetime2", scale=7)),
    "DATEADD": _dateadd,
    "DATEDIFF": _datediff,
    "DATEPART": _datepart,
    "DATENAME": _datename,
    "YEAR": _named_part("year"),
    "MONTH": _named_part("month"),
    "DAY": _named_part("day"),
    "EOMONTH": _eomonth,
}
