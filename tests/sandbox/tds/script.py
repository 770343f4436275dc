"""A scripted engine behind the real wire, the thread its server runs in, and the two clients."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pymssql
import pytds

from sandbox.door import Door
from sandbox.tds.contract import Cancelled, Column, Login, Output, SqlError, SqlType
from sandbox.tds.server import TdsServer

INT = SqlType("int")
VARCHAR = SqlType("varchar", 50)
_TRANSACTIONS = {"BEGIN TRANSACTION": "begin", "COMMIT TRANSACTION": "commit", "ROLLBACK TRANSACTION": "rollback"}


def columns(**types: SqlType) -> list[Column]:
    return [Column(name, kind) for name, kind in types.items()]


def numbers(output: Output, *values: int, name: str = "n") -> None:
    """A result set of one int column."""
    output.columns(columns(**{name: INT}))
    output.rows([(value,) for value in values])
    output.done(len(values))


class ScriptedSession:
    """Answers texts and procedures as the script says; notes what it was asked."""

    def __init__(self, script: "Script") -> None:
        self.script = script
        self.stop = threading.Event()

    def batch(self, text: str, output: Output) -> None:
        self.script.seen.append(text)
        self.stop.clear()
        if act := self.script.batches.get(text):
            act(output, self)
        elif text.startswith("use "):
            output.database(text[4:].strip("[] "))
            output.done()
        elif text.split("; ", maxsplit=1)[0] in _TRANSACTIONS:
            for statement in text.split("; "):
                output.transaction(_TRANSACTIONS[statement])
                output.done()
        else:
            output.done()

    def rpc(self, name, parameters, output: Output) -> None:
        self.script.seen.append(name)
        self.script.calls.append((name, parameters))
        if name not in self.script.procedures:
            raise SqlError(2812, f"Could not find stored procedure '{name}'.")
        self.script.procedures[name](parameters, output)

    def bulk(self, table, columns, rows, output: Output) -> None:
        loaded = [list(row) for row in rows]
        self.script.loads.append((table, columns, loaded))
        output.done(len(loaded))

    def wait_for_stop(self, *_: object) -> None:
        """A long statement: ends only when it is interrupted."""
        self.script.waiting.set()
        assert self.stop.wait(30)
        raise Cancelled

    def cancel(self) -> None:
        self.script.cancels += 1
        self.stop.set()

    def close(self) -> None:
        self.script.closed.append(threading.current_thread().name)
        self.script.one_closed.set()


class Script:
    """The engine: logins, what to answer, and what was seen."""

    def __init__(self) -> None:
        self.batches: dict[str, Callable[[Output, ScriptedSession], None]] = {}
        self.procedures: dict[str, Callable[..., None]] = {}
        self.refusals: dict[str, SqlError] = {}
        self.logins: list[Login] = []
        self.seen: list[str] = []
        self.calls: list = []
        self.loads: list = []
        self.closed: list[str] = []
        self.cancels = 0
        self.waiting = threading.Event()
        self.one_closed = threading.Event()

    def login(self, login: Login) -> ScriptedSession:
        self.logins.append(login)
        if login.user in self.refusals:
            raise self.refusals[login.user]
        return ScriptedSession(self)

    def describe(self, table: str, columns: list[Column]) -> None:
        """Answer the two questions that pymssql's bulk_copy asks about a table first."""

        def catalogue(output: Output, _: object) -> None:
            output.columns(
                [Column("column_id", INT), Column("system_type_name", VARCHAR), Column("is_identity", SqlType("bit"))]
            )
            output.rows([(at, column.type.name, column.identity) for at, column in enumerate(columns, 1)])
            output.done(len(columns))

        def shape(output: Output, _: object) -> None:
            output.columns(columns)
            output.done(0)

        self.batches[
            "SELECT column_id, TYPE_NAME(system_type_id) AS system_type_name, is_identity FROM sys.columns "
            f"WHERE object_id = OBJECT_ID(N'{table}')"
        ] = catalogue
        self.batches[f"SET FMTONLY ON select * from {table} SET FMTONLY OFF"] = shape


class Running:
    """A server with a script, in a loop and thread of its own, so that blocking clients can be used."""

    def __init__(self, tls: str = "login") -> None:
        self.script = Script()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.door = Door("gp")
        self.server = self.call(self._make(tls))
        self.port = self.call(self.server.start())
        self.admin = self.call(self.door.start())

    async def _make(self, tls: str) -> TdsServer:
        return TdsServer(self.script, self.door, tls=tls)

    def call(self, work):
        """Run a coroutine in the server's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def end(self) -> None:
        self.call(self.server.stop())
        self.call(self.door.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


PASSWORD = "S3cret!ß"


def pymssql_to(port, **options):
    asked = {
        "server": "127.0.0.1",
        "port": str(port),
        "user": "sa",
        "password": PASSWORD,
        "database": "TWO",
        "tds_version": "7.4",
        "autocommit": True,
        "login_timeout": 5,
    }
    return pymssql.connect(**{**asked, **options})


def pytds_to(port, **options):
    asked = {"user": "sa", "password": PASSWORD, "database": "TWO", "autocommit": True, "login_timeout": 5}
    return pytds.connect("127.0.0.1", port=port, **{**asked, **options})


def in_process(running: Running, source: str) -> object:
    """Run `source` in a process of its own, with `connect(**options)` at hand; returns its `result` by way of JSON.

    For what pymssql does process-wide (`timeout`, the gravest login error) and while it holds the interpreter (`bulk_copy`).
    """
    program = (
        "import json\nfrom tests.sandbox.tds.script import pymssql, pymssql_to\n"
        f"connect = lambda **options: pymssql_to({running.port}, **options)\n"
        f"{source}\nprint(json.dumps(result))"
    )
    root = Path(__file__).parents[3]
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)
