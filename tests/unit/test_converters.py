import re
import string
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.converters import CONVERTERS
from sync.errors import CODES
from sync.fault import Fault
from sync.phones import GP_LENGTH
from sync.to_d365 import Options
from sync.value import same

US = Options()
GB = Options(region="GB")
CP1252 = st.text(st.characters(codec="cp1252"), max_size=60)
ANYTHING = st.one_of(CP1252, st.none(), st.integers(), st.booleans(), st.decimals(), st.dates(), st.datetimes())


def to_d365(name, *values, options=US):
    return CONVERTERS[name].to_d365(values, options)


def to_gp(name, value, options=US):
    return back(name, value, options=options)[0]


def back(name, value, *present, options=US):
    return list(CONVERTERS[name].to_gp(value, options, present or [""]))


def refusal_back(name, value, *present):
    with pytest.raises(Fault) as caught:
        back(name, value, *present)
    return caught.value.code


def refusal(name, *values, options=US):
    with pytest.raises(Fault) as caught:
        to_d365(name, *values, options=options)
    return caught.value.code


def outcome(name, *values, options=US):
    return attempt(lambda: to_d365(name, *values, options=options))


def attempt(conversion):
    try:
        return conversion()
    except Fault as fault:
        return fault


def digits_of(text):
    return "".join(char for char in text if char in string.digits)


@pytest.mark.parametrize(
    ("gp", "shown"),
    [
        ("41455501450000", "+1 414-555-0145"),
        ("41455501450123", "+1 414-555-0145 ext. 0123"),
        ("4145550145", "+1 414-555-0145"),
        ("(414) 555-0145 x123", "+1 414-555-0145 ext. 123"),
        ("1 414 555 0145", "+1 414-555-0145"),
        ("+44 20 7946 0018", "+44 20 7946 0018"),
        ("", None),
        ("   ", None),
        ("00000000000000", None),
    ],
)
def test_a_phone_number_that_is_surely_understood_is_written_for_people(gp, shown):
    assert to_d365("phone", gp) == shown


@pytest.mark.parametrize(
    "typed",
    [
        "00442079460018",  # fourteen digits, but no area code begins with 0
        "555-0145",
        "414 555 0145 / 0146",
        "414 555 0145 ask for Bob",
        "+44 (0)20 7946 0018",
        "0044207946",
    ],
)
def test_a_phone_number_that_is_not_surely_understood_stays_as_typed(typed):
    assert to_d365("phone", typed) == typed


def test_a_remark_in_a_phone_field_stays_as_typed():
    assert to_d365("phone", "n/a") == "n/a"


def test_the_region_says_whose_short_numbers_they_are():
    assert to_d365("phone", "02079460018", options=GB) == "+44 20 7946 0018"
    assert to_d365("phone", "41455501450000", options=GB) == "41455501450000"


def test_a_phone_can_be_shown_the_national_way():
    assert to_d365("phone", "41455501450123", options=Options(format="national")) == "(414) 555-0145 ext. 0123"


@given(
    st.from_regex(r"[2-9][0-9]{2}[2-9][0-9]{6}[0-9]{4}", fullmatch=True), st.sampled_from(["international", "national"])
)
def test_what_fits_gps_mask_comes_back_digit_for_digit(digits, style):
    options = Options(format=style)
    assert to_gp("phone", to_d365("phone", digits, options=options), options) == digits


@given(st.one_of(CP1252, st.text(string.digits + " +-()x.", max_size=21)), st.sampled_from([US, GB]))
def test_a_phone_keeps_every_digit_and_settles_after_one_round(typed, options):
    shown = outcome("phone", typed, options=options)
    if shown is None:
        assert not digits_of(typed).strip("0")
    else:
        assert re.sub("^(011|0+)", "", re.sub("^(.{10})0000$", r"\1", digits_of(typed))) in digits_of(shown)
        assert to_d365("phone", to_gp("phone", shown, options), options=options) == shown


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("ann@fabrikam.com", "ann@fabrikam.com"),
        (" ann@fabrikam.com ; bob@fabrikam.com", "ann@fabrikam.com"),
        (";bob@fabrikam.com;", "bob@fabrikam.com"),
        ("mailto:ann@fabrikam.com", "ann@fabrikam.com"),
        ("o'neil+gp@sub.fabrikam.co.uk", "o'neil+gp@sub.fabrikam.co.uk"),
        ("", None),
        (" ; ", None),
    ],
)
def test_the_first_address_of_a_list_is_the_email(typed, address):
    assert to_d365("email", typed) == address


def test_another_address_of_the_list_can_be_chosen():
    assert to_d365("email", "a@x.com; b@x.com", options=Options(item=2)) == "b@x.com"
    assert to_d365("email", "a@x.com", options=Options(item=2)) is None


@pytest.mark.parametrize(
    "typed", ["ann", "ann@", "@x.com", "ann@fabrikam", "ann at x.com", "Ann <a@x.com>", "a@x..com", "a@-x.com"]
)
def test_what_is_no_email_is_refused(typed):
    assert refusal("email", typed) == "email_invalid"


@pytest.mark.parametrize(
    ("kind", "amount", "limit"),
    [
        (0, Decimal("500"), Decimal(0)),
        (1, Decimal("500"), None),
        (2, Decimal("500.25000"), Decimal("500.25")),
        (None, None, None),
    ],
)
def test_the_credit_limit_type_decides_whether_the_amount_counts(kind, amount, limit):
    assert to_d365("credit_limit", kind, amount) == limit


def test_an_unknown_credit_limit_type_is_refused():
    assert refusal("credit_limit", 3, Decimal(5)) == "value_invalid"


