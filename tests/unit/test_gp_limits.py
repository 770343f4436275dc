"""What GP takes, by the parameters of its procedures."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.fault import Fault
from sync.gp_limits import blank, fit, truncate
from sync.schema import gp_parameter

NAME = gp_parameter("RM00101", "CUSTNAME")
FLAG = gp_parameter("RM00101", "HOLD")
KIND = gp_parameter("RM00101", "CRLMTTYP")
LIMIT = gp_parameter("RM00101", "CRLMTAMT")
DAY = gp_parameter("RM00101", "CCRDXPDT")


def refusal(value, target):
    with pytest.raises(Fault) as caught:
        fit(value, target)
    return caught.value.code


@pytest.mark.parametrize(("target", "nothing"), [(NAME, ""), (FLAG, 0), (LIMIT, Decimal(0)), (DAY, None)])
def test_none_is_gps_own_nothing(target, nothing):
    assert fit(None, target) == nothing
    assert blank(target.kind) == nothing


@pytest.mark.parametrize(
    ("value", "target", "code"),
    [
        ("A" * 65, NAME, "value_too_long"),
        ("漢", NAME, "character_unknown"),
        ("\x81", NAME, "control_character"),
        ("\t", NAME, "control_character"),
        (5, NAME, "value_invalid"),
        (256, FLAG, "value_invalid"),
        (-1, FLAG, "value_invalid"),
        (True, FLAG, "value_invalid"),
        (2**15, KIND, "value_invalid"),
        (Decimal("0.5"), KIND, "value_invalid"),
        ("1", KIND, "value_invalid"),
        (Decimal("0.000001"), LIMIT, "value_invalid"),
        (Decimal(10) ** 14, LIMIT, "value_invalid"),
        (Decimal("NaN"), LIMIT, "value_invalid"),
        (1.5, LIMIT, "value_invalid"),
        (date(1900, 1, 1), DAY, "value_invalid"),
        (datetime(2027, 1, 1, tzinfo=UTC), DAY, "value_invalid"),
    ],
)
def test_what_gp_would_cut_round_or_lose_is_refused(value, target, code):
    assert refusal(value, target) == code


def test_a_value_gets_the_type_of_its_column():
    assert type(fit(Decimal(2), KIND)) is int
    assert type(fit(2, LIMIT)) is Decimal
    assert str(fit(Decimal("1.50000"), LIMIT)) == "1.5"
    assert fit(date(1900, 1, 2), DAY) == date(1900, 1, 2)


def test_a_cut_text_fits_and_ends_in_no_blank():
    assert truncate("A" * 63 + " B", NAME) == "A" * 63
    assert truncate(5, KIND) == 5


@given(st.text())
def test_a_text_that_passes_is_in_the_code_page_and_no_longer_than_the_parameter(text):
    try:
        kept = fit(text, NAME)
    except Fault:
        return
    assert kept == text
    assert len(text.encode("cp1252")) <= 64


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_an_amount_that_passes_is_a_numeric_19_5(amount):
    try:
        kept = fit(amount, LIMIT)
    except Fault:
        return
    assert kept == amount == round(amount, 5)
    assert abs(kept) < 10**14
