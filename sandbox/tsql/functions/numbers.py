"""Functions that choose and reckon."""

from collections.abc import Sequence

from sqlglot import exp

from sandbox.tds.contract import SqlType
from sandbox.tsql.casts import align, as_text, cast, ci, common_type
from sandbox.tsql.expressions import Expressions
from sandbox.tsql.functions.common import Maker, count, integer
from sandbox.tsql.kinds import FLOAT8, INT, is_number, postgres_type
from sandbox.tsql.scope import Expr


def _isnull(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    count("isnull", nodes, 2)
    first, second = e.values(nodes)
    if first.null:
        return second
    kind = first.type
    return Expr(f"coalesce({first.sql}, {cast(second, kind).sql})", kind, nullable=second.nullable)


def _coalesce(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    values = e.values(nodes)
    kind = common_type([value.type for value in values if not value.null] or [INT])
    return Expr(
        f"coalesce({', '.join(cast(value, kind).sql for value in values)})",
        kind,
        nullable=all(v.nullable for v in values),
    )


def _nullif(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    count("nullif", nodes, 2)
    first, second = e.values(nodes)
    left, right = align(first, second)
    return Expr(f"CASE WHEN {ci(left)} = {ci(right)} THEN NULL ELSE {first.sql} END", first.type)


def _iif(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    count("iif", nodes, 3)
    branch = exp.If(this=nodes[0].copy(), true=nodes[1].copy())
    return e.value(exp.Case(ifs=[branch], default=nodes[2].copy()))


def _choose(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    values = e.values(nodes[1:])
    kind = common_type([value.type for value in values if not value.null])
    tests = " ".join(f"WHEN {n + 1} THEN {cast(value, kind).sql}" for n, value in enumerate(values))
    return Expr(f"CASE {integer(e, nodes[0])} {tests} END", kind)


def _abs(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    value = _numeric(e.value(nodes[0]))
    return Expr(f"abs({value.sql})", value.type)


def _numeric(value: Expr) -> Expr:
    return value if is_number(value.type) else cast(value, FLOAT8)


def _round(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    count("round", nodes, 2, 3)
    value, digits = _numeric(e.value(nodes[0])), integer(e, nodes[1])
    cut = (
        f"CASE WHEN {integer(e, nodes[2])} = 0 THEN round(X, {digits}) ELSE trunc(X, {digits}) END"
        if len(nodes) > 2
        else f"round(X, {digits})"
    )
    return Expr(f"({cut.replace('X', f'({value.sql})::numeric')})::{postgres_type(value.type)}", value.type)


def _floor(word: str) -> Maker:
    def make(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
        value = _numeric(e.value(nodes[0]))
        kind = (
            SqlType("numeric", precision=value.type.precision)
            if value.type.name in {"numeric", "decimal"}
            else value.type
        )
        return Expr(f"{word}({value.sql})::{postgres_type(kind)}", kind)

    return make


def _sign(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    value = _numeric(e.value(nodes[0]))
    return Expr(f"sign({value.sql})::{postgres_type(value.type)}", value.type)


def _isnumeric(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    return Expr(f"tsql.can_float({as_text(e.value(nodes[0]))}, 'float')::int", INT)


FUNCTIONS: dict[str, Maker] = {
    "ISNULL": _isnull,
    "COALESCE": _coalesce,
    "NULLIF": _nullif,
    "IIF": _iif,
    "CHOOSE": _choose,
    "ABS": _abs,
    "ROUND": _round,
    "FLOOR": _floor("floor"),
    "CEILING": _floor("ceil"),
    "SIGN": _sign,
    "ISNUMERIC": _isnumeric,
}
