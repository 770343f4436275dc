"""Compiles SELECT: FROM, joins, APPLY, CTEs, grouping, set operations, TOP and paging, lock hints."""

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from sandbox.tds.contract import SqlType
from sandbox.tsql.casts import cast, ci, common_type
from sandbox.tsql.catalog import Table
from sandbox.tsql.compilation import Compilation, parameter_name
from sandbox.tsql.errors import Unsupported, error
from sandbox.tsql.expressions import Expressions
from sandbox.tsql.kinds import BIGINT, family
from sandbox.tsql.locks import HINTS, LOCKING, Lock
from sandbox.tsql.naming import quote
from sandbox.tsql.plan import Need
from sandbox.tsql.relations import Compiled, aliased, named_items, table_relation
from sandbox.tsql.scope import Expr, Relation, Scope
from sandbox.tsql.select import Select
from sandbox.tsql.tables import TableFunctions


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
                names[cte.alias.lower()] = named_items(first.items, given)
                recursive = True
            compiled = self.query(inner, parent)
            names[cte.alias.lower()] = named_items(compiled.items, given)
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
            return aliased(quote(name), alias or name, known)
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
        return aliased(
            f"({compiled.sql})", node.alias or self.c.alias(), named_items(compiled.items, given), lateral=False
        )

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
