"""What an error in the middle of a batch does, for both settings of XACT_ABORT (tsql-observed.md, 1.3 and 1.2)."""

# ruff: noqa: E501
import pytest

_SETUP = "IF OBJECT_ID('taInsert') IS NULL EXEC('CREATE PROCEDURE taInsert @k int AS INSERT INTO T (K) VALUES (@k)')"
_BATCH = """SET XACT_ABORT {switch}; SET NOCOUNT ON; BEGIN TRAN;
INSERT INTO T (K) VALUES (1); SELECT 'first' AS step;
{error};
INSERT INTO T (K) VALUES (3); COMMIT; SELECT 'last' AS step"""

# What goes on under XACT_ABORT OFF.
STATEMENT = {
    2627: "INSERT INTO T (K) VALUES (1)",
    547: "INSERT INTO T (K, N) VALUES (2, 5000)",
    515: "INSERT INTO T (K, N) VALUES (2, NULL)",
    8152: "INSERT INTO T (K, V) VALUES (2, 'eleven chars')",
    8134: "SELECT 1 / 0",
    8115: "SELECT CAST(123456 AS numeric(5, 2))",
    2812: "EXEC no_such_procedure",
    220: "DECLARE @t tinyint = 300",
}
# What ends the batch and undoes all, whatever the setting.
ROLLBACK = {
    245: "SELECT CAST('abc' AS int)",
    241: "SELECT CAST('abc' AS datetime)",
    8114: "SELECT CAST('abc' AS numeric(19, 5))",
}
# What ends the batch and leaves the transaction open under XACT_ABORT OFF.
BATCH = {208: "SELECT * FROM NOSUCH", 207: "SELECT NOSUCH FROM T", 50123: "THROW 50123, 'stop', 1"}


def _state(client):
    return client.rows("SELECT @@TRANCOUNT, (SELECT COUNT(*) FROM T)")[0]


@pytest.mark.parametrize("number", STATEMENT)
def test_statement_error_goes_on_when_xact_abort_is_off(client, number):
    answer = client.run(_BATCH.format(switch="OFF", error=STATEMENT[number]))
    assert answer.numbers == [number]
    assert [rows[0][0] for rows in answer.sets if rows] == ["first", "last"]
    assert _state(client) == (0, 2)


@pytest.mark.parametrize("number", STATEMENT)
def test_statement_error_undoes_all_when_xact_abort_is_on(client, number):
    answer = client.run(_BATCH.format(switch="ON", error=STATEMENT[number]))
    assert answer.numbers == [number]
    assert [rows[0][0] for rows in answer.sets if rows] == ["first"]
    assert _state(client) == (0, 0)


@pytest.mark.parametrize("switch", ["OFF", "ON"])
@pytest.mark.parametrize("number", ROLLBACK)
def test_conversion_error_undoes_all(client, switch, number):
    answer = client.run(_BATCH.format(switch=switch, error=ROLLBACK[number]))
    assert answer.numbers == [number]
    assert _state(client) == (0, 0)


@pytest.mark.parametrize("number", BATCH)
def test_batch_error_leaves_the_transaction_open_when_xact_abort_is_off(client, number):
    answer = client.run(_BATCH.format(switch="OFF", error=BATCH[number]))
    assert answer.numbers == [number]
    assert [rows[0][0] for rows in answer.sets] == ["first"]
    assert client.rows("SELECT @@TRANCOUNT, XACT_STATE()") == [(1, 1)]
    client.run("ROLLBACK")
    assert _state(client) == (0, 0)


@pytest.mark.parametrize("number", BATCH)
def test_batch_error_undoes_all_when_xact_abort_is_on(client, number):
    client.run(_BATCH.format(switch="ON", error=BATCH[number]))
    assert _state(client) == (0, 0)


@pytest.mark.parametrize("switch", ["OFF", "ON"])
def test_raiserror_is_not_touched_by_xact_abort(client, switch):
    answer = client.run(_BATCH.format(switch=switch, error="RAISERROR('no', 16, 1)"))
    assert answer.numbers == [50000]
    assert _state(client) == (0, 2)


def test_raiserror_of_low_severity_is_a_message(client):
    answer = client.run("RAISERROR('note %d', 10, 1, 7); SELECT 1")
    assert (answer.errors, [i.text for i in answer.infos], answer.sets) == ([], ["note 7"], [[(1,)]])


def test_duplicate_inside_a_procedure(client):
    client.run(_SETUP)
    answer = client.run(_BATCH.format(switch="OFF", error="EXEC taInsert 1"))
    assert (answer.numbers, answer.errors[0].procedure) == ([2627], "taInsert")
    assert _state(client) == (0, 2)


def test_results_before_the_error_are_sent_first(client):
    answer = client.run("SELECT 1; SELECT 1/0; SELECT 2")
    assert [name for name, _ in answer.events] == [
        "columns",
        "rows",
        "done",
        "error",
        "done",
        "columns",
        "rows",
        "done",
    ]


def test_terminated_statement_is_told_by_message_3621(client):
    assert [i.number for i in client.run("INSERT INTO T (K) VALUES (1),(1)").infos] == [3621]


