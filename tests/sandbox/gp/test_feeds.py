"""What a poller sees of the procedures' work: Change Tracking in TWO, time stamps in THREE."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import pymssql
import pytest

from tests.sandbox.gp.calls import Answer, address, customer, internet, rows
from tests.sandbox.gp.conftest import Endpoint

Connect = Callable[..., pymssql.Connection]
CHANGED = "SELECT RTRIM(c.CUSTNMBR), c.SYS_CHANGE_OPERATION FROM CHANGETABLE(CHANGES {}, {}) AS c"


@pytest.fixture(autouse=True)
def _clean(gp: Endpoint) -> Iterator[None]:
    yield
    with gp.server.connect("TWO") as admin:
        for table in ("RM00101", "RM00102", "RM00103"):
            admin.run(f"DELETE FROM {table} WHERE CUSTNMBR IN ('TRACKED0001', 'RACE0001')")


def _version(connection: pymssql.Connection) -> int:
    return rows(connection, "SELECT CHANGE_TRACKING_CURRENT_VERSION()")[0][0]


def test_a_committed_call_is_one_version_over_all_its_tables(connect: Connect) -> None:
    writer, reader = connect(), connect(autocommit=True)
    before = _version(reader)
    customer(writer, CUSTNMBR="TRACKED0001", ADRSCODE="PRIMARY")
    address(writer, CUSTNMBR="CONTOSOL0001", ADRSCODE="PRIMARY", CITY="Ames")
    assert _version(reader) == before
    writer.commit()
    assert _version(reader) == before + 1
    created, changed = ("TRACKED0001", "I"), ("CONTOSOL0001", "U")
    assert set(rows(reader, CHANGED.format("RM00101", before))) == {created, changed}
    assert set(rows(reader, CHANGED.format("RM00102", before))) == {created, changed}
    assert rows(reader, CHANGED.format("RM00103", before)) == [created]


def test_a_rolled_back_call_leaves_no_trace(connect: Connect) -> None:
    writer, reader = connect(), connect(autocommit=True)
    before = _version(reader)
    customer(writer, CUSTNMBR="UNTRACKED01")
    writer.rollback()
    assert _version(reader) == before
    assert rows(reader, CHANGED.format("RM00101", before)) == []


def test_without_tracking_the_stamp_tells(connect: Connect) -> None:
    writer = connect("THREE")
    clock = rows(writer, "SELECT GETUTCDATE()")[0][0]
    customer(writer, CUSTNMBR="CONTOSOL0001", COMMENT1="x")
    internet(writer, Master_Type="CUS", Master_ID="AARONFIT0001", ADRSCODE="PRIMARY", INET1="x@y.example")
    since = "SELECT RTRIM({}) FROM {} WHERE DEX_ROW_TS >= %s"
    assert rows(writer, since.format("CUSTNMBR", "RM00101"), [clock]) == [("CONTOSOL0001",)]
    assert rows(writer, since.format("Master_ID", "SY01200"), [clock]) == [("AARONFIT0001",)]


def _in_thread(work: Callable[[], Answer]) -> Future[Answer]:
    done: Future[Answer] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except pymssql.Error as error:
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return done


def _wait_until_blocked(gp: Endpoint) -> None:
    with gp.server.engine.connect() as postgres:
        while not postgres.execute(b"SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone():
            pass


def test_a_second_caller_waits_for_the_note_index_and_the_duplicate_is_an_sql_error(
    gp: Endpoint, connect: Connect
) -> None:
    first, second = connect(), connect()
    assert customer(first, CUSTNMBR="RACE0001").state == 0
    waiting = _in_thread(lambda: customer(second, CUSTNMBR="RACE0001", UpdateIfExists=0))
    _wait_until_blocked(gp)
    first.commit()
    assert waiting.exception(timeout=30).args[0] == 2627
