"""Compiles SELECT: FROM, joins, APPLY, CTEs, grouping, set operations, TOP and paging, lock hints."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from sandbox.tds.contract import Column, SqlType
from sandbox.tsql.casts import cast, ci, common_type, store
from sandbox.tsql.catalog import Table
from sandbox.tsql.errors import Unsupported, error
from sandbox.tsql.expressions import Compilation, Expressions, parameter_name
from sandbox.tsql.locks import HINTS, LOCKING, Lock, key_of, row_lock
from sandbox.tsql.naming import quote
from sandbox.tsql.plan import Need
from sandbox.tsql.scope import Expr, Relation, Scope
from sandbox.tsql.tables import TableFunctions
from sandbox.tsql.values import BIGINT, family


@dataclass
class Compiled:
    """A query's PostgreSQL text and its columns: name, and the expression's type and nullability."""

    sql: str
    items: list[tuple[str, Expr]]


class Queries:
    def __init__(self, compilation: Compilation) -> None:
        self.c = compilation
        self._ctes: list[dict[str, list[tuple[str, Expr]]]] = []
        self._table_functions = TableFunctions(self)

    def expressions(self, scope: Scope) -> Expressions:
        return Expressions(self.c, scope, self.subquery)

    def subquery(self, node: exp.Expression, scope: Scope) -> Expr:
        """A query as an expression: its text in parentheses, with the type of its first column."""
        compiled = self.query(node, scope)
        first = compiled.items[0][1]
        return Expr(f"({compiled.sql})", first.type, citext=first.citext)

    def query(
        self, node: exp.Expression, parent: Scope | None = None, *, stored: bool = False, top: bool = False
    ) -> Compiled:
        """`stored` prepares the columns for being kept in a table; `top` is the statement's own query."""
        if isinstance(node, exp.Subquery):
            return self.query(node.this, parent, stored=stored)
        for refused in ("for_", "sample", "qualify", "kind", "pivots", "cluster", "windows"):
            if node.args.get(refused):
                raise Unsupported(f"{refused.strip('_').upper()} in {node.sql(dialect='tsql')}")
        prefix = self._with(node, parent)
        try:
            if isinstance(node, exp.SetOperation):
                compiled = self._set_operation(node, parent)
            elif isinstance(node, exp.Select):
                compiled = Select(self, node, parent, stored=stored, top=top).compile()
            else:
                raise Unsupported(f"{type(node).__name__}: {node.sql(dialect='tsql')}")
        finally:
            if node.args.get("with_"):
                self._ctes.pop()
        return Compiled(prefix + compiled.sql, compiled.items)

    def _with(self, node: exp.Expression, parent: Scope | None) -> str:
        clause = node.args.get("with_")
        if not clause:
            return ""
        names: dict[str, list[tuple[str, Expr]]] = {}
        self._ctes.append(names)
        parts, recursive = [], False
        for cte in clause.expressions:
            given = [column.name for column in cte.args["alias"].args.get("columns") or []]
            inner = cte.this
            if isinstance(inner, exp.Union) and _mentions(inner.expression, cte.alias):
                first = self.query(inner.this, parent)
                names[cte.alias.lower()] = _named(first.items, given)
                recursive = True
            compiled = self.query(inner, parent)
            names[cte.alias.lower()] = _named(compiled.items, given)
            columns = ", ".join(quote(name) for name, _ in names[cte.alias.lower()])
            parts.append(f"{quote(cte.alias)}({columns}) AS ({compiled.sql})")
        return f"WITH {'RECURSIVE ' if recursive else ''}{', '.join(parts)} "

    def cte(self, name: str) -> list[tuple[str, Expr]] | None:
        return next((names[name.lower()] for names in reversed(self._ctes) if name.lower() in names), None)

    def _set_operation(self, node: exp.SetOperation, parent: Scope | None) -> Compiled:
        left, right = self.query(node.this, parent), self.query(node.expression, parent)
        if len(left.items) != len(right.items):
            raise error(205)
        kinds = [_common(a, b) for (_, a), (_, b) in zip(left.items, right.items, strict=True)]
        word = {"Union": "UNION", "Except": "EXCEPT", "Intersect": "INTERSECT"}[type(node).__name__]
        word += "" if node.args.get("distinct") else " ALL"
        sides = [
            _converted(side, kinds, self.c.alias(), distinct=bool(node.args.get("distinct"))) for side in (left, right)
        ]
        items = [
            (name, Expr("", kind, citext=family(kind) == "text"))
            for (name, _), kind in zip(left.items, kinds, strict=True)
        ]
        sql = f"{sides[0]} {word} {sides[1]}"
        order = node.args.get("order")
        if order:
            sql += " ORDER BY " + ", ".join(self._ordinal(entry, items) for entry in order.expressions)
        return Compiled(sql + self.limit(node, Scope(parent)), items)

    def _ordinal(self, entry: exp.Ordered, items: Sequence[tuple[str, Expr]]) -> str:
        target = entry.this
        desc = " DESC NULLS LAST" if entry.args.get("desc") else " NULLS FIRST"
        if isinstance(target, exp.Column):
            for number, (name, _) in enumerate(items, 1):
                if name.lower() == target.name.lower():
                    return f"{number}{desc}"
            raise error(207, target.name)
        return f"{self.c.pin(target)}{desc}"

    def limit(self, node: exp.Expression, scope: Scope) -> str:
        limit, offset, sql = node.args.get("limit"), node.args.get("offset"), ""
        options = limit.args.get("limit_options") if limit else None
        if options and options.args.get("percent"):
            raise Unsupported("TOP PERCENT")
        expressions = self.expressions(scope)
        if offset:
            sql += f" OFFSET {cast(expressions.value(offset.expression), BIGINT).sql}"
        if isinstance(limit, exp.Fetch):
            sql += f" LIMIT {cast(expressions.value(limit.args['count']), BIGINT).sql}"
        elif limit:
            count = cast(expressions.value(limit.expression), BIGINT).sql
            ties = options and options.args.get("with_ties")
            sql += f" FETCH FIRST ({count}) ROWS WITH TIES" if ties else f" LIMIT {count}"
        return sql

    # FROM ---------------------------------------------------------------------------------------

    def relation(self, node: exp.Expression, scope: Scope, *, outer: bool = False) -> tuple[str, Relation]:
        """A FROM item: its PostgreSQL text and its columns; `outer` makes every column nullable."""
        joins = node.args.get("joins") if isinstance(node, exp.Table) else None
        if joins or isinstance(node, exp.Paren):
            raise Unsupported(f"nested join {node.sql(dialect='tsql')}")
        if isinstance(node, exp.Table):
            text, relation = self._table(node, scope)
        elif isinstance(node, exp.Subquery | exp.Values):
            text, relation = self._derived(node, scope)
        else:
            raise Unsupported(f"FROM {node.sql(dialect='tsql')}")
        if outer:
            relation = Relation(relation.alias, {n: replace(e, nullable=True) for n, e in relation.columns.items()})
        return text, relation

    def _table(self, node: exp.Table, scope: Scope) -> tuple[str, Relation]:
        alias = node.alias
        if isinstance(node.this, exp.Anonymous | exp.OpenJSON):
            return self._table_functions.compile(node.this, node.args.get("alias"), scope)
        if isinstance(node.this, exp.Parameter):
            name = parameter_name(node.this)
            return self.named(self.c.world.table(name), alias or name, [])
        name = ("#" if node.this.args.get("temporary") else "") + node.name
        known = self.cte(name) if not node.db and not node.catalog else None
        if known is not None:
            return _aliased(quote(name), alias or name, known)
        table = self.c.world.table(name, node.db, node.catalog)
        hints = [hint.name.upper() for group in node.args.get("hints") or [] for hint in group.expressions]
        return self.named(table, alias or name, hints)

    def named(self, table: Table, alias: str, hints: Sequence[str]) -> tuple[str, Relation]:
        """A catalogue table in FROM, with the right to read it noted and its lock hints kept."""
        self.c.needs.add(Need(table.database, table.schema, table.name, "SELECT"))
        text, relation = table_relation(table, alias)
        for hint in hints:
            if hint not in HINTS:
                raise Unsupported(f"WITH ({hint})")
        if set(hints) & LOCKING:
            self.c.locks.append(Lock(table, relation.alias, frozenset(hints)))
        return text, relation

    def _derived(self, node: exp.Expression, scope: Scope) -> tuple[str, Relation]:
        given = (
            [column.name for column in (node.args.get("alias").args.get("columns") or [])]
            if node.args.get("alias")
            else []
        )
        compiled = self._values(node, scope) if isinstance(node, exp.Values) else self.query(node.this, scope.parent)
        return _aliased(f"({compiled.sql})", node.alias or self.c.alias(), _named(compiled.items, given), lateral=False)

    def _values(self, node: exp.Values, scope: Scope) -> Compiled:
        expressions = self.expressions(scope)
        rows = [
            expressions.values(row.expressions if isinstance(row, exp.Tuple) else [row]) for row in node.expressions
        ]
        kinds = [
            common_type([row[n].type for row in rows if not row[n].null] or [row[n].type for row in rows])
            for n in range(len(rows[0]))
        ]
        lines = [
            "(" + ", ".join(cast(value, kind).sql for value, kind in zip(row, kinds, strict=True)) + ")" for row in rows
        ]
        return Compiled("VALUES " + ", ".join(lines), [("", Expr("", kind)) for kind in kinds])


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


