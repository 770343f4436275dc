"""Runs a query plan and sends what it yields."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sandbox.tsql.errors import Unsupported, error
from sandbox.tsql.identity import note_identity
from sandbox.tsql.plan import Plan
from sandbox.tsql.statements import Query

if TYPE_CHECKING:
    from sandbox.tsql.interpreter import Interpreter


def run_query(interpreter: "Interpreter", statement: Query) -> None:
    """Compile (or find) the plan and run it; rows and counts go to the client."""
    session = interpreter.session
    if session.settings.no_execute:
        return
    fragment = statement.fragment
    session.strike("sql.statement", fragment.original)
    if session.settings.implicit_transactions and session.transactions.count == 0:
        session.transactions.begin()
        interpreter.output.transaction("begin")
    if session.settings.rowcount and statement.verb != "SELECT":
        raise Unsupported(f"{statement.verb} under SET ROWCOUNT")
    plan = session.plan(statement.verb, fragment)
    session.engine.door.counts.add("sql.statements")
    _check_isolation(interpreter)
    with session.running(plan, fragment, fragment.original) as cursor:
        rows = cursor.fetchall() if cursor.description else []
        count = len(rows) if plan.returns_rows else cursor.rowcount
    if plan.into and plan.writes:
        session.temporaries.add(plan.into, plan.writes)
    if plan.identity_of:
        note_identity(session, plan, count)
    _finish(interpreter, plan, rows, count)


def _check_isolation(interpreter: "Interpreter") -> None:
    session = interpreter.session
    if (
        session.settings.isolation == "SNAPSHOT"
        and not session.engine.catalogs[session.frame.database.lower()].snapshot_isolation
    ):
        raise error(3952, session.frame.database)


def _finish(interpreter: "Interpreter", plan: Plan, rows: Sequence[Sequence[object]], count: int) -> None:
    session = interpreter.session
    if session.settings.rowcount and plan.returns_rows and plan.verb == "SELECT":
        rows = rows[: session.settings.rowcount]
        count = len(rows)
    if plan.assigns:
        assign(interpreter, plan, rows)
        session.rowcount = len(rows) if plan.verb == "SELECT" else count
        if plan.verb != "SELECT":
            interpreter.done(count)
        return
    session.rowcount = count
    if plan.returns_rows:
        interpreter.output.columns(plan.columns)
        interpreter.output.rows(wire_rows(plan, rows))
    interpreter.done(count)


def assign(interpreter: "Interpreter", plan: Plan, rows: Sequence[Sequence[object]]) -> None:
    """SELECT @x = ...: the last row's values; no row leaves the variables as they were."""
    if plan.accumulates and len(rows) > 1:
        raise Unsupported("SELECT that adds up a variable over several rows")
    if rows:
        for (name, kind), value in zip(plan.assigns, rows[-1], strict=True):
            interpreter.session.set_variable(name, value, kind)


def wire_rows(plan: Plan, rows: Sequence[Sequence[object]]) -> Iterator[Sequence[object]]:
    """Rows with bit as bool."""
    bits = [n for n, column in enumerate(plan.columns) if column.type.name == "bit"]
    for row in rows:
        if bits:
            changed = list(row)
            for n in bits:
                changed[n] = None if row[n] is None else bool(row[n])
            yield changed
        else:
            yield row
