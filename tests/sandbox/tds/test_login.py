import pymssql
import pytds
import pytest

from sandbox.door import Fault
from sandbox.tds.contract import SqlError
from sandbox.tds.login import choose_encryption
from tests.sandbox.tds.script import PASSWORD, Running, in_process, numbers, pymssql_to, pytds_to

OFF, ON, NOT_SUPPORTED, REQUIRED = range(4)


def test_the_engine_learns_who_logs_in(running, script):
    pymssql_to(running.port, appname="gp365").close()
    login = script.logins[0]
    assert (login.user, login.password, login.database, login.app) == ("sa", PASSWORD, "TWO", "gp365")


def test_a_wrong_password_is_18456(running, script):
    script.refusals["sa"] = SqlError(18456, "Login failed for user 'sa'.", severity=14)
    with pytest.raises(pytds.OperationalError) as caught:
        pytds_to(running.port)
    assert (caught.value.number, caught.value.severity) == (18456, 14)
    with pytest.raises(pymssql.OperationalError) as caught:
        pymssql_to(running.port)
    assert caught.value.args[0][0] == 18456


def test_an_unknown_database_is_4060_and_then_a_failed_login(running, script):
    script.refusals["sa"] = SqlError(4060, "Cannot open database 'NONE'.", severity=11)
    with pytest.raises(pytds.OperationalError) as caught:
        pytds_to(running.port, database="NONE")
    assert caught.value.args[0] == "Cannot open database 'NONE'. Login failed."
    source = """
result = None
try:
    connect(database="NONE")
except pymssql.OperationalError as error:
    result = error.args[0][0]
"""
    assert in_process(running, source) == 18456


def test_a_planned_login_error_strikes_one_user(running, script):
    running.door.faults.add(Fault(at="tds.login", match="^sa$", do="error", code=18456))
    with pytest.raises(pymssql.OperationalError):
        pymssql_to(running.port)
    assert not script.logins
    pymssql_to(running.port).close()


def test_a_dropped_login_is_an_error(running):
    running.door.faults.add(Fault(at="tds.login", do="drop", times=-1))
    with pytest.raises(pymssql.OperationalError):
        pymssql_to(running.port)


def test_an_old_protocol_is_refused_and_said(running):
    # pymssql keeps the gravest login error of its process and would tell it instead of later ones.
    source = """
result = None
try:
    connect(tds_version="7.1")
except pymssql.OperationalError as error:
    result = error.args[0][0]
"""
    assert in_process(running, source) == 40510
    assert running.door.gaps.list()[0]["kind"] == "login"


@pytest.mark.parametrize(
    ("mode", "wanted", "answer"),
    [
        ("off", OFF, NOT_SUPPORTED),
        ("off", ON, NOT_SUPPORTED),
        ("off", NOT_SUPPORTED, NOT_SUPPORTED),
        ("login", OFF, OFF),
        ("login", ON, ON),
        ("login", NOT_SUPPORTED, NOT_SUPPORTED),
        ("required", OFF, REQUIRED),
        ("required", ON, ON),
        ("required", NOT_SUPPORTED, REQUIRED),
    ],
)
def test_encryption_is_agreed_as_the_protocol_says(mode, wanted, answer):
    assert choose_encryption(mode, wanted) == answer


CLIENT_WISHES = [{}, {"encryption": "off"}, {"encryption": "request"}, {"encryption": "require"}]


@pytest.mark.parametrize("tls", ["off", "login", "required"])
def test_every_client_wish_meets_every_server_mode(tls):
    running = Running(tls)
    try:
        running.script.batches["x"] = lambda output, _: numbers(output, *range(20_000))
        for wish in CLIENT_WISHES:
            if tls == "off" and wish == {"encryption": "require"}:
                with pytest.raises(pymssql.OperationalError):
                    pymssql_to(running.port, **wish)
                continue
            with pymssql_to(running.port, **wish) as connection:
                cursor = connection.cursor()
                cursor.execute("x")
                assert len(cursor.fetchall()) == 20_000
    finally:
        running.end()


def test_a_client_without_tls_is_let_in_unless_it_is_required():
    running = Running("required")
    try:
        with pytest.raises(pytds.Error):
            pytds_to(running.port)
    finally:
        running.end()