def _aliased(
    text: str, alias: str, items: Sequence[tuple[str, Expr]], *, lateral: bool = False
) -> tuple[str, Relation]:
    pg = quote(alias)
    names = ", ".join(quote(name) for name, _ in items)
    columns = {
        name: replace(expr, sql=f"{pg}.{quote(name)}", binder=None, name=name, identity=False, aggregate=False)
        for name, expr in items
    }
    return f"{'LATERAL ' if lateral else ''}{text} AS {pg}({names})", Relation(alias, columns)


def _named(items: Sequence[tuple[str, Expr]], given: Sequence[str]) -> list[tuple[str, Expr]]:
    named = [(given[n] if n < len(given) else name, expr) for n, (name, expr) in enumerate(items)]
    for n, (name, _) in enumerate(named, 1):
        if not name:
            raise error(8155, n, "the derived table")
    return named


def _mentions(node: exp.Expression, name: str) -> bool:
    return any(table.name.lower() == name.lower() for table in node.find_all(exp.Table))


def _common(a: Expr, b: Expr) -> SqlType:
    if a.null or b.null:
        return b.type if a.null else a.type
    return common_type([a.type, b.type])


def _converted(side: Compiled, kinds: Sequence[SqlType], alias: str, *, distinct: bool) -> str:
    names = [f"c{n}" for n in range(len(kinds))]
    values = []
    for name, kind, (_, item) in zip(names, kinds, side.items, strict=True):
        column = Expr(f"{alias}.{name}", item.type, citext=item.citext, null=item.null)
        value = cast(column, kind)
        if family(kind) == "text":
            # What UNION, EXCEPT and INTERSECT compare has no trailing blanks.
            values.append(ci(value) if distinct else f"({value.sql})::citext")
        else:
            values.append(value.sql)
    return f"(SELECT {', '.join(values)} FROM ({side.sql}) AS {alias}({', '.join(names)}))"


