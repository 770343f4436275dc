"""Change Tracking: versions at commit, net changes, cleaning, rights."""

import threading

import pytest

_CHANGES = "SELECT CUSTNMBR, SYS_CHANGE_OPERATION FROM CHANGETABLE(CHANGES RM00101, {0}) AS c ORDER BY CUSTNMBR"


@pytest.fixture
def tracked(client, engine):
    engine.set_change_tracking("TWO", None, True)
    engine.set_change_tracking("TWO", "RM00101", True)
    yield client
    engine.set_change_tracking("TWO", "RM00101", False)
    engine.set_change_tracking("TWO", None, False)


def _version(client):
    return client.value("SELECT CHANGE_TRACKING_CURRENT_VERSION()")


def test_net_changes_since_a_version(tracked):
    tracked.run("INSERT INTO RM00101 (CUSTNMBR) VALUES ('old'), ('gone')")
    since = _version(tracked)
    tracked.run("INSERT INTO RM00101 (CUSTNMBR) VALUES ('new'), ('brief')")
    tracked.run(
        "UPDATE RM00101 SET CITY = 'x' WHERE CUSTNMBR IN ('old', 'new'); DELETE FROM RM00101 WHERE CUSTNMBR IN ('gone', 'brief')"
    )
    assert tracked.rows(_CHANGES.format(since)) == [("brief", "D"), ("gone", "D"), ("new", "I"), ("old", "U")]
    assert tracked.rows(_CHANGES.format(_version(tracked))) == []


def test_changed_key_is_a_delete_and_an_insert(tracked):
    tracked.run("INSERT INTO RM00101 (CUSTNMBR) VALUES ('a')")
    since = _version(tracked)
    tracked.run("UPDATE RM00101 SET CUSTNMBR = 'b'")
    assert tracked.rows(_CHANGES.format(since)) == [("a", "D"), ("b", "I")]


def test_long_transaction_gets_a_late_version(tracked, connect):
    other = connect()
    other.run("BEGIN TRAN; INSERT INTO RM00101 (CUSTNMBR) VALUES ('slow')")
    tracked.run("INSERT INTO RM00101 (CUSTNMBR) VALUES ('quick')")
    seen = _version(tracked)
    assert tracked.rows(_CHANGES.format(0)) == [("quick", "I")]
    other.run("COMMIT")
    assert tracked.rows(_CHANGES.format(seen)) == [("slow", "I")]


def test_rolled_back_work_leaves_no_change(tracked):
    since = _version(tracked)
    tracked.run("BEGIN TRAN; INSERT INTO RM00101 (CUSTNMBR) VALUES ('a'); ROLLBACK")
    tracked.run("BEGIN TRAN; SAVE TRAN s; INSERT INTO RM00101 (CUSTNMBR) VALUES ('a'); ROLLBACK TRAN s; COMMIT")
    assert _version(tracked) == since
    assert tracked.rows(_CHANGES.format(since)) == []


def test_cleaned_history_moves_the_least_valid_version(tracked, engine):
    least = "SELECT CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID('RM00101'))"
    before = tracked.value(least)
    tracked.run("INSERT INTO RM00101 (CUSTNMBR) VALUES ('a')")
    now = _version(tracked)
    engine.clean_change_tracking("TWO")
    assert before < tracked.value(least) == now
    assert _version(tracked) == now
    assert tracked.rows(_CHANGES.format(0)) == []


def test_truncate_notes_no_deletes_and_asks_everyone_for_a_full_reread(tracked):
    tracked.run("INSERT INTO RM00101 (CUSTNMBR) VALUES ('a')")
    read_up_to = _version(tracked)
    tracked.run("BEGIN TRAN; TRUNCATE TABLE RM00101; ROLLBACK")
    least = "SELECT CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID('RM00101'))"
    assert tracked.value(least) <= read_up_to == _version(tracked)
    tracked.run("TRUNCATE TABLE RM00101")
    assert read_up_to < tracked.value(least) == _version(tracked)
    assert tracked.rows(_CHANGES.format(0)) == []
    tracked.run("INSERT INTO RM00101 (CUSTNMBR) VALUES ('b')")
    assert tracked.rows(_CHANGES.format(tracked.value(least))) == [("b", "I")]


def test_columns_of_changetable(tracked):
    tracked.run("INSERT INTO RM00101 (CUSTNMBR) VALUES ('a')")
    answer = tracked.run(
        "SELECT * FROM CHANGETABLE(CHANGES RM00101, NULL) c LEFT JOIN RM00101 r ON r.CUSTNMBR = c.CUSTNMBR"
    )
    assert [(c.name, c.type.name) for c in answer.shapes[0][:6]] == [
        ("SYS_CHANGE_VERSION", "bigint"), ("SYS_CHANGE_CREATION_VERSION", "bigint"), ("SYS_CHANGE_OPERATION", "nchar"),
        ("SYS_CHANGE_COLUMNS", "varbinary"), ("SYS_CHANGE_CONTEXT", "varbinary"), ("CUSTNMBR", "char"),
    ]  # fmt: skip


def test_untracked(client):
    assert client.run(_CHANGES.format(0)).numbers == [22105]
    assert client.rows(
        "SELECT CHANGE_TRACKING_CURRENT_VERSION(), CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID('T'))"
    ) == [(None, None)]


def test_views_tell_what_is_tracked(tracked):
    tables = "SELECT t.name FROM sys.change_tracking_tables c JOIN sys.tables t ON t.object_id = c.object_id"
    assert tracked.rows(tables) == [("RM00101",)]
    assert tracked.value("SELECT COUNT(*) FROM sys.change_tracking_databases WHERE database_id = DB_ID()") == 1


def test_the_right_to_view_changes_is_its_own(tracked, connect):
    assert connect("gp365").run(_CHANGES.format(0)).errors == []
    assert connect("reader").run(_CHANGES.format(0)).numbers == [229]


def test_tracking_by_statement(client):
    client.run(
        "ALTER DATABASE TWO SET CHANGE_TRACKING = ON (CHANGE_RETENTION = 2 DAYS, AUTO_CLEANUP = ON); ALTER TABLE T ENABLE CHANGE_TRACKING"
    )
    client.run("INSERT INTO T (K) VALUES (1)")
    assert client.rows("SELECT K FROM CHANGETABLE(CHANGES dbo.T, 0) AS c") == [(1,)]
    assert (
        client.run("ALTER TABLE T DISABLE CHANGE_TRACKING; ALTER DATABASE CURRENT SET CHANGE_TRACKING = OFF").errors
        == []
    )


def test_lock_timeout_does_not_disturb_commits_that_wait_for_each_other(tracked, engine):
    tracked.run("SET LOCK_TIMEOUT 1; BEGIN TRAN; INSERT INTO RM00101 (CUSTNMBR) VALUES ('a')")
    numbers = []
    with engine.connect() as committing:
        committing.execute("SELECT pg_advisory_lock(7473711)")
        thread = threading.Thread(target=lambda: numbers.extend(tracked.run("COMMIT").numbers))
        thread.start()
        waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while thread.is_alive() and not committing.execute(waiting).fetchone():
            pass
        committing.execute("SELECT pg_sleep(0.05)")
    thread.join()
    assert numbers == []
    assert tracked.value("SELECT COUNT(*) FROM RM00101") == 1


def test_least_valid_version_is_told_only_to_who_may_see_changes(tracked, connect):
    text = "SELECT CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID('RM00101'))"
    assert [connect(user).value(text) is None for user in ("gp365", "reader")] == [False, True]
