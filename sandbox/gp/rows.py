"""Reads and writes of single rows inside a procedure, in the caller's transaction."""

from collections.abc import Mapping
from datetime import datetime

from sandbox.gp.tables import SYSTEM, system_table
from sandbox.tsql.procedures import ProcedureContext


class Rows:
    """The rows of the procedure's company and of DYNAMICS, by table and exact column values."""

    def __init__(self, context: ProcedureContext) -> None:
        self.context = context

    def find(self, table: str, **where: object) -> dict[str, object] | None:
        """One matching row, or None. Text comes without trailing blanks."""
        found = self.context.query(f"SELECT TOP (1) * FROM {_name(table)} {_condition(where)}", _values("w", where))
        return found[0] if found else None

    def find_for_update(self, table: str, **where: object) -> dict[str, object] | None:
        """Like `find`, and nobody else can change the row until the transaction ends."""
        sql = f"SELECT TOP (1) * FROM {_name(table)} WITH (UPDLOCK, ROWLOCK) {_condition(where)}"
        found = self.context.query(sql, _values("w", where))
        return found[0] if found else None

    def exists(self, table: str, **where: object) -> bool:
        sql = f"SELECT TOP (1) 1 AS found FROM {_name(table)} {_condition(where)}"
        return bool(self.context.query(sql, _values("w", where)))

    def insert(self, table: str, values: Mapping[str, object]) -> int:
        """Insert a row; columns not named take GP's defaults. Returns 0, or the number of an SQL error that the
        client was sent (see `ProcedureContext.attempt`). The same holds for `update` and `delete`."""
        marks = ", ".join(f"@v_{name}" for name in values)
        return self.context.attempt(
            f"INSERT INTO {_name(table)} ({', '.join(values)}) VALUES ({marks})", _values("v", values)
        )

    def update(self, table: str, key: Mapping[str, object], values: Mapping[str, object]) -> int:
        settings = ", ".join(f"{name} = @v_{name}" for name in values)
        return self.context.attempt(
            f"UPDATE {_name(table)} SET {settings} {_condition(key)}", _values("v", values) | _values("w", key)
        )

    def delete(self, table: str, **where: object) -> int:
        return self.context.attempt(f"DELETE FROM {_name(table)} {_condition(where)}", _values("w", where))

    def company(self) -> dict[str, object] | None:
        """The company's row in DYNAMICS..SY01500."""
        return self.find("SY01500", INTERID=self.context.database)

    def company_id(self) -> object:
        company = self.company()
        return company["CMPANYID"] if company else None

    def today(self) -> datetime:
        """The server's local date at midnight, as MODIFDT and CREATDDT hold it."""
        return datetime.combine(self.context.now().date(), datetime.min.time())


def _name(table: str) -> str:
    return f"{SYSTEM}..{table}" if system_table(table) else table


def _condition(where: Mapping[str, object]) -> str:
    return "WHERE " + " AND ".join(f"{name} = @w_{name}" for name in where) if where else ""


def _values(prefix: str, values: Mapping[str, object]) -> dict[str, object]:
    return {f"{prefix}_{name}": value for name, value in values.items()}