class Select:
    """One SELECT."""

    def __init__(self, queries: Queries, node: exp.Select, parent: Scope | None, *, stored: bool, top: bool) -> None:
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
        sql += self._locks(self.q.c.locks[first_lock:], grouped)
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
        text, relation = self.q.relation(_without_joins(clause.this), self.scope)
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
            text, relation = _aliased(f"({compiled.sql})", alias.name, _named(compiled.items, given), lateral=True)
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
        if any(value for key, value in group.args.items() if key != "expressions"):
            raise Unsupported(f"GROUP BY {group.sql(dialect='tsql')}")
        return [(node, self.e.value(node)) for node in group.expressions]

    def _items(self, groups: Sequence[tuple[exp.Expression, Expr]]) -> list[tuple[str, Expr]]:
        found: list[tuple[str, Expr]] = []
        for node in self.node.expressions:
            if isinstance(node, exp.Star) or (isinstance(node, exp.Column) and isinstance(node.this, exp.Star)):
                found += self._star(node)
                continue
            inner, name = (node.this, node.alias) if isinstance(node, exp.Alias) else (node, "")
            expr = next((group for known, group in groups if known == inner), None) or self.e.value(inner)
            if not name and isinstance(inner, exp.Column):
                name = inner.name
            found.append((name, self._pinned(inner, expr)))
        return found

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

    def _locks(self, locks: Sequence[Lock], grouped: bool) -> str:
        where = self.node.args.get("where")
        for lock in locks:
            lock.key = key_of(lock.table, lock.alias, where.this if where else None, self.e)
        return "".join(row_lock(lock) for lock in locks if not grouped)


def _without_joins(node: exp.Expression) -> exp.Expression:
    if not node.args.get("joins"):
        return node
    alone = node.copy()
    alone.set("joins", None)
    return alone


def result_columns(items: Sequence[tuple[str, Expr]]) -> list[Column]:
    """The result set's columns."""
    return [Column(name, plain_type(expr.type), expr.nullable, expr.identity) for name, expr in items]


def plain_type(kind: SqlType) -> SqlType:
    """The type without the digits of a literal integer."""
    return SqlType(kind.name) if family(kind) == "integer" else kind
