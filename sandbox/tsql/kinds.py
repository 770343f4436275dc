"""SQL Server's types: their families, what PostgreSQL keeps them in, and the type of a Python value."""

import uuid
from datetime import date, datetime, time
from decimal import Decimal

from sandbox.tds.contract import SqlType

TEXT = {"char", "varchar", "nchar", "nvarchar", "text", "ntext"}
FIXED = {"char", "nchar"}
UNICODE = {"nchar", "nvarchar", "ntext"}
INTEGER = {
    "tinyint": (0, 255),
    "smallint": (-(2**15), 2**15 - 1),
    "int": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
}
EXACT = {"numeric", "decimal", "money", "smallmoney"}
FLOAT = {"float", "real"}
MOMENT = {"datetime", "smalldatetime", "datetime2", "date", "time", "datetimeoffset"}
# Holds more than the ticks of datetime.
FINE = {"datetime2", "datetimeoffset", "time"}
BINARY = {"binary", "varbinary", "image", "timestamp", "rowversion"}

KNOWN = {*TEXT, *INTEGER, *EXACT, *FLOAT, *MOMENT, *BINARY, "bit", "uniqueidentifier", "sql_variant"}

INT = SqlType("int")
BIGINT = SqlType("bigint")
BIT = SqlType("bit")
FLOAT8 = SqlType("float")
DATETIME = SqlType("datetime")
VARIANT = SqlType("sql_variant")
NVARCHAR_MAX = SqlType("nvarchar")

_PG = {
    "tinyint": "int2", "smallint": "int2", "int": "int4", "bigint": "int8", "bit": "int2", "float": "float8",
    "real": "float4", "datetime": "timestamp", "smalldatetime": "timestamp", "datetime2": "timestamp",
    "datetimeoffset": "timestamptz", "date": "date", "time": "time", "uniqueidentifier": "uuid",
    "money": "numeric(19,4)", "smallmoney": "numeric(10,4)", "sql_variant": "text",
}  # fmt: skip


def family(kind: SqlType) -> str:
    """text, integer, bit, exact, float, moment, binary, uuid or variant."""
    name = kind.name
    for group, names in (
        ("text", TEXT),
        ("integer", INTEGER),
        ("exact", EXACT),
        ("float", FLOAT),
        ("moment", MOMENT),
        ("binary", BINARY),
    ):
        if name in names:
            return group
    return {"bit": "bit", "uniqueidentifier": "uuid"}.get(name, "variant")


def is_number(kind: SqlType) -> bool:
    return family(kind) in {"integer", "exact", "float", "bit"}


def starred(source: SqlType, target: SqlType) -> bool:
    """Whether a number of type `source` too long for the text type `target` becomes `*`; else it is error 8115."""
    return source.name in {"int", "smallint", "tinyint"} and target.name not in UNICODE


def postgres_type(kind: SqlType) -> str:
    """The PostgreSQL type of an expression; columns of text are citext."""
    if kind.name in TEXT:
        return "text"
    if kind.name in {"numeric", "decimal"}:
        return f"numeric({kind.precision},{kind.scale})"
    if kind.name in BINARY:
        return "bytea"
    return _PG[kind.name]


def precision_scale(kind: SqlType) -> tuple[int, int]:
    return {"money": (19, 4), "smallmoney": (10, 4)}.get(kind.name, (kind.precision, kind.scale))


def type_of(value: object) -> SqlType:
    """The type SQL Server would give a Python value."""
    if isinstance(value, bool):
        return BIT
    if isinstance(value, int):
        return INT if -(2**31) <= value < 2**31 else BIGINT
    if isinstance(value, Decimal):
        _, digits, exponent = value.as_tuple()
        scale = max(0, -int(exponent))
        return SqlType("numeric", precision=max(len(digits), scale, 1), scale=scale)
    if isinstance(value, str):
        return SqlType("nvarchar", len(value) or 1) if len(value) <= 4000 else NVARCHAR_MAX
    simple = {
        float: FLOAT8,
        datetime: DATETIME,
        date: SqlType("date"),
        time: SqlType("time", scale=7),
        uuid.UUID: SqlType("uniqueidentifier"),
    }
    if type(value) in simple:
        return simple[type(value)]
    return SqlType("varbinary", len(value) or 1) if isinstance(value, bytes | bytearray) else INT
