"""Compiles OUTPUT, and joins a write back to the rows that its FROM found and locked."""

from collections.abc import Sequence
from dataclasses import replace

from sandbox.tsql.casts import store
from sandbox.tsql.catalog import Table
from sandbox.tsql.dialect import parse_query
from sandbox.tsql.errors import error
from sandbox.tsql.heads import Head
from sandbox.tsql.naming import quote
from sandbox.tsql.relations import table_relation
from sandbox.tsql.scope import Expr, Relation
from sandbox.tsql.select import Select
from sandbox.tsql.writer import Target, Write, Writer


class Outputs(Writer):
    def _output(
        self,
        head: Head,
        table: Table,
        write: Write,
        target: "Target | None" = None,
        assigns: Sequence[tuple[str, Expr]] = (),
    ) -> Write:
        if target is not None and target.join is not None:
            write.sql = self._join_back(write.sql, target, head.verb)
        if assigns:
            # A variable sees the row as it was before the update.
            alias = quote(target.alias) if target else ""
            write.sql += " RETURNING " + ", ".join(expr.sql.replace(f"{alias}.", "old.") for _, expr in assigns)
            write.assigns = [(name, expr.type) for name, expr in assigns]
            return write
        if not head.output:
            return write
        if not head.into and any(trigger.event == head.verb for trigger in table.triggers):
            raise error(334, table.name)
        write.items = self._returning(head, table, target)
        write.sql += " RETURNING " + ", ".join(expr.sql for _, expr in write.items)
        if head.into:
            self._into(head, write)
        return write

    def _returning(self, head: Head, table: Table, target: "Target | None") -> list[tuple[str, Expr]]:
        relations = []
        for name, side in (("inserted", "new"), ("deleted", "old")):
            _, relation = table_relation(table, side)
            relations.append(Relation(name, relation.columns))
        if target is not None and target.join is None:
            relations += [r for r in target.scope.relations if r.alias != target.alias]
        node = parse_query(f"SELECT {head.output}")
        select = Select(self.q, node, None, stored=False, top=False)
        select.scope.relations = relations
        return select._items([])

    def _into(self, head: Head, write: Write) -> None:
        into = self._table(head.into)
        self._need(into, "INSERT")
        names = head.into_columns or [name for name, column in into.columns.items() if not column.identity]
        columns = [self._column(into, name) for name in names]
        cells = [
            store(replace(expr, sql=f"_out.c{n}"), column.type)
            for n, ((_, expr), (_, column)) in enumerate(zip(write.items, columns, strict=True))
        ]
        outs = ", ".join(f"c{n}" for n in range(len(write.items)))
        write.sql = (
            f"WITH _out({outs}) AS ({self._prefix}{write.sql}) INSERT INTO {into.relation} ({', '.join(quote(n) for n in names)}) "
            f"SELECT {', '.join(cells)} FROM _out"
        )
        write.items = []

    def _join_back(self, sql: str, target: "Target", verb: str) -> str:
        assert target.join is not None
        body, alias = target.join
        values = "".join(f", {value} AS v{n}" for n, value in enumerate(target.values))
        keys = [quote(key) for key in target.table.key]
        place = [f"{alias}.{key} AS k{n}" for n, key in enumerate(keys)] or [f"{alias}.ctid AS k0"]
        match = [f"_t.{key} = _src.k{n}" for n, key in enumerate(keys)] or ["_t.ctid = _src.k0"]
        # The sub-query locks the rows it found and reads their newest version; a key can't be stale then.
        found = f"SELECT {', '.join(place)}{values}{body} FOR UPDATE OF {alias}"
        inner = f"SELECT DISTINCT ON ({', '.join(f'k{n}' for n in range(len(place)))}) * FROM ({found}) AS _found"
        word = "FROM" if verb == "UPDATE" else "USING"
        head, _, _ = sql.partition(" FROM ") if verb == "UPDATE" else (sql, "", "")
        head = head.replace(f" AS {alias}", " AS _t", 1)
        return f"{head} {word} ({inner}) AS _src WHERE {' AND '.join(match)}"
