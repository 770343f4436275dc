import asyncio
import contextlib
import socket
import struct

import pymssql
import pytest

from sandbox.door import Fault
from tests.sandbox.tds.script import INT, columns, in_process, numbers, pymssql_to, pytds_to


def endless(output, _):
    output.columns(columns(n=INT))
    output.rows((n,) for n in iter(int, 1))


def test_an_attention_stops_an_endless_answer(mssql, script):
    script.batches["endless"] = endless
    cursor = mssql.cursor()
    cursor.execute("endless")
    assert cursor.fetchone() == (0,)
    script.batches["x"] = lambda output, _: numbers(output, 7)
    cursor.execute("x")
    assert cursor.fetchall() == [(7,)]


def test_an_attention_interrupts_a_session_that_is_silent(running, script):
    script.batches["wait"] = lambda _, session: session.wait_for_stop()
    script.batches["x"] = lambda output, _: numbers(output, 7)
    with raw_connection(running.port) as connection:
        connection.sendall(batch("wait"))
        assert script.waiting.wait(10)
        connection.sendall(packet(0x06, b""))
        _, attended = read_packet(connection)
        connection.sendall(batch("x"))
        _, answer = read_packet(connection)
    assert attended == b"\xfd\x20\x00" + bytes(10)
    assert answer[0] == 0x81
    assert script.cancels >= 1


def test_an_attention_is_answered_once_after_the_tokens_already_made(running, script):
    def act(output, session):
        numbers(output, 1)
        session.wait_for_stop()

    script.batches["x"] = act
    with raw_connection(running.port) as connection:
        connection.sendall(batch("x"))
        assert script.waiting.wait(10)
        connection.sendall(packet(0x06, b""))
        _, body = read_packet(connection)
        connection.sendall(packet(0x06, b""))
        _, next_body = read_packet(connection)
    assert body[0] == 0x81
    assert body[-26:-13] == b"\xfd\x11\x00\xc1\x00\x01" + bytes(7)
    assert body[-13:] == next_body == b"\xfd\x20\x00" + bytes(10)


def test_an_attention_with_nothing_running_is_answered(running):
    with raw_connection(running.port) as connection:
        connection.sendall(packet(0x06, b""))
        kind, body = read_packet(connection)
    assert kind == 0x04
    assert body[:3] == b"\xfd\x20\x00"


def test_an_attention_in_the_middle_of_a_message_drops_the_message(running, script):
    with raw_connection(running.port) as connection:
        connection.sendall(packet(0x01, headers(), status=0) + packet(0x06, b""))
        _, body = read_packet(connection)
    assert body[:3] == b"\xfd\x20\x00"


def test_a_message_that_the_client_takes_back_is_not_run(running, script):
    with raw_connection(running.port) as connection:
        connection.sendall(packet(0x01, headers() + "x".encode("utf-16-le"), status=3) + batch("y"))
        read_packet(connection)
    assert script.seen[-1] == "y"
    assert "x" not in script.seen


def test_a_timeout_is_20047_and_the_session_is_interrupted_and_closed(running, script):
    script.batches["wait"] = lambda _, session: session.wait_for_stop()
    source = """
connection = connect(timeout=1)
result = []
for text in ("wait", "x"):
    try:
        connection.cursor().execute(text)
    except pymssql.Error as error:
        result.append([type(error).__name__, error.args[0]])
"""
    (kind, number), (second, _) = in_process(running, source)
    assert (kind, number) == ("OperationalError", 20047)
    assert second == "InterfaceError"
    assert script.one_closed.wait(10)
    assert script.cancels >= 1


def test_a_client_that_leaves_ends_its_work_and_its_session_in_the_sessions_thread(running, script):
    script.batches["wait"] = lambda _, session: session.wait_for_stop()
    with raw_connection(running.port) as connection:
        connection.sendall(batch("wait"))
        assert script.waiting.wait(10)
    assert script.one_closed.wait(10)
    assert script.cancels >= 1
    assert script.closed[0].startswith("tds-")


def test_stopping_the_server_closes_every_session(running, script):
    connections = [pymssql_to(running.port) for _ in range(3)]
    running.call(running.server.stop())
    assert len(script.closed) == 3
    for connection in connections:
        with pytest.raises(pymssql.Error):
            connection.cursor().execute("x")


def test_a_request_fault_stops_the_work(running, mssql, script):
    running.door.faults.add(Fault(at="tds.request", match="taCreate", do="error", code=1205))
    with pytest.raises(pymssql.OperationalError) as caught:
        mssql.cursor().execute("exec taCreate")
    assert caught.value.args[0] == 1205
    assert "exec taCreate" not in script.seen
    mssql.cursor().execute("exec taCreate")
    assert script.seen[-1] == "exec taCreate"


