"""The + - * / of text and numbers."""

from sandbox.tds.contract import SqlType
from sandbox.tsql.casts import common_type, numeric_shape, padded
from sandbox.tsql.errors import error
from sandbox.tsql.kinds import BIT, INT, UNICODE, family, postgres_type
from sandbox.tsql.scope import Expr


def replace_name(kind: SqlType) -> SqlType:
    """The variable-length twin of a text type."""
    if family(kind) != "text":
        return SqlType("varchar", 30)
    return SqlType("nvarchar" if kind.name in UNICODE else "varchar", kind.length)


def concatenate(left: Expr, right: Expr) -> Expr:
    """Text + text: the padding of char(n) stays. SqlError 402 for text and ntext."""
    if {left.type.name, right.type.name} & {"text", "ntext"}:
        raise error(402, left.type.name, right.type.name, "add")
    wide = left.type.name in UNICODE or right.type.name in UNICODE
    most = 4000 if wide else 8000
    length = (
        None
        if left.type.length is None or right.type.length is None
        else min(most, left.type.length + right.type.length)
    )
    kind = SqlType("nvarchar" if wide else "varchar", length)
    return Expr(f"({padded(left)} || {padded(right)})", kind, nullable=left.nullable or right.nullable)


def reckon(sign: str, left: Expr, right: Expr) -> Expr:
    """Arithmetic between numbers, with the precision and scale SQL Server gives the result."""
    nullable = left.nullable or right.nullable
    kind = _number_type(sign, left.type, right.type)
    if family(kind) in {"integer", "float"}:
        pg = postgres_type(kind)
        sides = f"({left.sql})::{pg} {sign} ({right.sql})::{pg}"
        return Expr(f"({sides})", kind, nullable=nullable)
    if sign == "/":
        # SQL Server cuts the digits beyond the scale; the extra ones make PostgreSQL compute that far.
        sql = f"trunc(round(({left.sql})::numeric, {kind.scale + 2}) / ({right.sql})::numeric, {kind.scale})"
    else:
        sql = f"(({left.sql})::numeric {sign} ({right.sql})::numeric)"
    return Expr(f"({sql})::{postgres_type(kind)}", kind, nullable=nullable)


def _number_type(sign: str, a: SqlType, b: SqlType) -> SqlType:
    if "float" in {family(a), family(b)}:
        return SqlType("float")
    if {family(a), family(b)} <= {"integer", "bit"}:
        kind = common_type([a, b])
        return INT if kind == BIT else SqlType(kind.name)
    if {a.name, b.name} & {"money", "smallmoney"} and not {a.name, b.name} & {"numeric", "decimal"}:
        return SqlType("money")
    (p1, s1), (p2, s2) = numeric_shape(a), numeric_shape(b)
    if sign == "*":
        return _capped(p1 + p2 + 1, s1 + s2)
    if sign == "/":
        scale = max(6, s1 + p2 + 1)
        return _capped(p1 - s1 + s2 + scale, scale)
    if sign == "%":
        scale = max(s1, s2)
        return _capped(min(p1 - s1, p2 - s2) + scale, scale)
    scale = max(s1, s2)
    return _capped(max(p1 - s1, p2 - s2) + scale + 1, scale)


def _capped(precision: int, scale: int) -> SqlType:
    if precision > 38:
        scale = max(min(scale, 6), scale - (precision - 38))
        precision = 38
    return SqlType("numeric", precision=precision, scale=scale)
