"""INSERT, UPDATE, DELETE and what they report."""

# ruff: noqa: E501
from decimal import Decimal

import pytest


def test_update_from_join(client):
    client.run("INSERT INTO T (K) VALUES (1),(2),(3)")
    answer = client.run("UPDATE t SET t.N = x.n FROM T t JOIN (VALUES (1, 10), (2, 20)) x(k, n) ON x.k = t.K")
    assert answer.counts == [2]
    assert client.rows("SELECT K, N FROM T ORDER BY K") == [(1, 10), (2, 20), (3, 0)]


def test_update_from_without_naming_the_target_again(client):
    client.run("INSERT INTO T (K) VALUES (1),(2); CREATE TABLE #x (k int, n int); INSERT INTO #x VALUES (2, 7)")
    assert client.run("UPDATE T SET N = x.n FROM #x x WHERE x.k = T.K").counts == [1]
    assert client.rows("SELECT K, N FROM T ORDER BY K") == [(1, 0), (2, 7)]


def test_update_from_left_join(client):
    client.run("INSERT INTO T (K) VALUES (1),(2)")
    client.run("UPDATE t SET N = ISNULL(x.n, -1) FROM T t LEFT JOIN (VALUES (1, 5)) x(k, n) ON x.k = t.K")
    assert client.rows("SELECT K, N FROM T ORDER BY K") == [(1, 5), (2, -1)]


def test_delete_join_and_top(client):
    client.run("INSERT INTO T (K) VALUES (1),(2),(3),(4)")
    assert client.run(
        "DELETE t FROM T t LEFT JOIN (VALUES (1),(2),(3)) x(k) ON x.k = t.K WHERE x.k IS NULL"
    ).counts == [1]
    assert client.run("DELETE TOP (2) FROM T").counts == [2]
    assert client.run("UPDATE TOP (5) T SET N += 3").counts == [1]
    assert client.value("SELECT N FROM T") == 3


def test_output_shows_old_and_new(client):
    assert client.rows("INSERT INTO T (K, V) OUTPUT inserted.K, inserted.V VALUES (1, 'a')") == [(1, "a")]
    assert client.rows(
        "UPDATE T SET V = 'b', N = N + 1 OUTPUT deleted.V AS old, inserted.V, inserted.N WHERE K = 1"
    ) == [("a", "b", 1)]
    assert client.rows("DELETE FROM T OUTPUT deleted.K WHERE K = 1") == [(1,)]


def test_output_into_a_table_variable(client):
    answer = client.run("DECLARE @o TABLE (k int, v varchar(10)); INSERT INTO T (K, V) OUTPUT inserted.K, inserted.V INTO @o VALUES (1, 'a'), (2, 'b'); "
                        "SELECT k, v FROM @o ORDER BY k")  # fmt: skip
    assert (answer.errors, answer.sets) == ([], [[(1, "a"), (2, "b")]])


def test_output_on_a_table_with_triggers_needs_into(client):
    assert client.run("UPDATE RM00101 SET CITY = 'x' OUTPUT inserted.CITY").numbers == [334]


def test_update_can_set_a_variable_to_the_old_value(client):
    client.run("INSERT INTO T (K, N) VALUES (1, 41)")
    answer = client.run("DECLARE @v int; UPDATE T SET @v = N, N = N + 1 WHERE K = 1; SELECT @v, N FROM T")
    assert (answer.errors, answer.sets) == ([], [[(41, 42)]])


@pytest.mark.parametrize(("text", "number"), [
    ("INSERT INTO RM00101 (CUSTNMBR, DEX_ROW_ID) VALUES ('a', 5)", 544), ("UPDATE RM00101 SET DEX_ROW_ID = 5", 8102),
    ("INSERT INTO T (K, V) VALUES (1)", 109), ("INSERT INTO T (K) VALUES (1, 2)", 110), ("INSERT INTO T (NOSUCH) VALUES (1)", 207),
    ("INSERT INTO T (K, V) SELECT 1", 213), ("UPDATE NOSUCH SET A = 1", 208), ("DELETE FROM T WHERE NOSUCH = 1", 207),
    ("INSERT INTO T (V) VALUES ('a')", 515), ("INSERT INTO T (K) VALUES " + ", ".join(f"({n})" for n in range(1001)), 10738),
    ("MERGE INTO T USING (VALUES (1)) s(k) ON s.k = T.K WHEN NOT MATCHED THEN INSERT (K) VALUES (s.k);", 102),
])  # fmt: skip
def test_refused(client, text, number):
    assert client.run(text).numbers == [number]
    assert client.value("SELECT COUNT(*) FROM T") == 0


def test_identity_insert_lets_explicit_values_in(client):
    client.run(
        "SET IDENTITY_INSERT RM00101 ON; INSERT INTO RM00101 (CUSTNMBR, DEX_ROW_ID) VALUES ('a', 5000); SET IDENTITY_INSERT RM00101 OFF"
    )
    assert client.value("SELECT DEX_ROW_ID FROM RM00101") == 5000


def test_unique_index_is_2601(client):
    answer = client.run(
        "SET IDENTITY_INSERT RM00101 ON; INSERT INTO RM00101 (CUSTNMBR, CUSTNAME, DEX_ROW_ID) VALUES ('a', 'Same', 1); "
        "INSERT INTO RM00101 (CUSTNMBR, CUSTNAME, DEX_ROW_ID) VALUES ('b', 'SAME', 1); SET IDENTITY_INSERT RM00101 OFF"
    )
    assert [(e.number, "AK2RM00101" in e.text) for e in answer.errors] == [(2601, True)]


def test_check_error_names_its_place(client):
    answer = client.run("INSERT INTO T (K, N) VALUES (1, 1000)")
    assert answer.errors[0].text == (
        'The INSERT statement conflicted with the CHECK constraint "CK_N". The conflict occurred in database "TWO", table "dbo.T".'
    )


def test_primary_key_error_names_key_table_and_value(client):
    text = client.run("INSERT INTO T (K) VALUES (7),(7)").errors[0].text
    assert (
        text
        == "Violation of PRIMARY KEY constraint 'PKT'. Cannot insert duplicate key in object 'dbo.T'. The duplicate key value is (7)."
    )


def test_default_and_rounding_on_store(client):
    client.run("INSERT INTO RM00101 (CUSTNMBR, CRLMTAMT, CITY) VALUES ('a', 1.123456, DEFAULT)")
    assert client.rows("SELECT CRLMTAMT, CITY, HOLD FROM RM00101") == [(Decimal("1.12346"), "", 0)]


def test_insert_select_with_top(client):
    client.run(
        "INSERT INTO T (K) VALUES (1),(2),(3); CREATE TABLE #c (k int); INSERT INTO #c SELECT TOP 2 K FROM T ORDER BY K DESC"
    )
    assert client.rows("SELECT k FROM #c ORDER BY k") == [(2,), (3,)]


def test_output_into_after_a_common_table_expression(client):
    client.run("INSERT INTO T (K) VALUES (1), (2)")
    answer = client.run(
        "DECLARE @o TABLE (K int); WITH c AS (SELECT K FROM T WHERE K = 2) DELETE t OUTPUT deleted.K INTO @o FROM T AS t "
        "JOIN c ON c.K = t.K; SELECT K FROM @o; SELECT K FROM T"
    )
    assert (answer.errors, answer.sets) == ([], [[(2,)], [(1,)]])
