"""TRY/CATCH, doomed transactions, savepoints, counts (tsql-observed.md, 1.4)."""

import pytest

_CATCH = "BEGIN TRY INSERT INTO T (K) VALUES (1); {error} END TRY BEGIN CATCH {catch} END CATCH"


def test_caught_error_reaches_no_client_and_is_known_in_catch(client):
    look = "SELECT ERROR_NUMBER(), ERROR_SEVERITY(), ERROR_STATE(), ERROR_PROCEDURE(), XACT_STATE(), @@TRANCOUNT"
    answer = client.run(
        "SET XACT_ABORT OFF; BEGIN TRAN; "
        + _CATCH.format(error="INSERT INTO T (K) VALUES (1)", catch=look)
        + "; COMMIT"
    )
    assert (answer.errors, answer.sets) == ([], [[(2627, 14, 1, None, 1, 1)]])
    assert client.value("SELECT COUNT(*) FROM T") == 1


@pytest.mark.parametrize("error", ["INSERT INTO T (K) VALUES (1)", "RAISERROR('x', 16, 1)", "SELECT 1/0"])
def test_xact_abort_dooms_the_transaction_in_catch(client, error):
    answer = client.run(
        "SET XACT_ABORT ON; BEGIN TRAN; "
        + _CATCH.format(error=error, catch="SELECT XACT_STATE(), @@TRANCOUNT; ROLLBACK")
    )
    assert answer.errors == []
    assert answer.sets[-1] == [(-1, 1)]
    assert client.value("SELECT COUNT(*) FROM T") == 0


def test_conversion_error_dooms_the_transaction_even_when_xact_abort_is_off(client):
    catch = "SELECT ERROR_NUMBER(), XACT_STATE(); ROLLBACK"
    answer = client.run("SET XACT_ABORT OFF; BEGIN TRAN; " + _CATCH.format(error="DECLARE @i int = 'abc'", catch=catch))
    assert answer.sets[-1] == [(245, -1)]


@pytest.mark.parametrize("write", ["INSERT INTO T (K) VALUES (9)", "COMMIT", "SAVE TRAN s"])
def test_doomed_transaction_can_be_read_but_not_written(client, write):
    catch = f"SELECT COUNT(*) FROM T; {write}; SELECT 'unreached'"
    answer = client.run("SET XACT_ABORT ON; BEGIN TRAN; " + _CATCH.format(error="SELECT 1/0", catch=catch))
    assert (answer.sets[-1], answer.numbers) == ([(1,)], [3930])
    assert client.rows("SELECT @@TRANCOUNT, COUNT(*) FROM T") == [(0, 0)]


def test_doomed_transaction_left_open_is_an_error_after_all_results(client):
    answer = client.run("SET XACT_ABORT ON; BEGIN TRAN; " + _CATCH.format(error="SELECT 1/0", catch="SELECT 'caught'"))
    assert answer.sets[-1] == [("caught",)]
    assert answer.numbers == [3998]
    assert answer.events[-2][0] == "error"
    assert client.value("SELECT @@TRANCOUNT") == 0


def test_savepoint_cannot_heal_a_doomed_transaction(client):
    answer = client.run(
        "SET XACT_ABORT ON; BEGIN TRAN; SAVE TRAN s; " + _CATCH.format(error="SELECT 1/0", catch="ROLLBACK TRAN s")
    )
    assert answer.numbers[0] == 3931


def test_savepoint_undoes_to_its_name_only(client):
    client.run(
        "SET XACT_ABORT OFF; BEGIN TRAN; INSERT INTO T (K) VALUES (1); SAVE TRAN s1; INSERT INTO T (K) VALUES (2); "
        "BEGIN TRY INSERT INTO T (K) VALUES (1) END TRY BEGIN CATCH ROLLBACK TRAN s1 END CATCH; INSERT INTO T (K) VALUES (3); COMMIT"
    )
    assert client.rows("SELECT K FROM T ORDER BY K") == [(1,), (3,)]


@pytest.mark.parametrize(
    ("text", "number"),
    [("SAVE TRAN s", 628), ("ROLLBACK", 3903), ("COMMIT", 3902), ("BEGIN TRAN; ROLLBACK TRAN nosuch", 6401)],
)
def test_misused_transaction_statement(client, text, number):
    assert client.run(text).numbers == [number]
    client.run("IF @@TRANCOUNT > 0 ROLLBACK")


def test_unknown_savepoint_keeps_the_transaction(client):
    client.run("BEGIN TRAN; ROLLBACK TRAN nosuch")
    assert client.value("SELECT @@TRANCOUNT") == 1
    client.run("ROLLBACK")


def test_text_of_3903_is_the_one_pymssql_looks_for(client):
    assert (
        client.run("ROLLBACK").errors[0].text
        == "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION."
    )


