"""taUpdateCreateCustomerRcd: what it writes, keeps and defaults."""

from collections.abc import Callable
from decimal import Decimal

import pymssql
import pytest

from tests.sandbox.gp.calls import Answer, call, customer, rows, run

DONE = Answer(0, 0, "")
OLD = "AARONFIT0001"


def _value(connection: pymssql.Connection, column: str, number: str = OLD) -> object:
    value = rows(connection, f"SELECT {column} FROM RM00101 WHERE CUSTNMBR=%s", [number])[0][0]
    return value.rstrip() if isinstance(value, str) else value


def test_a_new_customer_gets_its_row_its_summary_and_its_address(two: pymssql.Connection) -> None:
    made = {"CUSTNMBR": "newone0001", "CUSTNAME": "New One", "ADRSCODE": "primary", "CITY": "Oslo", "PHNUMBR1": "123"}
    assert customer(two, **made) == DONE
    assert rows(
        two, "SELECT RTRIM(CUSTNMBR), RTRIM(ADRSCODE), RTRIM(CITY) FROM RM00101 WHERE CUSTNMBR='NEWONE0001'"
    ) == [("NEWONE0001", "PRIMARY", "Oslo")]
    assert rows(two, "SELECT CUSTBLNC, TTLSLYTD FROM RM00103 WHERE CUSTNMBR='NEWONE0001'") == [(0, 0)]
    assert rows(two, "SELECT RTRIM(ADRSCODE), RTRIM(CITY), RTRIM(PHONE1) FROM RM00102 WHERE CUSTNMBR='NEWONE0001'") == [
        ("PRIMARY", "Oslo", "123")
    ]


def test_every_address_code_of_a_new_customer_gets_an_address(two: pymssql.Connection) -> None:
    customer(two, CUSTNMBR="N", ADRSCODE="A", PRSTADCD="B", PRBTADCD="C", STADDRCD="A")
    found = rows(two, "SELECT RTRIM(ADRSCODE) FROM RM00102 WHERE CUSTNMBR='N' ORDER BY 1")
    assert found == [("A",), ("B",), ("C",)]


def test_create_address_off_writes_no_address(two: pymssql.Connection) -> None:
    assert customer(two, CUSTNMBR="N", CreateAddress=0) == DONE
    assert rows(two, "SELECT ADRSCODE FROM RM00102 WHERE CUSTNMBR='N'") == []


def test_a_customer_without_class_or_credit_type_has_no_credit(two: pymssql.Connection) -> None:
    customer(two, CUSTNMBR="N")
    assert (_value(two, "CRLMTTYP", "N"), _value(two, "PYMTRMID", "N")) == (0, "")


def test_a_class_fills_what_the_caller_left_out(two: pymssql.Connection) -> None:
    customer(two, CUSTNMBR="N", CUSTCLAS="USA-ILMO-T1", UseCustomerClass=1, CRLMTAMT=Decimal(7), PYMTRMID="COD")
    found = [_value(two, name, "N") for name in ("CRLMTTYP", "CRLMTAMT", "PYMTRMID", "TAXSCHID", "CHEKBKID")]
    assert found == [2, 7, "COD", "USASTCITY-6*", "UPTOWN TRUST"]


def test_a_class_that_is_only_named_fills_nothing(two: pymssql.Connection) -> None:
    customer(two, CUSTNMBR="N", CUSTCLAS="USA-ILMO-T1")
    assert (_value(two, "CUSTCLAS", "N"), _value(two, "CRLMTTYP", "N")) == ("USA-ILMO-T1", 0)


def test_an_update_keeps_what_is_not_supplied_and_blanks_what_is_blank(two: pymssql.Connection) -> None:
    terms = _value(two, "PYMTRMID")
    assert customer(two, CUSTNMBR=OLD, COMMENT1="seen", CNTCPRSN="", ADRSCODE="PRIMARY") == DONE
    found = [_value(two, name) for name in ("COMMENT1", "CNTCPRSN", "PYMTRMID", "CUSTNAME")]
    assert found == ["seen", "", terms, "Aaron Fitz Electrical"]


