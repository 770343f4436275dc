"""The databases as declared: keys, defaults, padding, checks, and the time stamps of section 1.4."""

from datetime import datetime, timedelta
from decimal import Decimal

import pymssql
import pytest

from sandbox.gp.tables import tables
from tests.sandbox.gp.calls import rows, run

NULL_DATE = datetime(1900, 1, 1)  # noqa: DTZ001
STAMPED = ["RM00101", "RM00102", "RM00301", "RM00303", "RM10301", "RM20101", "RM30101", "SY01200", "IV00101", "PM00200"]
UNSTAMPED = ["RM00103", "RM10201", "RM20201", "PM00201", "SY03300", "SY03900", "SY06000", "TX00101", "IV00102"]


def _stamp(connection: pymssql.Connection, table: str = "RM00101", customer: str = "AARONFIT0001") -> datetime:
    return rows(connection, f"SELECT DEX_ROW_TS FROM {table} WHERE CUSTNMBR=%s", [customer])[0][0]


@pytest.mark.parametrize("name", STAMPED)
def test_tables_that_gp_stamps_have_the_stamp(name: str) -> None:
    assert any(table.name == name and "DEX_ROW_TS" in table.columns for table in tables("TWO"))


@pytest.mark.parametrize("name", UNSTAMPED)
def test_tables_that_gp_does_not_stamp_have_none(name: str) -> None:
    assert any(table.name == name and "DEX_ROW_TS" not in table.columns for table in tables("TWO"))


def test_the_customer_master_has_its_103_columns_in_order(two: pymssql.Connection) -> None:
    names = [
        name
        for (name,) in rows(
            two,
            "SELECT COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME='RM00101' ORDER BY ORDINAL_POSITION",
        )
    ]
    assert len(names) == 103
    assert names[:2] == ["CUSTNMBR", "CUSTNAME"]
    assert names[-2:] == ["DEX_ROW_TS", "DEX_ROW_ID"]


def test_columns_not_named_take_the_defaults_of_gp(two: pymssql.Connection) -> None:
    run(two, "INSERT INTO RM00101 (CUSTNMBR) VALUES ('BARE')")
    found = rows(two, "SELECT CUSTNAME, CRLMTAMT, INACTIVE, FRSTINDT FROM RM00101 WHERE CUSTNMBR='BARE'")
    assert found == [(" " * 65, Decimal("0.00000"), 0, NULL_DATE)]


def test_text_comes_padded_to_the_width_of_its_column(two: pymssql.Connection) -> None:
    assert rows(two, "SELECT CUSTNMBR, CITY FROM RM00101 WHERE CUSTNMBR='AARONFIT0001'") == [
        ("AARONFIT0001".ljust(15), "Chicago".ljust(35))
    ]


def test_no_column_takes_null(two: pymssql.Connection) -> None:
    with pytest.raises(pymssql.Error) as caught:
        run(two, "UPDATE RM00101 SET CUSTNAME = NULL WHERE CUSTNMBR='AARONFIT0001'")
    assert caught.value.args[0] == 515


def test_a_taken_key_is_error_2627_in_plain_sql(two: pymssql.Connection) -> None:
    with pytest.raises(pymssql.Error) as caught:
        run(two, "INSERT INTO RM00101 (CUSTNMBR) VALUES ('aaronfit0001')")
    assert caught.value.args[0] == 2627


@pytest.mark.parametrize(
    "change",
    [
        "CPRCSTNM = 'CONTOSOL0001', BALNCTYP = 1",
        "CREATDDT = '2027-04-12 10:30'",
    ],
    ids=["a child of a national account carries no balance forward", "a date carries no time"],
)
def test_check_constraints_refuse(two: pymssql.Connection, change: str) -> None:
    with pytest.raises(pymssql.Error) as caught:
        run(two, f"UPDATE RM00101 SET {change} WHERE CUSTNMBR='AARONFIT0001'")
    assert caught.value.args[0] == 547


def test_an_insert_is_stamped_by_the_utc_clock(two: pymssql.Connection) -> None:
    run(two, "INSERT INTO RM00101 (CUSTNMBR) VALUES ('FRESH')")
    clock = rows(two, "SELECT GETUTCDATE()")[0][0]
    assert timedelta(0) <= clock - _stamp(two, customer="FRESH") < timedelta(minutes=1)


def test_a_plain_update_stamps_the_row_and_only_it(two: pymssql.Connection) -> None:
    before, other = _stamp(two), _stamp(two, customer="CONTOSOL0001")
    run(two, "UPDATE RM00101 SET COMMENT1 = 'x' WHERE CUSTNMBR='AARONFIT0001'")
    assert _stamp(two) > before
    assert _stamp(two, customer="CONTOSOL0001") == other


def test_one_statement_gives_all_its_rows_one_stamp(two: pymssql.Connection) -> None:
    run(two, "UPDATE RM00101 SET COMMENT1 = 'y'")
    assert rows(two, "SELECT COUNT(DISTINCT DEX_ROW_TS) FROM RM00101") == [(1,)]


def test_a_change_of_the_key_escapes_the_stamp(two: pymssql.Connection) -> None:
    before = _stamp(two)
    run(two, "UPDATE RM00101 SET CUSTNMBR='RENAMED' WHERE CUSTNMBR='AARONFIT0001'")
    assert _stamp(two, customer="RENAMED") == before


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO RM00102 (CUSTNMBR, ADRSCODE) VALUES ('AARONFIT0001', 'EXTRA')",
        "UPDATE RM00102 SET CITY='Oslo' WHERE CUSTNMBR='AARONFIT0001'",
        "DELETE FROM RM00102 WHERE CUSTNMBR='AARONFIT0001'",
    ],
    ids=["insert", "update", "delete"],
)
def test_a_change_of_an_address_stamps_its_customer(two: pymssql.Connection, change: str) -> None:
    before = _stamp(two)
    run(two, change)
    assert _stamp(two) > before


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE RM00103 SET CUSTBLNC = 5 WHERE CUSTNMBR='AARONFIT0001'",
        "UPDATE SY01200 SET INET2='x' WHERE Master_ID='AARONFIT0001'",
        "INSERT INTO SY03900 (NOTEINDX, TXTFIELD) VALUES (1, 'x')",
    ],
    ids=["summary", "internet addresses", "note"],
)
def test_what_gp_does_not_bump_leaves_the_customer_alone(two: pymssql.Connection, change: str) -> None:
    before = _stamp(two)
    run(two, change)
    assert _stamp(two) == before


def test_row_ids_grow_and_are_not_given_again_after_a_rollback(two: pymssql.Connection) -> None:
    run(two, "INSERT INTO RM00101 (CUSTNMBR) VALUES ('ONE')")
    first = rows(two, "SELECT DEX_ROW_ID FROM RM00101 WHERE CUSTNMBR='ONE'")[0][0]
    two.rollback()
    run(two, "INSERT INTO RM00101 (CUSTNMBR) VALUES ('ONE')")
    assert rows(two, "SELECT DEX_ROW_ID FROM RM00101 WHERE CUSTNMBR='ONE'")[0][0] > first
