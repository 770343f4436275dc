"""Connections are few, used again, and dropped after any error; every answer is walked to its end."""

import asyncio
import threading
from collections.abc import Callable

import pymssql
import pytest

from sync.errors import BadSettings, Rejected, RetryLater
from sync.systems.gp import client as module
from sync.systems.gp.client import GpClient, Unanswered
from sync.systems.gp.statements import Statement

from ..gated import NotingGate
from .scripted import SETTINGS, ScriptedConnection

ONE = [(("n",), (1,))]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[dict]]:
    """Makes pymssql hand out these connections in turn; returns what each was asked to connect to."""

    def use(*connections: object) -> list[dict]:
        waiting, asked = list(connections), []

        def give(**wanted: object) -> object:
            asked.append(wanted)
            connection = waiting.pop(0)
            if isinstance(connection, Exception):
                raise connection
            return connection

        monkeypatch.setattr(module.pymssql, "connect", give)
        return asked

    return use


async def test_all_result_sets_come_as_rows_by_name(connect: Callable) -> None:
    connect(ScriptedConnection([(("a", "b"), (1, "x"), (2, "y")), (("c",),), (("d",), (3,))]))
    client = GpClient(SETTINGS)
    assert await client.query("TWO", "SELECT") == [[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}], [], [{"d": 3}]]
    await client.close()


async def test_every_batch_brings_its_own_settings(connect: Callable) -> None:
    connection = ScriptedConnection(ONE, ONE)
    connect(connection)
    client = GpClient(SETTINGS)
    await client.query("TWO", "SELECT 1")
    await client.query("TWO", "SELECT %s", ["x"])
    for sql, _ in connection.sent:
        assert "SET LOCK_TIMEOUT 5000" in sql
        assert "DEADLOCK_PRIORITY LOW" in sql
        assert "READ COMMITTED" in sql
        assert "NOLOCK" not in sql
    assert connection.sent[1][1] == ("x",)
    assert client.round_trips == 2
    await client.close()
    assert connection.closed


async def test_a_connection_is_used_again(connect: Callable) -> None:
    asked = connect(ScriptedConnection(ONE, ONE))
    client = GpClient(SETTINGS)
    await client.query("TWO", "SELECT 1")
    await client.query("TWO", "SELECT 1")
    assert client.connects == 1
    assert asked[0]["database"] == "TWO"
    assert asked[0]["tds_version"] == "7.4"
    assert asked[0]["encryption"] == "require"
    assert asked[0]["autocommit"] is True
    await client.close()


async def test_an_error_drops_the_connection(connect: Callable) -> None:
    first, second = ScriptedConnection(pymssql.OperationalError(1205, b"deadlock")), ScriptedConnection(ONE)
    connect(first, second)
    client = GpClient(SETTINGS)
    with pytest.raises(RetryLater, match="deadlock"):
        await client.query("TWO", "SELECT 1")
    assert first.closed
    await client.query("TWO", "SELECT 1")
    assert client.connects == 2
    await client.close()


async def test_an_error_after_a_result_set_is_not_missed(connect: Callable) -> None:
    connect(ScriptedConnection([(("n",), (1,)), pymssql.OperationalError(208, b"Invalid object name 'RM00101'.")]))
    client = GpClient(SETTINGS)
    with pytest.raises(BadSettings, match="RM00101") as caught:
        await client.query("TWO", "SELECT 1; SELECT 2")
    assert caught.value.code == "table_missing"
    await client.close()


async def test_a_pooled_connection_found_dead_is_replaced_unnoticed(connect: Callable) -> None:
    dead = ScriptedConnection(ONE, pymssql.OperationalError(20017, b"Unexpected EOF"))
    connect(dead, ScriptedConnection(ONE))
    client = GpClient(SETTINGS)
    await client.query("TWO", "SELECT 1")
    assert await client.query("TWO", "SELECT 1") == [[{"n": 1}]]
    await client.close()


async def test_a_fresh_connection_that_dies_is_an_error(connect: Callable) -> None:
    connect(ScriptedConnection(pymssql.OperationalError(20017, b"Unexpected EOF")))
    client = GpClient(SETTINGS)
    with pytest.raises(RetryLater) as caught:
        await client.query("TWO", "SELECT 1")
    assert caught.value.code == "system_unreachable"
    await client.close()


async def test_a_time_out_is_not_tried_again(connect: Callable) -> None:
    slow = ScriptedConnection(
        ONE, pymssql.OperationalError(20047, b"DB-Lib error message 20003, severity 6:\ntimed out")
    )
    connect(slow)
    client = GpClient(SETTINGS)
    await client.query("TWO", "SELECT 1")
    with pytest.raises(RetryLater) as caught:
        await client.query("TWO", "SELECT 1")
    assert caught.value.code == "busy"
    await client.close()