@pytest.mark.parametrize("name", ["flag", "not_flag", "state"])
def test_a_flag_is_0_or_1(name):
    assert refusal(name, 2) == "value_invalid"
    assert refusal(name, "1") == "value_invalid"


def test_flags_and_states():
    assert [to_d365("flag", value) for value in (1, 0, None)] == [True, False, None]
    assert [to_d365("not_flag", value) for value in (1, 0, None)] == [False, True, None]
    assert [to_d365("state", value) for value in (1, 0)] == [1, 0]
    assert not isinstance(to_d365("state", 1), bool)


def test_blank_text_is_empty_and_blank_lines_are_left_out():
    assert to_d365("trim", "  ") is None
    assert to_d365("trim", " a b ") == "a b"
    assert to_d365("lines", "one", " ", "two ") == "one\ntwo"
    assert to_d365("lines", "", None) is None


def test_a_date_loses_its_empty_time():
    assert to_d365("date", datetime(2027, 4, 12)) == date(2027, 4, 12)  # noqa: DTZ001 (GP's dates have no zone)
    assert to_d365("date", None) is None


def test_an_amount_is_exact_and_finite():
    assert to_d365("money", Decimal("12345678901234.56789")) == Decimal("12345678901234.56789")
    assert refusal("money", Decimal("NaN")) == "value_invalid"
    assert refusal("money", Decimal("1E+30")) == "value_invalid"
    assert refusal("money", 10**30) == "value_invalid"
    assert refusal("number", Decimal("1.5")) == "value_invalid"


@given(st.sampled_from(sorted(CONVERTERS)), st.lists(ANYTHING, min_size=2, max_size=2))
def test_no_converter_crashes_on_anything(name, values):
    result = outcome(name, *values)
    assert not isinstance(result, Fault) or result.code in CODES


@given(CP1252)
def test_text_comes_back_without_the_blanks_around_it(text):
    for name in ("trim", "country"):
        assert to_gp(name, to_d365(name, text)) == text.strip(" ")


@given(st.decimals(min_value=-(10**14), max_value=10**14, places=5))
def test_an_amount_comes_back_equal(amount):
    assert same(to_gp("money", to_d365("money", amount)), amount)


@given(st.integers(-(2**15), 2**15 - 1), st.integers(0, 1), st.dates())
def test_numbers_flags_and_dates_come_back_equal(number, bit, day):
    assert to_gp("number", to_d365("number", number)) == number
    assert to_gp("option", to_d365("option", number)) == number
    for name in ("flag", "not_flag", "state"):
        assert to_gp(name, to_d365(name, bit)) == bit
    assert to_gp("date", to_d365("date", day)) == day


def test_nothing_goes_back_as_gps_own_nothing():
    assert to_gp("trim", None) == ""
    assert to_gp("phone", None) == ""
    assert to_gp("email", None) == ""
    assert to_gp("money", None) == 0
    assert to_gp("flag", None) == 0
    assert to_gp("date", None) is None
    assert back("lines", None, "a", "b") == ["", ""]


# --- the way back -----------------------------------------------------------------------------------------------------


def test_a_phone_longer_than_gps_column_is_written_short():
    typed = "+1 (414) 555-0145 ext. 123"
    assert len(typed) > GP_LENGTH
    assert to_gp("phone", typed) == "+14145550145x123"
    assert to_d365("phone", "+14145550145x123") == "+1 414-555-0145 ext. 123"
    assert to_gp("phone", "+44 20 7946 0018 x 123456") == "+442079460018x123456"
    assert to_gp("phone", "ask for Bob in the workshop") == "ask for Bob in the workshop"


@pytest.mark.parametrize(
    ("limit", "kind_and_amount"), [(None, [1, 0]), (Decimal(0), [0, 0]), (Decimal("500.25"), [2, Decimal("500.25")])]
)
def test_a_credit_limit_goes_back_with_its_type(limit, kind_and_amount):
    assert back("credit_limit", limit, 2, Decimal(7)) == kind_and_amount
    assert to_d365("credit_limit", *kind_and_amount) == limit


def test_lines_go_back_one_to_a_column():
    assert back("lines", "one\r\n\n two ", "", "", "") == ["one", "two", ""]
    assert refusal_back("lines", "one\ntwo", "") == "value_too_long"


@pytest.mark.parametrize(
    ("item", "value", "kept"),
    [
        (1, "new@x.com", "new@x.com; b@x.com"),
        (2, "new@x.com", "a@x.com; new@x.com"),
        (3, "new@x.com", "a@x.com; b@x.com; new@x.com"),
        (1, None, "b@x.com"),
        (2, None, "a@x.com"),
        (3, None, "a@x.com; b@x.com"),
    ],
)
def test_one_address_of_a_list_is_changed_and_the_others_stay(item, value, kept):
    assert back("email", value, "a@x.com;b@x.com", options=Options(item=item)) == [kept]


def test_what_is_no_email_does_not_go_back():
    assert refusal_back("email", "ann at x.com", "") == "email_invalid"
    assert refusal_back("email", "a@x.com; b@x.com", "") == "email_invalid"


@pytest.mark.parametrize("name", ["flag", "not_flag"])
def test_what_is_neither_yes_nor_no_does_not_go_back(name):
    assert refusal_back(name, "yes") == "value_invalid"


@given(st.sampled_from(sorted(CONVERTERS)), ANYTHING, st.lists(ANYTHING, min_size=2, max_size=2))
def test_no_converter_crashes_on_its_way_back(name, value, present):
    result = attempt(lambda: back(name, value, *present))
    assert not isinstance(result, Fault) or result.code in CODES
