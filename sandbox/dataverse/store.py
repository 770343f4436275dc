"""Rows in SQLite: one SQL table per Dataverse table, a column per attribute, one global row-version counter.

Everything runs on the event loop's thread, one operation at a time, so a transaction never sees half of another.
Text is compared as the SQL collation of Dataverse does (case and trailing spaces ignored) through the SQL function
`fold`; Money and Decimal are kept as exact text and compared as numbers.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from sandbox.dataverse.errors import DataverseError, duplicate_key, duplicate_row
from sandbox.dataverse.schema import Column, Key, Schema, Table, shipped

Row = dict[str, object]

_OWN_TABLES = """
CREATE TABLE IF NOT EXISTS "$counter" (value INTEGER NOT NULL);
INSERT INTO "$counter" SELECT 1000000 WHERE NOT EXISTS (SELECT 1 FROM "$counter");
CREATE TABLE IF NOT EXISTS "$deleted" (tab TEXT, id TEXT, version INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS "$definition" (name TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS "$setting" (name TEXT PRIMARY KEY, body TEXT NOT NULL);
"""


def fold(value: object) -> object:
    """Text as the collation sees it; anything else as it is."""
    return value.rstrip(" ").casefold() if isinstance(value, str) else value


@cache
def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def target_column(column: Column) -> str:
    """The SQL column that says which table a polymorphic lookup leads to."""
    return f"{column.name}$type"


class Store:
    """The rows and definitions of one environment. `file` None keeps them in memory."""

    def __init__(self, file: Path | None = None) -> None:
        self._db = sqlite3.connect(file or ":memory:", isolation_level=None, check_same_thread=False)
        self._db.create_function("fold", 1, fold, deterministic=True)
        for pragma in ("journal_mode=WAL", "synchronous=OFF", "temp_store=MEMORY", "cache_size=-65536"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(_OWN_TABLES)
        self._depth = 0
        self._copies: dict[str, sqlite3.Connection] = {}
        self.schema = self._read_schema()
        with self.transaction():
            for step in (self._ensure, self._index_children):
                for table in self.schema:
                    step(table)

    def _read_schema(self) -> Schema:
        tables = shipped()
        for name, body in self._db.execute('SELECT name, body FROM "$definition"'):
            tables[name] = Table.model_validate_json(body)
        return Schema(tables)

    def close(self) -> None:
        for db in (*self._copies.values(), self._db):
            db.close()

    def save(self, name: str) -> None:
        """Keep a copy of everything under a name, for as long as the process lives."""
        copy = sqlite3.connect(":memory:", check_same_thread=False)
        self._db.backup(copy)
        self._copies[name] = copy

    def restore(self, name: str) -> None:
        """Put a copy in the place of everything, versions included. Raises KeyError for an unknown name."""
        self._copies[name].backup(self._db)
        self.reload()

    def reload(self) -> None:
        """Read the definitions again as they are stored."""
        self.schema = self._read_schema()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block or nothing of it; blocks may nest (savepoints)."""
        name = f"s{self._depth}"
        self._db.execute(f"SAVEPOINT {name}")
        self._depth += 1
        try:
            yield
        except BaseException:
            self._db.execute(f"ROLLBACK TO {name}")
            raise
        finally:
            self._depth -= 1
            self._db.execute(f"RELEASE {name}")

    def select(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """The rows of a SELECT as dicts."""
        cursor = self._db.execute(sql, values)
        names = [item[0] for item in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def scalar(self, sql: str, values: Sequence[object] = ()) -> object:
        """The one value of a SELECT, None when it has no row."""
        row = self._db.execute(sql, values).fetchone()
        return row[0] if row else None

    def get(self, table: Table, row_id: str) -> Row | None:
        """The whole row with this primary key."""
        return next(iter(self.find(table, {table.primary_id: row_id})), None)

    def find(self, table: Table, values: dict[str, object]) -> list[Row]:
        """The rows whose columns equal these, as the collation compares; all rows for none."""
        terms = " AND ".join(f"{self.comparable(table.columns[name])} = ?" for name in values)
        sql = f"SELECT * FROM {quoted(table.name)} WHERE {terms or 1}"
        return self.select(sql, [fold(value) for value in values.values()])

    def insert(self, table: Table, row: Row) -> None:
        """Add a row, giving it a version. Raises DataverseError for a duplicate."""
        row["versionnumber"] = self.next_version()
        columns = ", ".join(map(quoted, row))
        marks = ", ".join("?" * len(row))
        self._write(table, f"INSERT INTO {quoted(table.name)} ({columns}) VALUES ({marks})", row.values())

    def update(self, table: Table, row_id: str, changes: Row) -> None:
        """Change columns of a row, giving it a new version. Raises DataverseError for a duplicate."""
        changes["versionnumber"] = self.next_version()
        self.amend(table, row_id, changes)

    def amend(self, table: Table, row_id: str, changes: Row) -> None:
        """Change columns of a row that keeps its version."""
        terms = ", ".join(f"{quoted(name)} = ?" for name in changes)
        sql = f"UPDATE {quoted(table.name)} SET {terms} WHERE {quoted(table.primary_id)} = ?"
        self._write(table, sql, [*changes.values(), row_id])

    def delete(self, table: Table, row_id: str) -> None:
        """Remove a row, leaving a tombstone for change tracking."""
        self._db.execute(f"DELETE FROM {quoted(table.name)} WHERE {quoted(table.primary_id)} = ?", [row_id])
        tombstone = 'INSERT INTO "$deleted" (tab, id, version) VALUES (?, ?, ?)'
        self._db.execute(tombstone, [table.name, row_id, self.next_version()])

    def deleted_since(self, table: Table, version: int) -> list[str]:
        """Ids of the rows deleted after this version, oldest first."""
        sql = 'SELECT id FROM "$deleted" WHERE tab = ? AND version > ? ORDER BY version'
        return [str(row["id"]) for row in self.select(sql, [table.name, version])]

    def version(self) -> int:
        """The last version given."""
        return int(str(self.scalar('SELECT value FROM "$counter"')))

    def next_version(self) -> int:
        return int(self._db.execute('UPDATE "$counter" SET value = value + 1 RETURNING value').fetchone()[0])

    def comparable(self, column: Column, alias: str = "") -> str:
        """The SQL expression by which a column is compared and ordered."""
        name = f"{alias}.{quoted(column.name)}" if alias else quoted(column.name)
        if column.is_text:
            return f"fold({name})"
        return f"CAST({name} AS REAL)" if column.type in {"Decimal", "Money"} else name

    def setting(self, name: str, otherwise: object = None) -> object:
        """A stored setting, `otherwise` when there is none."""
        body = self.scalar('SELECT body FROM "$setting" WHERE name = ?', [name])
        return otherwise if body is None else json.loads(str(body))

    def set(self, name: str, value: object) -> None:
        self._db.execute('INSERT OR REPLACE INTO "$setting" VALUES (?, ?)', [name, json.dumps(value)])

    def keep(self, table: Table) -> None:
        """Store a changed or new definition, and give its rows the SQL columns it needs."""
        self._db.execute(
            'INSERT OR REPLACE INTO "$definition" VALUES (?, ?)',
            [table.name, table.model_dump_json(by_alias=True, exclude_defaults=True)],
        )
        self._ensure(table)
        self._index_children(table)

    def drop(self, table: Table) -> None:
        """Forget a table and its rows."""
        self._db.execute('DELETE FROM "$definition" WHERE name = ?', [table.name])
        self._db.execute(f"DROP TABLE {quoted(table.name)}")

    def drop_column(self, table: Table, column: Column) -> None:
        """Forget a column and its values."""
        self._db.execute(f"DROP INDEX IF EXISTS {quoted(f'{table.name}.parent.{column.name}')}")
        for name in self._sql_columns(column):
            self._db.execute(f"ALTER TABLE {quoted(table.name)} DROP COLUMN {quoted(name)}")

    def build_index(self, table: Table, key: Key) -> bool:
        """Enforce an alternate key; False when present rows break it."""
        try:
            self._index(table, f"key.{key.logical_name}", key.columns)
        except sqlite3.IntegrityError:
            return False
        return True

    def drop_index(self, table: Table, key: Key) -> None:
        self._db.execute(f"DROP INDEX IF EXISTS {quoted(f'{table.name}.key.{key.logical_name}')}")

    def _index(self, table: Table, name: str, columns: Iterable[str], unique: str = "UNIQUE") -> None:
        terms = ", ".join(self.comparable(table.columns[column]) for column in columns)
        full = quoted(f"{table.name}.{name}")
        self._db.execute(f"CREATE {unique} INDEX IF NOT EXISTS {full} ON {quoted(table.name)} ({terms})")

    def _sql_columns(self, column: Column) -> list[str]:
        return [column.name, target_column(column)] if column.polymorphic else [column.name]

    def _ensure(self, table: Table) -> None:
        wanted = [name for column in table.columns.values() for name in self._sql_columns(column)]
        others = "".join(f", {quoted(name)}" for name in wanted if name != table.primary_id)
        primary = f"{quoted(table.primary_id)} PRIMARY KEY"
        self._db.execute(f"CREATE TABLE IF NOT EXISTS {quoted(table.name)} ({primary}{others})")
        present = {row[1] for row in self._db.execute(f"PRAGMA table_info({quoted(table.name)})")}
        for name in wanted:
            if name not in present:
                self._db.execute(f"ALTER TABLE {quoted(table.name)} ADD COLUMN {quoted(name)}")
        self._index(table, "version", ["versionnumber"], unique="")
        for at, columns in enumerate(table.unique):
            self._index(table, f"unique.{at}", columns)

    def _index_children(self, table: Table) -> None:
        for end in table.collections.values():
            child = self.schema.table(end.table)
            if child:
                self._index(child, f"parent.{end.column}", [end.column], unique="")

    def _write(self, table: Table, sql: str, values: Iterable[object]) -> None:
        try:
            self._db.execute(sql, list(values))
        except sqlite3.IntegrityError as error:
            raise _duplicate(table, str(error)) from error


def _duplicate(table: Table, text: str) -> DataverseError:
    for key in table.keys.values():
        if f"'{table.name}.key.{key.logical_name}'" in text:
            return duplicate_key(key.schema_name, key.columns)
    return duplicate_row()
