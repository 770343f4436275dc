"""Blocking, time-outs, deadlocks, applocks, cancelling, injected faults (tsql-observed.md, 5)."""

# ruff: noqa: E501
import threading

import pytest

from sandbox.door import Fault
from sandbox.tds.contract import Cancelled
from tests.sandbox.tsql.recorder import Recorder


def _in_thread(work):
    result = []
    thread = threading.Thread(target=lambda: result.append(work()))
    thread.start()
    return thread, result


def _blocked(client, holder, text):
    """Whether `text` has to wait for what `holder` holds; it gives up after 200 ms."""
    client.run("SET LOCK_TIMEOUT 200")
    answer = client.run(text)
    client.run("SET LOCK_TIMEOUT -1; IF @@TRANCOUNT > 0 ROLLBACK")
    holder.run("IF @@TRANCOUNT > 0 ROLLBACK")
    return answer.numbers == [1222]


@pytest.fixture
def other(connect):
    return connect()


@pytest.mark.parametrize(("held", "wanted", "waits"), [
    ("SELECT K FROM T WITH (UPDLOCK) WHERE K = 1", "SELECT K FROM T WITH (UPDLOCK) WHERE K = 1", True),
    ("SELECT K FROM T WITH (UPDLOCK) WHERE K = 1", "SELECT K FROM T WITH (UPDLOCK) WHERE K = 2", False),
    ("SELECT K FROM T WITH (UPDLOCK) WHERE K = 1", "SELECT K FROM T WHERE K = 1", False),
    ("SELECT K FROM T WITH (UPDLOCK, HOLDLOCK) WHERE K = 99", "SELECT K FROM T WITH (UPDLOCK, HOLDLOCK) WHERE K = 99", True),
    ("SELECT K FROM T WITH (UPDLOCK, HOLDLOCK) WHERE K = 99", "SELECT K FROM T WITH (UPDLOCK, HOLDLOCK) WHERE K = 98", False),
    ("SELECT K FROM T WITH (UPDLOCK, HOLDLOCK) WHERE K = 99", "INSERT INTO T (K) VALUES (99)", True),
    ("SELECT K FROM T WITH (UPDLOCK, HOLDLOCK) WHERE K = 99", "INSERT INTO T (K) VALUES (98)", False),
    ("SELECT COUNT(*) FROM T WITH (TABLOCKX)", "SELECT K FROM T", True),
    ("UPDATE T SET N = 1 WHERE K = 1", "UPDATE T SET N = 2 WHERE K = 1", True),
    ("UPDATE T SET N = 1 WHERE K = 1", "SELECT K FROM T WITH (UPDLOCK, READPAST) WHERE K = 1", False),
    ("SELECT COUNT(*) FROM T WITH (UPDLOCK) WHERE K = 1", "UPDATE T SET N = 1 WHERE K = 1", True),
    ("SELECT COUNT(*) FROM T WITH (UPDLOCK) WHERE K = 1", "UPDATE T SET N = 1 WHERE K = 2", False),
    ("SELECT DISTINCT K FROM T WITH (XLOCK) WHERE K = 1", "UPDATE T SET N = 1 WHERE K = 1", True),
    ("SELECT K FROM T WITH (HOLDLOCK) WHERE K = 1", "UPDATE T SET N = 1 WHERE K = 1", True),
    ("SELECT K FROM T WITH (REPEATABLEREAD) WHERE K = 1", "SELECT K FROM T WITH (REPEATABLEREAD) WHERE K = 1", False),
    ("UPDATE T SET N = 1 WHERE K = 1", "SELECT K FROM T WITH (HOLDLOCK) WHERE K = 1", True),
    ("IF EXISTS (SELECT 1 FROM T WITH (UPDLOCK, HOLDLOCK) WHERE K = 1) SELECT 1", "UPDATE T SET N = 1 WHERE K = 1", True),
    ("DECLARE @n int; SELECT @n = N FROM T WITH (XLOCK) WHERE K = 1", "DELETE FROM T WHERE K = 1", True),
])  # fmt: skip
def test_who_waits_for_whom(client, other, held, wanted, waits):
    client.run("INSERT INTO T (K) VALUES (1), (2)")
    other.run(f"BEGIN TRAN; {held}")
    assert _blocked(client, other, f"BEGIN TRAN; {wanted}") is waits


