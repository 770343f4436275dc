"""python-tds, a client nobody here wrote, sees the same company."""

from collections.abc import Iterator
from decimal import Decimal

import pytds
import pytest

from tests.sandbox.gp.conftest import Endpoint


@pytest.fixture
def foreign(gp: Endpoint) -> Iterator[pytds.Connection]:
    with pytds.connect(
        dsn="127.0.0.1",
        port=gp.announced["port"],
        user="gp365",
        password=gp.server.passwords["gp365"],
        database="TWO",
        autocommit=False,
    ) as connection:
        yield connection


def test_it_reads_customers(foreign: pytds.Connection) -> None:
    cursor = foreign.cursor()
    cursor.execute("SELECT CUSTNMBR, CRLMTAMT FROM RM00101 WHERE CUSTNMBR=%s", ("aaronfit0001",))
    assert cursor.fetchall() == [("AARONFIT0001".ljust(15), Decimal("35000.00000"))]


def test_it_calls_a_procedure_and_gets_its_outputs(foreign: pytds.Connection) -> None:
    cursor = foreign.cursor()
    outputs = cursor.callproc(
        "taUpdateCreateCustomerRcd",
        {
            "@I_vCUSTNMBR": "AARONFIT0001",
            "@I_vPYMTRMID": "Net 31",
            "@O_iErrorState": pytds.output(param_type="int"),
            "@oErrString": pytds.output(param_type="varchar(255)"),
        },
    )
    assert cursor.get_proc_return_status() == 5421
    assert list(outputs)[-2:] == [5421, " 5421"]


def test_it_rolls_back(foreign: pytds.Connection) -> None:
    cursor = foreign.cursor()
    read = "SELECT RTRIM(COMMENT1) FROM RM00101 WHERE CUSTNMBR='AARONFIT0001'"
    cursor.execute(
        "DECLARE @es int, @em varchar(255); EXEC taUpdateCreateCustomerRcd @I_vCUSTNMBR='AARONFIT0001', "
        "@I_vCOMMENT1='foreign', @O_iErrorState=@es OUTPUT, @oErrString=@em OUTPUT"
    )
    cursor.execute(read)
    assert cursor.fetchall() == [("foreign",)]
    foreign.rollback()
    cursor.execute(read)
    assert cursor.fetchall() == [("",)]
