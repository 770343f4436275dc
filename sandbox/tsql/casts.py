"""Conversions between SQL Server types, as PostgreSQL expressions."""

from dataclasses import replace

from sandbox.tds.contract import SqlType
from sandbox.tsql.errors import Unsupported, error
from sandbox.tsql.kinds import (
    BINARY,
    FINE,
    FIXED,
    TEXT,
    UNICODE,
    family,
    is_number,
    postgres_type,
    precision_scale,
    starred,
)
from sandbox.tsql.scope import Expr

_RANK = [
    "sql_variant", "datetimeoffset", "datetime2", "datetime", "smalldatetime", "date", "time", "float", "real", "decimal", "numeric",
    "money", "smallmoney", "bigint", "int", "smallint", "tinyint", "bit", "ntext", "text", "image", "uniqueidentifier", "nvarchar",
    "nchar", "varchar", "char", "varbinary", "binary",
]  # fmt: skip
_DIGITS = {"bigint": 19, "int": 10, "smallint": 5, "tinyint": 3, "bit": 1}


def numeric_shape(kind: SqlType) -> tuple[int, int]:
    """The precision and scale a number counts as in arithmetic."""
    return (kind.precision or _DIGITS[kind.name], 0) if kind.name in _DIGITS else precision_scale(kind)


def common_type(kinds: list[SqlType]) -> SqlType:
    """The type SQL Server gives CASE, COALESCE and UNION over these."""
    result = kinds[0]
    for kind in kinds[1:]:
        result = _common(result, kind)
    return result


def _common(a: SqlType, b: SqlType) -> SqlType:
    if a == b:
        return a
    winner, loser = (a, b) if _RANK.index(a.name) <= _RANK.index(b.name) else (b, a)
    if winner.name in TEXT | BINARY and loser.name in TEXT | BINARY:
        longest = None if a.length is None or b.length is None else max(a.length, b.length)
        return SqlType(winner.name, longest)
    if winner.name in {"numeric", "decimal"} and (loser.name in _DIGITS or family(loser) == "exact"):
        (p1, s1), (p2, s2) = numeric_shape(a), numeric_shape(b)
        scale = max(s1, s2)
        return SqlType("numeric", precision=min(38, max(p1 - s1, p2 - s2) + scale), scale=scale)
    return SqlType(winner.name) if winner.name in _DIGITS else winner


def padded(expr: Expr) -> str:
    """The text of a string expression with the blanks of its char(n) type."""
    sql = expr.sql if not expr.citext else f"{expr.sql}::text"
    return f"rpad({sql}, {expr.type.length})" if expr.type.name in FIXED and expr.type.length else sql


def cast(expr: Expr, kind: SqlType, style: int = 0) -> Expr:
    """CAST: text is cut silently, numbers rounded half away from zero (cut towards zero for integers)."""
    if expr.null:
        return Expr(f"NULL::{postgres_type(kind)}", kind, null=True)
    if expr.binder and expr.binder.target is None and style == 0 and kind.name != "sql_variant":
        expr.binder.target = kind
        return replace(expr, sql=f"{expr.sql.partition('::')[0]}::{postgres_type(kind)}", type=kind, binder=None)
    source, target = family(expr.type), family(kind)
    if target == "variant":
        return replace(expr, type=kind, sql=f"({expr.sql})::text", binder=None)
    maker = _MAKERS.get(target)
    if maker is None or source == "variant":
        raise Unsupported(f"conversion from {expr.type.name} to {kind.name}")
    return Expr(maker(expr, source, kind, style), kind, nullable=expr.nullable, exact_case=expr.exact_case)


def _text(expr: Expr, source: str, kind: SqlType, style: int) -> str:
    sql = as_text(expr, style)
    if source == "text" and expr.type.name in UNICODE and kind.name not in UNICODE:
        sql = f"tsql.code_page({sql})"
    if kind.length is not None and is_number(expr.type):
        return f"tsql.number_text({sql}, {kind.length}, '{kind.name}', {starred(expr.type, kind)})"
    if kind.length is not None and not (
        source == "text" and expr.type.length is not None and expr.type.length <= kind.length
    ):
        sql = f"left({sql}, {kind.length})"
    return f"rtrim({sql}, ' ')" if kind.name in FIXED else sql


def as_text(expr: Expr, style: int = 0) -> str:
    """The expression as SQL Server writes it as text, padding included."""
    source = family(expr.type)
    if source == "text":
        return padded(expr)
    if source == "moment":
        group = "datetime" if expr.type.name == "smalldatetime" else expr.type.name
        moment = f"(date '1900-01-01' + {expr.sql})" if expr.type.name == "time" else f"({expr.sql})::timestamp"
        default = {"datetime2": 121, "date": 121, "time": 121}.get(expr.type.name, 0)
        return f"tsql.moment_text({moment}, {style or default}, '{group}')"
    if source == "binary":
        hexed = f"upper(encode({expr.sql}, 'hex'))"
        return {1: f"('0x' || {hexed})", 2: hexed}.get(style, f"tsql.text_of({expr.sql})")
    if source == "uuid":
        return f"upper(({expr.sql})::text)"
    if expr.type.name in {"money", "smallmoney"}:
        return f"round({expr.sql}, 2)::text"
    return f"({expr.sql})::text"


def _integer(expr: Expr, source: str, kind: SqlType, style: int) -> str:
    if source == "text":
        sql = f"tsql.to_int({padded(expr)}, '{kind.name}')"
    elif source in {"exact", "float"}:
        sql = f"trunc({expr.sql})"
    elif source in {"integer", "bit"}:
        sql = f"({expr.sql})"
    elif source == "binary" and style == 0:
        sql = f"tsql.binary_int({expr.sql})"
    else:
        raise error(257, expr.type.name, kind.name)
    return f"tsql.to_tinyint({sql}::int8)" if kind.name == "tinyint" else f"{sql}::{postgres_type(kind)}"