def test_lock_timeout_keeps_the_transaction(client, other):
    client.run("SET XACT_ABORT OFF; INSERT INTO T (K) VALUES (1)")
    other.run("BEGIN TRAN; UPDATE T SET N = 1")
    answer = client.run(
        "SET LOCK_TIMEOUT 50; BEGIN TRAN; INSERT INTO T (K) VALUES (2); UPDATE T SET N = 2 WHERE K = 1; SELECT @@TRANCOUNT; COMMIT"
    )
    assert (answer.numbers, answer.sets) == ([1222], [[(1,)]])
    other.run("ROLLBACK")
    assert client.value("SELECT COUNT(*) FROM T") == 2
    client.run("SET LOCK_TIMEOUT -1")


def test_lock_timeout_can_be_caught(client, other):
    client.run("INSERT INTO T (K) VALUES (1)")
    other.run("BEGIN TRAN; UPDATE T SET N = 1")
    answer = client.run(
        "SET LOCK_TIMEOUT 0; BEGIN TRY UPDATE T SET N = 2 END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH; SET LOCK_TIMEOUT -1"
    )
    assert answer.sets == [[(1222,)]]


def test_deadlock_loses_one_transaction(client, other):
    client.run("INSERT INTO T (K) VALUES (1), (2)")
    client.run("BEGIN TRAN; UPDATE T SET N = 1 WHERE K = 1")
    other.run("BEGIN TRAN; UPDATE T SET N = 1 WHERE K = 2")
    thread, result = _in_thread(lambda: other.run("UPDATE T SET N = 2 WHERE K = 1; SELECT @@TRANCOUNT"))
    mine = client.run("UPDATE T SET N = 2 WHERE K = 2; SELECT @@TRANCOUNT")
    client.run("IF @@TRANCOUNT > 0 COMMIT")
    thread.join()
    victim, winner = (mine, result[0]) if mine.errors else (result[0], mine)
    assert ([(e.number, e.severity) for e in victim.errors], winner.errors) == ([(1205, 13)], [])
    assert winner.sets == [[(1,)]]
    assert (client if victim is mine else other).value("SELECT @@TRANCOUNT") == 0


def test_caught_deadlock_leaves_a_doomed_transaction(client, engine):
    engine.door.faults.add(Fault(at="sql.statement", match="marker", do="error", code=1205))
    answer = client.run("BEGIN TRAN; INSERT INTO T (K) VALUES (1); BEGIN TRY UPDATE T SET V = 'marker' END TRY "
                        "BEGIN CATCH SELECT ERROR_NUMBER(), XACT_STATE(), @@TRANCOUNT; ROLLBACK END CATCH")  # fmt: skip
    assert (answer.errors, answer.sets) == ([], [[(1205, -1, 1)]])
    assert client.value("SELECT COUNT(*) FROM T") == 0


def test_counter_under_update_then_select_is_never_lost(client, connect):
    client.run("INSERT INTO T (K) VALUES (1)")
    sessions = [connect() for _ in range(4)]
    text = "SET NOCOUNT ON; DECLARE @n int; BEGIN TRAN; SELECT @n = N FROM T WITH (UPDLOCK, HOLDLOCK) WHERE K = 1; UPDATE T SET N = @n + 1; COMMIT; SELECT @n"

    def count(session):
        return [session.value(text) for _ in range(20)]

    threads = [_in_thread(lambda s=s: count(s)) for s in sessions]
    for thread, _ in threads:
        thread.join()
    numbers = [n for _, result in threads for n in result[0]]
    assert sorted(numbers) == list(range(80))


