"""EXEC and remote calls (tsql-observed.md, 1.2)."""

# ruff: noqa: E501
from decimal import Decimal

import pytest

from sandbox.tds.contract import RpcParameter, SqlType
from sandbox.tsql.catalog import sql_type
from sandbox.tsql.procedures import Parameter, Procedure
from tests.sandbox.tsql.recorder import Recorder

_TEXT = """CREATE PROCEDURE taText @a char(15), @n numeric(19,5) = 1, @es int = 0 OUTPUT, @em varchar(20) = '' OUTPUT AS
SELECT @a AS a, @n AS n; SET @es = 5; SET @em = 'text'; RETURN 3"""
_FAILING = """CREATE PROCEDURE taFails @es int = 0 OUTPUT AS
INSERT INTO T (K) VALUES (1),(1); IF @@ERROR <> 0 BEGIN SET @es = 77; RETURN 77 END"""


def _python(context):
    rows = context.query("SELECT K, V FROM T WHERE K = @k", {"k": context.args["k"]})
    context.execute("INSERT INTO T (K, V) VALUES (@k, @v)", {"k": context.args["k"], "v": context.args["v"]})
    failed = context.attempt("INSERT INTO T (K) VALUES (@k)", {"k": context.args["k"]})
    context.outputs["es"] = failed
    return len(rows)


@pytest.fixture(autouse=True)
def _procedures(client, engine):
    for name, text in (("taText", _TEXT), ("taFails", _FAILING)):
        if engine.catalogs["two"].procedure(name) is None:
            assert client.run(text).errors == []
    engine.catalogs["two"].add_procedure(
        Procedure(
            "taPython",
            [
                Parameter("k", SqlType("int")),
                Parameter("v", sql_type("varchar(10)"), None),
                Parameter("es", SqlType("int"), 0, output=True),
            ],
            _python,
        )
    )


def test_outputs_and_status_come_back(client):
    answer = client.run(
        "DECLARE @rc int, @e int, @m varchar(20); EXEC @rc = taText 'x', @es = @e OUTPUT, @em = @m OUTPUT; SELECT @rc, @e, @m"
    )
    assert answer.sets == [[("x", Decimal("1.00000"))], [(3, 5, "text")]]
    assert ("status", 3) in answer.events


def test_without_output_the_variable_stays_null(client):
    assert client.run("DECLARE @e int; EXEC taText 'x', @es = @e; SELECT @e").sets[-1] == [(None,)]


@pytest.mark.parametrize("name", ["taText", "dbo.taText", "TWO.dbo.taText", "TWO..taText", "tatext"])
def test_names_of_procedures(client, name):
    assert client.run(f"EXEC {name} 'x'").errors == []


@pytest.mark.parametrize(
    ("call", "number"),
    [
        ("EXEC taText", 201), ("EXEC taText 'x', @nosuch = 1", 8145), ("EXEC taText 'x', @A = 'y'", 8143), ("EXEC nosuch", 2812),
        ("EXEC taText 'x', 1, 2, '', 5", 8144), ("EXEC taText 'x', @n = ''", 8114), ("EXEC taText 'x', @n = 123456789012345", 8115),
    ],
)  # fmt: skip
def test_wrong_arguments(client, call, number):
    assert client.run(call).numbers == [number]


@pytest.mark.parametrize("argument", ["1+1", "N'a'+N'b'", "GETDATE()"])
def test_arguments_are_constants_or_variables(client, argument):
    answer = client.run(f"INSERT INTO T (K) VALUES (1); EXEC taText {argument}")
    assert answer.numbers == [102]
    assert client.value("SELECT COUNT(*) FROM T") == 0


@pytest.mark.parametrize(
    ("argument", "value"),
    [("-1.5", "-1.50000"), ("1e2", "100.00000"), ("$5", "5.00000"), ("'1.234565'", "1.23457"), ("DEFAULT", "1.00000")],
)
def test_kinds_of_arguments(client, argument, value):
    assert client.rows(f"EXEC taText x, {argument}") == [("x", Decimal(value))]


def test_too_long_an_argument_is_cut_silently(client):
    assert client.rows("EXEC taText 'abcdefghijklmnopqrstu'")[0][0] == "abcdefghijklmno"


def test_null_does_not_take_the_default(client):
    assert client.rows("EXEC taText 'x', NULL") == [("x", None)]


def test_error_inside_goes_on_and_outputs_arrive(client):
    answer = client.run("SET XACT_ABORT OFF; DECLARE @rc int, @e int; EXEC @rc = taFails @e OUTPUT; SELECT @rc, @e")
    assert (answer.numbers, answer.sets) == ([2627], [[(77, 77)]])


