"""Keys: one spelling per record, reversible, safe where they are stored."""

import re

from hypothesis import given
from hypothesis import strategies as st

from sync.keys import canonical, company_key, company_of_key, decode, encode, gp_id_of, join_key, split_key

CP1252 = st.text(st.characters(codec="cp1252"), max_size=15)
PART = st.text("aB~^ ", min_size=1, max_size=6) | CP1252
FULL = PART.filter(lambda text: text.strip(" "))


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


@given(st.lists(FULL, min_size=1, max_size=3))
def test_a_joined_key_is_parted_again(parts: list[str]) -> None:
    assert split_key(join_key(parts), len(parts)) == tuple(map(canonical, parts))


@given(st.lists(FULL, min_size=2, max_size=2), st.lists(FULL, min_size=2, max_size=2))
def test_records_of_other_parts_never_share_a_joined_key(one: list[str], other: list[str]) -> None:
    if [*map(canonical, one)] != [*map(canonical, other)]:
        assert join_key(one) != join_key(other)


@given(st.lists(FULL, min_size=1, max_size=3))
def test_a_joined_key_is_canonical_as_a_whole_and_comes_back_from_dataverse(parts: list[str]) -> None:
    key = join_key(parts)
    assert canonical(key) == key
    assert gp_id_of("TWO", company_key("TWO", key).lower()) == key


@given(CP1252)
def test_a_key_of_one_column_is_the_id_itself(text: str) -> None:
    assert join_key([text]) == canonical(text)


def test_a_row_with_a_blank_part_is_no_record() -> None:
    assert [join_key(parts) for parts in (["A", " "], ["", "B"], [""])] == [""] * 3
    assert [split_key(key, 2) for key in ("A", "A~", "~B", "A~B~C", "A^B~C", "")] == [()] * 6
    assert split_key("aaron ~primary  ", 2) == ("AARON", "PRIMARY")
