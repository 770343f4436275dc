"""EXEC: finds a procedure, gives it its arguments, runs it and brings its outputs back."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from sandbox.tds.contract import RpcParameter, SqlError, SqlType
from sandbox.tsql import statements as s
from sandbox.tsql.applocks import get_lock, release_lock
from sandbox.tsql.arguments import Value, bind_arguments, bind_declared, by_name, declarations
from sandbox.tsql.context import RunningProcedure
from sandbox.tsql.errors import error
from sandbox.tsql.lexer import Literal
from sandbox.tsql.procedures import Procedure
from sandbox.tsql.recording import RowCollector
from sandbox.tsql.state import Frame, Returned, Variable
from sandbox.tsql.values import convert

if TYPE_CHECKING:
    from sandbox.tsql.interpreter import Interpreter


class Calls:
    def __init__(self, interpreter: "Interpreter") -> None:
        self._i = interpreter

    @property
    def _session(self):  # type: ignore[no-untyped-def]
        return self._i.session

    # EXEC in a batch ----------------------------------------------------------------------------

    def execute(self, statement: s.Execute) -> None:
        """EXEC [@rc =] p ...: outputs go to the caller's variables, the status to the client."""
        name = statement.procedure
        arguments = [(a.name, self._value(a)) for a in statement.arguments]
        if statement.result and statement.result not in self._session.frame.variables:
            raise error(137, statement.result)
        status, outputs = self.call(name, arguments)
        for argument, (ordinal, _) in zip(statement.arguments, enumerate(arguments), strict=True):
            if argument.output and isinstance(argument.value, str):
                value, kind = outputs.get((argument.name or "").lower() or ordinal, (None, None))
                self._session.set_variable(argument.value, value, kind)
        if statement.result:
            self._session.set_variable(statement.result, status)
        if not self._i.in_procedure:
            self._i.output.return_status(status)
            self._i.output.procedure_done()
            self._i.spoke = True

    def execute_text(self, statement: s.ExecuteText) -> None:
        """EXEC('...')."""
        text, _ = self._session.evaluate(statement.text, SqlType("nvarchar"))
        self.dynamic(str(text or ""), {}, self._session.frame.database)

    def _value(self, argument: s.Argument) -> Value | None:
        if argument.value is None:
            return None
        if isinstance(argument.value, Literal):
            return argument.value.value, argument.value.type
        if argument.value.startswith("@@"):
            return self._session._system(argument.value), SqlType("int")
        variable = self._session.frame.variables.get(argument.value)
        if variable is None:
            raise error(137, argument.value)
        return variable.value, variable.type

    # Remote calls -------------------------------------------------------------------------------

    def remote(self, name: str, parameters: Sequence[RpcParameter]) -> None:
        """A call by the RPC protocol: status, output values, end."""
        parts = tuple(part.strip("[]") for part in name.split("."))
        outcome: list[tuple[int, dict[object, Value]]] = []
        arguments = [(p.name.lstrip("@") or None, (p.value, p.type)) for p in parameters]

        def work() -> None:
            outcome.append(self.call(parts, arguments))

        self._i.attempt(1, work)
        output = self._i.output
        status, outputs = outcome[0] if outcome else (-4, {})
        output.return_status(status)
        for ordinal, parameter in enumerate(parameters):
            if parameter.output and outcome:
                value, kind = outputs.get(parameter.name.lstrip("@").lower() or ordinal, (None, None))
                output.return_value(ordinal, RpcParameter(parameter.name, value, kind or parameter.type, output=True))
        output.procedure_done()

    # The call itself ----------------------------------------------------------------------------

    def call(
        self, name: tuple[str, ...], arguments: Sequence[tuple[str | None, Value | None]]
    ) -> tuple[int, dict[object, Value]]:
        """(status, outputs by lower-case name and by ordinal). SqlError 2812, 201, 8144, 8145, 8143, 229."""
        builtin = _BUILTIN.get(name[-1].lower())
        if builtin and (len(name) < 3 or name[-3].lower() in {"", "master"}):
            return builtin(self, arguments)
        catalog, procedure = self.find(name)
        self._check_right(catalog.name, procedure.name)
        self._session.strike("sql.procedure", procedure.name)
        values = bind_arguments(procedure, arguments)
        status, outputs = self.run(procedure, catalog.name, values)
        result: dict[object, Value] = {}
        for ordinal, (given, _) in enumerate(arguments):
            place = next((p for p in procedure.parameters if p.name.lower() == (given or "").lower()), None)
            parameter = place or procedure.parameters[ordinal]
            if parameter.output:
                result[(given or "").lower() or ordinal] = (outputs[parameter.name], parameter.type)
        return status, result

    def find(self, name: tuple[str, ...]):  # type: ignore[no-untyped-def]
        """The catalogue and the procedure a name means."""
        database = name[-3] if len(name) > 2 and name[-3] else self._session.frame.database
        catalog = self._session.engine.catalogs.get(database.lower())
        if catalog is None:
            raise error(911, database)
        if not (self._session.frame.privileged or self._session.login_rights.enters(catalog.name)):
            raise error(916, self._session.login.user, catalog.name)
        procedure = catalog.procedure(name[-1])
        if procedure is None:
            if name[-1].lower().startswith(("sp_", "xp_")):
                self._session.engine.door.gaps.note("procedure", name[-1])
            raise error(2812, ".".join(name))
        return catalog, procedure

    def _check_right(self, database: str, name: str) -> None:
        if not self._session.frame.privileged and not self._session.login_rights.allows(database, name, "EXECUTE"):
            raise error(229, "EXECUTE", name, database, "dbo")

    def run(self, procedure: Procedure, database: str, values: Mapping[str, object]) -> tuple[int, dict[str, object]]:
        """Run a bound procedure in a frame of its own; SETs inside are undone at its end."""
        session = self._session
        if len(session.frames) > 32:
            raise SqlError(
                217, "Maximum stored procedure, function, trigger, or view nesting level exceeded (limit 32).", 16
            )
        frame = Frame(database, procedure.name, privileged=True)
        for parameter in procedure.parameters:
            frame.variables["@" + parameter.name.lower()] = Variable(parameter.type, values[parameter.name])
        return self._framed(frame, lambda: self._body(procedure, values))

    def _framed(self, frame: Frame, work: Callable[[], tuple[int, dict[str, object]]]) -> tuple[int, dict[str, object]]:
        session = self._session
        before, kept = session.transactions.count, session.settings
        session.settings = kept.copy()
        session.frames.append(frame)
        depth = len(session.frames)
        try:
            result = work()
        finally:
            del session.frames[depth:]
            if not session.connection.broken:
                session.temporaries.leave()
            session.frames.pop()
            self._restore(kept)
        if session.transactions.count != before:
            self._i.attempt(1, lambda: self._mismatch(before))
        return result

    def _mismatch(self, before: int) -> None:
        raise error(266, before, self._session.transactions.count)

    def _restore(self, kept: object) -> None:
        session = self._session
        changed = session.settings.lock_timeout != kept.lock_timeout  # type: ignore[attr-defined]
        session.settings = kept
        if changed:
            session.set_lock_timeout(kept.lock_timeout)  # type: ignore[attr-defined]

    def _body(self, procedure: Procedure, values: Mapping[str, object]) -> tuple[int, dict[str, object]]:
        if callable(procedure.body):
            context = RunningProcedure(self._i, procedure, values)
            status = procedure.body(context) or 0
            return status, {p.name: convert(context.outputs.get(p.name), p.type) for p in procedure.parameters}
        status = self.text(procedure.body)
        variables = self._session.frame.variables
        return status, {p.name: variables["@" + p.name.lower()].value for p in procedure.parameters}

    def text(self, body: str) -> int:
        """Run T-SQL in the current frame and return its RETURN value."""
        try:
            block = self._session.engine.parsed(body)
            self._i.check_declared(block)
            self._i.block(block)
        except Returned as returned:
            return returned.status
        return 0

    def dynamic(self, text: str, variables: Mapping[str, Variable], database: str) -> Mapping[str, Variable]:
        """EXEC('...') and sp_executesql: a scope of its own, with the caller's rights."""
        frame = Frame(database, privileged=False, variables=dict(variables))
        frame.procedure = self._session.frame.procedure

        def work() -> tuple[int, dict[str, object]]:
            return self.text(text), {}

        self._framed(frame, work)
        return frame.variables

    # INSERT ... EXEC ----------------------------------------------------------------------------

    def insert_execute(self, statement: s.InsertExecute) -> None:
        """Rows of every result set of the call go into the table."""
        client, collector = self._i.output, RowCollector(self._i.output)
        self._i.output = collector
        try:
            if isinstance(statement.execute, s.Execute):
                self.execute(statement.execute)
            else:
                self.execute_text(statement.execute)
        finally:
            self._i.output = client
        from sandbox.tsql.bulk import insert_rows

        count = insert_rows(self._session, statement.target, statement.columns, collector.sets)
        self._session.rowcount = count
        self._i.done(count)

    # System procedures --------------------------------------------------------------------------

    def _execute_sql(self, arguments: Sequence[tuple[str | None, Value | None]]) -> tuple[int, dict[object, Value]]:
        texts = [str(value[0]) if value and value[0] is not None else "" for _, value in arguments[:2]]
        declared = declarations(texts[1]) if len(texts) > 1 else {}
        variables = bind_declared(declared, arguments[2:], texts[0])
        after = self.dynamic(texts[0], variables, self._session.frame.database)
        outputs: dict[object, Value] = {}
        for ordinal, (name, _) in enumerate(arguments[2:]):
            key = f"@{name.lower()}" if name else list(declared)[ordinal]
            if declared[key][1]:
                outputs[name.lower() if name else ordinal + 2] = (after[key].value, after[key].type)
        return 0, outputs

    def _applock(self, arguments: Sequence[tuple[str | None, Value | None]]) -> tuple[int, dict[object, Value]]:
        return get_lock(
            self._session, by_name(arguments, ("resource", "lockmode", "lockowner", "locktimeout", "dbprincipal"))
        ), {}

    def _release(self, arguments: Sequence[tuple[str | None, Value | None]]) -> tuple[int, dict[object, Value]]:
        return release_lock(self._session, by_name(arguments, ("resource", "lockowner", "dbprincipal"))), {}


_BUILTIN: dict[str, Callable[..., tuple[int, dict[object, Value]]]] = {
    "sp_executesql": Calls._execute_sql, "sp_getapplock": Calls._applock, "sp_releaseapplock": Calls._release,
}  # fmt: skip
