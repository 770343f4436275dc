"""Two names are compared as a clerk would: order, legal form, abbreviations and slips don't matter, other words do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.matching.names import Likeness, likeness, other_form, read_name


def compared(one: str, other: str) -> Likeness:
    return likeness(read_name(one), read_name(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Northwind Bakery Inc.", "Bakery Northwind"),
        ("Müller & Söhne GmbH", "Muller und Sohne"),
        ("A. B. C. Company", "ABC Co"),
        ("Adventure Works Mfg", "ADVENTURE WORKS MANUFACTURING, LLC"),
        ("North Wind", "Northwind"),
        ("O'Brien", "OBrien"),
    ],
)
def test_order_form_accents_and_known_abbreviations_make_no_other_name(one: str, other: str) -> None:
    assert compared(one, other) is Likeness.SAME


@pytest.mark.parametrize(
    ("one", "other", "what"),
    [
        ("Tailspin Pharmacy", "Tailspin Pharmcay", Likeness.CLOSE),
        ("Contoso Construction", "Contoso Const", Likeness.CLOSE),
        ("Contoso", "Contoso Holding", Likeness.PART),
        ("Northwind Bakery", "Northwind Pharmacy", Likeness.OTHER),
        ("Store 12 Chicago", "Store 14 Chicago", Likeness.KIN),
        ("North Farms", "South Farms", Likeness.KIN),
        ("", "Contoso", Likeness.OTHER),
        ("", "", Likeness.OTHER),
    ],
)
def test_a_slip_is_near_another_word_or_number_is_not(one: str, other: str, what: Likeness) -> None:
    assert compared(one, other) is what


def test_one_legal_form_in_two_spellings_is_one_and_two_are_two() -> None:
    assert not other_form(read_name("Tailspin Inc"), read_name("Tailspin, Incorporated"))
    assert not other_form(read_name("Tailspin"), read_name("Tailspin LLC"))
    assert other_form(read_name("Tailspin L.L.C."), read_name("Tailspin Inc."))


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_two_texts_are_compared_and_the_order_of_both_does_not_matter(one: str, other: str) -> None:
    same = compared(one, other) is Likeness.SAME
    assert same is (compared(other, one) is Likeness.SAME)
    assert compared(one, one) is (Likeness.SAME if read_name(one).words else Likeness.OTHER)
