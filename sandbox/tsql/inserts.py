"""Compiles INSERT."""

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from sandbox.tsql.casts import cast, store
from sandbox.tsql.catalog import CatalogColumn, Table
from sandbox.tsql.dialect import parse_query
from sandbox.tsql.errors import error
from sandbox.tsql.expressions import Expressions
from sandbox.tsql.heads import Head
from sandbox.tsql.kinds import BIGINT
from sandbox.tsql.naming import quote
from sandbox.tsql.outputs import Outputs
from sandbox.tsql.scope import Expr, Scope
from sandbox.tsql.writer import Write

# Beyond so many rows an INSERT does not look whether another connection guards its keys.
_MOST_GUARDED = 20


def _cells(row: exp.Expression) -> list[exp.Expression]:
    if isinstance(row, exp.Tuple):
        return list(row.expressions)
    return [row.this if isinstance(row, exp.Paren) else row]


def _is_default(node: exp.Expression) -> bool:
    return isinstance(node, exp.Column | exp.Var) and node.name.upper() == "DEFAULT"


class Inserts(Outputs):
    def _insert(self, head: Head) -> Write:
        table = self._table(head.target)
        self._need(table, "INSERT")
        columns = self._insert_columns(table, head)
        self._target_table = table
        fills_identity = any(column.identity for _, column in columns)
        if head.default_values:
            body = "DEFAULT VALUES"
        elif head.source.upper().startswith("VALUES"):
            body = self._insert_values(head, columns)
        else:
            body = self._insert_query(head, columns)
        names = f"({', '.join(quote(name) for name, _ in columns)}) " if not head.default_values else ""
        sql = f"INSERT INTO {table.relation} {names}{body}"
        return self._output(head, table, Write(sql, table, fills_identity=fills_identity, keys=self._keys))

    def _insert_columns(self, table: Table, head: Head) -> list[tuple[str, CatalogColumn]]:
        if not head.columns:
            return [
                (name, column)
                for name, column in table.columns.items()
                if not column.identity and column.computed is None
            ]
        columns = [self._column(table, name) for name in head.columns]
        allowed = self._identity_insert.lower() in {table.name.lower(), f"dbo.{table.name.lower()}"}
        if any(column.identity for _, column in columns) and not allowed:
            raise error(544, table.name)
        return columns

    def _insert_values(self, head: Head, columns: Sequence[tuple[str, CatalogColumn]]) -> str:
        node = parse_query(f"SELECT 1 AS x FROM ({head.source}) AS v")
        rows = node.args["from_"].this.expressions
        if len(rows) > 1000:
            raise error(10738)
        e = self.q.expressions(Scope())
        if len(rows) <= _MOST_GUARDED:
            self._keys = [key for key in (self._key(_cells(row), columns, e) for row in rows) if key]
        return "VALUES " + ", ".join(self._row(row, columns, e) for row in rows)

    def _key(
        self, nodes: Sequence[exp.Expression], columns: Sequence[tuple[str, CatalogColumn]], e: Expressions
    ) -> list[Expr]:
        table = self._target_table
        places = {name.lower(): n for n, (name, _) in enumerate(columns)}
        if not table.key or len(nodes) != len(columns) or not all(key.lower() in places for key in table.key):
            return []
        found = [places[key.lower()] for key in table.key]
        if any(_is_default(nodes[n]) for n in found):
            return []
        return [cast(e.value(nodes[n]), columns[n][1].type) for n in found]

    def _row(self, row: exp.Expression, columns: Sequence[tuple[str, CatalogColumn]], e: Expressions) -> str:
        nodes = _cells(row)
        if len(nodes) != len(columns):
            raise error(109 if len(nodes) < len(columns) else 110)
        cells = []
        for node, (_, column) in zip(nodes, columns, strict=True):
            if _is_default(node):
                cells.append("DEFAULT")
            else:
                cells.append(store(e.value(node), column.type))
        return f"({', '.join(cells)})"

    def _insert_query(self, head: Head, columns: Sequence[tuple[str, CatalogColumn]]) -> str:
        compiled = self.q.query(parse_query(head.source))
        if len(compiled.items) != len(columns):
            raise error(213)
        names = [f"c{n}" for n in range(len(columns))]
        cells = [
            store(replace(expr, sql=f"_src.{name}", binder=None), column.type)
            for name, (_, expr), (_, column) in zip(names, compiled.items, columns, strict=True)
        ]
        limit = (
            f" LIMIT {cast(self.q.expressions(Scope()).value(self._value(head.top)), BIGINT).sql}" if head.top else ""
        )
        return f"SELECT {', '.join(cells)} FROM ({compiled.sql}) AS _src({', '.join(names)}){limit}"
