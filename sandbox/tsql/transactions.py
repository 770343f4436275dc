"""SQL Server's transactions on a PostgreSQL connection: nesting counts, savepoint names, doomed and lost ones."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from sandbox.tsql.errors import error


class Transactions:
    """`count` is @@TRANCOUNT. A doomed transaction can only be rolled back; a lost one is gone in PostgreSQL already.

    `around_rollback()` is called before PostgreSQL rolls back and returns what to call after it: table variables and
    SET LOCK_TIMEOUT survive that way. `committing()` and `committed()` are the seams around COMMIT.
    """

    def __init__(
        self, connection: psycopg.Connection[object], around_rollback: Callable[[], Callable[[], None]]
    ) -> None:
        self._connection = connection
        self._around_rollback = around_rollback
        self.count = 0
        self.doomed = False
        self.snapshot = False
        self.committing: Callable[[], None] = lambda: None
        self.committed: Callable[[], None] = lambda: None
        self.ended: Callable[[], None] = lambda: None
        self._lost = False
        self._name = ""
        self._names: list[str] = []

    def _run(self, sql: str) -> None:
        self._connection.execute(sql.encode())

    @property
    def open(self) -> bool:
        """Whether PostgreSQL has a transaction open."""
        return self.count > 0 and not self._lost

    def begin(self, name: str | None = None) -> None:
        if self.count == 0:
            self._name = (name or "").lower()
            self._run("BEGIN ISOLATION LEVEL REPEATABLE READ" if self.snapshot else "BEGIN")
        self.count += 1

    def commit(self) -> bool:
        """True when this was the outermost one. SqlError 3902, or 3930 for a doomed one."""
        if self.count == 0:
            raise error(3902)
        if self.doomed:
            raise error(3930)
        if self.count > 1:
            self.count -= 1
            return False
        self.committing()
        try:
            self._run("COMMIT")
        finally:
            self._forget()
        self.committed()
        return True

    def rollback(self) -> None:
        """Roll back everything. SqlError 3903 when there is nothing."""
        if self.count == 0:
            raise error(3903)
        self._end()
        self._forget()

    def _end(self) -> None:
        if not self._lost:
            restore = self._around_rollback()
            self._run("ROLLBACK")
            restore()

    def lose(self) -> None:
        """PostgreSQL's transaction is rolled back now, while @@TRANCOUNT stays until ROLLBACK."""
        if self.open:
            self._end()
        self._lost = self.count > 0
        self.doomed = self.count > 0

    def _forget(self) -> None:
        self.count, self.doomed, self._lost, self._names = 0, False, False, []
        self.ended()

    def save(self, name: str) -> None:
        if self.count == 0:
            raise error(628)
        if self.doomed:
            raise error(3930)
        self._run(f"SAVEPOINT u_{len(self._names)}")
        self._names.append(name.lower())

    def knows(self, name: str) -> bool:
        """Whether there is a savepoint of that name; rolling back to an earlier one takes the later ones away."""
        return name.lower() in self._names

    def named(self, name: str) -> bool:
        """Whether the outermost BEGIN TRAN gave that name."""
        return self._name == name.lower()

    def rollback_to(self, name: str) -> None:
        if self.count == 0:
            raise error(3903)
        if not self.knows(name):
            raise error(6401, name)
        if self.doomed:
            raise error(3931)
        restore = self._around_rollback()
        place = len(self._names) - 1 - self._names[::-1].index(name.lower())
        self._run(f"ROLLBACK TO SAVEPOINT u_{place}")
        del self._names[place + 1 :]
        restore()

    @contextmanager
    def statement(self, *, writes: bool) -> Iterator[None]:
        """A statement's work: all of it or none of it."""
        if self.open:
            yield from self._saved()
        elif writes:
            yield from self._own()
        else:
            yield

    def _saved(self) -> Iterator[None]:
        self._run("SAVEPOINT s")
        try:
            yield
        except BaseException:
            if not self._connection.broken:
                self._run("ROLLBACK TO SAVEPOINT s")
                self._run("RELEASE SAVEPOINT s")
            raise
        self._run("RELEASE SAVEPOINT s")

    def _own(self) -> Iterator[None]:
        self._run("BEGIN")
        try:
            yield
            self.committing()
        except BaseException:
            if not self._connection.broken:
                self._run("ROLLBACK")
            raise
        self._run("COMMIT")
        self.committed()
