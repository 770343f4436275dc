"""What the companies hold when they are new, and what the generator adds."""

from collections.abc import Callable

import pymssql
import pytest

from sandbox.gp import load
from sandbox.gp.admin import Admin
from tests.sandbox.gp.calls import rows
from tests.sandbox.gp.conftest import Endpoint


def test_two_holds_the_sample_customers_with_address_and_summary(two: pymssql.Connection) -> None:
    found = rows(
        two,
        "SELECT RTRIM(c.CUSTNMBR), RTRIM(a.CITY), s.CUSTBLNC FROM RM00101 AS c "
        "JOIN RM00102 AS a ON a.CUSTNMBR = c.CUSTNMBR AND a.ADRSCODE = c.PRBTADCD "
        "JOIN RM00103 AS s ON s.CUSTNMBR = c.CUSTNMBR ORDER BY c.CUSTNMBR",
    )
    assert len(found) == 21
    assert found[0] == ("AARONFIT0001", "Chicago", 0)


def test_the_companies_are_apart(connect: Callable[..., pymssql.Connection], two: pymssql.Connection) -> None:
    count = "SELECT COUNT(*) FROM RM00101"
    assert rows(two, count) != rows(connect("THREE"), count)


def test_each_customer_has_terms_that_exist(two: pymssql.Connection) -> None:
    sql = (
        "SELECT c.CUSTNMBR FROM RM00101 AS c LEFT JOIN SY03300 AS t ON t.PYMTRMID = c.PYMTRMID WHERE t.PYMTRMID IS NULL"
    )
    assert rows(two, sql) == []


def test_notes_and_numbers_are_in_step(two: pymssql.Connection) -> None:
    top = rows(two, "SELECT MAX(NOTEINDX) FROM RM00101")[0][0]
    assert rows(two, "SELECT NOTEINDX FROM DYNAMICS..SY01500 WHERE INTERID='TWO'")[0][0] > top


@pytest.mark.parametrize(("company", "tracked"), [("TWO", True), ("THREE", False)])
def test_change_tracking_is_on_in_two_only(
    connect: Callable[..., pymssql.Connection], company: str, tracked: bool
) -> None:
    version = rows(connect(company), "SELECT CHANGE_TRACKING_CURRENT_VERSION()")[0][0]
    assert (version is not None) == tracked


def _indexes(gp: Endpoint) -> object:
    with gp.server.engine.connect() as postgres:
        return postgres.execute(
            b"SELECT COUNT(*) FROM pg_indexes WHERE schemaname='three' AND tablename='rm00101'"
        ).fetchone()


@pytest.mark.parametrize("many", [100, 1000], ids=["all at once", "in chunks"])
def test_generated_customers_come_in_whole(gp: Endpoint, monkeypatch: pytest.MonkeyPatch, many: int) -> None:
    monkeypatch.setattr(load, "_MANY", many)

    def counts(admin: Admin) -> list[object]:
        wanted = (
            "RM00101",
            "RM00103",
            "RM00101 WHERE NOT EXISTS (SELECT * FROM RM00102 AS a WHERE a.CUSTNMBR = RM00101.CUSTNMBR)",
        )
        return [*(admin.run(f"SELECT COUNT(*) FROM {table}")[0].rows[0][0] for table in wanted), _indexes(gp)]

    with gp.server.connect("THREE") as admin:
        customers, summaries, homeless, indexes = counts(admin)
        load.add_customers(gp.server.engine, "THREE", 300, seed=3)
        assert counts(admin) == [customers + 300, summaries + 300, homeless, indexes]
        assert admin.run("SELECT NOTEINDX FROM RM00101 GROUP BY NOTEINDX HAVING COUNT(*) > 1")[0].rows == []
        next_note = "SELECT NOTEINDX - (SELECT MAX(NOTEINDX) FROM RM00101) FROM DYNAMICS..SY01500 WHERE INTERID='THREE'"
        assert admin.run(next_note)[0].rows == [(1,)]