def test_an_update_moves_the_modified_date_and_no_other(two: pymssql.Connection) -> None:
    run(two, "UPDATE RM00101 SET CREATDDT='2020-01-01', MODIFDT='2020-01-01' WHERE CUSTNMBR=%s", [OLD])
    customer(two, CUSTNMBR=OLD, COMMENT1="x")
    today = rows(two, "SELECT CAST(CAST(GETDATE() AS date) AS datetime)")[0][0]
    assert (_value(two, "CREATDDT").year, _value(two, "MODIFDT")) == (2020, today)


def test_identifiers_are_upper_cased_but_payment_terms_are_not(two: pymssql.Connection) -> None:
    customer(two, CUSTNMBR="low", PYMTRMID="net 30", PRCLEVEL="retail", SHIPMTHD="ground", CURNCYID="z-us$")
    found = [_value(two, name, "LOW") for name in ("CUSTNMBR", "PYMTRMID", "PRCLEVEL", "SHIPMTHD", "CURNCYID")]
    assert found == ["LOW", "net 30", "RETAIL", "GROUND", "Z-US$"]


def test_percents_are_stored_in_hundredths(two: pymssql.Connection) -> None:
    customer(two, CUSTNMBR=OLD, CUSTDISC=Decimal("2.50"))
    assert _value(two, "CUSTDISC") == 250


def test_account_strings_become_indexes_and_a_blank_one_unsets(two: pymssql.Connection) -> None:
    customer(two, CUSTNMBR=OLD, RMARACTNUMST="000-1200-00")
    index = rows(two, "SELECT ACTINDX FROM GL00105 WHERE ACTNUMST='000-1200-00'")[0][0]
    assert _value(two, "RMARACC") == index
    customer(two, CUSTNMBR=OLD, RMARACTNUMST="")
    assert _value(two, "RMARACC") == 0


def test_too_long_a_name_is_cut_without_a_word(two: pymssql.Connection) -> None:
    assert customer(two, CUSTNMBR=OLD, CUSTNAME="x" * 70) == DONE
    assert _value(two, "CUSTNAME") == "x" * 64


def test_an_unknown_shipping_method_becomes_setup_data(two: pymssql.Connection) -> None:
    assert customer(two, CUSTNMBR=OLD, SHIPMTHD="by kite") == DONE
    assert rows(two, "SELECT RTRIM(SHIPMTHD) FROM SY03000 WHERE SHIPMTHD='BY KITE'") == [("BY KITE",)]


def test_simple_errors_are_collected_and_nothing_is_written(two: pymssql.Connection) -> None:
    answer = customer(two, CUSTNMBR="N", TAXSCHID="NOPE", PYMTRMID="NOPE", HOLD=7)
    assert set(answer.numbers) == {250, 5421, 1621}
    assert answer.state == answer.returned == answer.numbers[-1]
    assert rows(two, "SELECT CUSTNMBR FROM RM00101 WHERE CUSTNMBR='N'") == []


def test_structural_errors_return_at_once(two: pymssql.Connection) -> None:
    assert customer(two, CUSTNMBR=OLD, UpdateIfExists=0, TAXSCHID="NOPE").numbers == [251]


def test_statement_recipients_replace_those_of_their_kind(two: pymssql.Connection) -> None:
    customer(two, CUSTNMBR=OLD, ToEmail_Recipient="a@x.example", CcEmail_Recipient="c@x.example")
    customer(two, CUSTNMBR=OLD, ToEmail_Recipient="b@x.example", CcEmail_Recipient="")
    found = rows(two, "SELECT Email_Type, RTRIM(Email_Recipient) FROM RM00106 WHERE CUSTNMBR=%s", [OLD])
    assert found == [(1, "b@x.example")]


def _note(connection: pymssql.Connection) -> list[tuple[object, ...]]:
    return rows(
        connection,
        "SELECT CAST(TXTFIELD AS varchar(max)) FROM SY03900 AS n JOIN RM00101 AS c "
        "ON c.NOTEINDX = n.NOTEINDX WHERE c.CUSTNMBR=%s",
        [OLD],
    )


def test_a_note_is_written_kept_replaced_and_deleted(two: pymssql.Connection) -> None:
    assert _note(two) == []
    customer(two, CUSTNMBR=OLD, NOTETEXT="first\r\nline")
    customer(two, CUSTNMBR=OLD, COMMENT1="x")
    assert _note(two) == [("first\r\nline",)]
    customer(two, CUSTNMBR=OLD, NOTETEXT="second")
    assert _note(two) == [("second",)]
    customer(two, CUSTNMBR=OLD, NOTETEXT="")
    assert _note(two) == []


