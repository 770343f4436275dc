"""T-SQL's functions: each compiles to typed PostgreSQL, or to a value the session supplies."""

from collections.abc import Callable, Sequence

from sqlglot import exp

from sandbox.tds.contract import SqlType
from sandbox.tsql.casts import align, as_text, cast, ci, common_type, numeric_shape
from sandbox.tsql.errors import Unsupported, error
from sandbox.tsql.expressions import Expressions, bare_name, replace_name
from sandbox.tsql.json_paths import json_path
from sandbox.tsql.scope import Expr
from sandbox.tsql.values import BIGINT, DATETIME, FIXED, FLOAT8, INT, UNICODE, VARIANT, family, is_number, postgres_type

Maker = Callable[[Expressions, Sequence[exp.Expression]], Expr]
_SYSNAME = SqlType("nvarchar", 128)
_NUMERIC38 = SqlType("numeric", precision=38)

GLOBALS: dict[str, SqlType] = {
    "@@rowcount": INT, "@@error": INT, "@@trancount": INT, "@@identity": _NUMERIC38, "@@spid": SqlType("smallint"),
    "@@servername": _SYSNAME, "@@version": SqlType("nvarchar", 300), "@@lock_timeout": INT, "@@nestlevel": INT, "@@options": INT,
    "@@language": _SYSNAME, "@@max_precision": SqlType("tinyint"), "@@servicename": _SYSNAME, "@@microsoftversion": INT,
    "@@textsize": INT, "@@datefirst": SqlType("tinyint"),
}  # fmt: skip

_PARTS = {
    "year": "year", "yy": "year", "yyyy": "year", "quarter": "quarter", "qq": "quarter", "q": "quarter", "month": "month", "mm": "month",
    "m": "month", "dayofyear": "dayofyear", "dy": "dayofyear", "y": "dayofyear", "day": "day", "dd": "day", "d": "day", "week": "week",
    "wk": "week", "ww": "week", "weekday": "weekday", "dw": "weekday", "hour": "hour", "hh": "hour", "minute": "minute", "mi": "minute",
    "n": "minute", "second": "second", "ss": "second", "s": "second", "millisecond": "millisecond", "ms": "millisecond",
    "microsecond": "microsecond", "mcs": "microsecond", "iso_week": "iso_week", "isowk": "iso_week",
}  # fmt: skip


def _count(name: str, nodes: Sequence[exp.Expression], least: int, most: int | None = None) -> None:
    if not least <= len(nodes) <= (most or least):
        raise error(174, name.lower(), least)


def _part(node: exp.Expression) -> str:
    name = bare_name(node).lower()
    if name not in _PARTS:
        raise error(155, name, "datepart")
    return _PARTS[name]


def _moment(value: Expr) -> Expr:
    if family(value.type) == "moment":
        return value
    return cast(value, DATETIME)


def _as_timestamp(value: Expr) -> str:
    return f"(date '1900-01-01' + {value.sql})" if value.type.name == "time" else f"({value.sql})::timestamp"


def _integer(e: Expressions, node: exp.Expression) -> str:
    return cast(e.value(node), INT).sql


def _nullable(*values: Expr) -> bool:
    return any(value.nullable for value in values)


# Text -------------------------------------------------------------------------------------------


