"""Numbers, dates and what SQL Server rounds (tsql-observed.md, 2, 3 and 4)."""

# ruff: noqa: DTZ001, E501
from datetime import datetime, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.tds.contract import SqlError, SqlType
from sandbox.tsql.catalog import sql_type
from sandbox.tsql.values import code_page, convert, tick


@pytest.mark.parametrize(("text", "value"), [
    ("7/2", 3), ("-7/2", -3), ("CAST(2.5 AS int)", 2), ("'1' + 1", 2), ("'1' + '1'", "11"), ("CAST(2.345 AS numeric(5,2))", Decimal("2.35")),
    ("CAST(-0.000005 AS numeric(19,5))", Decimal("-0.00001")), ("CAST('' AS int)", 0), ("10 % 4", 2), ("CAST(1 AS bit)", True),
    ("CAST(2 AS bit)", True), ("1.0 / 3", Decimal("0.333333")), ("ROUND(2.567, 1)", Decimal("2.600")), ("SUBSTRING('abc', 0, 2)", "a"),
    ("IIF(1 = 1, 'y', 'n')", "y"), ("NULLIF(1, 1)", None), ("COALESCE(NULL, 3)", 3), ("TRY_CAST('x' AS int)", None), ("TRY_CONVERT(int, '5')", 5),
    ("LEFT('abc', 2) + RIGHT('abc', 1)", "abc"), ("CHARINDEX('C', 'abc')", 3), ("REPLACE('aXa', 'x', 'y')", "aya"), ("0x0102", b"\x01\x02"),
])  # fmt: skip
def test_expression(client, text, value):
    assert client.value(f"SELECT {text}") == value


@pytest.mark.parametrize(("text", "number"), [
    ("'a' + 1", 245), ("CAST(300 AS tinyint)", 220), ("CAST('x' AS numeric(5,2))", 8114), ("2147483647 + 1", 8115),
    ("CAST('1600-01-01' AS datetime)", 242), ("CAST('2024-01-01 00:00:00.1234' AS datetime)", 241), ("CAST('x' AS uniqueidentifier)", 8169),
    ("NO_SUCH_FUNCTION(1)", 195), ("@nosuch", 137), ("CHECKSUM('a')", 195),
])  # fmt: skip
def test_expression_that_fails(client, text, number):
    assert client.run(f"SELECT {text}").numbers == [number]


def test_sums_keep_their_scale_and_counts_are_int(client):
    shape = client.run("SELECT SUM(CRLMTAMT), AVG(CRLMTAMT), COUNT(*), SCOPE_IDENTITY() FROM RM00101").shapes[0]
    assert [(c.type.name, c.type.precision, c.type.scale) for c in shape] == [
        ("numeric", 38, 5), ("numeric", 38, 6), ("int", 0, 0), ("numeric", 38, 0),
    ]  # fmt: skip


def test_a_value_read_can_be_found_again(client):
    rows = ", ".join(f"('{n}', '2024-01-02 03:04:05.{n:03}')" for n in range(1, 1000, 7))
    client.run(f"INSERT INTO RM00101 (CUSTNMBR, CREATDDT) VALUES {rows}")
    for key, moment in client.rows("SELECT CUSTNMBR, CREATDDT FROM RM00101"):
        text = moment.strftime("%Y-%m-%d %H:%M:%S.%f")[:23]
        where = f"CUSTNMBR = '{key}' AND CREATDDT = '{text}' AND NOT CREATDDT > '{text}'"
        assert client.value(f"SELECT COUNT(*) FROM RM00101 WHERE {where}") == 1
        assert moment.microsecond // 1000 % 10 in {0, 3, 7}


def test_every_default_stamp_is_on_a_tick(client):
    client.run("INSERT INTO RM00101 (CUSTNMBR) VALUES ('a'), ('b')")
    stamps = client.rows("SELECT DEX_ROW_TS FROM RM00101")
    assert len(set(stamps)) == 1
    assert stamps[0][0] == tick(stamps[0][0])


def test_utc_moves_on_inside_a_transaction(client):
    answer = client.run(
        "BEGIN TRAN; SELECT SYSUTCDATETIME(); WAITFOR DELAY '00:00:00.02'; SELECT SYSUTCDATETIME(); COMMIT"
    )
    assert answer.sets[0][0][0] < answer.sets[1][0][0]


def test_update_stamps_by_trigger_once_a_statement(client):
    client.run(
        "INSERT INTO RM00101 (CUSTNMBR) VALUES ('a'), ('b'); INSERT INTO RM00102 (CUSTNMBR, ADRSCODE) VALUES ('a', 'MAIN')"
    )
    old = client.value("SELECT MAX(DEX_ROW_TS) FROM RM00101")
    client.run("WAITFOR DELAY '00:00:00.01'; UPDATE RM00101 SET CITY = 'x'")
    stamps = client.rows("SELECT DEX_ROW_TS FROM RM00101")
    assert len(set(stamps)) == 1
    assert stamps[0][0] > old


