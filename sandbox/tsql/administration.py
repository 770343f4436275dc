"""Builds the databases in PostgreSQL, and alters them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import psycopg

from sandbox.tsql.catalog import Catalog, CatalogColumn, Check, Index, Table
from sandbox.tsql.ddl import column_type, create_trigger, index_statement
from sandbox.tsql.ddl import create_table as table_statements
from sandbox.tsql.errors import error
from sandbox.tsql.metadata import object_id, rows, views
from sandbox.tsql.procedures import REQUIRED, Parameter, Procedure
from sandbox.tsql.statements import CreateIndex, CreateProcedure, TableDefinition
from sandbox.tsql.tracking import disable_sql, enable_sql
from sandbox.tsql.world import World

if TYPE_CHECKING:
    from sandbox.tsql.session import SqlSession

Connection = psycopg.Connection[tuple[object, ...]]
_LIVE = {"change_tracking_databases", "change_tracking_tables", "dm_exec_sessions"}


def build(connection: Connection, catalogs: Mapping[str, Catalog]) -> None:
    """Make every table that is not there yet, the triggers, and the catalogue views."""
    with connection.transaction():
        for catalog in catalogs.values():
            world = World(catalogs, catalog.name)
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{catalog.name.lower()}"'.encode())
            known = _known_tables(connection, catalog.name.lower())
            for table in catalog.tables:
                if table.name.lower() not in known:
                    _run(connection, table_statements(table, world))
        for catalog in catalogs.values():
            world = World(catalogs, catalog.name)
            for table in catalog.tables:
                for trigger in table.triggers:
                    _run(connection, create_trigger(trigger, table, world))
            _read_tracking(connection, catalog)
            refresh_views(connection, catalog, catalogs)


def _run(connection: Connection, statements: list[str]) -> None:
    for sql in statements:
        connection.execute(sql.encode())


def _known_tables(connection: Connection, schema: str) -> set[object]:
    found = connection.execute(b"SELECT tablename::text FROM pg_tables WHERE schemaname = $1", [schema]).fetchall()
    return {row[0] for row in found}


def _read_tracking(connection: Connection, catalog: Catalog) -> None:
    name = catalog.name.lower()
    found = connection.execute(b"SELECT 1 FROM tsql.tracked_database WHERE name = $1", [name]).fetchone()
    catalog.change_tracking = found is not None
    tracked = {
        row[0]
        for row in connection.execute(b"SELECT name FROM tsql.tracked_table WHERE database = $1", [name]).fetchall()
    }
    for table in catalog.tables:
        table.tracked = table.name.lower() in tracked


def refresh_views(connection: Connection, catalog: Catalog, catalogs: Mapping[str, Catalog]) -> None:
    """Fill the catalogue views anew."""
    schema = f'"{catalog.name.lower()}.sys"'
    connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE".encode())
    connection.execute(f"CREATE SCHEMA {schema}".encode())
    found = rows(catalog, catalogs)
    for view in views(catalog.name):
        catalog.add_view(view)
        if view.name in _LIVE:
            connection.execute(_live_view(view, catalog, catalogs).encode())
            continue
        columns = ", ".join(f'"{name.lower()}" {column_type(column)}' for name, column in view.columns.items())
        connection.execute(f"CREATE TABLE {view.relation} ({columns})".encode())
        with connection.cursor().copy(f"COPY {view.relation} FROM STDIN".encode()) as copy:
            for row in found.get((view.schema, view.name), ()):
                copy.write_row(row)


def _live_view(view: Table, catalog: Catalog, catalogs: Mapping[str, Catalog]) -> str:
    ids = ", ".join(f"('{name}', {number})" for number, name in enumerate(catalogs, 5))
    bodies = {
        "change_tracking_databases": f"SELECT i.id::int4 AS database_id, 1::int2 AS is_auto_cleanup_on, 2::int4 AS retention_period, "
        f"3::int2 AS retention_period_units, 'DAYS'::citext AS retention_period_units_desc, d.version AS max_cleanup_version "
        f"FROM tsql.tracked_database d JOIN (VALUES {ids}) AS i(name, id) ON i.name = d.name",
        "change_tracking_tables": "SELECT t.object_id, 0::int2 AS is_track_columns_updated_on, t.least AS min_valid_version, "
        f"t.least AS begin_version, t.least AS cleanup_version FROM tsql.tracked_table t WHERE t.database = '{catalog.name.lower()}'",
        "dm_exec_sessions": "SELECT * FROM tsql.session",
    }
    return f"CREATE VIEW {view.relation} AS {bodies[view.name]}"


# Change tracking ------------------------------------------------------------------------------------


def set_tracking(
    connection: Connection, catalogs: Mapping[str, Catalog], database: str, table: str | None, enabled: bool
) -> None:
    """Switch change tracking of a database or a table."""
    catalog = catalogs.get(database.lower())
    if catalog is None:
        raise error(911, database)
    with connection.transaction():
        if table is None:
            _set_database(connection, catalog, enabled)
            return
        found = catalog.table(table)
        if found is None:
            raise error(208, table)
        if enabled and not catalog.change_tracking:
            raise error(22106, catalog.name)
        _set_table(connection, found, enabled)


def _set_database(connection: Connection, catalog: Catalog, enabled: bool) -> None:
    name = catalog.name.lower()
    if enabled:
        # A database's versions begin at 0.
        connection.execute(b"INSERT INTO tsql.tracked_database(name) VALUES ($1) ON CONFLICT DO NOTHING", [name])
    else:
        if any(table.tracked for table in catalog.tables):
            raise error(22115)
        connection.execute(b"DELETE FROM tsql.tracked_database WHERE name = $1", [name])
    catalog.change_tracking = enabled


def _set_table(connection: Connection, table: Table, enabled: bool) -> None:
    if enabled == table.tracked:
        return
    database = table.database.lower()
    if enabled:
        columns = [
            f'"{key.lower()}" {column_type((table.column(key) or ("", table.columns[key]))[1])}' for key in table.key
        ]
        _run(connection, enable_sql(table, columns))
        connection.execute(
            b"INSERT INTO tsql.tracked_table(object_id, database, name, least) VALUES ($1, $2, $3, tsql.current_version($2))",
            [object_id(table.database, table.name), database, table.name.lower()],
        )
    else:
        _run(connection, disable_sql(table))
        connection.execute(
            b"DELETE FROM tsql.tracked_table WHERE database = $1 AND name = $2", [database, table.name.lower()]
        )
    table.tracked = enabled


def clean_tracking(connection: Connection, database: str) -> int:
    """Forget the history of a database; the version that is now the least valid."""
    row = connection.execute(b"SELECT tsql.forget_changes($1)", [database.lower()]).fetchone()
    return int(str(row[0])) if row and row[0] is not None else 0


# Definitions from T-SQL ------------------------------------------------------------------------------


def create_table(session: "SqlSession", name: str, definition: TableDefinition) -> None:
    """A permanent table; SqlError 2714 when there is one of that name."""
    catalog = session.engine.catalogs[session.frame.database.lower()]
    if catalog.table(name):
        raise error(2714, name)
    keys = {key.lower() for key in definition.key}
    columns = {
        c.name: CatalogColumn(c.type, c.default, c.identity, c.nullable and c.name.lower() not in keys)
        for c in definition.columns
    }
    indexes = [Index(f"UQ_{name}_{n}", tuple(unique), unique=True) for n, unique in enumerate(definition.unique)]
    checks = [Check(f"CK_{name}_{n}", text) for n, text in enumerate(definition.checks)]
    table = Table(name, columns, list(definition.key), indexes, checks)
    table.database = catalog.name
    table.relation = f'"{catalog.name.lower()}"."{name.lower()}"'
    with session.translated("CREATE TABLE"), session.transactions.statement(writes=True):
        for sql in table_statements(table, session.world):
            session.connection.execute(sql.encode())
        catalog.add(table)
        refresh_views(session.connection, catalog, session.engine.catalogs)


def create_index(session: "SqlSession", statement: CreateIndex) -> None:
    """An index of a permanent table; SqlError 1913 when the table has one of that name, 1911 without such a column."""
    table = session.world.table(statement.table[-1])
    if any(index.name.lower() == statement.name.lower() for index in table.indexes):
        raise error(1913, statement.name, f"dbo.{table.name}")
    for column in statement.columns:
        if column.lower() not in {name.lower() for name in table.columns}:
            raise error(1911, column)
    index = Index(statement.name, tuple(statement.columns), unique=statement.unique)
    with session.translated("CREATE INDEX"), session.transactions.statement(writes=True):
        session.connection.execute(index_statement(table, index).encode())
        table.indexes.append(index)
        catalog = session.engine.catalogs[table.database.lower()]
        refresh_views(session.connection, catalog, session.engine.catalogs)


def procedure_of(statement: CreateProcedure) -> Procedure:
    """The procedure a CREATE PROCEDURE describes."""
    parameters = [
        Parameter(name, kind, (default.value if default else None) if has_default else REQUIRED, output)
        for name, kind, default, has_default, output in statement.parameters
    ]
    return Procedure(statement.name[-1], tuple(parameters), statement.body)
