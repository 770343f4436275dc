"""The admin door's own routes."""

from datetime import UTC, datetime
from pathlib import Path

import httpx
import pymssql
import pytest

from sandbox.gp.server import GpServer
from tests.sandbox.gp.calls import customer, rows
from tests.sandbox.gp.conftest import Endpoint


@pytest.fixture
def door(gp: Endpoint) -> httpx.Client:
    return httpx.Client(base_url=str(gp.announced["admin"]), timeout=30)


def _sql(door: httpx.Client, database: str, sql: str) -> httpx.Response:
    return door.post("/sql", json={"database": database, "sql": sql})


def test_sql_answers_with_result_sets(door: httpx.Client) -> None:
    answer = _sql(door, "TWO", "SELECT 1 AS n; SELECT CRLMTAMT, FRSTINDT FROM RM00101 WHERE CUSTNMBR='AARONFIT0001'")
    assert answer.json()["results"] == [
        {"columns": ["n"], "rows": [[1]]},
        {"columns": ["CRLMTAMT", "FRSTINDT"], "rows": [["35000.00000", "1900-01-01T00:00:00"]]},
    ]


def test_an_sql_error_has_its_number(door: httpx.Client) -> None:
    answer = _sql(door, "TWO", "SELECT * FROM NOTHING")
    assert (answer.status_code, answer.json()["number"]) == (400, 208)


def test_the_clock_is_put_forward_and_back(door: httpx.Client) -> None:
    def off() -> float:
        utc = datetime.fromisoformat(_sql(door, "TWO", "SELECT GETUTCDATE()").json()["results"][0]["rows"][0][0])
        return (utc.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()

    assert door.post("/clock", json={"ahead": 7_200}).status_code == 200
    assert off() == pytest.approx(7_200, abs=60)
    assert door.post("/clock", json={"ahead": 0}).status_code == 200
    assert off() == pytest.approx(0, abs=60)
    assert door.post("/clock", json={"ahead": 1e9}).status_code == 400


def test_seeding_adds_customers(door: httpx.Client) -> None:
    count = "SELECT COUNT(*) FROM RM00101"
    before = _sql(door, "THREE", count).json()["results"][0]["rows"][0][0]
    assert door.post("/seed", json={"company": "THREE", "customers": 40, "seed": 5}).status_code == 200
    assert _sql(door, "THREE", count).json()["results"][0]["rows"][0][0] == before + 40


def test_rows_examined_are_counted_once_their_connection_is_closed(door: httpx.Client) -> None:
    assert door.post("/statistics").status_code == 200
    before = door.get("/rows-examined").json()["rows"]
    [[count]] = _sql(door, "TWO", "SELECT COUNT(*) FROM RM00101 WHERE CITY LIKE '%q%' OR 1 = 1").json()["results"][0][
        "rows"
    ]
    assert door.get("/rows-examined").json()["rows"] - before == count


@pytest.mark.parametrize("wrong", [{"company": "THREE", "customers": 0}, {"company": "THREE"}, {"what": 1}])
def test_a_wrong_request_is_refused(door: httpx.Client, wrong: dict[str, object]) -> None:
    assert door.post("/seed", json=wrong).status_code == 400


def test_change_tracking_is_switched_and_cleaned(door: httpx.Client) -> None:
    version = "SELECT CHANGE_TRACKING_CURRENT_VERSION(), CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID('RM00101'))"

    def versions() -> list[int | None]:
        return _sql(door, "THREE", version).json()["results"][0]["rows"][0]

    assert versions() == [None, None]
    door.post("/change-tracking", json={"database": "THREE", "enabled": True})
    door.post("/change-tracking", json={"database": "THREE", "table": "RM00101", "enabled": True})
    _sql(door, "THREE", "UPDATE RM00101 SET COMMENT1='x'")
    current, oldest = versions()
    assert oldest <= current
    door.post("/change-tracking/clean", json={"database": "THREE"})
    assert versions()[1] > oldest
    door.post("/change-tracking", json={"database": "THREE", "table": "RM00101", "enabled": False})
    door.post("/change-tracking", json={"database": "THREE", "enabled": False})
    assert versions() == [None, None]


def test_a_normalising_post_procedure_is_switched_on_and_off(gp: Endpoint, door: httpx.Client) -> None:
    name = "SELECT RTRIM(CUSTNAME) FROM RM00101 WHERE CUSTNMBR = 'ASTORSUI0001'"

    def renamed(enabled: bool) -> object:
        assert door.post("/normalising-post", json={"company": "TWO", "enabled": enabled}).status_code == 200
        with gp.connect() as caller:
            assert customer(caller, CUSTNMBR="ASTORSUI0001", CUSTNAME="Astor Suites").state == 0
            return rows(caller, name)[0][0]

    assert renamed(enabled=True) == "ASTOR SUITES"
    assert renamed(enabled=False) == "Astor Suites"


def test_a_restore_brings_back_rows_and_change_versions_and_cuts_connections(gp: Endpoint, door: httpx.Client) -> None:
    state = (
        "SELECT CHANGE_TRACKING_CURRENT_VERSION(), (SELECT RTRIM(COMMENT1) FROM RM00101 WHERE CUSTNMBR='COHOWINE0001')"
    )

    def now() -> list[object]:
        return _sql(door, "TWO", state).json()["results"][0]["rows"][0]

    before = now()
    assert door.post("/restore-point").status_code == 200
    _sql(door, "TWO", "UPDATE RM00101 SET COMMENT1='later' WHERE CUSTNMBR='COHOWINE0001'")
    open_connection = gp.connect()
    version, comment = now()
    assert version > before[0]
    assert comment == "later"
    assert door.post("/restore").status_code == 200
    assert now() == before
    with pytest.raises(pymssql.Error):
        open_connection.cursor().execute("SELECT 1")
    with gp.connect() as fresh:
        fresh.cursor().execute("SELECT 1")


def test_a_restore_without_a_restore_point_is_refused(folder: Path) -> None:
    with pytest.raises(FileNotFoundError):
        GpServer(folder).restore()
