"""The comparison of both sides of a load names what is missing, doubled or different."""

from decimal import Decimal
from typing import Any

import pytest

from sandbox.scenarios.load import difference, expected

CUSTOMER = {
    "CUSTNMBR": "A1",
    "CUSTNAME": "Customer A1",
    "PYMTRMID": "Net 45",
    "CRLMTTYP": 2,
    "CRLMTAMT": Decimal("25000.00000"),
    "HOLD": 0,
    "INACTIVE": 1,
    "ADRSCODE": "PRIMARY",
    "ADDRESS1": "1 Main",
    "CITY": "Oslo",
    "STATE": "",
    "ZIP": "0150",
    "COUNTRY": "Norway",
    "CNTCPRSN": "Ada Winery",
}


def account(**values: Any) -> dict[str, Any]:
    return expected(CUSTOMER) | values


def test_one_equal_account_is_no_difference() -> None:
    assert difference("A1", CUSTOMER, [account()]) == ""


@pytest.mark.parametrize("count", [0, 2])
def test_a_missing_or_doubled_account_is_named(count: int) -> None:
    assert difference("A1", CUSTOMER, [account()] * count) == f"A1 has {count} accounts"


def test_every_field_that_differs_is_named_with_both_values() -> None:
    text = difference("A1", CUSTOMER, [account(name="Old", statecode=0)])
    assert text == "A1: name 'Old', not 'Customer A1'; statecode 0, not 1"


@pytest.mark.parametrize(("kind", "limit"), [(0, 0.0), (1, None), (2, 25000.0)])
def test_the_credit_limit_follows_its_type(kind: int, limit: float | None) -> None:
    assert expected(CUSTOMER | {"CRLMTTYP": kind})["creditlimit"] == limit