def test_each_new_record_takes_the_next_note_index(two: pymssql.Connection) -> None:
    stored = "SELECT NOTEINDX FROM DYNAMICS..SY01500 WHERE INTERID='TWO'"
    first = rows(two, stored)[0][0]
    customer(two, CUSTNMBR="N1")
    customer(two, CUSTNMBR="N2")
    assert (_value(two, "NOTEINDX", "N1"), _value(two, "NOTEINDX", "N2")) == (first, first + 1)
    assert rows(two, stored)[0][0] == first + 2


def test_note_indexes_are_unique_in_a_company(two: pymssql.Connection) -> None:
    assert rows(two, "SELECT NOTEINDX FROM RM00101 GROUP BY NOTEINDX HAVING COUNT(*) > 1") == []


def test_a_rollback_undoes_all_that_the_procedures_wrote(
    two: pymssql.Connection, connect: Callable[..., pymssql.Connection]
) -> None:
    def counts(connection: pymssql.Connection) -> list[tuple[object, ...]]:
        tables = ("RM00101", "RM00102", "RM00103", "SY01200", "SY03000", "SY03900", "RM00106")
        return [
            *(rows(connection, f"SELECT COUNT(*) FROM {table}")[0] for table in tables),
            *rows(connection, "SELECT NOTEINDX FROM DYNAMICS..SY01500"),
        ]

    before = counts(two)
    all_of_it = {"ADRSCODE": "A", "SHIPMTHD": "BY KITE", "NOTETEXT": "x", "ToEmail_Recipient": "a@x.example"}
    assert customer(two, CUSTNMBR="N", **all_of_it) == DONE
    call(two, "taCreateInternetAddresses", Master_Type="CUS", Master_ID="N", ADRSCODE="A", INET1="a@x.example")
    assert all(now != then for now, then in zip(counts(two)[:7], before[:7], strict=True))
    two.rollback()
    assert counts(connect("TWO", "sa")) == before


def test_a_failed_address_leaves_the_customer_in_the_transaction(two: pymssql.Connection) -> None:
    customer(two, CUSTNMBR="N")
    assert call(two, "taCreateCustomerAddress", CUSTNMBR="N", ADRSCODE="A", CCode="XX").numbers == [6307]
    assert _value(two, "CUSTNMBR", "N") == "N"


@pytest.mark.parametrize(("kind", "allowed"), [("OFF", True), ("ON", False)])
def test_an_sql_error_inside_ends_the_batch_only_under_xact_abort(
    two: pymssql.Connection, kind: str, allowed: bool
) -> None:
    run(two, "UPDATE RM00101 SET CPRCSTNM='CONTOSOL0001' WHERE CUSTNMBR=%s", [OLD])
    run(two, f"SET XACT_ABORT {kind}")
    with pytest.raises(pymssql.Error) as caught:
        customer(two, CUSTNMBR=OLD, BALNCTYP=1)
    assert caught.value.args[0] == 547
    assert (rows(two, "SELECT @@TRANCOUNT")[0][0] > 0) == allowed


def test_the_outputs_must_be_supplied(two: pymssql.Connection) -> None:
    with pytest.raises(pymssql.Error) as caught:
        run(two, "EXEC taUpdateCreateCustomerRcd @I_vCUSTNMBR='N'")
    assert caught.value.args[0] == 201


def test_an_unknown_parameter_is_refused(two: pymssql.Connection) -> None:
    with pytest.raises(pymssql.Error) as caught:
        customer(two, CUSTNMBR="N", CUSTOMERNAME="x")
    assert caught.value.args[0] == 8145


def test_letters_without_a_capital_in_the_code_page_stay_as_they_are(two: pymssql.Connection) -> None:
    assert customer(two, CUSTNMBR="xßµƒé1") == DONE
    assert rows(two, "SELECT RTRIM(CUSTNMBR) FROM RM00101 WHERE CUSTNMBR LIKE N'X%'") == [("XßµƒÉ1",)]
