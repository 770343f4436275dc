"""Functions that stand in FROM: OPENJSON, CHANGETABLE, STRING_SPLIT."""

from typing import TYPE_CHECKING

from sqlglot import exp

from sandbox.tds.contract import SqlType
from sandbox.tsql.casts import as_text, cast, store
from sandbox.tsql.dialect import declared_type
from sandbox.tsql.errors import Unsupported, error
from sandbox.tsql.json_paths import json_path
from sandbox.tsql.kinds import BIGINT, family
from sandbox.tsql.naming import quote
from sandbox.tsql.plan import Need
from sandbox.tsql.scope import Expr, Relation, Scope
from sandbox.tsql.tracking import changes_sql

if TYPE_CHECKING:
    from sandbox.tsql.queries import Queries

_PAIRS = {"key": SqlType("nvarchar", 4000), "value": SqlType("nvarchar"), "type": SqlType("int")}


class TableFunctions:
    def __init__(self, queries: "Queries") -> None:
        self._q = queries

    def compile(self, node: exp.Expression, alias: exp.TableAlias | None, scope: Scope) -> tuple[str, Relation]:
        name = alias.name if alias else self._q.c.alias()
        if isinstance(node, exp.OpenJSON):
            return self._open_json(node, name, scope)
        if isinstance(node, exp.Anonymous):
            call = str(node.this).upper()
            if call == "CHANGETABLE_CHANGES":
                return self._changes(node, name, scope)
            if call == "STRING_SPLIT":
                return self._split(node, name, scope)
        raise Unsupported(f"FROM {node.sql(dialect='tsql')}")

    def _open_json(self, node: exp.OpenJSON, name: str, scope: Scope) -> tuple[str, Relation]:
        e = self._q.expressions(scope)
        path_node = node.args.get("path")
        strict, path = json_path(str(e.c.pin(path_node)) if path_node else "$")
        document = f"tsql.json_at(tsql.json({as_text(e.value(node.this))}), {path}, {strict})"
        if not node.expressions:
            columns = {column: Expr(f"{quote(name)}.{column}", kind) for column, kind in _PAIRS.items()}
            return f"LATERAL tsql.json_pairs({document}) AS {quote(name)}(key, value, type)", Relation(name, columns)
        columns, outputs = {}, []
        for definition in node.expressions:
            kind = declared_type(definition.args["kind"])
            spelled = definition.this.name
            outputs.append(f"{self._column(definition, kind, spelled)} AS {quote(spelled)}")
            columns[spelled] = Expr(f"{quote(name)}.{quote(spelled)}", kind, citext=family(kind) == "text")
        text = f"LATERAL (SELECT {', '.join(outputs)} FROM tsql.json_rows({document}) AS _row(j)) AS {quote(name)}"
        return text, Relation(name, columns)

    def _column(self, definition: exp.Expression, kind: SqlType, spelled: str) -> str:
        written = definition.args.get("path")
        strict, path = (
            json_path(str(written.this))
            if written
            else ("false", "ARRAY['" + spelled.replace("'", "''") + "']::text[]")
        )
        reader = "json_tree" if definition.args.get("as_json") else "json_scalar"
        value = Expr(f"tsql.{reader}(tsql.json_at(_row.j, {path}, {strict}))", SqlType("nvarchar"))
        return store(value, kind) if family(kind) == "text" else cast(value, kind).sql

    def _changes(self, node: exp.Anonymous, name: str, scope: Scope) -> tuple[str, Relation]:
        target, since = node.expressions[:2]
        if not isinstance(target, exp.Column):
            raise error(102, "CHANGETABLE")
        table = self._q.c.world.table(
            target.name, target.table, target.args["db"].name if target.args.get("db") else ""
        )
        self._q.c.needs.add(Need(table.database, table.schema, table.name, "SELECT"))
        self._q.c.needs.add(Need(table.database, table.schema, table.name, "VIEW CHANGE TRACKING"))
        version = cast(self._q.expressions(scope).value(since), BIGINT).sql
        columns = {
            "SYS_CHANGE_VERSION": BIGINT, "SYS_CHANGE_CREATION_VERSION": BIGINT, "SYS_CHANGE_OPERATION": SqlType("nchar", 1),
            "SYS_CHANGE_COLUMNS": SqlType("varbinary", 4100), "SYS_CHANGE_CONTEXT": SqlType("varbinary", 128),
        }  # fmt: skip
        found = {
            column: Expr(f"{quote(name)}.{quote(column)}", kind, citext=family(kind) == "text")
            for column, kind in columns.items()
        }
        for key in table.key:
            spelled, column = table.column(key) or (key, table.columns[key])
            found[spelled] = Expr(
                f"{quote(name)}.{quote(spelled)}", column.type, nullable=False, citext=family(column.type) == "text"
            )
        return f"{changes_sql(table, version)} AS {quote(name)}", Relation(name, found)

    def _split(self, node: exp.Anonymous, name: str, scope: Scope) -> tuple[str, Relation]:
        e = self._q.expressions(scope)
        value, separator = (as_text(e.value(argument)) for argument in node.expressions[:2])
        columns = {"value": Expr(f"{quote(name)}.value", SqlType("nvarchar", 4000))}
        return f"LATERAL unnest(string_to_array({value}, {separator})) AS {quote(name)}(value)", Relation(name, columns)
