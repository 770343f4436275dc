"""Catalogue tables as PostgreSQL tables: one schema a database, text as citext, char without its blanks."""

from sqlglot import exp

from sandbox.tsql.casts import store
from sandbox.tsql.catalog import CatalogColumn, Check, Index, Table, Trigger
from sandbox.tsql.compilation import Compilation
from sandbox.tsql.dialect import parse_condition, parse_value
from sandbox.tsql.kinds import family, postgres_type
from sandbox.tsql.lexer import fragment, tokens
from sandbox.tsql.naming import quote
from sandbox.tsql.plan import command
from sandbox.tsql.queries import Queries
from sandbox.tsql.relations import table_relation
from sandbox.tsql.scope import Scope
from sandbox.tsql.world import World
from sandbox.tsql.writes import Writes


def column_type(column: CatalogColumn) -> str:
    """The PostgreSQL type that keeps a column."""
    return "citext" if family(column.type) == "text" else postgres_type(column.type)


def _inline(text: str, table: Table | None, world: World) -> str:
    """A T-SQL expression over a table's columns as PostgreSQL text without parameters."""
    scope = Scope()
    if table:
        _, relation = table_relation(table, table.name)
        scope.relations.append(relation)
    c = Compilation(world, (), {})
    node = parse_condition(text)
    e = Queries(c).expressions(scope)
    sql = (
        e.condition(node) if isinstance(node, exp.Condition) and not isinstance(node, exp.Column) else e.value(node).sql
    )
    return sql.replace(f"{quote(table.name)}.", "") if table else sql


def _default(column: CatalogColumn, world: World) -> str:
    c = Compilation(world, (), {})
    node = parse_value(column.default or "NULL")
    expr = Queries(c).expressions(Scope()).value(node)
    if family(column.type) == "text" and isinstance(node, exp.Literal | exp.National):
        return f"'{str(node.this).replace(chr(39), chr(39) * 2)}'"
    return store(expr, column.type)


def create_table(table: Table, world: World, *, temporary: bool = False) -> list[str]:
    """The statements that make a table, without its triggers."""
    parts = []
    for name, column in table.columns.items():
        line = f"{quote(name)} {column_type(column)}"
        if column.identity:
            line += " GENERATED ALWAYS AS IDENTITY"
        if column.default is not None:
            line += f" DEFAULT {_default(column, world)}"
        if not column.nullable:
            line += " NOT NULL"
        parts.append(line)
    if table.key:
        named = "" if temporary else f'CONSTRAINT "{table.key_name}" '
        parts.append(f"{named}PRIMARY KEY ({', '.join(quote(key) for key in table.key)})")
    parts += [_check(check, table, world) for check in table.checks]
    word = "TEMP TABLE" if temporary else "TABLE"
    name = quote(table.name) if temporary else table.relation
    statements = [f"CREATE {word} {name} ({', '.join(parts)})"]
    return statements + [index_statement(table, index, temporary=temporary) for index in table.indexes]


def index_statement(table: Table, index: Index, *, temporary: bool = False) -> str:
    """The statement that makes an index of a table."""
    unique = "UNIQUE " if index.unique else ""
    columns = ", ".join(quote(column) for column in index.columns)
    name = quote(table.name) if temporary else table.relation
    named = "" if temporary else f'"{table.name.lower()}.{index.name}"'
    return f"CREATE {unique}INDEX {named} ON {name} ({columns})"


def _check(check: Check, table: Table, world: World) -> str:
    return f'CONSTRAINT "{check.name}" CHECK ({_inline(check.expression, table, world)})'


def create_trigger(trigger: Trigger, table: Table, world: World) -> list[str]:
    """An AFTER trigger. It keeps still while its own text runs, for RECURSIVE_TRIGGERS is off."""
    pseudo = {}
    for name in ("inserted", "deleted"):
        rows = Table(name, table.columns, table.key, database=table.database, schema="sys")
        rows.relation = name
        pseudo[name] = rows
    inner = World(world._catalogs, table.database, pseudo=pseudo)
    body = "; ".join(_trigger_statement(text, inner) for text in trigger.text.split(";") if text.strip())
    function = f'"{table.database.lower()}"."{trigger.name.lower()}"'
    guard = f"tsql.t_{abs(hash_name(table.database + trigger.name))}"
    transition = {
        "INSERT": "NEW TABLE AS inserted",
        "DELETE": "OLD TABLE AS deleted",
        "UPDATE": "NEW TABLE AS inserted OLD TABLE AS deleted",
    }
    return [
        f"""CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $trigger$
        BEGIN
          IF current_setting('{guard}', true) = 'on' THEN RETURN NULL; END IF;
          PERFORM set_config('{guard}', 'on', true);
          {body};
          PERFORM set_config('{guard}', 'off', true);
          RETURN NULL;
        END $trigger$""",
        f'CREATE OR REPLACE TRIGGER "{trigger.name.lower()}" AFTER {trigger.event} ON {table.relation} '
        f"REFERENCING {transition[trigger.event]} FOR EACH STATEMENT EXECUTE FUNCTION {function}()",
    ]


def hash_name(text: str) -> int:
    """A number that is the same in every run."""
    import zlib

    return zlib.crc32(text.lower().encode()) & 0x7FFFFFFF


def _trigger_statement(text: str, world: World) -> str:
    piece = fragment(tokens(text), text)
    c = Compilation(world, piece.literals, {})
    sql = Writes(c).compile(piece.text).sql
    inlined = command(sql.replace("\x01", ""), c.binders)
    values = [binder.value(piece.literals, str, str) for binder in inlined.binders]
    for number in range(len(values), 0, -1):
        inlined_value = "NULL" if values[number - 1] is None else "'" + str(values[number - 1]).replace("'", "''") + "'"
        inlined = type(inlined)(inlined.sql.replace(f"${number}::", f"{inlined_value}::"), ())
    return inlined.sql
