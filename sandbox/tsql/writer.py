"""What INSERT, UPDATE and DELETE share while they are compiled."""

from dataclasses import dataclass, field

from sqlglot import exp

from sandbox.tds.contract import SqlType
from sandbox.tsql.catalog import CatalogColumn, Table
from sandbox.tsql.compilation import Compilation
from sandbox.tsql.dialect import parse_query, parse_value
from sandbox.tsql.errors import error
from sandbox.tsql.heads import Head
from sandbox.tsql.plan import Need
from sandbox.tsql.queries import Queries
from sandbox.tsql.scope import Expr, Scope


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


class Writer:
    """Compiles one write; `identity_insert` is the table whose identity may be given."""

    def __init__(self, compilation: Compilation, identity_insert: str = "") -> None:
        self.c = compilation
        self.q = Queries(compilation)
        self._identity_insert = identity_insert
        self._keys: list[list[Expr]] = []
        self._prefix = ""

    def _ctes(self, head: Head) -> str:
        """The WITH in front of the statement."""
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

    @staticmethod
    def _value(text: str) -> exp.Expression:
        return parse_value(text)
