"""SQL Server's errors: their numbers, texts and what each does to the batch; and PostgreSQL's, turned into them."""

import json
import re
from enum import Enum
from pathlib import Path

import psycopg

from sandbox.tds.contract import SqlError

# Number: [severity, text with its arguments as {0}, {1} ...].
TEXTS: dict[int, tuple[int, str]] = {
    int(number): (severity, text)
    for number, (severity, text) in json.loads(
        Path(__file__).with_name("errors.json").read_text(encoding="utf-8")
    ).items()
}


def error(number: int, *args: object, state: int = 1) -> SqlError:
    """The error `number` with its usual text and severity."""
    severity, text = TEXTS[number]
    return SqlError(number, text.format(*args), severity, state)


class Effect(Enum):
    """What an error outside TRY does when XACT_ABORT is OFF."""

    STATEMENT = "the statement is undone, the batch goes on"
    BATCH = "the batch ends, the transaction stays open"
    ROLLBACK = "the batch ends and the transaction is rolled back"


# tsql-observed.md 1.3, its "doc:" column where the observed engine differs from SQL Server.
_ROLLBACK = {241, 242, 244, 245, 248, 1205, 3609, 3930, 3952, 3960, 8114, 8169, 13608, 13609}
_BATCH = {
    107,
    108,
    141,
    155,
    205,
    207,
    208,
    209,
    213,
    4104,
    195,
    102,
    137,
    156,
    174,
    206,
    257,
    306,
    402,
    408,
    911,
    1011,
    2715,
    2739,
    8116,
    8117,
    8120,
    8155,
    544,
    8102,
    334,
    8624,
}
# Found while a statement is compiled, so a TRY in the same batch or procedure cannot catch them.
COMPILE_TIME = {107, 207, 208, 209, 213, 4104}


class Thrown(SqlError):
    """THROW's error: it ends the batch whatever its number."""


class Raiserror(SqlError):
    """RAISERROR's error: XACT_ABORT does not apply to it."""


def effect(raised: SqlError) -> Effect:
    if isinstance(raised, Thrown):
        return Effect.BATCH
    if raised.number in _ROLLBACK:
        return Effect.ROLLBACK
    return Effect.BATCH if raised.number in _BATCH else Effect.STATEMENT


class Unsupported(Exception):
    """T-SQL that SQL Server would run and this engine does not: refused and listed as a gap."""


class UnknownFunction(Unsupported):
    """A function this engine has not got; SQL Server may."""


_KEY_VALUE = re.compile(r"\((.*?)\)=\((.*)\)", re.DOTALL)


def from_postgres(raised: psycopg.Error, verb: str, spid: int, name_of: "NameOf") -> SqlError:
    """PostgreSQL's error as SQL Server's; `verb` is the failing statement's, `name_of(schema, relation)` spells names."""
    state, diag = raised.sqlstate or "", raised.diag
    if state == "MSSQL":
        return SqlError(int(diag.message_detail or 50000), diag.message_primary or "", 16)
    if state == "23505":
        return _duplicate(diag, name_of)
    if state == "23502":
        database, table = name_of(diag.schema_name or "", diag.table_name or "")
        column = name_of.column(diag.schema_name or "", diag.table_name or "", diag.column_name or "")
        return error(515, column, f"{database}.dbo.{table}", "UPDATE" if verb == "UPDATE" else "INSERT")
    if state == "23514":
        database, table = name_of(diag.schema_name or "", diag.table_name or "")
        return error(547, verb, diag.constraint_name, database, f"dbo.{table}")
    if state == "40P01":
        return error(1205, spid)
    if state == "40001":
        return error(3960, "", "")
    simple = {"22012": 8134, "55P03": 1222, "22001": 8152, "21000": 512}
    if state in simple:
        return error(simple[state])
    if state == "22003":
        kind = _overflowed(diag.message_primary or "")
        return error(220, kind, "?") if kind == "smallint" else error(8115, "expression", kind)
    if state == "42803" and "must appear in the GROUP BY" in (diag.message_primary or ""):
        return error(8120, (diag.message_primary or "").split('"')[1])
    if state in {"22008", "22007"}:
        return error(241)
    raise Unsupported(f"postgres {state}: {diag.message_primary}") from raised


class NameOf:
    """Spells the names PostgreSQL reports as the catalogue does."""

    def __call__(self, schema: str, relation: str) -> tuple[str, str]:
        return schema, relation

    def column(self, schema: str, relation: str, column: str) -> str:  # noqa: ARG002
        return column

    def is_key(self, schema: str, relation: str, constraint: str) -> bool:  # noqa: ARG002
        return True


def _duplicate(diag: psycopg.errors.Diagnostic, name_of: NameOf) -> SqlError:
    schema, relation, constraint = diag.schema_name or "", diag.table_name or "", diag.constraint_name or ""
    _, table = name_of(schema, relation)
    found = _KEY_VALUE.search(diag.message_detail or "")
    number = 2627 if name_of.is_key(schema, relation, constraint) else 2601
    return error(number, f"dbo.{table}", constraint, found[2] if found else "")


def _overflowed(text: str) -> str:
    names = {"smallint": "smallint", "integer": "int", "bigint": "bigint", "double": "float"}
    return next((ours for theirs, ours in names.items() if theirs in text), "numeric")
