"""JSON and bytes."""

from collections.abc import Sequence

from sqlglot import exp

from sandbox.tds.contract import SqlType
from sandbox.tsql.casts import as_text, cast
from sandbox.tsql.errors import Unsupported
from sandbox.tsql.expressions import Expressions
from sandbox.tsql.functions.common import Maker
from sandbox.tsql.json_paths import json_path
from sandbox.tsql.kinds import INT
from sandbox.tsql.scope import Expr


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


FUNCTIONS: dict[str, Maker] = {
    "JSON_VALUE": _json_value,
    "JSON_QUERY": _json_query,
    "ISJSON": _isjson,
    "HASHBYTES": _hashbytes,
}
