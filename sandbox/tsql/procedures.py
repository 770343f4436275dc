"""Stored procedures: how one is declared, and what its body may do."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from sandbox.tds.contract import Column, SqlType


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Final = _Required()


@dataclass(frozen=True)
class Parameter:
    """`name` without the @. `default` is a Python value, or REQUIRED when the caller must supply one."""

    name: str
    type: SqlType
    default: object = REQUIRED
    output: bool = False


@dataclass(frozen=True)
class Procedure:
    """`body` is a Python function that returns the RETURN value, or the T-SQL text of the body.

    A declaration is shared by every database whose catalogue holds it; `ProcedureContext.database` says where
    it runs.
    """

    name: str
    parameters: Sequence[Parameter] = field(default_factory=tuple)
    body: "Callable[[ProcedureContext], int | None] | str" = ""


class ProcedureContext(Protocol):
    """The world of a running Python procedure: everything happens in the caller's own transaction.

    `args` maps each parameter's declared name to its value, already cut, rounded or converted to the
    parameter's type as SQL Server does (too long text is cut silently; char values come without their padding).
    `outputs` maps each output parameter's declared name to what the caller gets back; it starts as the input
    value. SQL is T-SQL with `@name` for the keys of `params`; it runs in the procedure's database, with the
    rights of the procedure's owner.
    """

    database: str
    args: dict[str, object]
    outputs: dict[str, object]

    def query(self, sql: str, params: Mapping[str, object] | None = None) -> list[dict[str, object]]:
        """Rows of one statement, by column name as spelled in the statement. Raises SqlError.

        char columns come without their padding.
        """

    def execute(self, sql: str, params: Mapping[str, object] | None = None) -> int:
        """Run one statement and return the rows affected. Raises SqlError, its own work undone."""

    def attempt(self, sql: str, params: Mapping[str, object] | None = None) -> int:
        """Like `execute`, as T-SQL that looks at @@ERROR: 0, or the number of an error the client was sent.

        Where T-SQL would not reach the next statement (XACT_ABORT ON, inside TRY) the error is raised instead.
        """

    def call(self, procedure: str, args: Mapping[str, object] | None = None) -> tuple[int, dict[str, object]]:
        """EXEC another procedure: (RETURN value, outputs by declared name). Does nothing more than EXEC does:
        SqlError 2812 when there is none of that name."""

    def has_procedure(self, name: str) -> bool:
        """Whether the database holds a procedure of that name."""

    def result(self, columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> None:
        """Send the client a result set."""

    def utcnow(self) -> datetime:
        """GETUTCDATE(), on a tick of 1/300 s."""

    def now(self) -> datetime:
        """GETDATE(), on a tick of 1/300 s."""
