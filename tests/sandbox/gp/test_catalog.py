"""What GP has and the stand-in hasn't is refused as unknown, and listed."""

import pymssql
import pytest

from tests.sandbox.gp.calls import customer, run
from tests.sandbox.gp.conftest import Endpoint


def _listed(gp: Endpoint) -> set[object]:
    return {gap["what"] for gap in gp.server.door.gaps.list()}


@pytest.mark.parametrize(
    ("sql", "number", "what"),
    [
        ("EXEC taSopHdrIvcInsert", 2812, "TWO..taSopHdrIvcInsert"),
        ("SELECT * FROM CN00100", 208, "TWO..CN00100"),
        ("SELECT * FROM DYNAMICS..SY60100", 208, "DYNAMICS..SY60100"),
        ("SELECT * FROM sys.sql_modules", 208, "sys.sql_modules"),
        ("SELECT * FROM INFORMATION_SCHEMA.ROUTINES", 208, "information_schema.routines"),
        ("SELECT * FROM sysobjects", 208, "TWO..sysobjects"),
    ],
)
def test_a_name_of_gp_or_of_the_catalogue_that_is_not_imitated_is_a_gap(
    gp: Endpoint, two: pymssql.Connection, sql: str, number: int, what: str
) -> None:
    with pytest.raises(pymssql.Error) as caught:
        run(two, sql)
    assert caught.value.args[0] == number
    assert what in _listed(gp)


def test_a_name_that_is_not_of_gp_is_no_gap(gp: Endpoint, two: pymssql.Connection) -> None:
    with pytest.raises(pymssql.Error):
        run(two, "SELECT * FROM MyTable")
    assert "TWO..MyTable" not in _listed(gp)


def test_empty_customisations_are_no_gap(gp: Endpoint, two: pymssql.Connection) -> None:
    customer(two, CUSTNMBR="AARONFIT0001", COMMENT1="x")
    assert not any(str(what).lower().endswith(("pre", "post")) for what in _listed(gp))
