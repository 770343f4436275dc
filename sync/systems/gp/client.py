"""Connections to the SQL Server that holds the GP companies, gentle on it: few, short, never dirty, never waiting long."""

import asyncio
import contextlib
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pymssql
from pydantic import SecretStr
from pymssql._mssql import MSSQLException

from sync.errors import Rejected, RetryLater, SyncError
from sync.gate import Entrance, Open, Passing
from sync.systems.gp.faults import connection_lost, explain
from sync.systems.gp.statements import Parameter, Statement, misread

type Row = dict[str, object]
type Results = list[list[Row]]

# Gateways on the way drop what stays silent for minutes without telling either end.
_IDLE_SECONDS = 120


@dataclass(frozen=True)
class GpSettings:
    """Where the GP databases are and how to treat them. Times in seconds unless named otherwise.

    `timeout` counts silence of the server, and pymssql knows only one such limit for the whole process.
    `connections` is the most batches of this process that the server works at once, for all companies together.
    """

    server: str
    port: int
    user: str
    password: SecretStr
    companies: tuple[str, ...]
    encryption: str = "require"
    login_timeout: int = 15
    timeout: int = 60
    lock_timeout_ms: int = 5000
    overlap_minutes: int = 10
    system_database: str = "DYNAMICS"
    page: int = 500
    poll_limit: int = 5000
    connections: int = 4


class Unanswered(Exception):
    """A batch that writes was sent and not answered to its end, for this `cause`: nobody knows what it did."""

    def __init__(self, cause: SyncError) -> None:
        super().__init__(cause.message)
        self.cause = cause


type _Idle = deque[tuple[pymssql.Connection, float]]
type _Batch = tuple[str, tuple[Parameter, ...]]


class GpClient:
    """Asks questions of the company databases. `round_trips` counts batches sent, `connects` sign-ins.

    Each batch passes `gate` first.
    """

    def __init__(self, settings: GpSettings, gate: Entrance | None = None) -> None:
        self.settings = settings
        self.round_trips = 0
        self.connects = 0
        self._gate = gate or Open()
        # Threads of its own bound the connections, whatever the gate allows.
        self._threads = ThreadPoolExecutor(settings.connections, "gp")
        self._idle: dict[str, _Idle] = defaultdict(deque)
        # SETs inherited from a pooled connection's last batch can't be trusted, so each batch brings its own.
        self._head = (
            f"SET NOCOUNT ON; SET LOCK_TIMEOUT {settings.lock_timeout_ms:d}; SET DEADLOCK_PRIORITY LOW; "
            "SET TRANSACTION ISOLATION LEVEL READ COMMITTED;\n"
        )

    async def query(self, company: str, sql: str, params: Sequence[Parameter] = ()) -> Results:
        """All result sets of one batch, in one round trip, rows as dicts by column name.

        Raises RetryLater (busy, unreachable), BadSettings (sign-in, right, table, column, Change Tracking) or
        Rejected (a value SQL can't carry; anything unknown), always naming server and database.
        """
        return await self._pass(company, sql, params)

    async def run(self, company: str, statement: Statement) -> Results:
        """`query` for a rendered statement."""
        return await self.query(company, statement.text, statement.parameters)

    async def write(self, company: str, statement: Statement, busy: Callable[[Results], bool]) -> Results:
        """As `run`, for a batch that writes: it is never sent twice. `busy` tells whether its answer shows an overloaded server.

        Raises Unanswered when it was sent and its answer did not come to an end; anything else means that it was not sent.
        """
        return await self._pass(company, statement.text, statement.parameters, busy)

    async def close(self) -> None:
        """Close every connection once its question is answered."""
        await asyncio.to_thread(self._threads.shutdown)
        for idle in self._idle.values():
            for connection, _ in idle:
                _close(connection)
        self._idle.clear()

    async def _pass(
        self, company: str, sql: str, params: Sequence[Parameter], busy: Callable[[Results], bool] | None = None
    ) -> Results:
        """Send a batch through the gate; `busy` is given for one that writes."""
        if fault := next(filter(None, map(misread, params)), None):
            raise Rejected(f"A text for GP {fault[0]}.", code=fault[1], system="gp")
        loop = asyncio.get_running_loop()
        passing = await self._gate.enter()
        idle, batch = self._idle[company], (self._head + sql, tuple(params))
        work = self._threads.submit(self._ask, company, idle, batch, writes=busy is not None)
        # A caller that was cancelled leaves a batch behind: it is over when its thread is done.
        work.add_done_callback(lambda done: loop.call_soon_threadsafe(_leave, passing, done, busy))
        return await asyncio.wrap_future(work)

    def _ask(self, company: str, idle: _Idle, batch: _Batch, *, writes: bool) -> Results:
        connection = _take(idle)
        reused = connection is not None
        connection = connection or self._connect(company)
        self.round_trips += 1
        try:
            answer = _fetch(connection, *batch)
        except (pymssql.Error, MSSQLException) as error:
            # After an error the fate of the batch and of an open transaction is unknown: the connection goes.
            _close(connection)
            if writes:
                raise Unanswered(self._explain(error, company)) from None
            if reused and connection_lost(error):
                return self._ask(company, idle, batch, writes=False)
            raise self._explain(error, company) from None
        idle.append((connection, time.monotonic()))
        return answer

    def _connect(self, company: str) -> pymssql.Connection:
        settings = self.settings
        self.connects += 1
        try:
            # Without a pinned version FreeTDS tries several and takes three times the time limit to give up.
            return pymssql.connect(
                server=settings.server,
                port=str(settings.port),
                user=settings.user,
                password=settings.password.get_secret_value(),
                database=company,
                timeout=settings.timeout,
                login_timeout=settings.login_timeout,
                encryption=settings.encryption,
                appname="GP365",
                tds_version="7.4",
                autocommit=True,
            )
        except (pymssql.Error, MSSQLException) as error:
            raise self._explain(error, company) from None

    def _explain(self, error: Exception, company: str) -> SyncError:
        return explain(error, self.place, company)

    @property
    def place(self) -> str:
        """Where the databases are."""
        return f"{self.settings.server}:{self.settings.port}"


def _leave(passing: Passing, done: Future[Results], busy: Callable[[Results], bool] | None) -> None:
    """A batch is over, and told the gate whether the server was busy."""
    error = None if done.cancelled() else done.exception()
    cause = error.cause if isinstance(error, Unanswered) else error
    shown = busy is not None and error is None and not done.cancelled() and busy(done.result())
    passing.heard(busy=shown or (isinstance(cause, RetryLater) and cause.code == "busy"))
    passing.leave()


def _take(idle: _Idle) -> pymssql.Connection | None:
    while idle:
        connection, since = idle.pop()
        if time.monotonic() - since < _IDLE_SECONDS:
            return connection
        _close(connection)
    return None


def _fetch(connection: pymssql.Connection, sql: str, params: tuple[Parameter, ...]) -> Results:
    """Walk every result set: an error after the first one surfaces only in `nextset`."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params) if params else cursor.execute(sql)
        answer: Results = []
        while True:
            if cursor.description:
                names = [column[0] for column in cursor.description]
                answer.append([dict(zip(names, row, strict=True)) for row in cursor.fetchall()])
            if not cursor.nextset():
                return answer


def _close(connection: pymssql.Connection | None) -> None:
    if connection:
        with contextlib.suppress(pymssql.Error, MSSQLException):
            connection.close()
