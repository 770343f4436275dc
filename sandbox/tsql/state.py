"""What a connection remembers: SET options, temporary tables, the frames of running procedures."""

from dataclasses import dataclass, field, replace

from sandbox.tds.contract import SqlError, SqlType
from sandbox.tsql.catalog import Table


@dataclass
class Settings:
    """SET options. A procedure works on a copy, so that its SETs are undone at its end."""

    nocount: bool = False
    xact_abort: bool = False
    implicit_transactions: bool = False
    lock_timeout: int = -1
    deadlock_priority: str = "NORMAL"
    rowcount: int = 0
    isolation: str = "READ COMMITTED"
    identity_insert: str = ""
    no_execute: bool = False

    def copy(self) -> "Settings":
        return replace(self)


@dataclass
class Variable:
    type: SqlType
    value: object = None


@dataclass
class Frame:
    """A batch or a running procedure: its variables, its TRYs, whose rights it has and where it runs."""

    database: str
    procedure: str = ""
    privileged: bool = False
    variables: dict[str, Variable] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    tries: int = 0
    caught: list[SqlError] = field(default_factory=list)
    temporary: set[str] = field(default_factory=set)
    identity: object = None


class EndBatch(Exception):
    """The batch is over; what the client should know has been sent."""


class Caught(Exception):
    """An error on its way to the CATCH of a TRY. `frame`'s own TRYs can't catch it when it is set."""

    def __init__(self, raised: SqlError, frame: Frame | None) -> None:
        super().__init__(str(raised))
        self.raised = raised
        self.frame = frame


class Returned(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Broken(Exception):
    """BREAK."""


class Continued(Exception):
    """CONTINUE."""