def _text_function(pg: str) -> Maker:
    def make(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
        _count(pg, nodes, 1)
        value = e.value(nodes[0])
        return Expr(pg.format(as_text(value)), replace_name(value.type), nullable=value.nullable)

    return make


def _rtrim(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    _count("rtrim", nodes, 1)
    value = e.value(nodes[0])
    kind = replace_name(value.type)
    if value.type.name in FIXED:
        return Expr(f"({value.sql})::text", kind, nullable=value.nullable)
    return Expr(f"rtrim({as_text(value)}, ' ')", kind, nullable=value.nullable)


def _len(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    _count("len", nodes, 1)
    value = e.value(nodes[0])
    return Expr(f"length(rtrim({as_text(value)}, ' '))", INT, nullable=value.nullable)


def _datalength(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    value = e.value(nodes[0])
    group = family(value.type)
    if group == "text":
        size = f"length({as_text(value)})" + (" * 2" if value.type.name in UNICODE else "")
    elif group == "binary":
        size = f"octet_length({value.sql})"
    else:
        widths = {
            "int": 4,
            "bigint": 8,
            "smallint": 2,
            "tinyint": 1,
            "bit": 1,
            "datetime": 8,
            "float": 8,
            "money": 8,
            "date": 3,
            "uniqueidentifier": 16,
        }
        width = widths.get(value.type.name) or (
            5 if numeric_shape(value.type)[0] <= 9 else 9 if numeric_shape(value.type)[0] <= 19 else 13
        )
        size = f"CASE WHEN ({value.sql}) IS NOT NULL THEN {width} END"
    return Expr(f"({size})::int", INT)


def _left(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    _count("left", nodes, 2)
    value = e.value(nodes[0])
    return Expr(f"tsql.leftmost({as_text(value)}, {_integer(e, nodes[1])})", replace_name(value.type))


def _right(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    _count("right", nodes, 2)
    value = e.value(nodes[0])
    return Expr(f"right({as_text(value)}, greatest({_integer(e, nodes[1])}, 0))", replace_name(value.type))


def _substring(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    _count("substring", nodes, 3)
    value = e.value(nodes[0])
    start, length = _integer(e, nodes[1]), _integer(e, nodes[2])
    if family(value.type) == "binary":
        return Expr(f"substring({value.sql} FROM {start} FOR {length})", value.type)
    return Expr(f"tsql.substring({as_text(value)}, {start}, {length})", replace_name(value.type))


def _replace(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    _count("replace", nodes, 3)
    values = e.values(nodes)
    wide = any(value.type.name in UNICODE for value in values)
    return Expr(
        f"tsql.replace({', '.join(as_text(value) for value in values)})",
        SqlType("nvarchar" if wide else "varchar", 4000 if wide else 8000),
    )


def _charindex(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    _count("charindex", nodes, 2, 3)
    start = _integer(e, nodes[2]) if len(nodes) > 2 else "1"
    return Expr(f"tsql.charindex({as_text(e.value(nodes[0]))}, {as_text(e.value(nodes[1]))}, {start})", INT)


def _stuff(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    _count("stuff", nodes, 4)
    text, new = e.value(nodes[0]), e.value(nodes[3])
    return Expr(
        f"overlay({as_text(text)} PLACING {as_text(new)} FROM {_integer(e, nodes[1])} FOR {_integer(e, nodes[2])})",
        SqlType("varchar", 8000),
    )


def _concat(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    if len(nodes) < 2:
        raise error(174, "concat", 2)
    values = e.values(nodes)
    wide = any(value.type.name in UNICODE for value in values)
    texts = ", ".join("''" if value.null else as_text(value) for value in values)
    return Expr(f"concat({texts})", SqlType("nvarchar" if wide else "varchar", 4000 if wide else 8000), nullable=False)


def _concat_ws(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    values = e.values(nodes)
    return Expr(
        f"concat_ws({', '.join(as_text(value) for value in values)})", SqlType("nvarchar", 4000), nullable=False
    )


def _replicate(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    _count("replicate", nodes, 2)
    return Expr(f"repeat({as_text(e.value(nodes[0]))}, {_integer(e, nodes[1])})", SqlType("varchar", 8000))


def _space(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    return Expr(f"repeat(' ', {_integer(e, nodes[0])})", SqlType("varchar", 8000))


def _char(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    code = _integer(e, nodes[0])
    return Expr(
        f"CASE WHEN {code} BETWEEN 1 AND 255 THEN convert_from(set_byte('\\x00'::bytea, 0, {code}), 'WIN1252') END",
        SqlType("char", 1),
    )


def _nchar(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    return Expr(f"chr({_integer(e, nodes[0])})", SqlType("nchar", 1))


def _ascii(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    return Expr(f"ascii({as_text(e.value(nodes[0]))})", INT)


# Choice -----------------------------------------------------------------------------------------


def _isnull(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    _count("isnull", nodes, 2)
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
    _count("nullif", nodes, 2)
    first, second = e.values(nodes)
    left, right = align(first, second)
    return Expr(f"CASE WHEN {ci(left)} = {ci(right)} THEN NULL ELSE {first.sql} END", first.type)


def _iif(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    _count("iif", nodes, 3)
    branch = exp.If(this=nodes[0].copy(), true=nodes[1].copy())
    return e.value(exp.Case(ifs=[branch], default=nodes[2].copy()))


def _choose(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    values = e.values(nodes[1:])
    kind = common_type([value.type for value in values if not value.null])
    tests = " ".join(f"WHEN {n + 1} THEN {cast(value, kind).sql}" for n, value in enumerate(values))
    return Expr(f"CASE {_integer(e, nodes[0])} {tests} END", kind)


# Numbers ----------------------------------------------------------------------------------------


def _abs(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    value = _numeric(e.value(nodes[0]))
    return Expr(f"abs({value.sql})", value.type)


def _numeric(value: Expr) -> Expr:
    return value if is_number(value.type) else cast(value, FLOAT8)


def _round(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    _count("round", nodes, 2, 3)
    value, digits = _numeric(e.value(nodes[0])), _integer(e, nodes[1])
    cut = (
        f"CASE WHEN {_integer(e, nodes[2])} = 0 THEN round(X, {digits}) ELSE trunc(X, {digits}) END"
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


# Aggregates. A \x01 parts the call from the conversion of its result, for OVER stands between them.


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
        arguments = _integer(e, nodes[0]) if nodes else ""
        return Expr(f"{word}({arguments})\x01::int8", BIGINT, nullable=False)

    return make


def _neighbour(word: str) -> Maker:
    def make(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
        value = e.value(nodes[0])
        rest = [_integer(e, nodes[1])] if len(nodes) > 1 else []
        rest += [cast(e.value(nodes[2]), value.type).sql] if len(nodes) > 2 else []
        return Expr(f"{word}({', '.join([value.sql, *rest])})\x01", value.type, citext=value.citext)

    return make


# Moments ----------------------------------------------------------------------------------------


def _now(sql: str, kind: SqlType) -> Callable[[Expressions, Sequence[exp.Expression]], Expr]:
    def make(e: Expressions, nodes: Sequence[exp.Expression] = ()) -> Expr:  # noqa: ARG001
        return Expr(sql, kind, nullable=False)

    return make


_UTC2 = "(statement_timestamp() AT TIME ZONE 'UTC')"


def _dateadd(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    _count("dateadd", nodes, 3)
    part, value = _part(nodes[0]), _moment(e.value(nodes[2]))
    unit = {"weekday": "day", "dayofyear": "day"}.get(part, part)
    amount = cast(e.value(nodes[1]), BIGINT).sql
    return cast(
        Expr(f"tsql.dateadd('{unit}', {amount}, {_as_timestamp(value)})", SqlType("datetime2", scale=6)), value.type
    )


def _datediff(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    _count("datediff", nodes, 3)
    part = {"weekday": "day", "dayofyear": "day"}.get(_part(nodes[0]), _part(nodes[0]))
    start, end = (_as_timestamp(_moment(e.value(node))) for node in nodes[1:])
    return Expr(f"tsql.datediff('{part}', {start}, {end})", INT)


def _datepart(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    _count("datepart", nodes, 2)
    return Expr(f"tsql.datepart('{_part(nodes[0])}', {_as_timestamp(_moment(e.value(nodes[1])))})", INT)


def _datename(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    _count("datename", nodes, 2)
    return Expr(
        f"tsql.datename('{_part(nodes[0])}', {_as_timestamp(_moment(e.value(nodes[1])))})", SqlType("nvarchar", 30)
    )


def _named_part(part: str) -> Maker:
    def make(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
        _count(part, nodes, 1)
        return Expr(f"tsql.datepart('{part}', {_as_timestamp(_moment(e.value(nodes[0])))})", INT)

    return make


def _eomonth(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    value = _as_timestamp(_moment(e.value(nodes[0])))
    months = _integer(e, nodes[1]) if len(nodes) > 1 else "0"
    return Expr(
        f"(date_trunc('month', {value}) + ({months} + 1) * interval '1 month' - interval '1 day')::date",
        SqlType("date"),
    )


# JSON and bytes ---------------------------------------------------------------------------------


def _json_value(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    strict, path = json_path(str(e.c.pin(nodes[1])))
    return Expr(
        f"left(tsql.json_scalar(tsql.json_at(tsql.json({as_text(e.value(nodes[0]))}), {path}, {strict})), 4000)",
        SqlType("nvarchar", 4000),
    )


def _json_query(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    strict, path = json_path(str(e.c.pin(nodes[1])) if len(nodes) > 1 else "$")
    return Expr(
        f"tsql.json_tree(tsql.json_at(tsql.json({as_text(e.value(nodes[0]))}), {path}, {strict}))", SqlType("nvarchar")
    )


def _isjson(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    return Expr(f"tsql.is_json({as_text(e.value(nodes[0]))})", INT)


def _hashbytes(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    name = str(e.c.pin(nodes[0])).upper()
    calls = {"SHA2_256": "sha256({})", "SHA2_512": "sha512({})", "MD5": "decode(md5({}), 'hex')"}
    if name not in calls:
        raise Unsupported(f"HASHBYTES {name}")
    return Expr(calls[name].format(cast(e.value(nodes[1]), SqlType("varbinary")).sql), SqlType("varbinary", 8000))


# What the session knows --------------------------------------------------------------------------


def _session(name: str, kind: SqlType, least: int = 0, most: int | None = None) -> Maker:
    def make(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
        _count(name, nodes, least, most)
        return e.c.system(name, kind, *e.values(nodes))

    return make


def _from_metadata(template: str, kind: SqlType) -> Maker:
    def make(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
        _count("object_name", nodes, 1, 2)
        return Expr(template.format(_integer(e, nodes[0]), e.c.world.database.lower()), kind)

    return make


def _change_tracking_version(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    _count("change_tracking_current_version", nodes, 0)
    return Expr(f"tsql.current_version('{e.c.world.database.lower()}')", BIGINT)


def _change_tracking_least(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    _count("change_tracking_min_valid_version", nodes, 1)
    return Expr(f"tsql.least_valid('{e.c.world.database.lower()}', {_integer(e, nodes[0])})", BIGINT)


def _newid(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:  # noqa: ARG001
    return Expr("gen_random_uuid()", SqlType("uniqueidentifier"), nullable=False)


BARE: dict[str, Callable[[Expressions], Expr]] = {
    "CURRENT_TIMESTAMP": lambda e: FUNCTIONS["GETDATE"](e, ()),
    "SYSTEM_USER": lambda e: e.c.system("SUSER_SNAME", _SYSNAME),
    "CURRENT_USER": lambda e: e.c.system("USER_NAME", _SYSNAME),
    "USER": lambda e: e.c.system("USER_NAME", _SYSNAME),
    "SESSION_USER": lambda e: e.c.system("USER_NAME", _SYSNAME),
}

FUNCTIONS: dict[str, Maker] = {
    "RTRIM": _rtrim, "LTRIM": _text_function("ltrim({}, ' ')"), "UPPER": _text_function("upper({})"), "LOWER": _text_function("lower({})"),
    "REVERSE": _text_function("reverse({})"), "QUOTENAME": _text_function("('[' || replace({}, ']', ']]') || ']')"), "LEN": _len,
    "DATALENGTH": _datalength, "LEFT": _left, "RIGHT": _right, "SUBSTRING": _substring, "REPLACE": _replace, "CHARINDEX": _charindex,
    "STUFF": _stuff, "CONCAT": _concat, "CONCAT_WS": _concat_ws, "REPLICATE": _replicate, "SPACE": _space, "CHAR": _char, "NCHAR": _nchar,
    "ASCII": _ascii, "ISNULL": _isnull, "COALESCE": _coalesce, "NULLIF": _nullif, "IIF": _iif, "CHOOSE": _choose, "ABS": _abs,
    "ROUND": _round, "FLOOR": _floor("floor"), "CEILING": _floor("ceil"), "SIGN": _sign, "ISNUMERIC": _isnumeric,
    "COUNT": _counter(INT), "COUNT_BIG": _counter(BIGINT), "SUM": _sum, "AVG": _avg, "MIN": _extreme("min"), "MAX": _extreme("max"),
    "ROW_NUMBER": _ranking("row_number"), "RANK": _ranking("rank"), "DENSE_RANK": _ranking("dense_rank"), "NTILE": _ranking("ntile"),
    "LAG": _neighbour("lag"), "LEAD": _neighbour("lead"), "FIRST_VALUE": _neighbour("first_value"), "LAST_VALUE": _neighbour("last_value"),
    "GETUTCDATE": _now("tsql.getutcdate()", DATETIME), "GETDATE": _now("tsql.getdate()", DATETIME),
    "SYSUTCDATETIME": _now(_UTC2, SqlType("datetime2", scale=7)),
    "SYSDATETIME": _now("statement_timestamp()::timestamp", SqlType("datetime2", scale=7)),
    "DATEADD": _dateadd, "DATEDIFF": _datediff, "DATEPART": _datepart, "DATENAME": _datename, "YEAR": _named_part("year"),
    "MONTH": _named_part("month"), "DAY": _named_part("day"), "EOMONTH": _eomonth, "JSON_VALUE": _json_value, "JSON_QUERY": _json_query,
    "ISJSON": _isjson, "HASHBYTES": _hashbytes, "NEWID": _newid,
    "XACT_STATE": _session("XACT_STATE", SqlType("smallint")), "SCOPE_IDENTITY": _session("SCOPE_IDENTITY", _NUMERIC38),
    "ERROR_NUMBER": _session("ERROR_NUMBER", INT), "ERROR_MESSAGE": _session("ERROR_MESSAGE", SqlType("nvarchar", 4000)),
    "ERROR_SEVERITY": _session("ERROR_SEVERITY", INT), "ERROR_STATE": _session("ERROR_STATE", INT),
    "ERROR_LINE": _session("ERROR_LINE", INT),
    "ERROR_PROCEDURE": _session("ERROR_PROCEDURE", _SYSNAME), "DB_NAME": _session("DB_NAME", _SYSNAME, 0, 1),
    "DB_ID": _session("DB_ID", SqlType("smallint"), 0, 1), "OBJECT_ID": _session("OBJECT_ID", INT, 1, 2),
    "SERVERPROPERTY": _session("SERVERPROPERTY", VARIANT, 1), "DATABASEPROPERTYEX": _session("DATABASEPROPERTYEX", VARIANT, 2),
    "HAS_PERMS_BY_NAME": _session("HAS_PERMS_BY_NAME", INT, 3, 5), "HAS_DBACCESS": _session("HAS_DBACCESS", INT, 1),
    "SUSER_SNAME": _session("SUSER_SNAME", _SYSNAME), "SUSER_NAME": _session("SUSER_SNAME", _SYSNAME),
    "ORIGINAL_LOGIN": _session("SUSER_SNAME", _SYSNAME), "USER_NAME": _session("USER_NAME", _SYSNAME),
    "APP_NAME": _session("APP_NAME", _SYSNAME),
    "HOST_NAME": _session("HOST_NAME", _SYSNAME), "IS_SRVROLEMEMBER": _session("IS_SRVROLEMEMBER", INT, 1, 2),
    "IS_MEMBER": _session("IS_MEMBER", INT, 1), "COL_LENGTH": _session("COL_LENGTH", SqlType("smallint"), 2),
    "IDENT_CURRENT": _session("IDENT_CURRENT", _NUMERIC38, 1), "APPLOCK_MODE": _session("APPLOCK_MODE", SqlType("nvarchar", 32), 3),
    "OBJECT_NAME": _from_metadata('(SELECT name FROM "{1}.sys".objects WHERE object_id = {0})', _SYSNAME),
    "TYPE_NAME": _from_metadata('(SELECT name FROM "{1}.sys".types WHERE user_type_id = {0})', _SYSNAME),
    "SCHEMA_NAME": _from_metadata('(SELECT name FROM "{1}.sys".schemas WHERE schema_id = {0})', _SYSNAME),
    "CHANGE_TRACKING_CURRENT_VERSION": _change_tracking_version, "CHANGE_TRACKING_MIN_VALID_VERSION": _change_tracking_least,
}  # fmt: skip
