"""Relations in FROM, and the columns of results."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sandbox.tds.contract import Column, SqlType
from sandbox.tsql.catalog import Table
from sandbox.tsql.errors import error
from sandbox.tsql.kinds import family
from sandbox.tsql.naming import quote
from sandbox.tsql.scope import Expr, Relation


@dataclass
class Compiled:
    """A query's PostgreSQL text and its columns: name, and the expression's type and nullability."""

    sql: str
    items: list[tuple[str, Expr]]


def table_relation(table: Table, alias: str) -> tuple[str, Relation]:
    """A table under an alias, and its columns as expressions."""
    pg = quote(alias)
    columns = {
        name: Expr(
            f"{pg}.{quote(name)}", column.type, nullable=column.nullable, name=name, identity=column.identity,
            citext=family(column.type) == "text",
        )
        for name, column in table.columns.items()
    }  # fmt: skip
    return f"{table.relation} AS {pg}", Relation(alias, columns)


def aliased(text: str, alias: str, items: Sequence[tuple[str, Expr]], *, lateral: bool = False) -> tuple[str, Relation]:
    pg = quote(alias)
    names = ", ".join(quote(name) for name, _ in items)
    columns = {
        name: replace(expr, sql=f"{pg}.{quote(name)}", binder=None, name=name, identity=False, aggregate=False)
        for name, expr in items
    }
    return f"{'LATERAL ' if lateral else ''}{text} AS {pg}({names})", Relation(alias, columns)


def named_items(items: Sequence[tuple[str, Expr]], given: Sequence[str]) -> list[tuple[str, Expr]]:
    named = [(given[n] if n < len(given) else name, expr) for n, (name, expr) in enumerate(items)]
    for n, (name, _) in enumerate(named, 1):
        if not name:
            raise error(8155, n, "the derived table")
    return named


def result_columns(items: Sequence[tuple[str, Expr]]) -> list[Column]:
    """The result set's columns."""
    return [Column(name, plain_type(expr.type), expr.nullable, expr.identity) for name, expr in items]


def plain_type(kind: SqlType) -> SqlType:
    """The type without the digits of a literal integer."""
    return SqlType(kind.name) if family(kind) == "integer" else kind
