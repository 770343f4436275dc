"""#temp tables and table variables of a connection."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sandbox.tsql.catalog import CatalogColumn, Check, Index, Table
from sandbox.tsql.ddl import create_table
from sandbox.tsql.errors import error
from sandbox.tsql.statements import TableDefinition

if TYPE_CHECKING:
    from sandbox.tsql.session import SqlSession


def table_of(name: str, definition: TableDefinition, relation: str) -> Table:
    """A temporary table's description; `relation` is its name in PostgreSQL."""
    keys = {key.lower() for key in definition.key}
    columns = {
        column.name: CatalogColumn(
            column.type, column.default, column.identity, column.nullable and column.name.lower() not in keys
        )
        for column in definition.columns
    }
    indexes = [Index(f"UQ{number}", tuple(unique), unique=True) for number, unique in enumerate(definition.unique)]
    checks = [Check(f"CK{number}_{relation}", text) for number, text in enumerate(definition.checks)]
    table = Table(relation, columns, list(definition.key), indexes, checks, schema="@" if name[0] == "@" else "#")
    table.relation = f'pg_temp."{relation.lower()}"'
    return table


class TemporaryTables:
    def __init__(self, session: "SqlSession") -> None:
        self._s = session

    def create(self, name: str, definition: TableDefinition) -> None:
        """CREATE TABLE #x; SqlError 2714 when there is one."""
        if name.lower() in self._s.temporary:
            raise error(2714, name)
        table = table_of(name, definition, name)
        with self._s.translated("CREATE TABLE"), self._s.transactions.statement(writes=True):
            self._make(table)
        self.add(name, table)

    def add(self, name: str, table: Table) -> None:
        self._s.temporary[name.lower()] = table
        self._s.frame.temporary.add(name.lower())

    def declare(self, name: str, definition: TableDefinition) -> None:
        """DECLARE @x TABLE."""
        table = table_of(name, definition, f"{name}_{len(self._s.frames)}")
        with self._s.translated("DECLARE"), self._s.transactions.statement(writes=True):
            self._make(table)
        self._s.frame.tables[name] = table

    def _make(self, table: Table) -> None:
        for sql in create_table(table, self._s.world, temporary=True):
            self._s.connection.execute(sql.encode())

    def drop(self, name: str) -> None:
        """DROP TABLE #x; SqlError 3701 when there is none."""
        table = self._s.temporary.pop(name.lower(), None)
        if table is None:
            raise error(3701, name)
        with self._s.translated("DROP TABLE"), self._s.transactions.statement(writes=True):
            self._s.connection.execute(f"DROP TABLE {table.relation}".encode())

    def leave(self) -> None:
        """The end of a batch or procedure: its table variables go, and a procedure's #temp tables too."""
        frame = self._s.frame
        names = [table.relation for table in frame.tables.values()]
        if len(self._s.frames) > 1:
            names += [self._s.temporary.pop(name).relation for name in frame.temporary if name in self._s.temporary]
        frame.tables = {}
        if names:
            self._s.connection.execute(f"DROP TABLE IF EXISTS {', '.join(names)}".encode())

    def around_rollback(self) -> Callable[[], None]:
        """Keeps the rows of table variables over a ROLLBACK, and forgets #temp tables it undoes."""
        kept = []
        for frame in self._s.frames:
            for table in frame.tables.values():
                rows = self._s.connection.execute(f"SELECT * FROM {table.relation}".encode()).fetchall()
                kept.append((table, rows))

        def restore() -> None:
            for table, rows in kept:
                self._restore(table, rows)
            self._forget_undone()

        return restore

    def _restore(self, table: Table, rows: list[tuple[object, ...]]) -> None:
        connection = self._s.connection
        exists = connection.execute(b"SELECT to_regclass($1)", [table.relation]).fetchone()
        if exists is None or exists[0] is None:  # type: ignore[index]
            self._make(table)
        connection.execute(f"TRUNCATE {table.relation}".encode())
        if rows:
            with connection.cursor().copy(f"COPY {table.relation} FROM STDIN".encode()) as copy:
                for row in rows:
                    copy.write_row(row)

    def _forget_undone(self) -> None:
        for name, table in list(self._s.temporary.items()):
            row = self._s.connection.execute(b"SELECT to_regclass($1)", [table.relation]).fetchone()
            if row is None or row[0] is None:  # type: ignore[index]
                del self._s.temporary[name]
