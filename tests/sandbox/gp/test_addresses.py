"""taCreateCustomerAddress and taCreateInternetAddresses: what they write and keep."""

import pymssql

from tests.sandbox.gp.calls import Answer, address, internet, rows, run

DONE = Answer(0, 0, "")
OLD = "AARONFIT0001"
MAILS = "SELECT RTRIM(INET1), RTRIM(INET2), CAST(EmailToAddress AS varchar(max)) FROM SY01200 WHERE Master_ID=%s"


def _row(connection: pymssql.Connection, table: str, *columns: str, where: str = "1=1") -> tuple[object, ...]:
    names = ", ".join(f"RTRIM({column})" for column in columns)
    return rows(connection, f"SELECT {names} FROM {table} WHERE CUSTNMBR=%s AND {where}", [OLD])[0]


def test_a_second_address_leaves_the_customers_own_row_alone(two: pymssql.Connection) -> None:
    assert address(two, CUSTNMBR=OLD, ADRSCODE="depot", CITY="Oslo", ShipToName="Depot") == DONE
    assert _row(two, "RM00102", "CITY", "ShipToName", where="ADRSCODE='DEPOT'") == ("Oslo", "Depot")
    assert _row(two, "RM00101", "CITY") == ("Chicago",)


def test_the_main_address_is_repeated_on_the_customer(two: pymssql.Connection) -> None:
    assert address(two, CUSTNMBR=OLD, ADRSCODE="PRIMARY", CITY="Oslo", ZIPCODE="0150", PHNUMBR1="47555") == DONE
    for table in ("RM00101", "RM00102"):
        assert _row(two, table, "CITY", "ZIP", "PHONE1", "ADDRESS1") == ("Oslo", "0150", "47555", "One Microsoft Way")


def test_the_address_has_user_fields_of_its_own(two: pymssql.Connection) -> None:
    address(two, CUSTNMBR=OLD, ADRSCODE="PRIMARY", USERDEF1="mine", INTEGRATIONID="key")
    assert _row(two, "RM00102", "USERDEF1", "INTEGRATIONID") == ("mine", "key")
    assert _row(two, "RM00101", "USERDEF1", "INTEGRATIONID") == ("", "")


def test_internet_addresses_are_written_whole(two: pymssql.Connection) -> None:
    key = {"Master_Type": "cus", "Master_ID": OLD.lower(), "ADRSCODE": "primary"}
    assert internet(two, **key, INET1="new@x.example", EmailToAddress="a@x.example;b@x.example") == DONE
    assert rows(two, MAILS, [OLD]) == [("new@x.example", "", "a@x.example;b@x.example")]


def test_an_address_code_of_anybody_is_good_enough(two: pymssql.Connection) -> None:
    address(two, CUSTNMBR="CONTOSOL0001", ADRSCODE="ELSEWHERE")
    assert internet(two, Master_Type="CUS", Master_ID=OLD, ADRSCODE="ELSEWHERE", INET1="x@y.example") == DONE


def test_items_need_no_address_code(two: pymssql.Connection) -> None:
    assert internet(two, Master_Type="ITM", Master_ID="100xlg", INET4="phone.png") == DONE


def test_the_labels_of_the_company_are_made_when_missing(two: pymssql.Connection) -> None:
    run(two, "DELETE FROM SY04800")
    internet(two, Master_Type="CUS", Master_ID=OLD, ADRSCODE="PRIMARY")
    assert rows(two, "SELECT CMPANYID, RTRIM(INETPRMPTS_1) FROM SY04800") == [(1, "E-mail")]


def test_a_blank_is_a_value_but_null_is_not(two: pymssql.Connection) -> None:
    key = {"Master_Type": "CUS", "Master_ID": OLD, "ADRSCODE": "PRIMARY"}
    assert internet(two, **key, INET1="") == DONE
    assert internet(two, **key, INET1=None).numbers == [10900]
