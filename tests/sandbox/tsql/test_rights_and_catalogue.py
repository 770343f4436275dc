"""Logins, rights, and what the catalogue tells."""

# ruff: noqa: E501
import pytest

from sandbox.tds.contract import Column, Login, SqlError, SqlType
from tests.sandbox.tsql.recorder import Recorder


@pytest.mark.parametrize(("user", "password", "database", "number"), [
    ("sa", "wrong", "TWO", 18456), ("nobody", "secret", "TWO", 18456), ("sa", "secret", "NOSUCH", 4060), ("reader", "secret", "DYNAMICS", 4060),
])  # fmt: skip
def test_refused_login(engine, user, password, database, number):
    with pytest.raises(SqlError) as caught:
        engine.login(Login(user, password, database))
    assert caught.value.number == number


@pytest.mark.parametrize(("text", "number"), [
    ("SELECT CITY FROM RM00102", 229), ("INSERT INTO RM00101 (CUSTNMBR) VALUES ('a')", 229), ("UPDATE RM00101 SET CITY = ''", 229),
    ("DELETE FROM RM00101", 229), ("SELECT * FROM DYNAMICS..SY01500", 916), ("USE DYNAMICS", 916), ("EXEC taText 'x'", 229),
    ("EXEC('SELECT CITY FROM RM00102')", 229), ("CREATE TABLE NEWT (a int)", 262),
])  # fmt: skip
def test_right_not_granted(client, connect, engine, text, number):
    if engine.catalogs["two"].procedure("taText") is None:
        client.run("CREATE PROCEDURE taText @a char(15) AS SELECT @a")
    assert connect("reader").run(text).numbers == [number]


def test_granted_rights_and_own_temp_tables(connect):
    reader = connect("reader")
    assert (
        reader.run(
            "SELECT CITY FROM RM00101; CREATE TABLE #t (a int); INSERT INTO #t VALUES (1); DECLARE @v TABLE (a int)"
        ).errors
        == []
    )
    rows = reader.rows(
        "SELECT HAS_PERMS_BY_NAME('dbo.RM00101', 'OBJECT', 'SELECT'), HAS_PERMS_BY_NAME('RM00102', 'OBJECT', 'SELECT'), HAS_DBACCESS('DYNAMICS')"
    )
    assert rows == [(1, 0, 0)]


def test_procedure_works_with_its_owners_rights(client, connect):
    client.run("IF OBJECT_ID('taOwn') IS NULL EXEC('CREATE PROCEDURE taOwn AS INSERT INTO T (K) VALUES (1)')")
    assert connect("gp365").run("EXEC taOwn").errors == []
    assert client.value("SELECT COUNT(*) FROM T") == 1


def test_server_knows_itself(client):
    rows = client.rows(
        "SELECT CAST(SERVERPROPERTY('ServerName') AS nvarchar(128)), @@SERVERNAME, DB_NAME(), SUSER_SNAME(), OBJECT_ID('NOSUCH')"
    )
    assert rows == [("SANDBOX", "SANDBOX", "TWO", "sa", None)]
    assert client.run("SELECT SERVERPROPERTY('ServerName')").shapes[0][0].type.name == "sql_variant"


@pytest.mark.parametrize(("text", "rows"), [
    ("SELECT column_id, TYPE_NAME(system_type_id), is_identity FROM sys.columns WHERE object_id = OBJECT_ID(N'T')",
     [(1, "int", False), (2, "varchar", False), (3, "int", False), (4, "char", False)]),
    ("SELECT COUNT(*) FROM sys.tables WHERE name = 'rm00101' AND SCHEMA_NAME(schema_id) = 'dbo'", [(1,)]),
    ("SELECT c.name FROM sys.indexes i JOIN sys.index_columns x ON x.object_id = i.object_id AND x.index_id = i.index_id JOIN sys.columns c "
     "ON c.object_id = x.object_id AND c.column_id = x.column_id WHERE i.is_primary_key = 1 AND i.object_id = OBJECT_ID('RM00102') ORDER BY x.key_ordinal",
     [("CUSTNMBR",), ("ADRSCODE",)]),
    ("SELECT DATA_TYPE, CHARACTER_MAXIMUM_LENGTH FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'RM00101' AND COLUMN_NAME = 'CITY'", [("char", 35)]),
    ("SELECT name FROM sys.databases ORDER BY database_id", [("TWO",), ("DYNAMICS",), ("THREE",)]),
    ("SELECT COL_LENGTH('RM00101', 'CITY'), COL_LENGTH('RM00101', 'NOSUCH')", [(35, None)]),
    ("SELECT name FROM DYNAMICS.sys.tables", [("SY01500",)]),
    ("SELECT COUNT(*) FROM sys.dm_exec_sessions WHERE session_id = @@SPID AND login_name = 'sa'", [(1,)]),
])  # fmt: skip
def test_catalogue(client, text, rows):
    assert client.rows(text) == rows


def test_bulk_insert_and_its_announcement(client):
    shape = client.run("SET FMTONLY ON select * from T SET FMTONLY OFF")
    assert [c.name for c in shape.shapes[0]] == ["K", "V", "N", "C"]
    assert client.run("insert bulk T ([K] INT, [V] VARCHAR(10))").errors == []
    recorder = Recorder()
    columns = [Column("K", SqlType("int")), Column("V", SqlType("varchar", 10))]
    client.session.bulk("T", columns, iter([(1, "a"), (2, None)]), recorder)
    assert recorder.counts == [2]
    assert client.rows("SELECT K, V, N FROM T ORDER BY K") == [(1, "a", 0), (2, None, 0)]
    recorder = Recorder()
    client.session.bulk("T", columns, iter([(3, "x" * 11)]), recorder)
    assert recorder.numbers == [8152]


def test_what_drivers_set_at_the_start_is_taken(client):
    answer = client.run(
        "SET ARITHABORT ON;SET CONCAT_NULL_YIELDS_NULL ON;SET ANSI_NULLS ON;SET ANSI_NULL_DFLT_ON ON;SET ANSI_PADDING ON;SET ANSI_WARNINGS ON;"
        "SET ANSI_NULL_DFLT_ON ON;SET CURSOR_CLOSE_ON_COMMIT ON;SET QUOTED_IDENTIFIER ON;SET TEXTSIZE 2147483647; use [TWO]"
    )
    assert answer.errors == []
    assert ("database", "TWO") in answer.events
    assert client.run("SET ANSI_NULLS OFF").numbers == [102]


def test_an_index_is_made_once_and_stands_in_the_catalogue(client, connect):
    made = "CREATE NONCLUSTERED INDEX IX_T_N ON dbo.T (N, K)"
    assert connect("reader").run(made).numbers == [262]
    assert client.run("CREATE INDEX IX_T_X ON T (NOSUCH)").numbers == [1911]
    assert client.run(made).errors == []
    assert client.run(made).numbers == [1913]
    columns = (
        "SELECT c.name FROM sys.indexes i JOIN sys.index_columns ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id "
        "JOIN sys.columns c ON c.object_id = ic.object_id AND c.column_id = ic.column_id WHERE i.name = 'IX_T_N' ORDER BY ic.key_ordinal"
    )
    assert client.rows(columns) == [("N",), ("K",)]
