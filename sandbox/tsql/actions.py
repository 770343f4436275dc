"""The statements that control no others: each is attempted by itself, and an error of it is dealt with by the interpreter."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sandbox.tds.contract import SqlError, SqlType
from sandbox.tsql import statements as s
from sandbox.tsql.bulk import shape_only
from sandbox.tsql.errors import Unsupported, error
from sandbox.tsql.lexer import Fragment
from sandbox.tsql.messages import raise_error, throw
from sandbox.tsql.options import set_option
from sandbox.tsql.results import run_query
from sandbox.tsql.state import Returned, Variable
from sandbox.tsql.values import text_value

if TYPE_CHECKING:
    from sandbox.tsql.interpreter import Interpreter


def _return(interpreter: "Interpreter", statement: s.Return) -> None:
    status = 0
    if statement.value is not None:
        value, _ = interpreter.session.evaluate(statement.value, SqlType("int"))
        status = int(value) if value is not None else 0  # type: ignore[call-overload]
    raise Returned(status)


def _declare(interpreter: "Interpreter", statement: s.Declare) -> None:
    frame = interpreter.session.frame
    if isinstance(statement.type, s.TableDefinition):
        if statement.name not in frame.tables:
            interpreter.session.temporaries.declare(statement.name, statement.type)
        return
    # In a loop a DECLARE without a value leaves the variable as it was.
    variable = frame.variables.setdefault(statement.name, Variable(statement.type))
    if statement.value:
        variable.value = _value(interpreter, statement.value, statement.type)


def _value(interpreter: "Interpreter", fragment: Fragment, kind: SqlType) -> object:
    return interpreter.session.evaluate(fragment, kind)[0]


def _set(interpreter: "Interpreter", statement: s.SetVariable) -> None:
    variable = interpreter.session.frame.variables.get(statement.name)
    if variable is None:
        raise error(137, statement.name)
    variable.value = _value(interpreter, statement.value, variable.type)
    interpreter.session.rowcount = 1


def _option(interpreter: "Interpreter", statement: s.SetOption) -> None:
    set_option(interpreter.session, statement.name, statement.value)
    interpreter.session.rowcount = 0
    interpreter.done()


def _transaction(interpreter: "Interpreter", statement: s.Transaction) -> None:
    transactions = interpreter.session.transactions
    name = statement.name
    if name and name.startswith("@"):
        name = (
            str(interpreter.session.frame.variables[name].value)
            if name in interpreter.session.frame.variables
            else name
        )
    if statement.action == "begin":
        transactions.snapshot = interpreter.session.settings.isolation == "SNAPSHOT"
        transactions.begin(name)
        if transactions.count == 1:
            interpreter.output.transaction("begin")
    elif statement.action == "commit":
        if transactions.commit():
            interpreter.output.transaction("commit")
    elif statement.action == "save":
        transactions.save(name or "")
    else:
        _rollback(interpreter, name)
    interpreter.session.rowcount = 0
    interpreter.done()


def _rollback(interpreter: "Interpreter", name: str | None) -> None:
    transactions = interpreter.session.transactions
    if name and transactions.knows(name):
        transactions.rollback_to(name)
        return
    if name and transactions.count and not transactions.named(name):
        raise error(6401, name)
    transactions.rollback()
    interpreter.output.transaction("rollback")


def _execute(interpreter: "Interpreter", statement: s.Execute) -> None:
    interpreter.calls.execute(statement)


def _execute_text(interpreter: "Interpreter", statement: s.ExecuteText) -> None:
    interpreter.calls.execute_text(statement)


def _insert_execute(interpreter: "Interpreter", statement: s.InsertExecute) -> None:
    interpreter.calls.insert_execute(statement)


def _throw(interpreter: "Interpreter", statement: s.Throw) -> None:
    throw(interpreter.session, statement)


def _raiserror(interpreter: "Interpreter", statement: s.Raise) -> None:
    raise_error(interpreter, statement)


def _print(interpreter: "Interpreter", statement: s.Print) -> None:
    value, _ = interpreter.session.evaluate(statement.value, SqlType("nvarchar", 4000))
    interpreter.session.rowcount = 0
    interpreter.output.info(SqlError(0, text_value(value) if value is not None else " ", 0, line=statement.line))


def _use(interpreter: "Interpreter", statement: s.Use) -> None:
    catalog = interpreter.session.engine.catalogs.get(statement.database.lower())
    if catalog is None:
        raise error(911, statement.database)
    if not interpreter.session.login_rights.enters(catalog.name):
        raise error(916, interpreter.session.login.user, catalog.name)
    interpreter.session.frame.database = catalog.name
    interpreter.output.database(catalog.name)
    interpreter.done()


def _wait(interpreter: "Interpreter", statement: s.WaitFor) -> None:
    value = (
        interpreter.session.frame.variables[statement.delay].value
        if isinstance(statement.delay, str)
        else statement.delay.value
    )
    hours, minutes, seconds = (float(part) for part in str(value).split(":"))
    with interpreter.session.translated("WAITFOR"), interpreter.session.transactions.statement(writes=False):
        interpreter.session.connection.execute(
            b"SELECT pg_sleep($1::float8)", [str(hours * 3600 + minutes * 60 + seconds)]
        )
    interpreter.done()


def _create_table(interpreter: "Interpreter", statement: s.CreateTable) -> None:
    if statement.name[-1].startswith("#"):
        interpreter.session.temporaries.create(statement.name[-1], statement.definition)
    else:
        interpreter.session.engine.create_table(interpreter.session, statement.name[-1], statement.definition)
    interpreter.done()


def _create_index(interpreter: "Interpreter", statement: s.CreateIndex) -> None:
    interpreter.session.engine.create_index(interpreter.session, statement)
    interpreter.done()


def _drop_table(interpreter: "Interpreter", statement: s.DropTable) -> None:
    for name in statement.names:
        if not name[-1].startswith("#"):
            raise Unsupported(f"DROP TABLE {name[-1]}")
        if not statement.if_exists or name[-1].lower() in interpreter.session.temporary:
            interpreter.session.temporaries.drop(name[-1])
    interpreter.done()


def _truncate(interpreter: "Interpreter", statement: s.Truncate) -> None:
    interpreter.session.engine.truncate(interpreter.session, statement.name)
    interpreter.done()


def _tracking(interpreter: "Interpreter", statement: s.ChangeTracking) -> None:
    interpreter.session.engine.alter_tracking(interpreter.session, statement)
    interpreter.done()


def _snapshot(interpreter: "Interpreter", statement: s.SnapshotIsolation) -> None:
    interpreter.session.engine.alter_snapshot(interpreter.session, statement)
    interpreter.done()


def _create_procedure(interpreter: "Interpreter", statement: s.CreateProcedure) -> None:
    interpreter.session.engine.create_procedure(interpreter.session, statement)
    interpreter.done()


def _bulk(interpreter: "Interpreter", statement: s.InsertBulk) -> None:
    interpreter.session.world.table(statement.table.rpartition(".")[2])
    interpreter.done()


def _shape(interpreter: "Interpreter", statement: s.ShapeOnly) -> None:
    shape_only(interpreter, statement.table)


ACTIONS: dict[type, Callable[["Interpreter", s.Statement], None]] = {
    s.Query: run_query, s.Declare: _declare, s.SetVariable: _set, s.SetOption: _option, s.Transaction: _transaction,
    s.Execute: _execute, s.ExecuteText: _execute_text, s.InsertExecute: _insert_execute,
    s.Throw: _throw, s.Raise: _raiserror,
    s.Print: _print, s.Use: _use, s.WaitFor: _wait, s.CreateTable: _create_table, s.CreateIndex: _create_index, s.DropTable: _drop_table,
    s.Truncate: _truncate, s.ChangeTracking: _tracking, s.SnapshotIsolation: _snapshot, s.CreateProcedure: _create_procedure,
    s.InsertBulk: _bulk, s.ShapeOnly: _shape, s.Return: _return,
}  # type: ignore[dict-item]  # fmt: skip
