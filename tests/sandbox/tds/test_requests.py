# ruff: noqa: DTZ001 - the server's datetime has no zone
import contextlib
import datetime
import struct
import uuid
from dataclasses import replace
from decimal import Decimal

import pymssql
import pytds
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.tds.bits import NotImitated, ProtocolError
from sandbox.tds.contract import Column, SqlType
from sandbox.tds.link import Kind
from sandbox.tds.requests import announced_table, read_request
from tests.sandbox.tds.script import INT, in_process, numbers


@pytest.fixture
def echo(script):
    """A procedure that returns 7 and gives each output parameter back as it came, or a value if it was NULL."""
    filled = {"bigint": 9, "int": 9, "nvarchar": "out", "numeric": Decimal("2.50000")}

    def run(parameters, output):
        output.return_status(7)
        for ordinal, parameter in enumerate(parameters):
            if parameter.output:
                value = parameter.value or filled[parameter.type.name]
                output.return_value(ordinal, replace(parameter, value=value))
        output.procedure_done()

    script.procedures["p"] = run
    script.procedures["sp_executesql"] = run


@pytest.mark.usefixtures("echo")
@pytest.mark.parametrize(
    ("argument", "kind", "value"),
    [
        (1, SqlType("int"), 1),
        (2**40, SqlType("bigint"), 2**40),
        ("abc", SqlType("nvarchar", 3), "abc"),
        ("é" * 2001, SqlType("varchar", 4002), "é" * 2001),
        ("x" * 9000, SqlType("varchar", 8000), "x" * 8000),
        ("", SqlType("nvarchar", 1), None),
        (None, SqlType("nvarchar", 1), None),
        (True, SqlType("bit"), True),
        (Decimal("1.50"), SqlType("numeric", None, 33, 2), Decimal("1.50")),
        (1.5, SqlType("float"), 1.5),
        (datetime.datetime(2024, 1, 2, 3, 4, 5, 123456), SqlType("char", 23), "2024-01-02 03:04:05.123"),
        (b"\0\1", SqlType("varbinary", 2), b"\0\1"),
    ],
)
def test_pymssql_parameters_arrive(mssql, script, argument, kind, value):
    cursor = mssql.cursor()
    cursor.callproc("p", (argument,))
    (parameter,) = script.calls[-1][1]
    assert (parameter.name, parameter.type, parameter.value, parameter.output) == ("", kind, value, False)
    assert cursor.returnvalue == 7


@pytest.mark.usefixtures("echo")
@pytest.mark.parametrize(
    ("argument", "back"),
    [
        (pymssql.output(int), 9),
        (pymssql.output(int, 5), 9),
        (pymssql.output(str), "out"),
        (pymssql.output(Decimal, Decimal("0.00000")), Decimal("2.50000")),
    ],
)
def test_pymssql_outputs_come_back(mssql, script, argument, back):
    assert mssql.cursor().callproc("p", (1, argument)) == (1, back)
    assert [parameter.output for parameter in script.calls[-1][1]] == [False, True]


@pytest.mark.usefixtures("echo")
@pytest.mark.parametrize(
    ("argument", "kind"),
    [
        (1, SqlType("int")),
        ("日本", SqlType("nvarchar")),
        ("", SqlType("nvarchar")),
        (Decimal("1.5"), SqlType("numeric", None, 2, 1)),
        (datetime.datetime(2024, 1, 2, 3, 4, 5, 123456), SqlType("datetime2", None, 0, 6)),
        (datetime.date(2024, 1, 2), SqlType("date")),
        (datetime.time(1, 2, 3, 4), SqlType("time", None, 0, 6)),
        (uuid.UUID(int=7), SqlType("uniqueidentifier")),
        ("x" * 9000, SqlType("nvarchar")),
    ],
)
def test_python_tds_sends_sp_executesql_by_its_number(tds, script, argument, kind):
    tds.cursor().execute("select %s", (argument,))
    name, (statement, _, parameter) = script.calls[-1]
    assert (name, statement.value) == ("sp_executesql", "select @P1")
    assert (parameter.name, parameter.type, parameter.value) == ("@P1", kind, argument)


@pytest.mark.usefixtures("echo")
def test_named_parameters_and_the_return_status(tds, script):
    cursor = tds.cursor()
    cursor.callproc("p", {"@a": 5, "@b": "x"})
    assert [(p.name, p.value) for p in script.calls[-1][1]] == [("@a", 5), ("@b", "x")]
    assert cursor.get_proc_return_status() == 7


def test_rows_of_a_procedure_come_before_its_status(tds, script):
    def run(parameters, output):
        output.columns([Column("n", INT)])
        output.rows([(1,)])
        output.done(1, in_procedure=True)
        output.return_status(3)
        output.return_value(0, replace(parameters[0], value=9))
        output.procedure_done()

    script.procedures["p"] = run
    cursor = tds.cursor()
    cursor.callproc("p", [pytds.output(param_type="int")])
    assert cursor.fetchall() == [(1,)]
    assert not cursor.nextset()
    assert cursor.get_proc_return_status() == 3


def test_an_unknown_procedure_is_a_plain_database_error(mssql):
    with pytest.raises(pymssql.DatabaseError) as caught:
        mssql.cursor().callproc("nosuch", (1,))
    assert type(caught.value) is pymssql.DatabaseError
    assert caught.value.args[0] == 2812


