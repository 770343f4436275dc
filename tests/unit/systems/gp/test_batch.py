"""The text of a batch that writes: no value of a record changes it, whatever the record holds."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymssql import _mssql

from sync.errors import Rejected
from sync.mapping import Mapping
from sync.system import Record, Write
from sync.systems.gp.batch import batch
from sync.systems.gp.records import transaction_of
from sync.systems.gp.statements import Statement, misread

from .scripted import customer

MARK = "c7c72ec1ae9240d0a3931e6b20e06727"
# As SQL Server reads a text literal: up to a quote that no other follows.
LITERAL = re.compile(r"N?'(?:[^']|'')*'")
TEXTS = st.text(st.characters(codec="cp1252"), max_size=64)
HOSTILE = st.sampled_from(["'", "''", "%s", "%d", "%", "--", "/*", "N'", "\\", "; DROP TABLE RM00101", "a''b'c"])
LONG = st.text(st.characters(codec="cp1252", exclude_categories=["Cc"]), min_size=3_990, max_size=4_010)


@cache
def mapping() -> Mapping:
    return customer()


def seen(**values: object) -> Record:
    held = dict.fromkeys(mapping().gp.paths, "") | {"CRLMTAMT": Decimal(0), "CRLMTTYP": 0, "HOLD": 0, "INACTIVE": 0}
    return Record("A1", {**held, **values}, version="2027-04-12T09:00:00.003")


def update(values: dict, **held: object) -> Write:
    limit = datetime(2027, 4, 12, 9, 1, tzinfo=UTC)
    return Write("A1", values, MARK, seen=seen(**held), not_after=limit)


def sent(*writes: Write) -> tuple[str, Statement]:
    """The batch as it goes over the wire, and before its values are put in."""
    statement = batch(mapping(), [transaction_of(mapping(), write) for write in writes], 1000)
    text = _mssql.substitute_params(statement.text, statement.parameters, "utf-8")
    return text.decode() if isinstance(text, bytes) else text, statement


def skeleton(text: str) -> str:
    """What is left when every literal is taken out."""
    return LITERAL.sub("''", text)


@settings(max_examples=60, deadline=None)
@given(TEXTS | HOSTILE, TEXTS | HOSTILE, TEXTS | HOSTILE)
def test_no_value_that_is_written_or_was_seen_becomes_sql(name: str, street: str, held: str) -> None:
    plain, _ = sent(update({"CUSTNAME": "x", "bill_to.ADDRESS1": "x", "internet.INET1": "x"}, CUSTNAME="x"))
    try:
        values = {"CUSTNAME": name, "bill_to.ADDRESS1": street[:60], "internet.INET1": street}
        hostile, statement = sent(update(values, CUSTNAME=held))
    except Rejected:
        return
    assert statement.text.count("%s") == len(statement.parameters)
    if misread(held):
        assert "0x" in hostile
    else:
        assert skeleton(hostile) == skeleton(plain)


@settings(max_examples=10, deadline=None)
@given(LONG)
def test_a_long_text_goes_whole(text: str) -> None:
    values = {"internet.INETINFO": text}
    hostile, statement = sent(update(values))
    plain, _ = sent(update({"internet.INETINFO": "x"}))
    assert text.rstrip(" ") in statement.parameters
    assert skeleton(hostile) == skeleton(plain)


@given(st.binary(min_size=1, max_size=60))
def test_a_record_that_no_literal_can_say_is_compared_byte_by_byte(raw: bytes) -> None:
    held = "\\\n" + raw.decode("cp1252", "ignore")
    text, _ = sent(update({"FAX": "1"}, CUSTNAME=held))
    padded = held.encode("cp1252").ljust(65).hex().upper()
    assert f"CAST(t.[CUSTNAME] AS varbinary(65)) = 0x{padded}" in text


def test_every_column_that_was_read_is_compared() -> None:
    text, _ = sent(update({"FAX": "1"}))
    for path in mapping().gp.paths:
        column = path.rpartition(".")[2]
        assert re.search(rf"AND t\.\[{column}\] (COLLATE Latin1_General_BIN2 )?= ", text), path
    assert "t.[DEX_ROW_TS] = CAST(N'2027-04-12T09:00:00.003' AS datetime)" in text


def test_every_record_has_a_transaction_and_a_verdict_of_its_own() -> None:
    writes = [replace(update({"FAX": "1"}), id=f"A{number}") for number in range(4)]
    text, _ = sent(*writes)
    assert text.count("BEGIN TRAN;") == text.count("COMMIT;") == text.count("AS gp365_record") == 4
    assert re.findall(r"SELECT (\d) AS gp365_record", text) == ["0", "1", "2", "3"]


def test_rows_are_read_under_locks_that_hold_to_the_end() -> None:
    text, _ = sent(update({"bill_to.CITY": "x", "internet.INET1": "x"}))
    locked = re.findall(r"FROM dbo\.\[(\w+)\] AS t WITH \(UPDLOCK, HOLDLOCK, ROWLOCK\)", text)
    assert {"RM00101", "RM00102", "SY01200"} <= set(locked)


@pytest.mark.parametrize("create", [True, False])
def test_the_time_is_judged_before_the_first_call_and_before_the_commit(*, create: bool) -> None:
    write = replace(update({"CUSTNAME": "x"}), create=create)
    text, _ = sent(write)
    times = [found.start() for found in re.finditer(r"GETUTCDATE\(\) > CAST\(N'2027-04-12T09:01:00.000'", text)]
    assert len(times) == 2
    assert times[0] < text.index("EXEC ") < times[1] < text.index("COMMIT;")


def test_procedures_are_called_in_the_order_of_econnect() -> None:
    text, _ = sent(update({"CUSTNAME": "x", "bill_to.CITY": "x", "internet.INET1": "x"}))
    called = re.findall(r"EXEC @rc = dbo\.\[(\w+)\]", text)
    assert called == ["taUpdateCreateCustomerRcd", "taCreateCustomerAddress", "taCreateInternetAddresses"]


def test_a_create_never_lets_the_procedure_update_what_is_there() -> None:
    text, _ = sent(Write("A1", {"CUSTNAME": "x"}, MARK, create=True))
    assert text.index("SET @outcome = 'exists'") < text.index("EXEC ")
    assert "@I_vUpdateIfExists = 0," in text


def test_a_parameter_whose_default_is_a_value_is_never_null() -> None:
    text, _ = sent(update({"CUSTNAME": "x", "CRLMTAMT": None, "internet.INET1": None, "bill_to.CITY": None}))
    assert "= NULL," not in text.replace("@rc = NULL,", "").replace("@es = NULL,", "")
