"""One SELECT: sources, joins, APPLY, grouping, order, row locks."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from sandbox.tds.contract import SqlType
from sandbox.tsql.casts import ci, store
from sandbox.tsql.compilation import parameter_name
from sandbox.tsql.errors import Unsupported, error
from sandbox.tsql.kinds import family
from sandbox.tsql.locks import Lock, key_of, row_lock
from sandbox.tsql.relations import Compiled, aliased, named_items
from sandbox.tsql.scope import Expr, Relation, Scope

if TYPE_CHECKING:
    from sandbox.tsql.queries import Queries


_AGGREGATES = {"COUNT", "COUNT_BIG", "SUM", "AVG", "MIN", "MAX"}


class Select:
    """One SELECT."""

    def __init__(self, queries: "Queries", node: exp.Select, parent: Scope | None, *, stored: bool, top: bool) -> None:
        self.q, self.node, self.stored, self.top = queries, node, stored, top
        self.scope = Scope(parent)
        self.e = queries.expressions(self.scope)

    def compile(self) -> Compiled:
        args = self.node.args
        if args.get("order") and not (self.top or self.stored or args.get("limit") or args.get("offset")):
            raise error(1033)
        first_lock = len(self.q.c.locks)
        source = self.sources()
        where = self.node.args.get("where")
        condition = f" WHERE {self.e.condition(where.this)}" if where else ""
        groups = self._groups()
        items = self._items(groups)
        having = self.node.args.get("having")
        distinct = bool(self.node.args.get("distinct"))
        outputs = [self._output(expr, distinct, groups) for _, expr in items]
        sql = f"SELECT {'DISTINCT ' if distinct else ''}{', '.join(outputs)}{source}{condition}"
        if groups:
            sql += " GROUP BY " + ", ".join(ci(expr) for _, expr in groups)
        if having:
            sql += f" HAVING {self.e.condition(having.this)}"
        sql += self._order(items) + self.q.limit(self.node, self.scope)
        grouped = bool(groups) or distinct or any(expr.aggregate for _, expr in items)
        sql += self._locks(self.q.c.locks[first_lock:], f"{source}{condition}" if grouped else None)
        if self.stored or distinct:
            items = [(name, replace(expr, citext=family(expr.type) == "text")) for name, expr in items]
        return Compiled(sql, items)

    def _output(self, expr: Expr, distinct: bool, groups: Sequence[tuple[exp.Expression, Expr]]) -> str:
        if self.stored:
            return store(expr, expr.type)
        if distinct or any(expr is group for _, group in groups):
            return ci(expr)
        return expr.sql

    def sources(self) -> str:
        clause = self.node.args.get("from_")
        if not clause:
            return ""
        text, relation = self.q.relation(without_joins(clause.this), self.scope)
        self._add(relation)
        parts = [text]
        for join in [*(clause.this.args.get("joins") or []), *(self.node.args.get("joins") or [])]:
            parts.append(self._join(join))
        return " FROM " + " ".join(parts)

    def _add(self, relation: Relation) -> None:
        if any(relation.alias.lower() == known.alias.lower() for known in self.scope.relations):
            raise error(1011, relation.alias)
        self.scope.relations.append(relation)

    def _join(self, join: exp.Join) -> str:
        if isinstance(join.this, exp.Lateral):
            return self._apply(join.this)
        side, kind = str(join.args.get("side") or "").upper(), str(join.args.get("kind") or "").upper()
        if join.args.get("method") or join.args.get("using") or kind not in {"", "INNER", "OUTER", "CROSS"}:
            raise Unsupported(f"join {join.sql(dialect='tsql')}")
        if side in {"RIGHT", "FULL"}:
            self._nullable()
        text, relation = self.q.relation(join.this, self.scope, outer=side in {"LEFT", "FULL"})
        self._add(relation)
        on = join.args.get("on")
        if on is None:
            return f"CROSS JOIN {text}"
        return f"{side + ' ' if side else ''}JOIN {text} ON {self.e.condition(on)}"

    def _nullable(self) -> None:
        for relation in self.scope.relations:
            relation.columns = {name: replace(expr, nullable=True) for name, expr in relation.columns.items()}

    def _apply(self, node: exp.Lateral) -> str:
        outer = not node.args.get("cross_apply")
        alias = node.args.get("alias")
        if isinstance(node.this, exp.Subquery):
            compiled = self.q.query(node.this.this, self.scope)
            given = [column.name for column in alias.args.get("columns") or []]
            text, relation = aliased(f"({compiled.sql})", alias.name, named_items(compiled.items, given), lateral=True)
        else:
            text, relation = self.q._table_functions.compile(node.this, alias, self.scope)
            text = text if text.startswith("LATERAL") else f"LATERAL {text}"
        if outer:
            relation = Relation(relation.alias, {n: replace(e, nullable=True) for n, e in relation.columns.items()})
        self._add(relation)
        return f"LEFT JOIN {text} ON true" if outer else f"CROSS JOIN {text}"

    def _groups(self) -> list[tuple[exp.Expression, Expr]]:
        group = self.node.args.get("group")
        if not group:
            return []
        return [(node, self.e.value(node)) for node in group.expressions]

    def _items(self, groups: Sequence[tuple[exp.Expression, Expr]]) -> list[tuple[str, Expr]]:
        found: list[tuple[str, Expr]] = []
        for node in self.node.expressions:
            if isinstance(node, exp.Star) or (isinstance(node, exp.Column) and isinstance(node.this, exp.Star)):
                found += self._star(node)
                continue
            inner, name = (node.this, node.alias) if isinstance(node, exp.Alias) else (node, "")
            if groups:
                self._check_grouped(inner, groups)
            expr = next((group for known, group in groups if known == inner), None) or self.e.value(inner)
            if not name and isinstance(inner, exp.Column):
                name = inner.name
            found.append((name, self._pinned(inner, expr)))
        return found

    def _check_grouped(self, node: exp.Expression, groups: Sequence[tuple[exp.Expression, Expr]]) -> None:
        """SqlError 8120 for a column that is neither grouped nor aggregated: PostgreSQL lets columns of a grouped key pass."""
        aggregate = isinstance(node, exp.Anonymous) and str(node.this).upper() in _AGGREGATES
        if aggregate or isinstance(node, exp.Query | exp.GroupConcat) or any(known == node for known, _ in groups):
            return
        if isinstance(node, exp.Column):
            value = self.e.value(node)
            if value.name and value.sql not in {group.sql for _, group in groups}:
                raise error(8120, value.name)
            return
        for child in node.iter_expressions():
            self._check_grouped(child, groups)

    def _pinned(self, node: exp.Expression, expr: Expr) -> Expr:
        # A bare literal's own length is its type in the result: the plan is for this value only.
        if not (self.top or self.stored) or not parameter_name(node).startswith("@__p") or family(expr.type) != "text":
            return expr
        text = str(self.q.c.pin(node))
        return replace(expr, type=SqlType(expr.type.name, len(text) or 1) if expr.type.length else expr.type)

    def _star(self, node: exp.Expression) -> list[tuple[str, Expr]]:
        qualifier = node.table if isinstance(node, exp.Column) else ""
        relations = [r for r in self.scope.relations if not qualifier or r.alias.lower() == qualifier.lower()]
        if not relations:
            raise error(107, qualifier)
        return [(name, expr) for relation in relations for name, expr in relation.columns.items()]

    def _order(self, items: Sequence[tuple[str, Expr]]) -> str:
        order = self.node.args.get("order")
        if not order:
            return ""
        return " ORDER BY " + ", ".join(self._order_entry(entry, items) for entry in order.expressions)

    def _order_entry(self, entry: exp.Ordered, items: Sequence[tuple[str, Expr]]) -> str:
        desc, target = bool(entry.args.get("desc")), entry.this
        named = [
            expr
            for name, expr in items
            if isinstance(target, exp.Column) and not target.table and name.lower() == target.name.lower()
        ]
        if named:
            return self.e.order(named[0], desc)
        if parameter_name(target).startswith("@__p"):
            number = self.q.c.pin(target)
            if not isinstance(number, int) or not 1 <= number <= len(items):
                raise error(108, number)
            return self.e.order(items[number - 1][1], desc)
        if isinstance(target, exp.Subquery) and "NULL" in target.sql().upper():
            return "(SELECT NULL)"
        return self.e.order(self.e.value(target), desc)

    def _locks(self, locks: Sequence[Lock], grouped: str | None) -> str:
        """The clause that locks the rows read. `grouped` is where the rows of a query that groups them come from."""
        where = self.node.args.get("where")
        clauses = []
        for lock in locks:
            lock.key = key_of(lock.table, lock.alias, where.this if where else None, self.e)
            clause = row_lock(lock)
            if grouped is None:
                clauses.append(clause)
            elif clause:
                if "READPAST" in lock.hints or self.scope.parent or not self.top:
                    raise Unsupported(f"WITH ({', '.join(sorted(lock.hints))}) in a query that groups its rows")
                lock.first = f"SELECT 1{grouped}{clause}"
        return "".join(clauses)


def without_joins(node: exp.Expression) -> exp.Expression:
    if not node.args.get("joins"):
        return node
    alone = node.copy()
    alone.set("joins", None)
    return alone
