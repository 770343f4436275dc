import pytest

from tests.sandbox.tds.script import Running, pymssql_to, pytds_to


@pytest.fixture
def running():
    server = Running()
    yield server
    server.end()


@pytest.fixture
def script(running):
    return running.script


@pytest.fixture
def mssql(running):
    with pymssql_to(running.port) as connection:
        yield connection


@pytest.fixture
def tds(running):
    with pytds_to(running.port) as connection:
        yield connection