async def test_a_connection_that_lay_idle_too_long_is_not_trusted(
    connect: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = ScriptedConnection(ONE, ONE)
    connect(old, ScriptedConnection(ONE))
    client = GpClient(SETTINGS)
    await client.query("TWO", "SELECT 1")
    monkeypatch.setattr(module, "_IDLE_SECONDS", 0)
    await client.query("TWO", "SELECT 1")
    assert old.closed
    assert client.connects == 2
    await client.close()


async def test_the_password_reaches_no_message(connect: Callable) -> None:
    connect(
        pymssql.OperationalError((18456, b"Login failed for user 'gp365'.DB-Lib error message 20018, severity 14:\n"))
    )
    client = GpClient(SETTINGS)
    with pytest.raises(BadSettings) as caught:
        await client.query("TWO", "SELECT 1")
    assert "s3cret" not in f"{caught.value.as_dict()}{client.settings!r}"
    await client.close()


@pytest.mark.parametrize("text", ["a\0b", "a\\\nb", "a\\\r\nb", "a\ud800b"])
async def test_a_text_that_sql_would_misread_is_refused_before_it_is_sent(connect: Callable, text: str) -> None:
    connect()
    client = GpClient(SETTINGS)
    with pytest.raises(Rejected):
        await client.query("TWO", "SELECT %s", [text])
    assert client.round_trips == 0


async def test_all_companies_together_never_get_more_connections_than_allowed(connect: Callable) -> None:
    both_in, go, threads = threading.Barrier(3), threading.Event(), set()

    class Slow(ScriptedConnection):
        def cursor(self):
            threads.add(threading.get_ident())
            if not go.is_set():
                both_in.wait(10)
                go.wait(10)
            return super().cursor()

    connect(*(Slow(*[ONE] * 5) for _ in range(5)))
    client = GpClient(SETTINGS)
    asks = [
        asyncio.create_task(client.query(company, "SELECT 1")) for company in ("TWO", "THREE", "TWO", "THREE", "TWO")
    ]
    await asyncio.to_thread(both_in.wait, 10)
    go.set()
    await asyncio.gather(*asks)
    assert len(threads) == SETTINGS.connections
    await client.close()


async def test_each_batch_passes_the_gate_and_tells_whether_the_server_was_busy(connect: Callable) -> None:
    connect(ScriptedConnection(ONE, pymssql.OperationalError(1205, b"deadlock")))
    gate = NotingGate()
    client = GpClient(SETTINGS, gate)
    await client.query("TWO", "SELECT 1")
    with pytest.raises(RetryLater):
        await client.query("TWO", "SELECT 1")
    await asyncio.sleep(0)
    assert (gate.entered, gate.inside) == (2, 0)
    assert gate.heard == [{"busy": False}, {"busy": True}]
    await client.close()


async def test_a_batch_whose_caller_is_gone_is_inside_until_it_is_over(connect: Callable) -> None:
    inside, go = threading.Event(), threading.Event()

    class Slow(ScriptedConnection):
        def cursor(self):
            inside.set()
            go.wait(10)
            return super().cursor()

    connect(Slow(ONE))
    gate = NotingGate()
    client = GpClient(SETTINGS, gate)
    ask = asyncio.create_task(client.query("TWO", "SELECT 1"))
    await asyncio.to_thread(inside.wait, 10)
    ask.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ask
    assert gate.inside == 1
    go.set()
    await client.close()
    await asyncio.sleep(0)
    assert gate.inside == 0


WRITE = Statement("EXEC %s", ("x",))


def calm(_: object) -> bool:
    return False


async def test_a_batch_that_writes_is_never_sent_twice(connect: Callable) -> None:
    dead = ScriptedConnection(ONE, pymssql.OperationalError(20017, b"Unexpected EOF"))
    connect(dead, ScriptedConnection(ONE))
    client = GpClient(SETTINGS)
    await client.query("TWO", "SELECT 1")
    with pytest.raises(Unanswered) as caught:
        await client.write("TWO", WRITE, calm)
    assert isinstance(caught.value.cause, RetryLater)
    assert caught.value.cause.code == "system_unreachable"
    assert client.round_trips == 2
    assert dead.closed
    await client.close()


@pytest.mark.parametrize(("number", "kind"), [(1205, RetryLater), (208, BadSettings), (102, Rejected)])
async def test_an_error_that_was_not_caught_in_the_batch_leaves_it_unanswered(
    connect: Callable, number: int, kind: type[Exception]
) -> None:
    connect(ScriptedConnection([(("n",), (1,)), pymssql.OperationalError(number, b"told")]))
    client = GpClient(SETTINGS)
    with pytest.raises(Unanswered) as caught:
        await client.write("TWO", WRITE, calm)
    assert type(caught.value.cause) is kind
    await client.close()


async def test_what_fails_before_the_batch_was_sent_is_no_open_question(connect: Callable) -> None:
    connect(pymssql.OperationalError((20009, b"DB-Lib error message 20009, severity 9:\nUnable to connect")))
    client = GpClient(SETTINGS)
    with pytest.raises(RetryLater):
        await client.write("TWO", WRITE, calm)
    with pytest.raises(Rejected):
        await client.write("TWO", Statement("EXEC %s", ("a\0b",)), calm)
    assert client.round_trips == 0
    await client.close()


@pytest.mark.parametrize("busy", [True, False])
async def test_the_gate_hears_of_a_busy_server_also_when_the_batch_came_to_its_end(
    connect: Callable, *, busy: bool
) -> None:
    connect(ScriptedConnection(ONE))
    gate = NotingGate()
    client = GpClient(SETTINGS, gate)
    await client.write("TWO", WRITE, lambda _: busy)
    await asyncio.sleep(0)
    assert gate.heard == [{"busy": busy}]
    await client.close()