def test_error_inside_ends_everything_under_xact_abort(client):
    answer = client.run("SET XACT_ABORT ON; BEGIN TRAN; DECLARE @e int; EXEC taFails @e OUTPUT; SELECT @e")
    assert (answer.numbers, answer.sets) == ([2627], [])
    assert client.value("SELECT @@TRANCOUNT") == 0
    client.run("SET XACT_ABORT OFF")


def test_outputs_are_not_copied_when_the_call_ends_in_catch(client):
    answer = client.run(
        "DECLARE @e int = -7; BEGIN TRY EXEC taFails @e OUTPUT END TRY BEGIN CATCH SELECT @e, ERROR_PROCEDURE() END CATCH"
    )
    assert answer.sets == [[(-7, "taFails")]]


def test_rollback_inside_is_a_mismatch(client):
    client.run("IF OBJECT_ID('taRolls') IS NULL EXEC('CREATE PROCEDURE taRolls AS ROLLBACK')")
    answer = client.run("BEGIN TRAN; EXEC taRolls; SELECT @@TRANCOUNT")
    assert answer.numbers == [266]
    assert "Previous count = 1, current count = 0" in answer.errors[0].text
    assert answer.sets == [[(0,)]]


def test_python_procedure_works_in_the_callers_transaction(client):
    answer = client.run(
        "SET XACT_ABORT OFF; BEGIN TRAN; DECLARE @rc int, @e int; EXEC @rc = taPython 4, 'four', @e OUTPUT; SELECT @rc, @e"
    )
    assert (answer.numbers, answer.sets) == ([2627], [[(0, 2627)]])
    assert client.rows("SELECT K, V FROM T") == [(4, "four")]
    client.run("ROLLBACK")
    assert client.value("SELECT COUNT(*) FROM T") == 0


def test_python_procedure_stops_where_tsql_would(client):
    answer = client.run(
        "BEGIN TRY EXEC taPython 4 END TRY BEGIN CATCH SELECT ERROR_NUMBER(), ERROR_PROCEDURE() END CATCH"
    )
    assert answer.sets == [[(2627, "taPython")]]


def test_remote_call_returns_status_and_values(client):
    recorder = Recorder()
    parameters = [
        RpcParameter("@a", "x", SqlType("nvarchar", 10)),
        RpcParameter("@es", None, SqlType("int"), output=True),
    ]
    client.session.rpc("taText", parameters, recorder)
    assert [name for name, _ in recorder.events][-3:] == ["status", "value", "procedure"]
    assert (recorder.returned[0].name, recorder.returned[0].value) == ("@es", 5)


def test_sp_executesql_with_output(client):
    answer = client.run(
        "DECLARE @o int; EXEC sp_executesql N'SET @b = @a * 2', N'@a int, @b int OUTPUT', @a = 4, @b = @o OUTPUT; SELECT @o"
    )
    assert answer.sets == [[(8,)]]


def test_insert_exec_takes_the_rows(client):
    client.run("CREATE TABLE #r (a char(15), n numeric(19,5)); INSERT INTO #r EXEC taText 'y', 2")
    assert client.rows("SELECT a, n FROM #r") == [("y", Decimal("2.00000"))]


def test_table_variables_of_nested_calls_and_failed_calls_do_not_meet(client):
    client.run("""IF OBJECT_ID('taTable') IS NULL EXEC('CREATE PROCEDURE taTable @n int AS
        DECLARE @t TABLE (a int); INSERT INTO @t VALUES (@n); IF @n = 1 EXEC taTable 2; IF @n = 3 THROW 50001, ''x'', 1; SELECT a FROM @t')""")
    assert client.run("DECLARE @t TABLE (b char(3)); INSERT INTO @t VALUES ('x'); EXEC taTable 1; SELECT b FROM @t").sets == [
        [(2,)], [(1,)], [("x",)],
    ]  # fmt: skip
    assert client.run("EXEC taTable 3").numbers == [50001]
    assert client.run("EXEC taTable 4").sets == [[(4,)]]


@pytest.mark.parametrize(
    ("kind", "value"), [("tinyint", "300"), ("int", "'abc'"), ("datetime", "'2024-13-01'"), ("numeric(19, 5)", "''")]
)
def test_argument_that_does_not_convert_is_one_error_whatever_its_type(client, engine, kind, value):
    engine.catalogs["two"].add_procedure(Procedure("taTyped", [Parameter("a", sql_type(kind))], "RETURN 0"))
    assert client.run(f"EXEC taTyped @a = {value}").numbers == [8114]


@pytest.mark.parametrize(("arguments", "number"), [("1, 2", 8144), ("@b = 1", 8145), ("", 8178), ("@a = 'x'", 245)])
def test_arguments_that_a_statement_does_not_declare(client, arguments, number):
    text = f"EXEC sp_executesql N'SELECT @a', N'@a int'{', ' + arguments if arguments else ''}"
    assert client.run(text).numbers == [number]
