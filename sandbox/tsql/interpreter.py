"""Runs the statements of a batch one after another, and does with an error what SQL Server does."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from sandbox.tds.contract import Column, Output, RpcParameter, SqlError
from sandbox.tsql import statements as s
from sandbox.tsql.actions import ACTIONS
from sandbox.tsql.bulk import bulk_insert
from sandbox.tsql.calls import Calls
from sandbox.tsql.errors import COMPILE_TIME, Effect, Raiserror, Thrown, UnknownFunction, Unsupported, effect, error
from sandbox.tsql.lexer import Fragment
from sandbox.tsql.state import Broken, Caught, Continued, EndBatch, Frame, Returned

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
        self.attempt(statement.line, lambda: ACTIONS[type(statement)](self, statement))

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


_I = Interpreter
_CONTROL: dict[type, Callable[[Interpreter, s.Statement], None]] = {
    s.Block: _I.block, s.If: _I._if, s.While: _I._while, s.Try: _I._try, s.Jump: _I._jump,
}  # type: ignore[dict-item]  # fmt: skip
