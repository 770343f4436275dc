"""sp_getapplock and sp_releaseapplock."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from sandbox.tsql.session import SqlSession

_SHARED = {"shared", "intentshared"}


def _key(session: "SqlSession", arguments: Mapping[str, object]) -> str:
    resource = f"{session.frame.database.lower()}:{arguments.get('resource')}".replace("'", "''")
    return f"hashtextextended('applock:{resource}', 0)"


def get_lock(session: "SqlSession", arguments: Mapping[str, object]) -> int:
    """0 granted at once, 1 after waiting, -1 timed out, -3 deadlock victim, -999 a bad call."""
    mode = str(arguments.get("lockmode") or "").lower()
    owner = str(arguments.get("lockowner") or "Transaction").lower()
    if mode not in {"exclusive", "update", "shared", "intentshared", "intentexclusive"} or owner not in {
        "transaction",
        "session",
    }:
        return -999
    if owner == "transaction" and session.transactions.count == 0:
        return -999
    shared = "_shared" if mode in _SHARED else ""
    key = _key(session, arguments)
    with session.transactions.statement(writes=False):
        row = session.connection.execute(f"SELECT pg_try_advisory_lock{shared}({key})".encode()).fetchone()
    waited = 0
    if not (row and row[0]):  # type: ignore[index]
        waited = _wait(session, f"pg_advisory_lock{shared}({key})", arguments.get("locktimeout"))
        if waited < 0:
            return waited
    session.locks.setdefault(str(arguments.get("resource")), []).append((owner, f"pg_advisory_unlock{shared}({key})"))
    return waited


def _wait(session: "SqlSession", call: str, timeout: object) -> int:
    limit = session.settings.lock_timeout if timeout is None else int(timeout)  # type: ignore[call-overload]
    if limit == 0:
        return -1
    connection = session.connection
    try:
        connection.execute(f"SET lock_timeout = {max(limit, 0)}".encode())
        with session.transactions.statement(writes=False):
            connection.execute(f"SELECT {call}".encode())
    except psycopg.errors.LockNotAvailable:
        return -1
    except psycopg.errors.DeadlockDetected:
        return -3
    finally:
        if not connection.broken:
            session.set_lock_timeout(session.settings.lock_timeout)
    return 1


def release_lock(session: "SqlSession", arguments: Mapping[str, object]) -> int:
    """0 released, -999 not held by that owner."""
    owner = str(arguments.get("lockowner") or "Transaction").lower()
    held = session.locks.get(str(arguments.get("resource")), [])
    found = next((lock for lock in reversed(held) if lock[0] == owner), None)
    if found is None:
        return -999
    held.remove(found)
    session.connection.execute(f"SELECT {found[1]}".encode())
    return 0


def release_transaction_locks(session: "SqlSession") -> None:
    """The end of a transaction frees the locks it owns."""
    for held in session.locks.values():
        for lock in [lock for lock in held if lock[0] == "transaction"]:
            held.remove(lock)
            session.connection.execute(f"SELECT {lock[1]}".encode())
