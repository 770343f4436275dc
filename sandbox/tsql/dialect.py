"""sqlglot's T-SQL parser, with its rewriting of functions switched off: a call stays the call that was written."""

from functools import lru_cache
from typing import ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.dialects.tsql import TSQL
from sqlglot.errors import SqlglotError

from sandbox.tds.contract import SqlType
from sandbox.tsql.catalog import sql_type
from sandbox.tsql.errors import Unsupported, error
from sandbox.tsql.strict import check


class _Parser(TSQL.Parser):
    FUNCTIONS: ClassVar = {}
    NO_PAREN_FUNCTIONS: ClassVar = {}
    FUNCTION_PARSERS: ClassVar = {
        name: parser
        for name, parser in TSQL.Parser.FUNCTION_PARSERS.items()
        if name in {"CAST", "TRY_CAST", "CONVERT", "TRY_CONVERT", "OPENJSON", "STRING_AGG", "TRIM"}
    }


class StrictTSQL(TSQL):
    Parser = _Parser


@lru_cache(maxsize=5000)
def parse_query(text: str) -> exp.Expression:
    """The syntax tree of one query; SqlError 102 when it is none."""
    text = text.replace("CHANGETABLE ( CHANGES ", "CHANGETABLE_CHANGES ( ").replace(
        "CHANGETABLE ( VERSION ", "CHANGETABLE_VERSION ( "
    )
    try:
        trees = sqlglot.parse(text, read=StrictTSQL)
    except SqlglotError as raised:
        near = raised.errors[0].get("highlight", "") if getattr(raised, "errors", None) else ""
        raise error(102, near) from raised
    if len(trees) != 1 or trees[0] is None or isinstance(trees[0], exp.Command):
        raise Unsupported(text)
    check(trees[0])
    return trees[0]


def _bounded(text: str, *parts: str) -> exp.Expression:
    """A query that may have these parts only, as the clauses around a value or condition may."""
    tree = parse_query(text)
    extra = next((name for name, value in tree.args.items() if value and name not in parts), None)
    if extra:
        raise error(102, extra.strip("_"))
    return tree


def parse_value(text: str) -> exp.Expression:
    """The syntax tree of one expression."""
    items = _bounded(f"SELECT {text}", "expressions").expressions
    if len(items) != 1 or isinstance(items[0], exp.Alias):
        raise error(102, text.split(" ", maxsplit=1)[0])
    return items[0]


def parse_condition(text: str) -> exp.Expression:
    """The syntax tree of one condition."""
    tree = _bounded(f"SELECT 1 AS x WHERE {text}", "expressions", "where")
    condition: exp.Expression = tree.args["where"].this
    return condition


def parse_sources(source: str, where: str) -> exp.Expression:
    """A query of nothing but FROM and WHERE, as UPDATE and DELETE have them."""
    return _bounded(
        f"SELECT 1 AS x FROM {source}{f' WHERE {where}' if where else ''}", "expressions", "from_", "joins", "where"
    )


def declared_type(node: exp.DataType) -> SqlType:
    """The SQL Server type a CAST names."""
    name = (
        node.this.value.lower() if isinstance(node.this, exp.DataType.Type) else str(node.args.get("kind") or node.this)
    )
    name = _NAMES.get(name, name)
    sizes = ",".join(str(size.this) for size in node.expressions)
    try:
        kind = sql_type(f"{name}({sizes})" if sizes and name in _SIZED else name)
    except ValueError:
        raise Unsupported(f"type {node.sql(dialect='tsql')}") from None
    # In CAST and CONVERT a length left out means 30.
    sized = {"char", "varchar", "nchar", "nvarchar", "binary", "varbinary"}
    return SqlType(kind.name, 30) if kind.name in sized and not sizes else kind


_SIZED = {
    "char",
    "varchar",
    "nchar",
    "nvarchar",
    "numeric",
    "decimal",
    "datetime2",
    "time",
    "binary",
    "varbinary",
    "datetimeoffset",
}
_NAMES = {
    "decimal": "decimal", "bool": "bit", "boolean": "bit", "utinyint": "tinyint", "double": "float", "float": "real",
    "datetime2": "datetime2", "timestamptz": "datetimeoffset", "rowversion": "timestamp", "uuid": "uniqueidentifier",
    "timestamp": "datetime2",
}  # fmt: skip
