"""An error is judged by its number alone, and told in plain words."""

import pymssql
import pytest
from pymssql._mssql import MSSQLDatabaseException

from sync.errors import BadSettings, Rejected, RetryLater
from sync.systems.gp.faults import FeedMoved, connection_lost, explain, number_of

_NOISE = b"DB-Lib error message 20018, severity 16:\nGeneral SQL Server error: Check messages from the SQL Server\n"


@pytest.mark.parametrize(
    ("number", "kind", "code"),
    [
        (1205, RetryLater, "busy"),
        (1222, RetryLater, "busy"),
        (20003, RetryLater, "busy"),
        (20009, RetryLater, "system_unreachable"),
        (20017, RetryLater, "system_unreachable"),
        (20002, RetryLater, "system_unreachable"),
        (10054, RetryLater, "system_unreachable"),
        (596, RetryLater, "system_unreachable"),
        (18456, BadSettings, "sign_in_failed"),
        (4060, BadSettings, "table_missing"),
        (916, BadSettings, "right_missing"),
        (229, BadSettings, "right_missing"),
        (230, BadSettings, "right_missing"),
        (208, BadSettings, "table_missing"),
        (207, BadSettings, "column_missing"),
        (22105, FeedMoved, "setting_missing"),
        (245, Rejected, "source_unreadable"),
        (102, Rejected, "unexpected"),
    ],
)
@pytest.mark.parametrize("raised", [pymssql.OperationalError, pymssql.ProgrammingError, pymssql.DatabaseError])
def test_number_decides_whatever_the_class(number: int, kind: type, code: str, raised: type) -> None:
    error = explain(raised(number, b"something" + _NOISE), "sql01:1433", "TWO")
    assert type(error) is kind
    assert error.code == code


def test_message_names_server_database_and_object_without_the_drivers_noise() -> None:
    text = b"The SELECT permission was denied on the object 'RM00101', database 'TWO', schema 'dbo'." + _NOISE
    error = explain(pymssql.OperationalError(229, text), "sql01:1433", "TWO")
    assert "sql01:1433" in error.message
    assert "RM00101" in error.message
    assert "DB-Lib" not in error.message
    assert error.details == "SQL Server error 229"


def test_sign_in_errors_nest_their_number() -> None:
    error = pymssql.OperationalError((18456, b"Login failed for user 'gp365'." + _NOISE))
    assert number_of(error) == 18456
    assert explain(error, "sql01:1433", "TWO").code == "sign_in_failed"


_REFUSED = b"DB-Lib error message 20018, severity 14:\nGeneral SQL Server error: Check messages\n"
_UNABLE = b"DB-Lib error message 20009, severity 9:\nUnable to connect: TDS server is unavailable (sql01)\n"


def test_a_stopped_server_does_not_look_like_the_wrong_password_of_last_week() -> None:
    error = explain(pymssql.OperationalError((18456, _UNABLE)), "sql01:1433", "TWO")
    assert error.code == "system_unreachable"
    assert "Unable to connect" in error.message
    assert explain(pymssql.OperationalError((18456, b"Unknown error")), "s", "TWO").code == "system_unreachable"


def test_a_second_wrong_password_is_one_although_the_driver_swallows_the_reason() -> None:
    error = pymssql.OperationalError((18456, _REFUSED + b"DB-Lib error message 20002, severity 9:\nfailed\n"))
    assert explain(error, "sql01:1433", "TWO").code == "sign_in_failed"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (_REFUSED, "refused the sign-in (GP365_GP_USER, GP365_GP_PASSWORD, or no such database)"),
        (_UNABLE + b"Net-Lib error during Connection refused (111)\n", "does not answer: Connection refused (111)"),
    ],
)
def test_the_drivers_empty_words_are_left_out(raw: bytes, said: str) -> None:
    error = explain(pymssql.OperationalError((18456, raw)), "sql01:1433", "TWO")
    assert error.message == f"SQL Server sql01:1433, database TWO {said}"


def test_a_missing_database_is_told_when_it_is_the_worst_so_far() -> None:
    text = b'Cannot open database "TOO" requested by the login. The login failed.' + _REFUSED
    assert explain(pymssql.OperationalError((4060, text)), "sql01:1433", "TOO").code == "table_missing"


def test_a_time_out_is_busy_and_not_a_lost_connection() -> None:
    text = b"DB-Lib error message 20003, severity 6:\nAdaptive Server connection timed out\n"
    error = pymssql.OperationalError(20047, text)
    assert explain(error, "sql01:1433", "TWO").code == "busy"
    assert not connection_lost(error)


def test_a_dead_connection_is_told_from_an_answer() -> None:
    assert connection_lost(pymssql.OperationalError(20017, b"Unexpected EOF from the server"))
    assert connection_lost(pymssql.InterfaceError("Not connected to any MS SQL server"))
    assert not connection_lost(pymssql.OperationalError(1205, b"deadlock"))


def test_low_level_driver_errors_are_understood() -> None:
    error = MSSQLDatabaseException((2601, b"Cannot insert duplicate key" + _NOISE))
    assert explain(error, "sql01:1433", "TWO").code == "unexpected"


def test_nothing_known_is_retried_as_unreachable() -> None:
    assert explain(pymssql.OperationalError(), "sql01:1433", "TWO").code == "system_unreachable"
