"""What a SQL Server database holds, as data: tables, columns, keys, triggers and procedures. No I/O here."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from sandbox.tds.contract import SqlType
from sandbox.tsql.procedures import Procedure

_TYPE = re.compile(r"\s*([a-z_][a-z0-9_]*)\s*(?:\(\s*(max|\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*$", re.IGNORECASE)
_LENGTH_1 = {"char", "nchar", "varchar", "nvarchar", "binary", "varbinary"}
_SYNONYMS = {"dec": "decimal", "integer": "int", "character": "char", "sysname": "nvarchar"}


def sql_type(text: str) -> SqlType:
    """The type a declaration such as "char(15)" or "numeric(19,5)" names; ValueError when it names none."""
    match = _TYPE.match(text)
    if not match:
        raise ValueError(f"not a type: {text}")
    name, first, second = match[1].lower(), match[2], match[3]
    if name == "sysname":
        return SqlType("nvarchar", 128)
    name = _SYNONYMS.get(name, name)
    if name in {"numeric", "decimal"}:
        return SqlType(name, precision=int(first or 18), scale=int(second or 0))
    if name in {"datetime2", "time", "datetimeoffset"}:
        return SqlType(name, scale=int(first) if first else 7)
    if name in _LENGTH_1:
        return SqlType(name, None if (first or "").lower() == "max" else int(first or 1))
    return SqlType(name)


@dataclass(frozen=True)
class CatalogColumn:
    """A column. `default` is a T-SQL expression ("''", "0", "GETUTCDATE()"); `computed` likewise (persisted)."""

    type: SqlType
    default: str | None = None
    identity: bool = False
    nullable: bool = False
    computed: str | None = None


@dataclass(frozen=True)
class Index:
    name: str
    columns: tuple[str, ...]
    unique: bool = False


@dataclass(frozen=True)
class Check:
    """A CHECK constraint; `expression` is T-SQL."""

    name: str
    expression: str


@dataclass(frozen=True)
class Trigger:
    """An AFTER trigger: `text` is T-SQL DML (separated by `;`) that may read `inserted` and `deleted`.

    Fires once a statement. It does not fire for changes its own text makes (RECURSIVE_TRIGGERS is off).
    """

    name: str
    event: str
    text: str


@dataclass
class Table:
    """A table; `key` is the primary key. Names keep their spelling and are compared without case."""

    name: str
    columns: dict[str, CatalogColumn]
    key: list[str] = field(default_factory=list)
    indexes: list[Index] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    triggers: list[Trigger] = field(default_factory=list)
    database: str = ""
    key_name: str = ""
    schema: str = "dbo"
    # Where the rows are in PostgreSQL; made up by the catalogue for ordinary tables.
    relation: str = ""
    tracked: bool = False

    def __post_init__(self) -> None:
        self.key_name = self.key_name or f"PK{self.name}"

    @cached_property
    def shape(self) -> tuple[object, ...]:
        """What a plan over the table depends on."""
        return (self.relation, tuple(self.columns.items()), tuple(self.key))

    def column(self, name: str) -> tuple[str, CatalogColumn] | None:
        """The column of that name in any case, with its own spelling."""
        if name in self.columns:
            return name, self.columns[name]
        low = name.lower()
        return next(((k, c) for k, c in self.columns.items() if k.lower() == low), None)

    @property
    def identity(self) -> str | None:
        return next((name for name, column in self.columns.items() if column.identity), None)


class Catalog:
    """One SQL Server database: `Catalog("TWO", tables, procedures)`."""

    def __init__(self, name: str, tables: Iterable[Table] = (), procedures: Iterable[Procedure] = ()) -> None:
        self.name = name
        self.change_tracking = False
        self.snapshot_isolation = False
        self._tables: dict[str, Table] = {}
        self._procedures: dict[str, Procedure] = {}
        self._views: dict[tuple[str, str], Table] = {}
        for table in tables:
            self.add(table)
        for procedure in procedures:
            self.add_procedure(procedure)

    def add(self, table: Table) -> None:
        table.database = self.name
        table.relation = f'"{self.name.lower()}"."{table.name.lower()}"'
        self._tables[table.name.lower()] = table

    def add_procedure(self, procedure: Procedure) -> None:
        self._procedures[procedure.name.lower()] = procedure

    def table(self, name: str) -> Table | None:
        return self._tables.get(name.lower())

    def add_view(self, table: Table) -> None:
        """A catalogue view such as sys.columns; `table.relation` says where its rows are."""
        table.database = self.name
        self._views[table.schema.lower(), table.name.lower()] = table

    def view(self, schema: str, name: str) -> Table | None:
        return self._views.get((schema.lower(), name.lower()))

    def procedure(self, name: str) -> Procedure | None:
        return self._procedures.get(name.lower())

    @property
    def tables(self) -> list[Table]:
        return list(self._tables.values())

    @property
    def procedures(self) -> list[Procedure]:
        return list(self._procedures.values())