@pytest.mark.parametrize("work", [
    "INSERT INTO RM00102 (CUSTNMBR, ADRSCODE) VALUES ('a', 'B')", "UPDATE RM00102 SET CITY = 'x'", "DELETE FROM RM00102",
])  # fmt: skip
def test_child_stamps_its_parent(client, work):
    client.run(
        "INSERT INTO RM00101 (CUSTNMBR) VALUES ('a'), ('b'); INSERT INTO RM00102 (CUSTNMBR, ADRSCODE) VALUES ('a', 'MAIN')"
    )
    before = dict(client.rows("SELECT CUSTNMBR, DEX_ROW_TS FROM RM00101"))
    client.run(f"WAITFOR DELAY '00:00:00.01'; {work}")
    after = dict(client.rows("SELECT CUSTNMBR, DEX_ROW_TS FROM RM00101"))
    assert after["a"] > before["a"]
    assert after["b"] == before["b"]


@pytest.mark.parametrize(("text", "value"), [
    ("DATEDIFF(day, '2024-01-01 23:59', '2024-01-02 00:01')", 1), ("DATEDIFF(year, '2023-12-31', '2024-01-01')", 1),
    ("DATEADD(month, 1, '2024-01-31')", datetime(2024, 2, 29)), ("CAST('' AS datetime)", datetime(1900, 1, 1)),
    ("CAST('02/01/2024' AS datetime)", datetime(2024, 2, 1)), ("CAST('2024-01-02 03:04:05.999' AS datetime)", datetime(2024, 1, 2, 3, 4, 6)),
    ("CONVERT(varchar(8), CAST('2024-01-02' AS datetime), 112)", "20240102"), ("YEAR('2024-05-06')", 2024),
    ("CONVERT(varchar(30), CAST('2024-01-02 03:04:05.002' AS datetime), 121)", "2024-01-02 03:04:05.003"),
    ("CONVERT(varchar(19), CAST('2024-01-02 03:04:05' AS datetime), 120)", "2024-01-02 03:04:05"),
    ("CONVERT(varchar(30), CAST('2024-01-02 03:04:05' AS datetime), 126)", "2024-01-02T03:04:05"),
])  # fmt: skip
def test_moment(client, text, value):
    assert client.value(f"SELECT {text}") == value


@given(st.datetimes(datetime(1753, 1, 1), datetime(9998, 12, 31)))
def test_tick_is_stable_and_near(moment):
    once = tick(moment)
    assert tick(once) == once
    assert abs((once - moment).total_seconds()) <= 0.00217


@given(st.text(max_size=50), st.integers(1, 20))
def test_text_parameter_is_cut_and_fits_the_code_page(text, length):
    cut = convert(text, SqlType("char", length))
    assert len(cut) <= length
    assert cut == cut.rstrip(" ")
    assert code_page(cut) == cut


@given(st.decimals(-(10**13), 10**13, allow_nan=False, places=8))
def test_numbers_are_rounded_half_away_from_zero(number):
    kept = convert(number, sql_type("numeric(19,5)"))
    assert abs(kept - number) <= Decimal("0.000005")
    assert abs(kept) >= abs(number) - Decimal("0.000005")


@pytest.mark.parametrize(
    ("value", "kind", "number"),
    [("", "numeric(5,2)", 8114), (300, "tinyint", 220), ("x", "int", 245), (Decimal("1e9"), "numeric(5,2)", 8115)],
)
def test_parameter_that_does_not_convert(value, kind, number):
    with pytest.raises(SqlError) as caught:
        convert(value, sql_type(kind))
    assert caught.value.number == number


def test_datetime_in_a_finer_type_is_no_longer_what_it_showed(client):
    answer = client.run(
        "DECLARE @d datetime = '2024-01-01T00:00:00.003', @f datetime2; SET @f = @d; SELECT @f, CAST(@d AS datetime2), "
        "CASE WHEN CAST(@d AS datetime2) = '2024-01-01T00:00:00.003' THEN 1 ELSE 0 END, "
        "CASE WHEN @d = CAST('2024-01-01T00:00:00.003' AS datetime2) THEN 1 ELSE 0 END, CASE WHEN @d = @f THEN 1 ELSE 0 END"
    )
    whole = datetime(2024, 1, 1, 0, 0, 0, 3333)
    assert (answer.errors, answer.sets) == ([], [[(whole, whole, 0, 0, 1)]])


def test_datetime_of_a_column_in_a_finer_type(client):
    client.run("INSERT INTO RM00101 (CUSTNMBR, CREATDDT) VALUES ('a', '2024-01-01T00:00:00.007')")
    assert client.rows("SELECT CAST(CREATDDT AS datetime2), CAST(CREATDDT AS time) FROM RM00101") == [
        (datetime(2024, 1, 1, 0, 0, 0, 6667), time(0, 0, 0, 6667))
    ]


@pytest.mark.parametrize(
    ("number", "kind", "outcome"),
    [
        ("12345", "varchar(3)", "*"), ("12345", "char(3)", "*  "), ("12345", "varchar(5)", "12345"), ("12345", "nvarchar(3)", 8115),
        ("12345678901", "varchar(3)", 8115), ("123.45", "varchar(3)", 8115), ("123.45", "char(6)", "123.45"),
    ],
)  # fmt: skip
def test_number_too_long_for_a_text_type(client, number, kind, outcome):
    expected = ([outcome], []) if isinstance(outcome, int) else ([], [[(outcome.rstrip(),)]])
    for text in (
        f"SELECT CAST({number} AS {kind})",
        f"SELECT CAST({number} + 0 AS {kind})",
        f"DECLARE @v {kind} = {number}; SELECT @v",
    ):
        answer = client.run(text)
        assert (answer.numbers, answer.sets[:1] if not answer.numbers else []) == expected
