"""What a Python procedure's body holds in its hands (`sandbox.tsql.procedures.ProcedureContext`)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from sandbox.tds.contract import Column, SqlType
from sandbox.tsql.errors import Unsupported
from sandbox.tsql.identity import note_identity
from sandbox.tsql.kinds import type_of
from sandbox.tsql.parser import parse
from sandbox.tsql.plan import Plan
from sandbox.tsql.procedures import Procedure
from sandbox.tsql.state import Variable
from sandbox.tsql.statements import Query

if TYPE_CHECKING:
    from sandbox.tsql.interpreter import Interpreter


@lru_cache(maxsize=2000)
def _statement(sql: str) -> Query:
    body = parse(sql).body
    if len(body) != 1 or not isinstance(body[0], Query):
        raise Unsupported(f"in a Python procedure, anything but one query: {sql}")
    return body[0]


def _shape(value: object) -> SqlType:
    # One plan for texts of any length.
    kind = type_of(value)
    if kind.name == "nvarchar" and kind.length is not None:
        return SqlType("nvarchar", 4000)
    return SqlType("numeric", precision=38, scale=10) if kind.name == "numeric" and kind.scale <= 10 else kind


class RunningProcedure:
    def __init__(self, interpreter: "Interpreter", procedure: Procedure, values: Mapping[str, object]) -> None:
        self._i = interpreter
        self._session = interpreter.session
        self._procedure = procedure
        self.database = self._session.frame.database
        self.args = dict(values)
        self.outputs = {p.name: values[p.name] for p in procedure.parameters if p.output}

    def query(self, sql: str, params: Mapping[str, object] | None = None) -> list[dict[str, object]]:
        plan, rows, _ = self._run(sql, params)
        return [{column.name: value for column, value in zip(plan.columns, row, strict=True)} for row in rows]

    def execute(self, sql: str, params: Mapping[str, object] | None = None) -> int:
        _, _, count = self._run(sql, params)
        return count

    def attempt(self, sql: str, params: Mapping[str, object] | None = None) -> int:
        self._i.attempt(1, lambda: self._discard(sql, params))
        return self._session.error_number

    def _discard(self, sql: str, params: Mapping[str, object] | None) -> None:
        self._run(sql, params)

    def _run(self, sql: str, params: Mapping[str, object] | None) -> tuple[Plan, Sequence[Sequence[object]], int]:
        session, frame = self._session, self._session.frame
        kept = frame.variables
        frame.variables = {f"@{name.lower()}": Variable(_shape(value), value) for name, value in (params or {}).items()}
        try:
            statement = _statement(sql)
            plan = session.plan(statement.verb, statement.fragment)
            if plan.assigns or plan.into:
                raise Unsupported(f"in a Python procedure: {sql}")
            with session.running(plan, statement.fragment, sql) as cursor:
                rows = cursor.fetchall() if plan.returns_rows else []
                count = len(rows) if plan.returns_rows else cursor.rowcount
        except Unsupported as gap:
            raise self._i.gap(gap) from gap
        finally:
            frame.variables = kept
        if plan.identity_of:
            note_identity(session, plan, count)
        session.rowcount = count
        return plan, rows, count

    def call(self, procedure: str, args: Mapping[str, object] | None = None) -> tuple[int, dict[str, object]]:
        calls = self._i.calls
        catalog, found = calls.find(tuple(procedure.split(".")))
        from sandbox.tsql.calls import bind_arguments

        values = bind_arguments(found, [(name, (value, None)) for name, value in (args or {}).items()])
        self._session.strike("sql.procedure", found.name)
        status, outputs = calls.run(found, catalog.name, values)
        return status, {p.name: outputs[p.name] for p in found.parameters if p.output}

    def has_procedure(self, name: str) -> bool:
        return self._session.engine.catalogs[self.database.lower()].procedure(name) is not None

    def result(self, columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> None:
        kept = [list(row) for row in rows]
        self._i.output.columns(columns)
        self._i.output.rows(kept)
        self._i.done(len(kept))

    def utcnow(self) -> datetime:
        return self._clock("tsql.getutcdate()")

    def now(self) -> datetime:
        return self._clock("tsql.getdate()")

    def _clock(self, call: str) -> datetime:
        row = self._session.connection.execute(f"SELECT {call}".encode()).fetchone()
        assert row is not None
        assert isinstance(row[0], datetime)
        return row[0]