def test_syntax_error_stops_the_batch_before_its_first_statement(client):
    answer = client.run("INSERT INTO T (K) VALUES (1); SELECT FROM WHERE (; SELECT 1")
    assert answer.numbers == [102]
    assert _state(client) == (0, 0)


def test_missing_table_is_found_only_when_reached(client):
    answer = client.run("SELECT 1; IF 1 = 0 SELECT * FROM NOSUCH; SELECT 2")
    assert (answer.errors, answer.sets) == ([], [[(1,)], [(2,)]])


def test_rollback_else_commit_is_two_branches(client):
    client.run("BEGIN TRAN; INSERT INTO T (K) VALUES (1); DECLARE @es int = 1; IF @es <> 0 ROLLBACK ELSE COMMIT")
    assert _state(client) == (0, 0)
    client.run("BEGIN TRAN; INSERT INTO T (K) VALUES (1); DECLARE @es int = 0; IF @es <> 0 ROLLBACK ELSE COMMIT")
    assert _state(client) == (0, 1)


def test_statements_need_no_semicolons(client):
    answer = client.run(
        "BEGIN TRAN UPDATE T SET N = CASE WHEN N = 1 THEN 2 ELSE 3 END SELECT @@ROWCOUNT COMMIT SELECT @@TRANCOUNT"
    )
    assert (answer.errors, answer.sets) == ([], [[(0,)], [(0,)]])


def test_at_at_error_counts_one_statement(client):
    answer = client.run("INSERT INTO T (K) VALUES (1),(1); SELECT @@ERROR; SELECT @@ERROR")
    assert answer.sets == [[(2627,)], [(0,)]]


def test_postgres_error_without_a_twin_is_refused_and_listed(client, engine):
    before = len(engine.door.gaps.list())
    assert client.run("SELECT * FROM T FOR XML PATH").numbers == [102]
    assert len(engine.door.gaps.list()) == before + 1


@pytest.mark.parametrize(
    "text",
    ["SELECT @nosuch", "EXEC taNone @x = @nosuch", "DECLARE @a int; SET @b = 1", "SELECT @late; DECLARE @late int"],
)
def test_undeclared_variable_stops_the_batch_before_its_first_statement(client, text):
    answer = client.run(f"INSERT INTO T (K) VALUES (1); {text}")
    assert answer.numbers == [137]
    assert _state(client) == (0, 0)


def test_variable_declared_twice(client):
    assert client.run("DECLARE @a int; IF 1 = 0 DECLARE @a int").numbers == [134]


def test_declare_in_a_loop_keeps_the_value(client):
    text = (
        "DECLARE @i int = 0; WHILE @i < 3 BEGIN DECLARE @n int; SET @n = ISNULL(@n, 0) + 10; SET @i += 1 END; SELECT @n"
    )
    assert client.value(text) == 30


def test_function_not_imitated_is_listed(client, engine):
    assert client.run("SELECT SOUNDEX('a')").numbers == [195]
    assert {"kind": "function", "what": "SOUNDEX"}.items() <= next(
        gap for gap in engine.door.gaps.list() if gap["kind"] == "function"
    ).items()


@pytest.mark.parametrize(
    "text",
    [
        "SELECT", "SELECT K, FROM T", "SELECT * FROM T WHERE", "UPDATE T SET N = 1, WHERE K = 1", "INSERT INTO T VALUES", "EXEC", "SELECT (1",
        "BEGIN SELECT 1", "IF SELECT 1", "SET @x", "SELECT 1 WHERE K ==", "DELETE FROM T WHERE K = 1 ORDER BY K", "ELSE SELECT 1", "COMMIT 5",
        "IF 1 = 0 SELECT K FROM T WHERE K LIKE", "DECLARE @a int =", "SELECT CASE WHEN 1 = 1 THEN END",
    ],
)  # fmt: skip
def test_syntax_errors(client, text):
    answer = client.run(f"INSERT INTO T (K) VALUES (1); {text}")
    assert len(answer.errors) == 1
    assert answer.numbers[0] in {102, 156}
    assert _state(client) == (0, 0)


@pytest.mark.parametrize(
    "text",
    [
        "GRANT SELECT ON T TO x", "DBCC CHECKDB", "CHECKPOINT", "DECLARE c CURSOR FOR SELECT 1", "FETCH NEXT FROM c", "GOTO done",
        "ALTER PROCEDURE p AS SELECT 1", "UPDATE STATISTICS T", "EXECUTE AS USER = 'x'", "BEGIN DISTRIBUTED TRANSACTION", "BEGIN TRAN t WITH MARK",
        "COMMIT TRAN t WITH (DELAYED_DURABILITY = ON)", "DECLARE @x xml", "SELECT @@DBTS", "BULK INSERT T FROM 'f'",
    ],
)  # fmt: skip
def test_statement_not_imitated_is_refused_and_listed(client, engine, text):
    before = sum(gap["times"] for gap in engine.door.gaps.list())
    assert client.run(text).numbers == [102]
    assert sum(gap["times"] for gap in engine.door.gaps.list()) == before + 1
    client.run("IF @@TRANCOUNT > 0 ROLLBACK")


@pytest.mark.parametrize(("kind", "number"), [("nosuchtype", 2715), ("text", 2739)])
def test_variable_of_no_type(client, kind, number):
    assert client.run(f"DECLARE @x {kind}").numbers == [number]
