"""What the two clients make of an answer: order, counts, errors. pymssql for its behaviour, python-tds for the order."""

import asyncio

import pymssql
import pytds
import pytest

from sandbox.tds.answer import Answer, Surroundings
from sandbox.tds.contract import Column, SqlError, SqlType
from tests.sandbox.tds.script import INT, columns, numbers, pytds_to

BROKEN_KEY = SqlError(2627, "Violation of a primary key.", severity=14)


def test_result_sets_arrive_in_order(mssql, script):
    def two(output, _):
        numbers(output, 1, 2)
        numbers(output, 3)

    script.batches["two"] = two
    cursor = mssql.cursor()
    cursor.execute("two")
    assert cursor.fetchall() == [(1,), (2,)]
    assert cursor.nextset()
    assert cursor.fetchall() == [(3,)]
    assert not cursor.nextset()


def test_an_error_before_any_result_comes_from_execute_with_its_class(mssql, script):
    def act(output, _):
        output.error(BROKEN_KEY)
        output.done(error=True)
        numbers(output, 1)

    script.batches["x"] = act
    cursor = mssql.cursor()
    with pytest.raises(pymssql.IntegrityError) as caught:
        cursor.execute("x")
    assert caught.value.args[0] == 2627
    assert not cursor.nextset()


@pytest.mark.parametrize(
    ("number", "severity", "raised"),
    [
        (102, 15, pymssql.ProgrammingError),
        (207, 16, pymssql.ProgrammingError),
        (208, 16, pymssql.ProgrammingError),
        (515, 16, pymssql.IntegrityError),
        (2601, 14, pymssql.IntegrityError),
        (1205, 13, pymssql.OperationalError),
        (8152, 16, pymssql.OperationalError),
    ],
)
def test_the_number_decides_the_class_of_a_first_error(mssql, script, number, severity, raised):
    def act(output, _):
        output.error(SqlError(number, "No.", severity))
        output.done(error=True)

    script.batches["x"] = act
    with pytest.raises(raised) as caught:
        mssql.cursor().execute("x")
    assert caught.value.args[0] == number
    script.batches["y"] = lambda output, _: numbers(output, 1)
    cursor = mssql.cursor()
    cursor.execute("y")
    assert cursor.fetchall() == [(1,)]


def results_round_an_error(output, _):
    numbers(output, 1, 2)
    output.error(BROKEN_KEY)
    output.done(error=True)
    numbers(output, 3)


def test_results_before_an_error_are_delivered_and_what_follows_is_lost(mssql, script):
    script.batches["x"] = results_round_an_error
    cursor = mssql.cursor()
    cursor.execute("x")
    assert cursor.fetchall() == [(1,), (2,)]
    with pytest.raises(pymssql.OperationalError) as caught:
        cursor.nextset()
    assert caught.value.args[0] == 2627
    assert not cursor.nextset()
    script.batches["y"] = lambda output, _: numbers(output, 4)
    cursor.execute("y")
    assert cursor.fetchall() == [(4,)]


def test_what_follows_an_error_is_on_the_wire(tds, script):
    script.batches["x"] = results_round_an_error
    cursor = tds.cursor()
    cursor.execute("x")
    assert cursor.fetchall() == [(1,), (2,)]
    with pytest.raises(pytds.IntegrityError) as caught:
        cursor.nextset()
    assert (caught.value.number, caught.value.severity) == (2627, 14)
    assert cursor.nextset()
    assert cursor.fetchall() == [(3,)]


def test_an_error_among_rows_keeps_the_rows_before_it(tds, script):
    def act(output, _):
        output.columns(columns(n=INT))
        output.rows([(1,), (2,)])
        output.error(SqlError(8134, "Divide by zero."))
        output.done(error=True)

    script.batches["x"] = act
    cursor = tds.cursor()
    cursor.execute("x")
    assert [cursor.fetchone(), cursor.fetchone()] == [(1,), (2,)]
    with pytest.raises(pytds.Error):
        cursor.fetchone()


@pytest.mark.parametrize(("count", "seen"), [(5, 5), (0, 0), (None, -1)])
def test_the_row_count_is_the_statements_own_or_none(mssql, script, count, seen):
    script.batches["update"] = lambda output, _: output.done(count)
    cursor = mssql.cursor()
    cursor.execute("update")
    assert cursor.rowcount == seen


def test_an_answer_without_tokens_ends_all_the_same(mssql, script):
    script.batches["declare"] = lambda *_: None
    mssql.cursor().execute("declare")
    assert script.seen[-1] == "declare"


def test_an_error_without_a_done_gets_one(mssql, script):
    script.batches["x"] = lambda output, _: output.error(SqlError(50000, "No."))
    with pytest.raises(pymssql.OperationalError):
        mssql.cursor().execute("x")
    mssql.cursor().execute("y")


