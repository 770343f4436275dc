"""One connection: what it remembers, and how a plan is run on PostgreSQL."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psycopg

from sandbox.tds.contract import Cancelled, Column, Login, Output, RpcParameter, SqlError, SqlType
from sandbox.tsql.applocks import release_transaction_locks
from sandbox.tsql.catalog import Table
from sandbox.tsql.compiler import compile_condition, compile_statement, compile_value
from sandbox.tsql.errors import error, from_postgres
from sandbox.tsql.interpreter import Interpreter
from sandbox.tsql.lexer import Fragment
from sandbox.tsql.logins import LoginRights
from sandbox.tsql.plan import Command, Plan, postgres_text
from sandbox.tsql.rights import check_rights
from sandbox.tsql.state import Frame, Settings
from sandbox.tsql.system import SystemValues
from sandbox.tsql.temporary import TemporaryTables
from sandbox.tsql.transactions import Transactions
from sandbox.tsql.values import convert
from sandbox.tsql.world import World

if TYPE_CHECKING:
    from sandbox.tsql.engine import SqlEngine


class SqlSession:
    """The engine side of a connection (`sandbox.tds.contract.Session`)."""

    def __init__(self, engine: "SqlEngine", login: Login, rights: LoginRights, database: str, spid: int) -> None:
        self.engine = engine
        self.login = login
        self.login_rights = rights
        self.spid = spid
        self.connection = engine.connect()
        self.settings = Settings()
        self.frames = [Frame(database, privileged=rights.admin)]
        self.temporary: dict[str, Table] = {}
        self.rowcount = 0
        self.error_number = 0
        self.identity: object = None
        self.locks: dict[str, list[tuple[str, str]]] = {}
        self._system = SystemValues(self)
        self.temporaries = TemporaryTables(self)
        self.transactions = Transactions(self.connection, self._around_rollback)
        self.transactions.committing = lambda: self.strike("sql.commit.before")
        self.transactions.committed = lambda: self.strike("sql.commit.after")
        self.transactions.ended = self._transaction_ended
        self._interpreter = Interpreter(self)
        self._subject = ""
        self._cancelled = False
        self._idle = threading.Event()
        self._idle.set()
        self._interrupting = threading.Lock()
        engine.note_session(self)

    # The contract -------------------------------------------------------------------------------

    def batch(self, text: str, output: Output) -> None:
        with self._work():
            self._interpreter.batch(text, output)

    def rpc(self, name: str, parameters: Sequence[RpcParameter], output: Output) -> None:
        with self._work():
            self._interpreter.rpc(name, parameters, output)

    def bulk(self, table: str, columns: Sequence[Column], rows: Iterable[Sequence[object]], output: Output) -> None:
        with self._work():
            self._interpreter.bulk(table, columns, rows, output)

    def cancel(self) -> None:
        if not self._idle.is_set() and not self._cancelled:
            self._cancelled = True
            threading.Thread(target=self._interrupt, daemon=True).start()

    def _interrupt(self) -> None:
        # Until the work has ended: a cancel that comes between two statements finds nothing to stop.
        while not self._idle.is_set():
            with self._interrupting, suppress(psycopg.Error):
                if not self._idle.is_set():
                    self.connection.cancel_safe(timeout=5)
            self._idle.wait(0.05)

    def close(self) -> None:
        with suppress(psycopg.Error):
            self.connection.close()
        self.engine.forget(self)

    @contextmanager
    def _work(self) -> Iterator[None]:
        with self._interrupting:
            self._idle.clear()
            self._cancelled = False
        self.frames[1:] = []
        try:
            yield
        except psycopg.errors.QueryCanceled:
            self._after_cancel()
            raise Cancelled from None
        except Cancelled:
            self._after_cancel()
            raise
        finally:
            self._idle.set()

    def _after_cancel(self) -> None:
        # An Attention leaves the transaction open, unless XACT_ABORT is ON.
        if self.settings.xact_abort and self.transactions.count:
            self.transactions.rollback()

    def check_cancelled(self) -> None:
        """Raises Cancelled once `cancel` was called."""
        if self._cancelled:
            raise Cancelled

    def _around_rollback(self) -> Callable[[], None]:
        restore = self.temporaries.around_rollback()

        def after() -> None:
            restore()
            self.set_lock_timeout(self.settings.lock_timeout)

        return after

    def _transaction_ended(self) -> None:
        self.engine.unguard(self)
        release_transaction_locks(self)

    # Frames -------------------------------------------------------------------------------------

    @property
    def frame(self) -> Frame:
        return self.frames[-1]

    @property
    def world(self) -> World:
        return World(self.engine.catalogs, self.frame.database, {**self.temporary, **self.frame.tables})

    # Faults -------------------------------------------------------------------------------------

    def strike(self, seam: str, subject: str = "") -> None:
        """Cross a seam of the admin door: may wait, raise an error, or drop the connection."""
        fault = self.engine.door.faults.take(seam, subject or self._subject)
        if fault is None:
            return
        if fault.seconds and fault.do == "delay":
            time.sleep(fault.seconds)
        if fault.do == "drop":
            raise ConnectionAbortedError(fault.text or "dropped by a fault")
        if fault.do == "error":
            raise (
                error(1205, self.spid)
                if fault.code == 1205
                else SqlError(fault.code, fault.text or "injected error", 16)
            )

    # Plans --------------------------------------------------------------------------------------

    def plan(self, verb: str, fragment: Fragment) -> Plan:
        """The plan of a query, from the cache when a like statement was compiled before."""
        identity_insert = self.settings.identity_insert
        guarded = verb == "INSERT" and self.engine.guarded_by_others(self)
        kind = f"{verb} {identity_insert} {guarded}"
        return self._cached(
            kind,
            fragment,
            lambda w, v: compile_statement(w, verb, fragment, v, identity_insert=identity_insert, guarded=guarded),
        )

    def _cached(self, kind: str, fragment: Fragment, make: Callable[[World, Mapping[str, SqlType]], Plan]) -> Plan:
        types = self._types(fragment)
        shapes = tuple((name, table.shape) for name, table in [*self.temporary.items(), *self.frame.tables.items()])
        key = (self.frame.database, kind, fragment.text, tuple(types.items()), shapes)
        found = self.engine.plans.get(key, fragment.literals)
        if found is None:
            self.engine.door.counts.add("sql.translations")
            found = make(self.world, types)
            self.engine.plans.put(key, found)
        return found

    def _types(self, fragment: Fragment) -> dict[str, SqlType]:
        variables = self.frame.variables
        return {name: variables[name].type for name in fragment.variables if name in variables}

    def bind(self, command: Command, fragment: Fragment) -> list[object]:
        return [postgres_text(b.value(fragment.literals, self._variable, self._system)) for b in command.binders]

    def _variable(self, name: str) -> object:
        return self.frame.variables[name].value

    @contextmanager
    def translated(self, verb: str) -> Iterator[None]:
        """PostgreSQL's errors inside become SQL Server's."""
        try:
            yield
        except psycopg.errors.QueryCanceled:
            raise
        except psycopg.OperationalError as raised:
            if self.connection.broken or raised.sqlstate is None:
                raise ConnectionAbortedError(str(raised)) from raised
            raise from_postgres(raised, verb, self.spid, self.engine.name_of) from raised
        except psycopg.Error as raised:
            raise from_postgres(raised, verb, self.spid, self.engine.name_of) from raised

    @contextmanager
    def running(self, plan: Plan, fragment: Fragment, subject: str) -> "Iterator[psycopg.Cursor[tuple[object, ...]]]":
        """Run a plan inside its own savepoint or transaction; yields the cursor with its result."""
        self.check_cancelled()
        self._subject = subject
        check_rights(self, plan)
        if plan.writes is not None and self.transactions.doomed and plan.writes.schema != "@":
            raise error(3930)
        values = self.bind(plan.main, fragment)
        before = [(command.sql.encode(), self.bind(command, fragment)) for command in plan.before]
        writes = plan.writes is not None or bool(plan.before)
        if plan.guards and self.transactions.open:
            self.engine.guard(self)
        with self.translated(plan.verb), self.transactions.statement(writes=writes):
            for sql, bound in before:
                self.connection.execute(sql, bound)
            cursor = self.connection.cursor()
            cursor.execute(plan.main.sql.encode(), values)
            yield cursor  # type: ignore[misc]

    def single(self, plan: Plan, fragment: Fragment) -> object:
        """The one value of a plan made for an expression."""
        with self.running(plan, fragment, fragment.original) as cursor:
            row = cursor.fetchone()
        return row[0] if row else None

    def evaluate(self, fragment: Fragment, kind: SqlType | None = None) -> tuple[object, SqlType]:
        """An expression's value, as `kind` or as its own type."""
        plan = self._cached(f"value {kind}", fragment, lambda w, v: compile_value(w, fragment, v, kind))
        return self.single(plan, fragment), plan.assigns[0][1]

    def holds(self, fragment: Fragment) -> bool:
        """Whether a condition is true (not false, not unknown)."""
        plan = self._cached("condition", fragment, lambda w, v: compile_condition(w, fragment, v))
        return self.single(plan, fragment) is True

    # Identity and locks -------------------------------------------------------------------------

    def lock_mode(self, resource: str) -> str:
        return "Exclusive" if self.locks.get(resource) else "NoLock"

    def set_variable(self, name: str, value: object, source: SqlType | None = None) -> None:
        variable = self.frame.variables.get(name)
        if variable is None:
            raise error(137, name)
        variable.value = convert(value, variable.type, source)

    def set_lock_timeout(self, milliseconds: int) -> None:
        self.settings.lock_timeout = milliseconds
        # PostgreSQL's 0 means for ever, SQL Server's -1 does.
        self.connection.execute(f"SET lock_timeout = {0 if milliseconds < 0 else max(milliseconds, 1)}".encode())
