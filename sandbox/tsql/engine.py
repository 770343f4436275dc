"""The SQL Server stand-in's engine: databases, logins and sessions over one PostgreSQL server."""

import itertools
import threading
from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import psycopg

from sandbox.door import Door
from sandbox.tds.contract import Login
from sandbox.tsql import administration
from sandbox.tsql.catalog import Catalog
from sandbox.tsql.errors import error
from sandbox.tsql.lexer import Literal
from sandbox.tsql.logins import LoginRights
from sandbox.tsql.naming import CatalogNames
from sandbox.tsql.parser import parse
from sandbox.tsql.plan import Plan
from sandbox.tsql.postgres import Postgres
from sandbox.tsql.session import SqlSession
from sandbox.tsql.statements import (
    Block,
    ChangeTracking,
    CreateIndex,
    CreateProcedure,
    SnapshotIsolation,
    TableDefinition,
)
from sandbox.tsql.tracking import history

_parsed = lru_cache(maxsize=500)(parse)


class PlanCache:
    """Plans by statement; several when literals are part of a plan's meaning. Thread-safe."""

    def __init__(self, most: int = 5000) -> None:
        self._plans: dict[Hashable, list[Plan]] = {}
        self._most = most
        self._lock = threading.Lock()

    def get(self, key: Hashable, literals: Sequence[Literal]) -> Plan | None:
        with self._lock:
            return next((plan for plan in self._plans.get(key, ()) if plan.fits(literals)), None)

    def put(self, key: Hashable, plan: Plan) -> None:
        with self._lock:
            if len(self._plans) >= self._most:
                self._plans.clear()
            self._plans.setdefault(key, []).append(plan)

    def clear(self) -> None:
        with self._lock:
            self._plans.clear()


