"""Runs the statements of a batch one after another, and does with an error what SQL Server does."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from sandbox.tds.contract import Column, Output, RpcParameter, SqlError, SqlType
from sandbox.tsql import statements as s
from sandbox.tsql.bulk import bulk_insert, shape_only
from sandbox.tsql.calls import Calls
from sandbox.tsql.errors import COMPILE_TIME, Effect, Raiserror, Thrown, UnknownFunction, Unsupported, effect, error
from sandbox.tsql.lexer import Fragment
from sandbox.tsql.messages import raise_error, throw
from sandbox.tsql.options import set_option
from sandbox.tsql.results import run_query
from sandbox.tsql.state import Broken, Caught, Continued, EndBatch, Frame, Returned, Variable
from sandbox.tsql.values import text_value

if TYPE_CHECKING:
    from sandbox.tsql.session import SqlSession


class Interpreter:
    def __init__(self, session: "SqlSession") -> None:
        self.session = session
        self.output: Output
        self.calls = Calls(self)
        self.spoke = False

    # Entry points -------------------------------------------------------------------------------

    def batch(self, text: str, output: Output) -> None:
        """A text batch: everything it has to say goes to `output`."""
        self._begin(output)
        try:
            block = self.session.engine.parsed(text)
        except SqlError as raised:
            self._refuse(raised)
            return
        except Unsupported as gap:
            self._refuse(self.gap(gap))
            return
        self._guarded(lambda: self._body(block))
        self._finish()

    def rpc(self, name: str, parameters: Sequence[RpcParameter], output: Output) -> None:
        self._begin(output)
        self._guarded(lambda: self.calls.remote(name, parameters))
        self._finish(done=False)

    def bulk(self, table: str, columns: Sequence[Column], rows: Iterable[Sequence[object]], output: Output) -> None:
        self._begin(output)
        self._guarded(lambda: self.attempt(1, lambda: bulk_insert(self, table, columns, rows)))
        self._finish()

    def _begin(self, output: Output) -> None:
        self.output, self.spoke = output, False
        frame = self.session.frames[0]
        self.session.frames[:] = [Frame(frame.database, privileged=False)]

    def _body(self, block: s.Block) -> None:
        try:
            self.check_declared(block)
            self.block(block)
        except Returned:
            pass

    def check_declared(self, block: s.Block) -> None:
        """A variable that is not declared stops the batch before its first statement."""
        frame = self.session.frame
        missing = next((name for name in block.free if name not in frame.variables), None)
        if missing:
            self.failed(error(137, missing), block.line)
            raise EndBatch

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except EndBatch:
            pass
        except Caught as stray:
            self.send_error(stray.raised)
        finally:
            self.session.frames[1:] = []

    def _refuse(self, raised: SqlError) -> None:
        self.session.error_number = raised.number
        self.send_error(raised)
        self._finish()

    def _finish(self, *, done: bool = True) -> None:
        session = self.session
        if session.transactions.doomed:
            session.transactions.rollback()
            self.output.transaction("rollback")
            self.send_error(error(3998))
        session.temporaries.leave()
        if done and not self.spoke:
            self.done()

    # Output -------------------------------------------------------------------------------------

    @property
    def in_procedure(self) -> bool:
        return any(frame.procedure for frame in self.session.frames)

    def done(self, count: int | None = None, *, failed: bool = False) -> None:
        self.spoke = True
        shown = None if self.session.settings.nocount else count
        self.output.done(shown, in_procedure=self.in_procedure, error=failed and not self.in_procedure)

    def send_error(self, raised: SqlError) -> None:
        self.spoke = True
        self.output.error(raised)
        if raised.number in {2627, 2601, 515, 547, 8152}:
            self.output.info(SqlError(3621, "The statement has been terminated.", 0))
        self.output.done(None, in_procedure=self.in_procedure, error=not self.in_procedure)

    def gap(self, raised: Unsupported) -> SqlError:
        """The refusal of something SQL Server would do and this engine does not."""
        if isinstance(raised, UnknownFunction):
            self.session.engine.door.gaps.note("function", str(raised))
            return error(195, raised)
        self.session.engine.door.gaps.note("statement", str(raised))
        return SqlError(102, f"Incorrect syntax: the sandbox does not imitate {raised}", 15)

    # Errors -------------------------------------------------------------------------------------

    def attempt(self, line: int, work: Callable[[], None]) -> None:
        """Run one statement's work; an error of it is dealt with as SQL Server does."""
        session = self.session
        try:
            work()
            session.error_number = 0
            return
        except SqlError as raised:
            failure = raised
        except Unsupported as gap:
            failure = self.gap(gap)
        self.failed(failure, line)

    def failed(self, raised: SqlError, line: int) -> None:
        """Returns when the batch goes on after the error; else raises Caught or EndBatch."""
        session = self.session
        frame = session.frame
        if not raised.procedure:
            raised.line, raised.procedure = line, frame.procedure
        session.error_number, session.rowcount = raised.number, 0
        kind = effect(raised)
        unseen = frame if raised.number in COMPILE_TIME and not isinstance(raised, Thrown) else None
        catches = any(known.tries for known in session.frames if known is not unseen)
        if raised.number in {1205, 3960} and not isinstance(raised, Thrown | Raiserror):
            session.transactions.lose()
        if catches:
            if session.transactions.count and (session.settings.xact_abort or kind is Effect.ROLLBACK):
                session.transactions.doomed = True
            raise Caught(raised, unseen)
        aborts = session.settings.xact_abort and not isinstance(raised, Raiserror)
        if (aborts or kind is Effect.ROLLBACK) and session.transactions.count:
            session.transactions.rollback()
            self.output.transaction("rollback")
        self.send_error(raised)
        if aborts or kind is not Effect.STATEMENT:
            raise EndBatch

    # Statements ---------------------------------------------------------------------------------

    def run(self, statement: s.Statement) -> None:
        self.session.check_cancelled()
        handler = _CONTROL.get(type(statement))
        if handler:
            handler(self, statement)
            return
        self.attempt(statement.line, lambda: _SIMPLE[type(statement)](self, statement))

    def block(self, block: s.Block) -> None:
        for statement in block.body:
            self.run(statement)

    def _test(self, condition: Fragment, line: int) -> bool | None:
        held: list[bool] = []
        self.attempt(line, lambda: held.append(self.session.holds(condition)))
        self.session.rowcount = 0
        return held[0] if held else None

    def _if(self, statement: s.If) -> None:
        held = self._test(statement.condition, statement.line)
        if held:
            self.run(statement.then)
        elif held is False and statement.otherwise:
            self.run(statement.otherwise)

    def _while(self, statement: s.While) -> None:
        while self._test(statement.condition, statement.line):
            try:
                self.run(statement.body)
            except Broken:
                return
            except Continued:
                continue

    def _jump(self, statement: s.Jump) -> None:
        raise Broken if statement.kind == "break" else Continued

    def _try(self, statement: s.Try) -> None:
        frame = self.session.frame
        depth = len(self.session.frames)
        frame.tries += 1
        try:
            self.block(statement.body)
        except Caught as caught:
            if caught.frame is frame:
                raise
            frame.tries -= 1
            del self.session.frames[depth:]
            self._catch(statement.catch, caught.raised)
        except BaseException:
            frame.tries -= 1
            raise
        else:
            frame.tries -= 1

    def _catch(self, block: s.Block, raised: SqlError) -> None:
        frame = self.session.frame
        frame.caught.append(raised)
        self.session.error_number = raised.number
        try:
            self.block(block)
        finally:
            frame.caught.pop()

    def _return(self, statement: s.Return) -> None:
        status = 0
        if statement.value is not None:
            value, _ = self.session.evaluate(statement.value, SqlType("int"))
            status = int(value) if value is not None else 0  # type: ignore[call-overload]
        raise Returned(status)

    def _query(self, statement: s.Query) -> None:
        run_query(self, statement)

    def _declare(self, statement: s.Declare) -> None:
        frame = self.session.frame
        if isinstance(statement.type, s.TableDefinition):
            if statement.name not in frame.tables:
                self.session.temporaries.declare(statement.name, statement.type)
            return
        # In a loop a DECLARE without a value leaves the variable as it was.
        variable = frame.variables.setdefault(statement.name, Variable(statement.type))
        if statement.value:
            variable.value = self._value(statement.value, statement.type)

    def _value(self, fragment: Fragment, kind: SqlType) -> object:
        return self.session.evaluate(fragment, kind)[0]

    def _set(self, statement: s.SetVariable) -> None:
        variable = self.session.frame.variables.get(statement.name)
        if variable is None:
            raise error(137, statement.name)
        variable.value = self._value(statement.value, variable.type)
        self.session.rowcount = 1

    def _option(self, statement: s.SetOption) -> None:
        set_option(self.session, statement.name, statement.value)
        self.session.rowcount = 0
        self.done()

    def _transaction(self, statement: s.Transaction) -> None:
        transactions = self.session.transactions
        name = statement.name
        if name and name.startswith("@"):
            name = str(self.session.frame.variables[name].value) if name in self.session.frame.variables else name
        if statement.action == "begin":
            transactions.snapshot = self.session.settings.isolation == "SNAPSHOT"
            transactions.begin(name)
            if transactions.count == 1:
                self.output.transaction("begin")
        elif statement.action == "commit":
            if transactions.commit():
                self.output.transaction("commit")
        elif statement.action == "save":
            transactions.save(name or "")
        else:
            self._rollback(name)
        self.session.rowcount = 0
        self.done()

    def _rollback(self, name: str | None) -> None:
        transactions = self.session.transactions
        if name and transactions.knows(name):
            transactions.rollback_to(name)
            return
        if name and transactions.count and not transactions.named(name):
            raise error(6401, name)
        transactions.rollback()
        self.output.transaction("rollback")

    def _execute(self, statement: s.Execute) -> None:
        self.calls.execute(statement)

    def _execute_text(self, statement: s.ExecuteText) -> None:
        text, _ = self.session.evaluate(statement.text, SqlType("nvarchar"))
        self.calls.dynamic(str(text or ""), {}, self.session.frame.database)

    def _insert_execute(self, statement: s.InsertExecute) -> None:
        self.calls.insert_execute(statement)

    def _throw(self, statement: s.Throw) -> None:
        throw(self.session, statement)

    def _raiserror(self, statement: s.Raise) -> None:
        raise_error(self, statement)

    def _print(self, statement: s.Print) -> None:
        value, _ = self.session.evaluate(statement.value, SqlType("nvarchar", 4000))
        self.session.rowcount = 0
        self.output.info(SqlError(0, text_value(value) if value is not None else " ", 0, line=statement.line))

    def _use(self, statement: s.Use) -> None:
        catalog = self.session.engine.catalogs.get(statement.database.lower())
        if catalog is None:
            raise error(911, statement.database)
        if not self.session.login_rights.enters(catalog.name):
            raise error(916, self.session.login.user, catalog.name)
        self.session.frame.database = catalog.name
        self.output.database(catalog.name)
        self.done()

    def _wait(self, statement: s.WaitFor) -> None:
        value = (
            self.session.frame.variables[statement.delay].value
            if isinstance(statement.delay, str)
            else statement.delay.value
        )
        hours, minutes, seconds = (float(part) for part in str(value).split(":"))
        with self.session.translated("WAITFOR"), self.session.transactions.statement(writes=False):
            self.session.connection.execute(
                b"SELECT pg_sleep($1::float8)", [str(hours * 3600 + minutes * 60 + seconds)]
            )
        self.done()

    def _create_table(self, statement: s.CreateTable) -> None:
        if statement.name[-1].startswith("#"):
            self.session.temporaries.create(statement.name[-1], statement.definition)
        else:
            self.session.engine.create_table(self.session, statement.name[-1], statement.definition)
        self.done()

    def _drop_table(self, statement: s.DropTable) -> None:
        for name in statement.names:
            if not name[-1].startswith("#"):
                raise Unsupported(f"DROP TABLE {name[-1]}")
            if not statement.if_exists or name[-1].lower() in self.session.temporary:
                self.session.temporaries.drop(name[-1])
        self.done()

    def _truncate(self, statement: s.Truncate) -> None:
        self.session.engine.truncate(self.session, statement.name)
        self.done()

    def _tracking(self, statement: s.ChangeTracking) -> None:
        self.session.engine.alter_tracking(self.session, statement)
        self.done()

    def _snapshot(self, statement: s.SnapshotIsolation) -> None:
        self.session.engine.alter_snapshot(self.session, statement)
        self.done()

    def _create_procedure(self, statement: s.CreateProcedure) -> None:
        self.session.engine.create_procedure(self.session, statement)
        self.done()

    def _bulk(self, statement: s.InsertBulk) -> None:
        self.session.world.table(statement.table.rpartition(".")[2])
        self.done()

    def _shape(self, statement: s.ShapeOnly) -> None:
        shape_only(self, statement.table)


_I = Interpreter
_CONTROL: dict[type, Callable[[Interpreter, s.Statement], None]] = {
    s.Block: _I.block, s.If: _I._if, s.While: _I._while, s.Try: _I._try, s.Jump: _I._jump,
}  # type: ignore[dict-item]  # fmt: skip
_SIMPLE: dict[type, Callable[[Interpreter, s.Statement], None]] = {
    s.Query: _I._query, s.Declare: _I._declare, s.SetVariable: _I._set, s.SetOption: _I._option, s.Transaction: _I._transaction,
    s.Execute: _I._execute, s.ExecuteText: _I._execute_text, s.InsertExecute: _I._insert_execute,
    s.Throw: _I._throw, s.Raise: _I._raiserror,
    s.Print: _I._print, s.Use: _I._use, s.WaitFor: _I._wait, s.CreateTable: _I._create_table, s.DropTable: _I._drop_table,
    s.Truncate: _I._truncate, s.ChangeTracking: _I._tracking, s.SnapshotIsolation: _I._snapshot, s.CreateProcedure: _I._create_procedure,
    s.InsertBulk: _I._bulk, s.ShapeOnly: _I._shape, s.Return: _I._return,
}  # type: ignore[dict-item]  # fmt: skip
