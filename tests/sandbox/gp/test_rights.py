"""The three logins: what each may do, and how the rest is refused."""

from collections.abc import Callable

import pymssql
import pytest

from tests.sandbox.gp.calls import customer, rows, run
from tests.sandbox.gp.conftest import Endpoint

Connect = Callable[..., pymssql.Connection]


def _refusal(connection: pymssql.Connection, sql: str) -> int:
    with pytest.raises(pymssql.Error) as caught:
        rows(connection, sql)
    return caught.value.args[0]


@pytest.mark.parametrize("database", ["TWO", "THREE", "DYNAMICS"])
def test_the_integration_login_reads_every_database(connect: Connect, database: str) -> None:
    table = "SY01500" if database == "DYNAMICS" else "RM00101"
    assert rows(connect(database), f"SELECT COUNT(*) FROM {table}")[0][0] > 0


def test_the_integration_login_runs_the_procedures(connect: Connect) -> None:
    assert customer(connect("TWO"), CUSTNMBR="AARONFIT0001", COMMENT1="x").state == 0


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE RM00101 SET COMMENT1='x'",
        "DELETE FROM RM00101",
        "INSERT INTO RM00101 (CUSTNMBR) VALUES ('N')",
        "UPDATE DYNAMICS..SY01500 SET NOTEINDX = 1",
    ],
)
def test_the_integration_login_changes_no_table_directly(connect: Connect, sql: str) -> None:
    assert _refusal(connect("TWO"), sql) == 229


def test_the_integration_login_sees_change_tracking(connect: Connect) -> None:
    assert rows(connect("TWO"), "SELECT c.CUSTNMBR FROM CHANGETABLE(CHANGES RM00101, 0) AS c") is not None


def test_the_reader_sees_one_table(connect: Connect) -> None:
    reader = connect("TWO", "reader")
    assert rows(reader, "SELECT COUNT(*) FROM RM00101")[0][0] > 0
    assert _refusal(reader, "SELECT * FROM RM00102") == 229
    assert _refusal(reader, "SELECT * FROM CHANGETABLE(CHANGES RM00101, 0) AS c") == 229


def test_the_reader_runs_no_procedure(connect: Connect) -> None:
    with pytest.raises(pymssql.Error) as caught:
        customer(connect("TWO", "reader"), CUSTNMBR="N")
    assert caught.value.args[0] == 229


def test_the_reader_is_no_user_of_the_system_database(connect: Connect) -> None:
    assert _refusal(connect("TWO", "reader"), "SELECT * FROM DYNAMICS..SY01500") == 916


def test_a_wrong_password_is_refused(gp: Endpoint) -> None:
    with pytest.raises(pymssql.Error) as caught:
        pymssql.connect(
            server="127.0.0.1", port=str(gp.announced["port"]), user="gp365", password="wrong", database="TWO"
        )
    assert "18456" in str(caught.value)


def test_passwords_are_random(gp: Endpoint) -> None:
    assert len(set(gp.server.passwords.values())) == 3
    assert all(len(password) >= 16 for password in gp.server.passwords.values())


def test_administrators_may_do_anything(connect: Connect) -> None:
    run(connect("TWO", "sa"), "DELETE FROM RM00102")