def test_a_planned_deadlock_takes_the_transaction_with_it(running, mssql, script):
    running.door.faults.add(Fault(at="tds.request", match="^x$", do="error", code=1205))
    with pytest.raises(pymssql.OperationalError):
        mssql.cursor().execute("x")
    assert script.seen[-1] == "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION"


def test_an_answer_fault_comes_after_the_work(running, mssql, script):
    script.batches["x"] = lambda output, _: numbers(output, 1)
    running.door.faults.add(Fault(at="tds.answer", match="^x$", do="error", code=8645, text="No memory."))
    with pytest.raises(pymssql.OperationalError) as caught:
        mssql.cursor().execute("x")
    assert caught.value.args[0] == 8645
    assert script.seen[-1] == "x"


@pytest.mark.parametrize(("seam", "worked"), [("tds.request", False), ("tds.answer", True)])
def test_a_dropped_socket_is_20017_before_or_after_the_work(running, script, seam, worked):
    connection = pymssql_to(running.port)
    running.door.faults.add(Fault(at=seam, match="^x$", do="drop"))
    with pytest.raises(pymssql.OperationalError) as caught:
        connection.cursor().execute("x")
    assert caught.value.args[0] == 20017
    assert ("x" in script.seen) is worked
    with pytest.raises(pymssql.InterfaceError):
        connection.cursor().execute("y")
    assert script.one_closed.wait(10)


def test_after_a_delay_the_request_runs(running, mssql, script):
    running.door.faults.add(Fault(at="tds.request", match="^x$", do="delay", seconds=0.01))
    mssql.cursor().execute("x")
    assert script.seen[-1] == "x"
    assert running.door.faults.list()[0].times == 0


def test_a_delay_ends_when_the_client_goes(running, script):
    running.door.faults.add(Fault(at="tds.request", match="^x$", do="delay", seconds=3600))
    with raw_connection(running.port) as connection:
        connection.sendall(batch("x"))
    assert script.one_closed.wait(10)
    assert "x" not in script.seen


def test_a_procedure_can_be_struck_by_name(running, mssql):
    running.door.faults.add(Fault(at="tds.request", match="^taCreate$", do="error", code=50000))
    with pytest.raises(pymssql.DatabaseError) as caught:
        mssql.cursor().callproc("taCreate", (1,))
    assert caught.value.args[0] == 50000


def test_bulk_rows_without_an_announcement_are_refused(running):
    with raw_connection(running.port) as connection:
        connection.sendall(packet(0x07, b"\x81\x00\x00\xfd" + bytes(12)))
        _, body = read_packet(connection)
    assert body[0] == 0xAA
    assert struct.unpack_from("<i", body, 3)[0] == 4002


@pytest.mark.parametrize("message", [b"", b"\xff" * 40, b"GET / HTTP/1.1\r\n\r\n"])
def test_what_is_not_tds_is_hung_up_on(running, message):
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        connection.sendall(message)
        connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            assert connection.recv(100) == b""


async def test_a_message_type_that_is_not_known_is_refused_and_listed(running):
    def ask():
        with raw_connection(running.port) as connection:
            connection.sendall(packet(0x08, headers()))
            return read_packet(connection)

    _, body = await asyncio.to_thread(ask)
    assert body[0] == 0xAA
    assert running.door.gaps.list() == [{"kind": "message", "what": "type 0x08", "times": 1}]


def packet(kind: int, body: bytes, status: int = 1) -> bytes:
    return struct.pack(">BBHHBB", kind, status, len(body) + 8, 0, 1, 0) + body


def batch(text: str) -> bytes:
    return packet(0x01, headers() + text.encode("utf-16-le"))


def headers() -> bytes:
    return bytes.fromhex("16000000120000000200000000000000000001000000")


def read_packet(connection: socket.socket) -> tuple[int, bytes]:
    head = connection.recv(8, socket.MSG_WAITALL)
    kind, _, length, *_ = struct.unpack(">BBHHBB", head)
    return kind, connection.recv(length - 8, socket.MSG_WAITALL)


@contextlib.contextmanager
def raw_connection(port: int):
    """A logged-in socket that python-tds opened: what is sent next is up to the test."""
    client = pytds_to(port)
    try:
        yield client._tds_socket.sock
    finally:
        client._tds_socket.sock.close()
