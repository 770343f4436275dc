"""Compiles INSERT, UPDATE and DELETE. Their heads are read here; what they contain goes through `queries`."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from sandbox.tds.contract import SqlType
from sandbox.tsql.casts import cast, store
from sandbox.tsql.catalog import CatalogColumn, Table
from sandbox.tsql.compilation import Compilation
from sandbox.tsql.dialect import parse_condition, parse_query, parse_sources, parse_value
from sandbox.tsql.errors import Unsupported, error
from sandbox.tsql.expressions import Expressions
from sandbox.tsql.heads import Head, HeadReader, text_of
from sandbox.tsql.kinds import BIGINT
from sandbox.tsql.lexer import Token, tokens, unquote
from sandbox.tsql.naming import quote
from sandbox.tsql.plan import Need
from sandbox.tsql.queries import Queries
from sandbox.tsql.relations import table_relation
from sandbox.tsql.scope import Expr, Relation, Scope
from sandbox.tsql.select import Select

# Beyond so many rows an INSERT does not look whether another connection guards its keys.
_MOST_GUARDED = 20


def _cells(row: exp.Expression) -> list[exp.Expression]:
    if isinstance(row, exp.Tuple):
        return list(row.expressions)
    return [row.this if isinstance(row, exp.Paren) else row]


def _is_default(node: exp.Expression) -> bool:
    return isinstance(node, exp.Column | exp.Var) and node.name.upper() == "DEFAULT"


@dataclass
class Write:
    """A compiled write: its text, what its OUTPUT returns, and the table it changes."""

    sql: str
    table: Table
    items: list[tuple[str, Expr]] = field(default_factory=list)
    assigns: list[tuple[str, SqlType]] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    fills_identity: bool = False
    keys: list[list[Expr]] = field(default_factory=list)


class Writes:
    def __init__(self, compilation: Compilation, identity_insert: str = "") -> None:
        self.c = compilation
        self.q = Queries(compilation)
        self._identity_insert = identity_insert
        self._keys: list[list[Expr]] = []

    def compile(self, text: str) -> Write:
        head = HeadReader(tokens(text), text).read()
        prefix = self._ctes(head)
        write: Write = getattr(self, f"_{head.verb.lower()}")(head)
        write.sql = prefix + write.sql if not head.into else write.sql
        write.hints = head.hints
        return write

    def _ctes(self, head: Head) -> str:
        if not head.ctes:
            return ""
        node = parse_query(f"{head.ctes} SELECT 1 AS x")
        return self.q._with(node, None)

    def _table(self, written: str) -> Table:
        parts = written.split(".")
        name, schema, database = parts[-1], parts[-2] if len(parts) > 1 else "", parts[-3] if len(parts) > 2 else ""
        return self.c.world.table(name, schema, database)

    def _need(self, table: Table, permission: str) -> None:
        self.c.needs.add(Need(table.database, table.schema, table.name, permission))

    def _column(self, table: Table, name: str) -> tuple[str, CatalogColumn]:
        found = table.column(name)
        if found is None:
            raise error(207, name)
        return found

    # INSERT -------------------------------------------------------------------------------------

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

    @staticmethod
    def _value(text: str) -> exp.Expression:
        return parse_value(text)

    # UPDATE and DELETE --------------------------------------------------------------------------

    def _update(self, head: Head) -> Write:
        target = self._target(head)
        self._need(target.table, "UPDATE")
        if head.where or head.source:
            self._need(target.table, "SELECT")
        settings, assigns = self._settings(head, target)
        alias = quote(target.alias)
        source = f" FROM {target.others}" if target.others else ""
        sql = f"UPDATE {target.table.relation} AS {alias} SET {', '.join(settings)}{source}{target.where}"
        return self._output(head, target.table, Write(sql, target.table), target, assigns)

    def _delete(self, head: Head) -> Write:
        target = self._target(head)
        self._need(target.table, "DELETE")
        if head.where or head.source:
            self._need(target.table, "SELECT")
        source = f" USING {target.others}" if target.others else ""
        sql = f"DELETE FROM {target.table.relation} AS {quote(target.alias)}{source}{target.where}"
        return self._output(head, target.table, Write(sql, target.table), target)

    def _target(self, head: Head) -> "Target":
        if head.source:
            return self._joined(head)
        table = self._table(head.target)
        alias = head.target.rpartition(".")[2]
        _, relation = table_relation(table, alias)
        scope = Scope(None, [relation])
        where = ""
        if head.where:
            condition = parse_condition(head.where)
            where = self.q.expressions(scope).condition(condition)
        if head.top:
            where = self._topped(head, table, relation, where)
        return Target(table, alias, scope, "", f" WHERE {where}" if where else "")

    def _topped(self, head: Head, table: Table, relation: Relation, where: str) -> str:
        count = cast(self.q.expressions(Scope()).value(self._value(head.top)), BIGINT).sql
        alias = quote(relation.alias)
        inner = f"SELECT {alias}.ctid FROM {table.relation} AS {alias}{f' WHERE {where}' if where else ''} LIMIT {count} FOR UPDATE"
        return f"{alias}.ctid = ANY(ARRAY({inner}))"

    def _joined(self, head: Head) -> "Target":
        if head.top:
            raise Unsupported("TOP with FROM in UPDATE or DELETE")
        node = parse_sources(head.source, head.where)
        select = Select(self.q, node, None, stored=False, top=False)
        sources = select.sources()
        name = head.target.rpartition(".")[2].lower()
        found = next((r for r in select.scope.relations if r.alias.lower() == name), None)
        if found is None:
            return self._beside(head, node, select, sources)
        table = self._table_of(node, found.alias) or self._table(head.target)
        condition = select.e.condition(node.args["where"].this) if node.args.get("where") else "true"
        return self._keyed(table, found, select.scope, sources, condition)

    def _beside(self, head: Head, node: exp.Expression, select: Select, sources: str) -> "Target":
        # UPDATE t ... FROM inserted i: the target is not in FROM, or only under another alias.
        table = self._table(head.target)
        twins = [r for r in select.scope.relations if self._table_of(node, r.alias) is table]
        condition = select.e.condition(node.args["where"].this) if node.args.get("where") and twins else "true"
        if twins:
            return self._keyed(table, twins[0], select.scope, sources, condition)
        _, relation = table_relation(table, head.target.rpartition(".")[2])
        select.scope.relations.insert(0, relation)
        where = select.e.condition(node.args["where"].this) if node.args.get("where") else "true"
        return Target(table, relation.alias, select.scope, sources.removeprefix(" FROM "), f" WHERE {where}")

    def _table_of(self, node: exp.Expression, alias: str) -> Table | None:
        for table in node.find_all(exp.Table):
            if (table.alias or table.name or "").lower().lstrip("#") == alias.lower().lstrip(
                "#@"
            ) or table.alias_or_name.lower() == alias.lower():
                if isinstance(table.this, exp.Parameter):
                    return self.c.world.table(alias)
                name = ("#" if table.this.args.get("temporary") else "") + table.name
                return None if self.q.cte(name) else self.c.world.table(name, table.db, table.catalog)
        return None

    def _keyed(self, table: Table, relation: Relation, scope: Scope, sources: str, condition: str) -> "Target":
        """The join as a sub-query that locks the target's rows first, joined back by the row's own place."""
        alias = quote(relation.alias)
        return Target(table, relation.alias, scope, "", "", join=(f"{sources} WHERE {condition}", alias))

    def _settings(self, head: Head, target: "Target") -> tuple[list[str], list[tuple[str, SqlType]]]:
        e = self.q.expressions(target.scope)
        settings, assigns, variables = [], [], []
        for run in head.assignments:
            if run[0].kind == "var":
                variable, rest = run[0].text.lower(), run[2:]
                both = len(rest) > 1 and rest[1].text == "=" and rest[0].kind != "var"
                variables.append((variable, rest[2:] if both else rest))
                if both:
                    settings.append(self._setting(rest, target, e))
                continue
            settings.append(self._setting(run, target, e))
        for variable, run in variables:
            if variable not in self.c.variables:
                raise error(137, variable)
            value = cast(e.value(self._value(text_of(run))), self.c.variables[variable])
            assigns.append((variable, value))
        return self._finish_join(target, settings), assigns  # type: ignore[return-value]

    def _setting(self, run: Sequence[Token], target: "Target", e: Expressions) -> str:
        at = next((n for n, token in enumerate(run) if token.text.endswith("=")), 0)
        name = unquote(run[at - 1].text)
        _, column = self._column(target.table, name)
        if column.identity:
            raise error(8102, name)
        text = text_of(run[at + 1 :])
        if text.upper() == "DEFAULT":
            return f"{quote(name)} = DEFAULT"
        if run[at].text != "=":
            text = f"{text_of(run[:at])} {run[at].text[0]} ({text})"
        target.values.append(store(e.value(self._value(text)), column.type))
        return f"{quote(name)} = \x02{len(target.values) - 1}\x02"

    def _finish_join(self, target: "Target", settings: Sequence[str]) -> list[str]:
        if target.join is None:
            return [_filled(setting, target.values) for setting in settings]
        return [_filled(setting, [f"_src.v{n}" for n in range(len(target.values))]) for setting in settings]

    # OUTPUT -------------------------------------------------------------------------------------

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
            f"WITH _out({outs}) AS ({write.sql}) INSERT INTO {into.relation} ({', '.join(quote(n) for n in names)}) "
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


@dataclass
class Target:
    """What UPDATE or DELETE works on. `join` is set when other tables stand in FROM beside it."""

    table: Table
    alias: str
    scope: Scope
    others: str
    where: str
    join: tuple[str, str] | None = None
    values: list[str] = field(default_factory=list)


def _filled(setting: str, values: Sequence[str]) -> str:
    name, _, rest = setting.partition(" = ")
    return f"{name} = {values[int(rest.strip(chr(2)))]}" if rest.startswith("\x02") else setting