class SqlEngine:
    """`sandbox.tds.contract.Engine`. `catalogs` are its databases, `logins` who may enter.

    Seams of the door: "sql.statement" (subject: the statement), "sql.procedure" (the procedure's name),
    "sql.commit.before" and "sql.commit.after" (the statement). `do="drop"` raises ConnectionAbortedError out of the
    session; an error 1205 loses the transaction as a real one does. `timezone` is what GETDATE() is in.
    """

    def __init__(
        self, data_dir: Path, catalogs: Sequence[Catalog], logins: Mapping[str, LoginRights], door: Door, *,
        server_name: str = "SANDBOX", timezone: str = "UTC",
    ) -> None:  # fmt: skip
        self.catalogs = {catalog.name.lower(): catalog for catalog in catalogs}
        self.logins = {name.lower(): rights for name, rights in logins.items()}
        self.door = door
        self.server_name = server_name
        self.plans = PlanCache()
        self.name_of = CatalogNames(self.catalogs)
        self._postgres = Postgres(data_dir, timezone)
        self._admin: psycopg.Connection[tuple[object, ...]] | None = None
        self._spids = itertools.count(51)
        self._sessions: set[SqlSession] = set()
        self._guarding: set[SqlSession] = set()
        self._lock = threading.Lock()

    @property
    def database_names(self) -> list[str]:
        return [catalog.name for catalog in self.catalogs.values()]

    def start(self) -> None:
        """Start PostgreSQL and make what the catalogues describe and is not there yet. Blocks."""
        self._postgres.start()
        self._admin = self.connect()
        administration.build(self._admin, self.catalogs)

    def stop(self) -> None:
        """Close every session and stop PostgreSQL. Blocks."""
        for session in list(self._sessions):
            session.close()
        if self._admin is not None:
            self._admin.close()
            self._admin = None
        self._postgres.stop()

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """A plain PostgreSQL connection, for sessions and for bulk seeding."""
        return self._postgres.connect()

    def login(self, login: Login) -> SqlSession:
        """SqlError 18456, 4060 or 916."""
        rights = self.logins.get(login.user.lower())
        if rights is None or rights.password != login.password:
            raise error(18456, login.user)
        database = login.database or self.database_names[0]
        if database.lower() == "master":
            database = self.database_names[0]
        catalog = self.catalogs.get(database.lower())
        if catalog is None or not rights.enters(catalog.name):
            raise error(4060, database)
        session = SqlSession(self, login, rights, catalog.name, next(self._spids))
        with self._lock:
            self._sessions.add(session)
        return session

    def note_session(self, session: SqlSession) -> None:
        """Called by a new session: sys.dm_exec_sessions shows it."""
        login = session.login
        session.connection.execute(
            b"INSERT INTO tsql.session VALUES ($1, statement_timestamp()::timestamp(3), $2, $3, $4, 'running', 5, 0, 1)",
            [str(session.spid), login.host, login.app, login.user],
        )

    def forget(self, session: SqlSession) -> None:
        """Called by a session that closed."""
        with self._lock:
            if session not in self._sessions:
                return
            self._sessions.discard(session)
            self._guarding.discard(session)
            if self._admin is not None:
                self._admin.execute(b"DELETE FROM tsql.session WHERE session_id = $1", [str(session.spid)])

    def guard(self, session: SqlSession) -> None:
        """A session holds keys that need not exist: others' inserts must look."""
        with self._lock:
            self._guarding.add(session)

    def unguard(self, session: SqlSession) -> None:
        """Its transaction is over."""
        with self._lock:
            self._guarding.discard(session)

    def guarded_by_others(self, session: SqlSession) -> bool:
        """Whether another session guards keys."""
        return bool(self._guarding - {session})

    def parsed(self, text: str) -> Block:
        """A batch's statements; texts seen lately are not read again."""
        return _parsed(text) if len(text) < 20_000 else parse(text)

    # Administration: from T-SQL and from a stand-in's door -----------------------------------------

    def set_change_tracking(self, database: str, table: str | None, enabled: bool) -> None:
        """Switch change tracking of a database (`table` None) or of one table. SqlError 911, 208, 22105."""
        with self.connect() as connection:
            administration.set_tracking(connection, self.catalogs, database, table, enabled)
        self.plans.clear()

    def set_clock(self, ahead: float) -> None:
        """Put the server's clock so many seconds ahead of the real one, or behind it."""
        self._postgres.set_ahead(ahead)

    def clean_change_tracking(self, database: str) -> int:
        """Forget the history; returns the version that is now the least valid one."""
        with self.connect() as connection:
            return administration.clean_tracking(connection, database)

    def alter_tracking(self, session: SqlSession, statement: ChangeTracking) -> None:
        """ALTER DATABASE/TABLE ... CHANGE_TRACKING."""
        self._only_admin(session, "ALTER DATABASE")
        table = statement.table
        database = statement.database or (
            table[-3] if table and len(table) > 2 and table[-3] else session.frame.database
        )
        database = session.frame.database if database.upper() == "CURRENT" else database
        self.set_change_tracking(database, table[-1] if table else None, statement.enabled)

    def alter_snapshot(self, session: SqlSession, statement: SnapshotIsolation) -> None:
        """ALTER DATABASE ... SET ALLOW_SNAPSHOT_ISOLATION."""
        self._only_admin(session, "ALTER DATABASE")
        name = session.frame.database if statement.database.upper() == "CURRENT" else statement.database
        if name.lower() not in self.catalogs:
            raise error(911, name)
        self.catalogs[name.lower()].snapshot_isolation = statement.enabled

    def create_table(self, session: SqlSession, name: str, definition: TableDefinition) -> None:
        """CREATE TABLE by an administrator."""
        self._only_admin(session, "CREATE TABLE")
        administration.create_table(session, name, definition)
        self.plans.clear()

    def create_index(self, session: SqlSession, statement: CreateIndex) -> None:
        """CREATE INDEX by an administrator."""
        self._only_admin(session, "CREATE INDEX")
        administration.create_index(session, statement)

    def create_procedure(self, session: SqlSession, statement: CreateProcedure) -> None:
        """CREATE PROCEDURE by an administrator; it lasts as long as this engine."""
        self._only_admin(session, "CREATE PROCEDURE")
        self.catalogs[session.frame.database.lower()].add_procedure(administration.procedure_of(statement))

    def truncate(self, session: SqlSession, name: Sequence[str]) -> None:
        """TRUNCATE TABLE: of a #temp table by anyone, of others by an administrator."""
        table = session.world.table(name[-1], name[-2] if len(name) > 1 else "", name[-3] if len(name) > 2 else "")
        if table.schema != "#":
            self._only_admin(session, "TRUNCATE TABLE")
        with session.translated("TRUNCATE TABLE"), session.transactions.statement(writes=True):
            session.connection.execute(f"TRUNCATE {table.relation} RESTART IDENTITY".encode())
            if table.tracked:
                session.connection.execute(f"TRUNCATE {history(table)}".encode())
                names = [table.database.lower(), table.name.lower()]
                session.connection.execute(b"SELECT tsql.begin_anew($1, $2)", names)

    @staticmethod
    def _only_admin(session: SqlSession, action: str) -> None:
        if not session.login_rights.admin:
            raise error(262, action, session.frame.database)
