"""Aggregates and window functions. A \x01 parts the call from the conversion of its result, for OVER stands between them."""

from collections.abc import Sequence

from sqlglot import exp

from sandbox.tds.contract import SqlType
from sandbox.tsql.casts import cast, ci
from sandbox.tsql.errors import error
from sandbox.tsql.expressions import Expressions
from sandbox.tsql.functions.common import Maker, integer
from sandbox.tsql.kinds import BIGINT, FLOAT8, INT, family, postgres_type
from sandbox.tsql.scope import Expr


def _counter(kind: SqlType) -> Maker:
    def make(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
        pg = postgres_type(kind)
        node = nodes[0]
        if isinstance(node, exp.Star):
            return Expr(f"count(*)\x01::{pg}", kind, nullable=False, aggregate=True)
        if isinstance(node, exp.Distinct):
            return Expr(
                f"count(DISTINCT {ci(e.value(node.expressions[0]))})\x01::{pg}", kind, nullable=False, aggregate=True
            )
        return Expr(f"count({e.value(node).sql})\x01::{pg}", kind, nullable=False, aggregate=True)

    return make


def _inner(e: Expressions, node: exp.Expression) -> tuple[str, Expr]:
    if isinstance(node, exp.Distinct):
        return "DISTINCT ", e.value(node.expressions[0])
    return "", e.value(node)


def _sum(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    distinct, value = _inner(e, nodes[0])
    return _aggregate(f"sum({distinct}{value.sql})", _total_type(value.type, 0))


def _avg(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    distinct, value = _inner(e, nodes[0])
    kind = _total_type(value.type, 6)
    if family(kind) == "integer":
        # The average of whole numbers is cut, not rounded.
        return _aggregate(f"div(sum({distinct}{value.sql})::numeric, nullif(count({distinct}{value.sql}), 0))", kind)
    number = value.sql if kind.name == "float" else f"({value.sql})::numeric"
    return _aggregate(f"avg({distinct}{number})", kind)


def _total_type(kind: SqlType, least_scale: int) -> SqlType:
    if kind.name in {"numeric", "decimal"}:
        return SqlType("numeric", precision=38, scale=max(kind.scale, least_scale))
    if family(kind) in {"integer", "bit"}:
        return BIGINT if kind.name == "bigint" else INT
    if family(kind) == "exact":
        return SqlType("money")
    if family(kind) == "float":
        return FLOAT8
    raise error(8117, kind.name, "sum or avg")


def _aggregate(call: str, kind: SqlType) -> Expr:
    return Expr(f"{call}\x01::{postgres_type(kind)}", kind, aggregate=True)


def _extreme(word: str) -> Maker:
    def make(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
        _, value = _inner(e, nodes[0])
        return Expr(f"{word}({ci(value)})\x01", value.type, citext=family(value.type) == "text", aggregate=True)

    return make


def _ranking(word: str) -> Maker:
    def make(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
        arguments = integer(e, nodes[0]) if nodes else ""
        return Expr(f"{word}({arguments})\x01::int8", BIGINT, nullable=False)

    return make


def _neighbour(word: str) -> Maker:
    def make(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
        value = e.value(nodes[0])
        rest = [integer(e, nodes[1])] if len(nodes) > 1 else []
        rest += [cast(e.value(nodes[2]), value.type).sql] if len(nodes) > 2 else []
        return Expr(f"{word}({', '.join([value.sql, *rest])})\x01", value.type, citext=value.citext)

    return make


FUNCTIONS: dict[str, Maker] = {
    "COUNT": _counter(INT),
    "COUNT_BIG": _counter(BIGINT),
    "SUM": _sum,
    "AVG": _avg,
    "MIN": _extreme("min"),
    "MAX": _extreme("max"),
    "ROW_NUMBER": _ranking("row_number"),
    "RANK": _ranking("rank"),
    "DENSE_RANK": _ranking("dense_rank"),
    "NTILE": _ranking("ntile"),
    "LAG": _neighbour("lag"),
    "LEAD": _neighbour("lead"),
    "FIRST_VALUE": _neighbour("first_value"),
    "LAST_VALUE": _neighbour("last_value"),
}
