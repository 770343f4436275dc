"""Keys: one spelling per record, reversible, safe where they are stored."""

import re

from hypothesis import given
from hypothesis import strategies as st

from sync.keys import canonical, company_key, company_of_key, decode, encode

CP1252 = st.text(st.characters(codec="cp1252"), max_size=15)


@given(st.text())
def test_encoding_is_reversible(text: str) -> None:
    assert decode(encode(text)) == text


@given(st.text())
def test_encoded_keys_hold_only_safe_characters(text: str) -> None:
    assert re.fullmatch(r"[A-Z0-9_-]*", encode(text))


@given(CP1252, CP1252)
def test_different_ids_never_share_a_key(one: str, other: str) -> None:
    if canonical(one) != canonical(other):
        assert company_key("TWO", one) != company_key("TWO", other)


@given(CP1252)
def test_canonical_spelling_is_stable_and_stays_in_the_code_page(text: str) -> None:
    spelled = canonical(text)
    assert canonical(spelled) == spelled
    spelled.encode("cp1252")
    assert len(spelled) == len(text.rstrip(" "))


@given(CP1252)
def test_case_and_trailing_blanks_do_not_matter(text: str) -> None:
    assert canonical(text + "  ") == canonical(text)
    assert canonical("abc" + text) == canonical("ABC" + text)


def test_company_and_id_cannot_be_confused() -> None:
    assert company_key("T-W", "O") != company_key("T", "W-O")


def test_a_foreign_text_is_not_taken_for_a_key() -> None:
    for text in ("abc", "A_", "A_Z1", "A/B"):
        try:
            decode(text)
        except ValueError:
            continue
        raise AssertionError(text)


@given(CP1252, st.sampled_from(["TWO", "TW", "T-1", "Ä"]))
def test_a_key_names_its_company_in_any_case(text: str, company: str) -> None:
    companies = ["T", "TW", "TWO", "T-1", "Ä"]
    assert company_of_key(company_key(company, text), companies) == company
    assert company_of_key(company_key(company, text).lower(), companies) == company


def test_a_key_of_no_company_names_none() -> None:
    assert [company_of_key(key, ["TWO"]) for key in ("", "TWO", "TWOS-A", "-A", "A-TWO")] == [None] * 5
