"""What passes between the TDS wire (`sandbox.tds`) and the engine behind it (`sandbox.tsql`): no I/O here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class SqlType:
    """A SQL Server type: `name` in lower case (char, varchar, nvarchar, numeric, datetime, int ...).

    `length` is in characters for text, bytes for binary, None for (max) and for `text`; `precision`/`scale`
    belong to numeric, decimal, datetime2.
    """

    name: str
    length: int | None = None
    precision: int = 0
    scale: int = 0


@dataclass(frozen=True)
class Column:
    name: str
    type: SqlType
    nullable: bool = True
    identity: bool = False


@dataclass
class SqlError(Exception):
    """An error as SQL Server reports it. Raised by `login`; sent with `Output.error` from a batch."""

    number: int
    text: str
    severity: int = 16
    state: int = 1
    procedure: str = ""
    line: int = 1

    def __str__(self) -> str:
        return f"{self.number}: {self.text}"


@dataclass
class RpcParameter:
    """One parameter of a remote procedure call; `value` is a Python value (str, int, Decimal, datetime, bytes, None)."""

    name: str
    value: object
    type: SqlType
    output: bool = False


@dataclass
class Login:
    user: str
    password: str
    database: str
    app: str = ""
    host: str = ""
    extra: dict[str, str] = field(default_factory=dict)


class Output(Protocol):
    """Where a session sends what it produces, in order. Called from the session's worker thread; blocks when the
    client reads slowly; raises `Cancelled` once the client sent an Attention or went away.

    Every statement that yields rows is `columns`, any number of `rows`, `done`. A statement without rows is `done`.
    `done(count=None)` sends no row count (NOCOUNT ON, SET, DECLARE). Inside a procedure use `in_procedure=True`.
    The wire works out MORE bits: the last token of the answer never carries it.
    """

    def columns(self, columns: Sequence[Column]) -> None: ...
    def rows(self, rows: Iterable[Sequence[object]]) -> None: ...
    def done(self, count: int | None = None, *, in_procedure: bool = False, error: bool = False) -> None: ...
    def error(self, error: SqlError) -> None: ...
    def info(self, message: SqlError) -> None: ...
    def return_status(self, status: int) -> None: ...
    def return_value(self, ordinal: int, parameter: RpcParameter) -> None: ...
    def procedure_done(self) -> None: ...
    def transaction(self, change: str) -> None:
        """`change` is "begin", "commit" or "rollback": the wire sends the ENVCHANGE that FreeTDS echoes."""

    def database(self, name: str) -> None: ...


class Cancelled(Exception):
    """The client sent an Attention or closed its socket: stop the work."""


class Session(Protocol):
    """One connection's engine side. Every method but `cancel` runs in that connection's own worker thread."""

    def batch(self, text: str, output: Output) -> None: ...
    def rpc(self, name: str, parameters: Sequence[RpcParameter], output: Output) -> None:
        """A procedure call by name; `sp_executesql` and friends arrive here too."""

    def bulk(self, table: str, columns: Sequence[Column], rows: Iterable[Sequence[object]], output: Output) -> None:
        """The rows of an `insert bulk` announced before by a batch of that text (the wire keeps the pairing)."""

    def cancel(self) -> None:
        """Interrupt what runs now; called from another thread."""

    def close(self) -> None:
        """Roll back what is open and free the engine connection."""


class Engine(Protocol):
    """Where sessions come from. `login` raises `SqlError` (18456 wrong password, 4060 no such database, 916 no right)."""

    def login(self, login: Login) -> Session: ...