def test_applock(client, other):
    get = "DECLARE @r int; EXEC @r = sp_getapplock 'x', 'Exclusive', '{owner}', {wait}; SELECT @r"
    release = "DECLARE @r int; EXEC @r = sp_releaseapplock 'x', '{owner}'; SELECT @r"
    assert client.run(get.format(owner="Transaction", wait=0)).sets == [[(-999,)]]
    assert client.run(get.format(owner="Session", wait=0)).sets == [[(0,)]]
    assert other.run(get.format(owner="Session", wait=0)).sets == [[(-1,)]]
    assert other.run(get.format(owner="Session", wait=50)).sets == [[(-1,)]]
    assert client.run(release.format(owner="Session")).sets == [[(0,)]]
    assert client.run(release.format(owner="Session")).sets == [[(-999,)]]
    assert other.run("BEGIN TRAN; " + get.format(owner="Transaction", wait=0)).sets == [[(0,)]]
    assert client.run(get.format(owner="Session", wait=0)).sets == [[(-1,)]]
    other.run("ROLLBACK")
    assert client.run(get.format(owner="Session", wait=0)).sets == [[(0,)]]


def test_cancel_stops_the_batch_and_leaves_the_transaction(client):
    started = threading.Event()

    class Starting(Recorder):
        def columns(self, columns):
            super().columns(columns)
            started.set()

    def work():
        with pytest.raises(Cancelled):
            client.session.batch("BEGIN TRAN; SELECT 1; WAITFOR DELAY '00:01:00'; SELECT 2", Starting())

    thread, _ = _in_thread(work)
    started.wait(10)
    client.session.cancel()
    thread.join(10)
    assert not thread.is_alive()
    assert client.value("SELECT @@TRANCOUNT") == 1
    client.run("ROLLBACK")


@pytest.mark.parametrize(("seam", "kept"), [("sql.commit.before", 0), ("sql.commit.after", 1)])
def test_connection_dropped_around_commit(client, connect, engine, seam, kept):
    engine.door.faults.add(Fault(at=seam, do="drop"))
    other = connect()
    with pytest.raises(ConnectionAbortedError):
        other.run("BEGIN TRAN; INSERT INTO T (K) VALUES (1); COMMIT")
    other.session.close()
    assert client.value("SELECT COUNT(*) FROM T") == kept


def test_injected_error_in_a_procedure(client, engine):
    client.run("IF OBJECT_ID('taOne') IS NULL EXEC('CREATE PROCEDURE taOne AS SELECT 1')")
    engine.door.faults.add(Fault(at="sql.procedure", match="^taOne$", do="error", code=50777, text="planned"))
    assert [(e.number, e.text) for e in client.run("EXEC taOne").errors] == [(50777, "planned")]
    assert client.run("EXEC taOne").errors == []


def test_snapshot_isolation(client, other, engine):
    client.run("INSERT INTO T (K) VALUES (1); SET TRANSACTION ISOLATION LEVEL SNAPSHOT")
    assert client.run("SELECT K FROM T").numbers == [3952]
    client.run("ALTER DATABASE TWO SET ALLOW_SNAPSHOT_ISOLATION ON")
    client.run("BEGIN TRAN; SELECT K FROM T")
    other.run("UPDATE T SET N = 5")
    assert client.value("SELECT N FROM T") == 0
    assert client.run("UPDATE T SET N = 6").numbers == [3960]
    assert client.value("SELECT @@TRANCOUNT") == 0
    engine.catalogs["two"].snapshot_isolation = False
    assert client.run("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE").numbers == [102]


@pytest.mark.parametrize(
    "text", ["SET LOCK_TIMEOUT 50; ROLLBACK", "SAVE TRAN s; SET LOCK_TIMEOUT 50; ROLLBACK TRAN s; COMMIT"]
)
def test_lock_timeout_outlives_the_rollback_of_the_transaction_that_set_it(client, other, text):
    client.run("INSERT INTO T (K) VALUES (1)")
    client.run(f"BEGIN TRAN; {text}")
    other.run("BEGIN TRAN; UPDATE T SET N = 1")
    release = threading.Timer(5, lambda: other.run("ROLLBACK"))
    release.start()
    numbers = client.run("UPDATE T SET N = 2").numbers
    release.cancel()
    assert numbers == [1222]
    client.run("SET LOCK_TIMEOUT -1")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT COUNT(*) FROM T WITH (READPAST)",
        "SELECT K FROM T WITH (READCOMMITTEDLOCK)",
        "SELECT K FROM T WITH (NOWAIT)",
    ],
)
def test_lock_hint_that_would_be_ignored_is_refused(client, text):
    assert client.run(text).numbers == [102]