def test_a_default_by_position_is_refused_and_listed(tds, running):
    with pytest.raises(pytds.Error):
        tds.cursor().callproc("p", [pytds.default])
    assert running.door.gaps.list() == [{"kind": "parameter", "what": "a default by position", "times": 1}]


def test_a_table_valued_parameter_is_refused_and_listed(tds, running):
    rows = pytds.TableValuedParam(
        type_name="dbo.T", columns=[pytds.Column(type=pytds.tds_types.IntType())], rows=[(1,)]
    )
    with pytest.raises(pytds.Error):
        tds.cursor().callproc("p", [rows])
    assert running.door.gaps.list() == [{"kind": "wire type", "what": "0xF3", "times": 1}]


def message(kind: Kind, body: bytes):
    return read_request(kind, bytes.fromhex("16000000120000000200000000000000000001000000") + body, None)


def test_one_message_may_call_twice():
    def call(name: str) -> bytes:
        return struct.pack("<H", len(name)) + name.encode("utf-16-le") + b"\0\0" + b"\0\0\x26\x04\x04\x05\0\0\0"

    calls = message(Kind.RPC, call("p") + b"\xff" + call("q")).calls
    assert [(one.name, one.parameters[0].value) for one in calls] == [("p", 5), ("q", 5)]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("05000000", "BEGIN TRANSACTION"),
        ("05000400", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; BEGIN TRANSACTION"),
        ("0500000241 00", "BEGIN TRANSACTION [A]"),
        ("07000000", "COMMIT TRANSACTION"),
        ("0700000100 00", "COMMIT TRANSACTION; BEGIN TRANSACTION"),
        ("0800024100 00", "ROLLBACK TRANSACTION [A]"),
        ("0900025d00", "SAVE TRANSACTION []]]"),
    ],
)
def test_transaction_manager_requests_in_words(body, text):
    assert message(Kind.TRANSACTION, bytes.fromhex(body)).text == text


def test_distributed_transactions_are_refused():
    with pytest.raises(NotImitated):
        message(Kind.TRANSACTION, b"\0\0")


@given(st.binary(max_size=60), st.sampled_from([Kind.BATCH, Kind.RPC, Kind.TRANSACTION]))
def test_broken_bytes_are_refused_never_a_crash(body, kind):
    with contextlib.suppress(ProtocolError, NotImitated):
        message(kind, body)


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("insert bulk T ([A] VARCHAR(15), [B] NUMERIC(19,5))", "T"),
        ("INSERT BULK [my table] ([A] INT)", "[my table]"),
        ("insert bulk DYNAMICS..SY01500 ([A] INT) with (CHECK_CONSTRAINTS)", "DYNAMICS..SY01500"),
        ("insert bulk #keys ([k] CHAR(15))", "#keys"),
        ("insert into T values (1)", ""),
        ("select 'insert bulk T (a int)'", ""),
    ],
)
def test_an_insert_bulk_announces_its_table(text, table):
    assert announced_table(text) == table


@pytest.mark.parametrize("hint", ["TABLOCK", "KEEP_NULLS", "ROWS_PER_BATCH = 5", "ORDER ([A] ASC)"])
def test_bulk_hints_are_refused(hint):
    with pytest.raises(NotImitated):
        announced_table(f"insert bulk T ([A] INT) with ({hint})")


def test_pymssql_bulk_copy_loads_in_pieces_without_the_identity(running, script):
    script.describe(
        "T",
        [
            Column("CUSTNMBR", SqlType("char", 15), nullable=False),
            Column("DEX_ROW_ID", INT, nullable=False, identity=True),
            Column("AMOUNT", SqlType("numeric", None, 19, 5)),
            Column("NOTE", SqlType("nvarchar", 50)),
        ],
    )
    source = """
from decimal import Decimal
rows = [(f"C{n}", Decimal(n) + Decimal("0.00001"), None if n % 2 else "日本") for n in range(5)]
connection = connect()
connection.bulk_copy("T", rows, column_ids=[1, 3, 4], batch_size=2)
result = "done"
"""
    assert in_process(running, source) == "done"
    assert [len(rows) for _, _, rows in script.loads] == [2, 2, 1]
    table, columns, rows = script.loads[0]
    assert table == "T"
    assert [(column.name, column.type) for column in columns] == [
        ("CUSTNMBR", SqlType("char", 15)),
        ("AMOUNT", SqlType("numeric", None, 19, 5)),
        ("NOTE", SqlType("nvarchar", 50)),
    ]
    assert rows == [["C0", Decimal("0.00001"), "日本"], ["C1", Decimal("1.00001"), None]]


def test_python_tds_copy_to_loads(tds, script):
    cursor = tds.cursor()
    column = pytds.Column("A", type=pytds.tds_types.VarCharType(10))
    cursor.copy_to(data=[("a",), ("",), (None,)], table_or_view="T", columns=[column])
    assert script.loads[0][2] == [["a"], [""], [None]]


def test_after_a_load_the_connection_goes_on(tds, script):
    cursor = tds.cursor()
    cursor.copy_to(data=[(1,)], table_or_view="T", columns=[pytds.Column("A", type=pytds.tds_types.IntType())])
    script.batches["x"] = lambda output, _: numbers(output, 1)
    cursor.execute("x")
    assert cursor.fetchall() == [(1,)]