def test_a_raised_error_is_sent(mssql, script):
    def act(output, _):
        numbers(output, 1)
        raise SqlError(1222, "Lock request time out.")

    script.batches["x"] = act
    cursor = mssql.cursor()
    cursor.execute("x")
    assert cursor.fetchall() == [(1,)]
    with pytest.raises(pymssql.OperationalError) as caught:
        cursor.nextset()
    assert caught.value.args[0] == 1222


@pytest.mark.parametrize("severity", [0, 10])
def test_a_message_raises_nothing_and_reaches_the_handler(mssql, script, severity):
    def act(output, _):
        output.info(SqlError(50000, "Hello.", severity, state=3, procedure="p", line=7))
        numbers(output, 1)

    script.batches["x"] = act
    told = []
    mssql._conn.set_msghandler(lambda *message: told.append(message))
    cursor = mssql.cursor()
    cursor.execute("x")
    assert cursor.fetchall() == [(1,)]
    state, level, _, procedure, line, text = told[-1]
    assert (state, level, text, procedure, line) == (3, 0, b"Hello.", b"p", 7)


def test_an_error_names_its_procedure_and_line(tds, script):
    script.batches["x"] = lambda output, _: output.error(SqlError(50000, "No.", 16, 4, "taCreate", 12))
    with pytest.raises(pytds.Error) as caught:
        tds.cursor().execute("x")
    error = caught.value
    assert (error.number, error.state, error.procname, error.line) == (50000, 4, "taCreate", 12)


def test_columns_have_their_names_and_nullability(tds, script):
    def act(output, _):
        output.columns([Column("CUSTNMBR", SqlType("char", 15), nullable=False), Column("", INT)])
        output.rows([("A", 1)])
        output.done(1)

    script.batches["x"] = act
    cursor = tds.cursor()
    cursor.execute("x")
    assert [(name, null) for name, _, _, _, _, _, null in cursor.description] == [("CUSTNMBR", 0), ("", 1)]
    assert cursor.fetchall() == [("A" + " " * 14, 1)]


def test_an_answer_of_many_packets_is_whole(mssql, tds, script):
    def act(output, _):
        output.columns(columns(n=INT, text=SqlType("varchar", 200)))
        output.rows((n, "x" * (n % 200)) for n in range(20_000))
        output.done(20_000)

    script.batches["x"] = act
    wanted = [(n, "x" * (n % 200)) for n in range(20_000)]
    for connection in (mssql, tds):
        cursor = connection.cursor()
        cursor.execute("x")
        assert cursor.fetchall() == wanted


class SlowLink:
    """A link whose client reads slowly; notes how many pieces the session ever had on their way."""

    room = 4088

    def __init__(self):
        self.on_their_way = self.most = 0

    async def send(self, _, *, last):
        self.on_their_way += 1
        self.most = max(self.most, self.on_their_way)
        for _ in range(20):
            await asyncio.sleep(0)
        self.on_their_way -= 1


async def test_a_slow_reader_holds_the_session_back():
    def work():
        answer.columns(columns(text=SqlType("varchar", 8000)))
        answer.rows(("x" * 8000,) for _ in range(500))

    link = SlowLink()
    answer = Answer(link, Surroundings("TWO"))
    await asyncio.to_thread(work)
    await answer.finish()
    assert link.most == 1


def test_a_value_that_does_not_fit_its_column_is_an_error_not_a_torn_answer(mssql, script):
    def act(output, _):
        output.columns(columns(n=SqlType("varchar", 3)))
        output.rows([("abc",), ("abcd",)])
        output.done(2)

    script.batches["x"] = act
    cursor = mssql.cursor()
    cursor.execute("x")
    with pytest.raises(pymssql.OperationalError) as caught:
        cursor.fetchall()
    assert caught.value.args[0] == 8152


def test_a_failing_engine_ends_the_connection_with_an_error(mssql, script):
    def act(*_):
        raise ZeroDivisionError("a bug")

    script.batches["x"] = act
    with pytest.raises(pymssql.OperationalError) as caught:
        mssql.cursor().execute("x")
    assert caught.value.args[0] == 3624
    assert script.one_closed.wait(10)
    with pytest.raises(pymssql.Error):
        mssql.cursor().execute("y")


def test_transaction_manager_requests_are_statements(running, script):
    with pytds_to(running.port, autocommit=False) as connection:
        connection.cursor().execute("x")
        connection.commit()
        connection.cursor().execute("y")
        connection.rollback()
    assert script.seen[:5] == [
        "BEGIN TRANSACTION",
        "x",
        "COMMIT TRANSACTION; BEGIN TRANSACTION",
        "y",
        "ROLLBACK TRANSACTION; BEGIN TRANSACTION",
    ]


def test_use_changes_the_database_of_the_connection(tds, script):
    script.batches["use [THREE]"] = lambda output, _: output.database("THREE")
    tds.cursor().execute("use [THREE]")
    assert tds._tds_socket.env.database == "THREE"