def test_transactions_nest_by_count_only(client):
    answer = client.run(
        "BEGIN TRAN; BEGIN TRAN; SELECT @@TRANCOUNT; COMMIT; SELECT @@TRANCOUNT; BEGIN TRAN; ROLLBACK; SELECT @@TRANCOUNT"
    )
    assert answer.sets == [[(2,)], [(1,)], [(0,)]]
    assert [change for name, change in answer.events if name == "transaction"] == ["begin", "rollback"]


def test_throw_alone_raises_the_caught_error_again(client):
    answer = client.run(
        "BEGIN TRY INSERT INTO T (K) VALUES (1),(1) END TRY BEGIN CATCH THROW; END CATCH; SELECT 'unreached'"
    )
    assert (answer.numbers, answer.sets) == ([2627], [])


def test_missing_table_is_not_caught_in_its_own_batch_but_by_a_caller(client):
    text = "BEGIN TRY {0} END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH"
    assert client.run(text.format("SELECT * FROM NOSUCH")).numbers == [208]
    assert client.rows(text.format("EXEC('SELECT * FROM NOSUCH')")) == [(208,)]


def test_table_variable_survives_rollback_and_temp_table_does_not(client):
    answer = client.run(
        "DECLARE @t TABLE (a int, b char(5)); BEGIN TRAN; CREATE TABLE #t (a int); INSERT INTO @t VALUES (1, 'x'); "
        "INSERT INTO T (K) VALUES (1); ROLLBACK; SELECT a, b FROM @t; SELECT OBJECT_ID('tempdb..#t'); SELECT * FROM #t"
    )
    assert answer.sets == [[(1, "x")], [(None,)]]
    assert answer.numbers == [208]


def test_table_variable_keeps_rows_added_after_a_savepoint(client):
    answer = client.run(
        "DECLARE @t TABLE (a int); BEGIN TRAN; INSERT INTO @t VALUES (1); SAVE TRAN s; INSERT INTO @t VALUES (2); ROLLBACK TRAN s; "
        "SELECT a FROM @t ORDER BY a; COMMIT"
    )
    assert answer.sets == [[(1,), (2,)]]


def test_identity_values_are_burnt_by_rollback(client):
    insert = "INSERT INTO RM00101 (CUSTNMBR) VALUES ('a'); SELECT SCOPE_IDENTITY()"
    first = client.value(f"BEGIN TRAN; {insert}; ROLLBACK")
    assert client.value(insert) == first + 1


def test_options_persist_on_the_connection_and_end_with_a_procedure(client):
    client.run(
        "IF OBJECT_ID('taSets') IS NULL EXEC('CREATE PROCEDURE taSets AS SET XACT_ABORT ON; SET LOCK_TIMEOUT 77')"
    )
    client.run("SET XACT_ABORT OFF; SET LOCK_TIMEOUT 5")
    client.run("EXEC taSets")
    assert client.rows("SELECT @@LOCK_TIMEOUT, @@OPTIONS & 16384") == [(5, 0)]
    client.run("SET LOCK_TIMEOUT -1")


def test_closing_a_connection_rolls_back(client, connect):
    other = connect()
    other.run("BEGIN TRAN; INSERT INTO T (K) VALUES (1)")
    other.session.close()
    assert client.value("SELECT COUNT(*) FROM T") == 0


def test_work_across_databases_is_one_transaction(client):
    client.run(
        "BEGIN TRAN; INSERT INTO T (K) VALUES (1); INSERT INTO DYNAMICS..SY01500 (CMPANYID) VALUES (1); ROLLBACK"
    )
    assert client.rows("SELECT (SELECT COUNT(*) FROM T), (SELECT COUNT(*) FROM DYNAMICS.dbo.SY01500)") == [(0, 0)]


def test_savepoint_set_after_the_one_rolled_back_to_is_gone(client):
    answer = client.run(
        "BEGIN TRAN; SAVE TRAN a; SAVE TRAN b; ROLLBACK TRAN a; ROLLBACK TRAN b; ROLLBACK TRAN a; SELECT @@TRANCOUNT"
    )
    assert (answer.numbers, answer.sets) == ([6401], [[(1,)]])
    client.run("ROLLBACK")


def test_savepoint_may_have_any_name(client):
    name = '[it\'s "here"]'
    answer = client.run(
        f"BEGIN TRAN; SAVE TRAN {name}; INSERT INTO T (K) VALUES (1); ROLLBACK TRAN {name}; SELECT COUNT(*) FROM T; ROLLBACK"
    )
    assert (answer.errors, answer.sets) == ([], [[(0,)]])


def test_savepoint_of_a_name_used_twice_is_the_later_one(client):
    client.run(
        "BEGIN TRAN; SAVE TRAN s; INSERT INTO T (K) VALUES (1); SAVE TRAN s; INSERT INTO T (K) VALUES (2); ROLLBACK TRAN s; COMMIT"
    )
    assert client.rows("SELECT K FROM T") == [(1,)]
