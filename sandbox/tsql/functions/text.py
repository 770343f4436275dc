"""Text functions."""

from collections.abc import Sequence

from sqlglot import exp

from sandbox.tds.contract import SqlType
from sandbox.tsql.arithmetic import replace_name
from sandbox.tsql.casts import as_text, numeric_shape
from sandbox.tsql.errors import error
from sandbox.tsql.expressions import Expressions
from sandbox.tsql.functions.common import Maker, count, integer
from sandbox.tsql.kinds import FIXED, INT, UNICODE, family
from sandbox.tsql.scope import Expr


def _text_function(pg: str) -> Maker:
    name = pg.partition("(")[0]

    def make(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
        count(name, nodes, 1)
        value = _subject(e, nodes[0], name)
        return Expr(pg.format(as_text(value)), replace_name(value.type), nullable=value.nullable)

    return make


def _subject(e: Expressions, node: exp.Expression, name: str) -> Expr:
    """A function's text argument: SqlError 8116 for text, ntext and image."""
    value = e.value(node)
    if value.type.name in {"text", "ntext", "image"}:
        raise error(8116, value.type.name, 1, name)
    return value


def _upper(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    count("upper", nodes, 1)
    value = _subject(e, nodes[0], "upper")
    sql = f"upper({as_text(value)})"
    if value.type.name not in UNICODE:
        # Two letters of code page 1252 have their capitals outside it.
        sql = f"translate({sql}, 'ΜƑ', 'µƒ')"
    return Expr(sql, replace_name(value.type), nullable=value.nullable)


def _rtrim(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    count("rtrim", nodes, 1)
    value = _subject(e, nodes[0], "rtrim")
    kind = replace_name(value.type)
    if value.type.name in FIXED:
        return Expr(f"({value.sql})::text", kind, nullable=value.nullable)
    return Expr(f"rtrim({as_text(value)}, ' ')", kind, nullable=value.nullable)


def _len(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    count("len", nodes, 1)
    value = _subject(e, nodes[0], "len")
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
    count("left", nodes, 2)
    value = _subject(e, nodes[0], "left")
    return Expr(f"tsql.leftmost({as_text(value)}, {integer(e, nodes[1])})", replace_name(value.type))


def _right(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    count("right", nodes, 2)
    value = _subject(e, nodes[0], "right")
    return Expr(f"right({as_text(value)}, greatest({integer(e, nodes[1])}, 0))", replace_name(value.type))


def _substring(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    count("substring", nodes, 3)
    value = e.value(nodes[0])
    start, length = integer(e, nodes[1]), integer(e, nodes[2])
    if family(value.type) == "binary":
        return Expr(f"substring({value.sql} FROM {start} FOR {length})", value.type)
    return Expr(f"tsql.substring({as_text(value)}, {start}, {length})", replace_name(value.type))


def _replace(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    count("replace", nodes, 3)
    values = [_subject(e, nodes[0], "replace"), *e.values(nodes[1:])]
    wide = any(value.type.name in UNICODE for value in values)
    return Expr(
        f"tsql.replace({', '.join(as_text(value) for value in values)})",
        SqlType("nvarchar" if wide else "varchar", 4000 if wide else 8000),
    )


def _charindex(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    count("charindex", nodes, 2, 3)
    start = integer(e, nodes[2]) if len(nodes) > 2 else "1"
    return Expr(f"tsql.charindex({as_text(e.value(nodes[0]))}, {as_text(e.value(nodes[1]))}, {start})", INT)


def _stuff(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    count("stuff", nodes, 4)
    text, new = e.value(nodes[0]), e.value(nodes[3])
    return Expr(
        f"overlay({as_text(text)} PLACING {as_text(new)} FROM {integer(e, nodes[1])} FOR {integer(e, nodes[2])})",
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
    count("replicate", nodes, 2)
    return Expr(f"repeat({as_text(e.value(nodes[0]))}, {integer(e, nodes[1])})", SqlType("varchar", 8000))


def _space(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    return Expr(f"repeat(' ', {integer(e, nodes[0])})", SqlType("varchar", 8000))


def _char(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    code = integer(e, nodes[0])
    return Expr(
        f"CASE WHEN {code} BETWEEN 1 AND 255 THEN convert_from(set_byte('\\x00'::bytea, 0, {code}), 'WIN1252') END",
        SqlType("char", 1),
    )


def _nchar(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    return Expr(f"chr({integer(e, nodes[0])})", SqlType("nchar", 1))


def _ascii(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    return Expr(f"ascii({as_text(e.value(nodes[0]))})", INT)


FUNCTIONS: dict[str, Maker] = {
    "RTRIM": _rtrim,
    "LTRIM": _text_function("ltrim({}, ' ')"),
    "UPPER": _upper,
    "LOWER": _text_function("lower({})"),
    "REVERSE": _text_function("reverse({})"),
    "QUOTENAME": _text_function("('[' || replace({}, ']', ']]') || ']')"),
    "LEN": _len,
    "DATALENGTH": _datalength,
    "LEFT": _left,
    "RIGHT": _right,
    "SUBSTRING": _substring,
    "REPLACE": _replace,
    "CHARINDEX": _charindex,
    "STUFF": _stuff,
    "CONCAT": _concat,
    "CONCAT_WS": _concat_ws,
    "REPLICATE": _replicate,
    "SPACE": _space,
    "CHAR": _char,
    "NCHAR": _nchar,
    "ASCII": _ascii,
}
