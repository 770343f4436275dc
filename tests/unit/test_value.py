"""Values survive storage, and amounts are compared as amounts."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from sync.value import Value, from_json, normal, same, to_json

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(),
    st.decimals(allow_nan=False, allow_infinity=False, places=5, min_value=-(10**14), max_value=10**14),
    st.dates(),
    st.datetimes(timezones=st.just(UTC)),
)


@given(VALUES)
def test_a_stored_value_comes_back_the_same(value: Value) -> None:
    assert same(from_json(json.loads(json.dumps(to_json(value)))), value)


def test_amounts_are_compared_by_number_and_other_types_are_not() -> None:
    assert same(Decimal("1.50000"), Decimal("1.5"))
    assert not same(1, True)
    assert not same("1", 1)
    assert not same(date(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC))


def test_an_amount_is_never_stored_with_an_exponent() -> None:
    assert str(normal(Decimal("100.00000"))) == "100"
    assert str(normal(Decimal("1E+30"))) == "1" + "0" * 30
    assert to_json(Decimal("1E+3")) == {"d": "1000"}
