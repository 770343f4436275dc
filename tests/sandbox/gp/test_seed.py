"""What the companies hold when they are new, and what the generator adds."""

from collections.abc import Callable

import pymssql
import pytest

from sandbox.gp import seed
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


def test_generated_customers_come_in_whole(gp: Endpoint) -> None:
    with gp.server.connect("THREE") as admin:
        before = admin.run("SELECT COUNT(*) FROM RM00101")[0].rows[0][0]
        seed.add_customers(admin, "THREE", 300, seed=3)
        assert admin.run("SELECT COUNT(*) FROM RM00101")[0].rows[0][0] == before + 300
        assert admin.run("SELECT COUNT(*) FROM RM00103")[0].rows[0][0] == before + 300
        lost = "SELECT c.CUSTNMBR FROM RM00101 AS c LEFT JOIN RM00102 AS a ON a.CUSTNMBR = c.CUSTNMBR "
        assert admin.run(lost + "WHERE a.CUSTNMBR IS NULL AND c.CUSTNMBR LIKE '%0%1'")[0].rows == []
        assert admin.run("SELECT NOTEINDX FROM RM00101 GROUP BY NOTEINDX HAVING COUNT(*) > 1")[0].rows == []
        admin.run("DELETE FROM RM00101 WHERE DEX_ROW_ID > 3; DELETE FROM RM00102; DELETE FROM RM00103")
