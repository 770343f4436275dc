"""Compiles UPDATE and DELETE, with what their FROM joins."""

from collections.abc import Sequence

from sqlglot import exp

from sandbox.tds.contract import SqlType
from sandbox.tsql.casts import cast, store
from sandbox.tsql.catalog import Table
from sandbox.tsql.dialect import parse_condition, parse_sources
from sandbox.tsql.errors import Unsupported, error
from sandbox.tsql.expressions import Expressions
from sandbox.tsql.heads import Head, text_of
from sandbox.tsql.kinds import BIGINT
from sandbox.tsql.lexer import Token, unquote
from sandbox.tsql.naming import quote
from sandbox.tsql.outputs import Outputs
from sandbox.tsql.relations import table_relation
from sandbox.tsql.scope import Relation, Scope
from sandbox.tsql.select import Select
from sandbox.tsql.writer import Target, Write


class Changes(Outputs):
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


def _filled(setting: str, values: Sequence[str]) -> str:
    name, _, rest = setting.partition(" = ")
    return f"{name} = {values[int(rest.strip(chr(2)))]}" if rest.startswith("\x02") else setting
