"""Arguments are what GP keeps, or refused: nothing is cut, rounded or turned into `?`."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.errors import Rejected
from sync.schema import gp_parameter
from sync.systems.gp.arguments import NO_DATE, argument

NAME = gp_parameter("RM00101", "CUSTNAME")
LIMIT = gp_parameter("RM00101", "CRLMTAMT")
CLASS = gp_parameter("RM00101", "CUSTPRIORITY")
EXPIRY = gp_parameter("RM00101", "CCRDXPDT")


@given(st.text(max_size=80))
def test_a_text_passes_whole_or_not_at_all(text: str) -> None:
    try:
        passed = argument(NAME, text)
    except Rejected:
        return
    assert passed == text.rstrip(" ")
    assert len(passed.encode("cp1252")) <= 64


def test_a_refusal_names_the_column_and_never_the_value() -> None:
    with pytest.raises(Rejected, match="CUSTNAME has 65 characters") as caught:
        argument(NAME, "x" * 65)
    assert "xx" not in str(caught.value.as_dict())


@given(
    st.decimals(-(10**16), 10**16, places=7) | st.sampled_from([Decimal("NaN"), Decimal("Infinity"), Decimal("1E+40")])
)
def test_an_amount_passes_to_the_last_decimal_or_not_at_all(amount: Decimal) -> None:
    try:
        passed = argument(LIMIT, amount)
    except Rejected:
        assert not amount.is_finite() or abs(amount) >= 10**14 or amount != round(amount, 5)
        return
    assert passed == amount


@given(st.integers())
def test_a_number_passes_if_the_column_holds_it(number: int) -> None:
    try:
        assert argument(CLASS, number) == number
    except Rejected:
        assert not -(2**15) <= number < 2**15


@pytest.mark.parametrize(("value", "passed"), [(None, NO_DATE), (date(2027, 4, 12), "2027-04-12T00:00:00.000")])
def test_a_date_is_midnight_and_none_is_gps_own(value: date | None, passed: str) -> None:
    assert argument(EXPIRY, value) == passed


@pytest.mark.parametrize("value", [date(1900, 1, 1), date(1753, 1, 1), datetime(2027, 4, 12, 9), "2027-04-12"])  # noqa: DTZ001
def test_a_date_that_gp_has_not_got_is_refused(value: object) -> None:
    with pytest.raises(Rejected):
        argument(EXPIRY, value)


@pytest.mark.parametrize(("parameter", "blank"), [(NAME, ""), (LIMIT, 0), (CLASS, 0)])
def test_nothing_is_gps_own_nothing(parameter, blank: object) -> None:
    assert argument(parameter, None) == blank