def _bit(expr: Expr, source: str, kind: SqlType, style: int) -> str:  # noqa: ARG001
    return f"tsql.to_bit({padded(expr)})" if source == "text" else f"(({expr.sql}) <> 0)::int::int2"


def _exact(expr: Expr, source: str, kind: SqlType, style: int) -> str:  # noqa: ARG001
    if source == "text":
        name = "money" if kind.name in {"money", "smallmoney"} else kind.name
        return f"tsql.to_exact({padded(expr)}, '{name}')::{postgres_type(kind)}"
    if source == "moment":
        raise error(257, expr.type.name, kind.name)
    return f"({expr.sql})::{'numeric::' if source == 'float' else ''}{postgres_type(kind)}"


def _float(expr: Expr, source: str, kind: SqlType, style: int) -> str:  # noqa: ARG001
    return f"tsql.to_float({padded(expr)})" if source == "text" else f"({expr.sql})::{postgres_type(kind)}"


def _moment(expr: Expr, source: str, kind: SqlType, style: int) -> str:  # noqa: ARG001
    if source == "text":
        name = "datetime" if kind.name == "smalldatetime" else kind.name
        sql = f"tsql.to_moment({padded(expr)}, '{name}')"
        return sql if kind.name == "datetime" else _narrow(sql, kind)
    if source in {"integer", "exact", "float", "bit"} and kind.name in {"datetime", "smalldatetime"}:
        return f"tsql.to_datetime(timestamp '1900-01-01' + ({expr.sql})::float8 * interval '1 day')"
    if source != "moment":
        raise error(206, expr.type.name, kind.name)
    sql = f"(date '1900-01-01' + {expr.sql})" if expr.type.name == "time" else f"({expr.sql})::timestamp"
    if expr.type.name == "datetime" and kind.name in FINE:
        sql = f"tsql.fine({sql})"
    return _narrow(sql, kind)


def _narrow(sql: str, kind: SqlType) -> str:
    if kind.name == "datetime":
        return f"tsql.to_datetime({sql})"
    if kind.name == "smalldatetime":
        return f"date_trunc('minute', {sql} + interval '30 seconds')"
    if kind.name in {"date", "time"}:
        return f"({sql})::{kind.name}"
    return f"({sql})::timestamp({min(kind.scale, 6)})"


def _binary(expr: Expr, source: str, kind: SqlType, style: int) -> str:  # noqa: ARG001
    if source == "text":
        sql = f"tsql.{'utf16' if expr.type.name in UNICODE else 'bytes'}({padded(expr)})"
    elif source == "binary":
        sql = expr.sql
    elif source in {"integer", "bit"}:
        sql = f"int{8 if expr.type.name == 'bigint' else 4}send({expr.sql})"
    else:
        raise Unsupported(f"conversion from {expr.type.name} to {kind.name}")
    return f"substring({sql} FROM 1 FOR {kind.length})" if kind.length else sql


def _uuid(expr: Expr, source: str, kind: SqlType, style: int) -> str:  # noqa: ARG001
    return f"tsql.to_uuid({padded(expr)})" if source == "text" else f"({expr.sql})::uuid"


_MAKERS = {
    "text": _text, "integer": _integer, "bit": _bit, "exact": _exact, "float": _float, "moment": _moment, "binary": _binary,
    "uuid": _uuid,
}  # fmt: skip


def store(expr: Expr, kind: SqlType) -> str:
    """The expression as a value for a column of type `kind`: too long text or binary is error 8152."""
    group = family(kind)
    if expr.null:
        return "NULL"
    if group == "binary" and family(expr.type) == "text":
        raise error(257, expr.type.name, kind.name)
    if group not in {"text", "binary"}:
        return cast(expr, kind).sql
    sql = as_text(expr) if group == "text" else cast(expr, SqlType("varbinary")).sql
    if group == "text" and kind.length is None:
        wide = kind.name in UNICODE
        return f"{sql if wide else f'tsql.code_page({sql})'}::citext"
    if kind.length is None:
        return sql
    return f"tsql.put_{kind.name}({sql}, {kind.length})"


def ci(expr: Expr) -> str:
    """The expression in the form in which PostgreSQL compares, groups and sorts it as SQL Server does."""
    if expr.type.name in {"text", "ntext", "image"}:
        raise error(306)
    if family(expr.type) != "text":
        return expr.sql
    if expr.exact_case:
        return f"(rtrim(({expr.sql})::text, ' ') COLLATE \"C\")"
    if expr.binder:
        expr.binder.trim = True
        return f"{expr.sql.partition('::')[0]}::citext"
    if expr.type.name in FIXED:
        return expr.sql if expr.citext else f"({expr.sql})::citext"
    return f"rtrim(({expr.sql})::text, ' ')::citext"


def align(left: Expr, right: Expr) -> tuple[Expr, Expr]:
    """Both sides brought to the type in which SQL Server compares them."""
    a, b = family(left.type), family(right.type)
    if left.null or right.null or (a == b and a != "moment"):
        exact = left.exact_case or right.exact_case
        return (replace(left, exact_case=exact), replace(right, exact_case=exact)) if a == "text" else (left, right)
    if {a, b} <= {"integer", "exact", "float", "bit"}:
        return left, right
    kind = common_type([left.type, right.type])
    if {a, b} == {"moment"} and not (kind.name in FINE and "datetime" in {left.type.name, right.type.name}):
        return left, right
    same = family(kind) != "moment"
    left, right = (
        side if side.type == kind or (same and family(side.type) == family(kind)) else cast(side, kind)
        for side in (left, right)
    )
    return left, right
