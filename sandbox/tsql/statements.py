"""The statements of a batch, as data."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal as Choice

from sandbox.tds.contract import SqlType
from sandbox.tsql.lexer import Fragment, Literal


@dataclass(frozen=True)
class Statement:
    line: int


@dataclass(frozen=True)
class Query(Statement):
    """SELECT, INSERT, UPDATE, DELETE or MERGE; `verb` is the first word that acts."""

    verb: str
    fragment: Fragment


@dataclass(frozen=True)
class ColumnDefinition:
    name: str
    type: SqlType
    nullable: bool = True
    identity: bool = False
    default: str | None = None


@dataclass(frozen=True)
class TableDefinition:
    columns: Sequence[ColumnDefinition]
    key: Sequence[str] = ()
    unique: Sequence[Sequence[str]] = ()
    checks: Sequence[str] = ()


@dataclass(frozen=True)
class Declare(Statement):
    """`type` is a scalar's type or a table variable's shape."""

    name: str
    type: SqlType | TableDefinition
    value: Fragment | None = None


@dataclass(frozen=True)
class SetVariable(Statement):
    name: str
    value: Fragment


@dataclass(frozen=True)
class SetOption(Statement):
    name: str
    value: str


@dataclass(frozen=True)
class Block(Statement):
    """`free` are the variables it uses and does not declare."""

    body: Sequence[Statement]
    free: tuple[str, ...] = ()


@dataclass(frozen=True)
class If(Statement):
    condition: Fragment
    then: Statement
    otherwise: Statement | None


@dataclass(frozen=True)
class While(Statement):
    condition: Fragment
    body: Statement


@dataclass(frozen=True)
class Try(Statement):
    body: Block
    catch: Block


@dataclass(frozen=True)
class Jump(Statement):
    kind: Choice["break", "continue"]


@dataclass(frozen=True)
class Return(Statement):
    value: Fragment | None


@dataclass(frozen=True)
class Transaction(Statement):
    action: Choice["begin", "commit", "rollback", "save"]
    name: str | None = None


@dataclass(frozen=True)
class Argument:
    """`value` is a constant, a variable's name with its @, or None for DEFAULT."""

    name: str | None
    value: Literal | str | None
    output: bool = False


@dataclass(frozen=True)
class Execute(Statement):
    procedure: tuple[str, ...]
    arguments: Sequence[Argument] = field(default_factory=tuple)
    result: str | None = None


@dataclass(frozen=True)
class ExecuteText(Statement):
    """EXEC('...' + @x)."""

    text: Fragment


@dataclass(frozen=True)
class InsertExecute(Statement):
    target: str
    columns: Sequence[str]
    execute: Execute | ExecuteText


@dataclass(frozen=True)
class Throw(Statement):
    arguments: Sequence[Literal | str]


@dataclass(frozen=True)
class Raise(Statement):
    arguments: Sequence[Literal | str]
    options: Sequence[str]


@dataclass(frozen=True)
class Print(Statement):
    value: Fragment


@dataclass(frozen=True)
class Use(Statement):
    database: str


@dataclass(frozen=True)
class WaitFor(Statement):
    delay: Literal | str


@dataclass(frozen=True)
class CreateTable(Statement):
    name: tuple[str, ...]
    definition: TableDefinition


@dataclass(frozen=True)
class CreateIndex(Statement):
    name: str
    table: tuple[str, ...]
    columns: Sequence[str]
    unique: bool


@dataclass(frozen=True)
class DropTable(Statement):
    names: Sequence[tuple[str, ...]]
    if_exists: bool


@dataclass(frozen=True)
class Truncate(Statement):
    name: tuple[str, ...]


@dataclass(frozen=True)
class ChangeTracking(Statement):
    """Switch change tracking for a database (`table` None) or a table."""

    database: str | None
    table: tuple[str, ...] | None
    enabled: bool


@dataclass(frozen=True)
class SnapshotIsolation(Statement):
    database: str
    enabled: bool


@dataclass(frozen=True)
class CreateProcedure(Statement):
    name: tuple[str, ...]
    parameters: Sequence[tuple[str, SqlType, Literal | None, bool, bool]]
    body: str


@dataclass(frozen=True)
class InsertBulk(Statement):
    """The announcement of rows that follow by the bulk protocol."""

    table: str


@dataclass(frozen=True)
class ShapeOnly(Statement):
    """The text bulk_copy sends to learn a table's columns."""

    table: tuple[str, ...]
