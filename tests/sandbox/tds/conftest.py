import pymssql
import pytds
import pytest
from tests.sandbox.tds.script import Running


@pytest.fixture
def running():
    server = Running()
    yield server
    server.end()


@pytest.fixture
def script(running):
    return running.script


def pymssql_to(running, **options):
    asked = {
        "server": "127.0.0.1",
        "port": str(running.port),
        "user": "sa",
        "password": "S3cret!ß",
        "database": "TWO",
        "tds_version": "7.4",
        "autocommit": True,
        "login_timeout": 5,
    }
    return pymssql.connect(**{**asked, **options})


def pytds_to(running, **options):
    asked = {"user": "sa", "password": "S3cret!ß", "database": "TWO", "autocommit": True, "login_timeout": 5}
    return pytds.connect("127.0.0.1", port=running.port, **{**asked, **options})


@pytest.fixture
def mssql(running):
    with pymssql_to(running) as connection:
        yield connection


@pytest.fixture
def tds(running):
    with pytds_to(running) as connection:
        yield connection
