"""Ids as GP people make them."""

import re
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.errors import Rejected
from sync.ids import LENGTH, candidates
from sync.keys import canonical
from sync.mapping_model import Ids


def first(number, values, **rules):
    return list(islice(candidates(Ids(**rules), values, otherwise="customer"), number))


@pytest.mark.parametrize(
    ("name", "id_"),
    [
        ("Aaron Fitz Electrical", "AARONFIT0001"),
        ("Ørsted & Müller", "ORSTEDMU0001"),
        ("3M", "3M0001"),
        ("O'Neil, Inc.", "ONEILINC0001"),
        ("Łódź", "LODZ0001"),
        ("?!", "CUSTOMER0001"),
        ("", "CUSTOMER0001"),
        (None, "CUSTOMER0001"),
    ],
)
def test_an_id_is_eight_letters_of_the_name_and_a_counter(name, id_):
    assert first(1, {"name": name}) == [id_]


def test_the_next_ids_count_up():
    assert first(3, {"name": "Aaron Fitz"}) == ["AARONFIT0001", "AARONFIT0002", "AARONFIT0003"]


def test_letters_digits_and_attribute_can_be_chosen():
    assert first(2, {"name": "A", "websiteurl": "Contoso.com"}, of="websiteurl", letters=3, digits=2) == [
        "CON01",
        "CON02",
    ]


def test_a_counter_that_grows_takes_its_room_from_the_letters():
    ids = first(11, {"name": "A" * 20}, letters=14, digits=1)
    assert ids[8:] == ["A" * 14 + "9", "A" * 13 + "10", "A" * 13 + "11"]


def test_a_number_is_taken_as_it_is_in_capitals_and_then_counted():
    assert first(3, {"accountnumber": " c1001 "}, by="number") == ["C1001", "C1001-2", "C1001-3"]
    assert first(2, {"accountnumber": "A" * 15}, by="number") == ["A" * 15, "A" * 13 + "-2"]


def test_a_number_that_ends_like_a_counter_is_offered_once():
    assert first(2, {"accountnumber": "A" * 13 + "-2"}, by="number") == ["A" * 13 + "-2", "A" * 13 + "-3"]


def test_an_expression_makes_the_first_id():
    rules = {"by": "expr", "expr": "$substring(name, 0, 3) & '-' & address1_country"}
    assert first(2, {"name": "Aaron", "address1_country": "us"}, **rules) == ["AAR-US", "AAR-US-2"]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("", "value_required"),
        (None, "value_required"),
        ("A" * 16, "value_too_long"),
        ("A*B", "value_invalid"),
        ("A'B", "value_invalid"),
        ("Ä1", "value_invalid"),
        ("-1", "value_invalid"),
    ],
)
def test_a_number_that_can_be_no_id_is_refused_never_changed(number, code):
    with pytest.raises(Rejected) as caught:
        first(1, {"accountnumber": number}, by="number")
    assert (caught.value.code, caught.value.system) == (code, "dataverse")


def test_an_expression_that_fails_is_refused():
    with pytest.raises(Rejected) as caught:
        first(1, {"name": "x"}, by="expr", expr="$number(name)")
    assert caught.value.code == "value_invalid"


@given(st.text(), st.integers(1, 14), st.integers(1, 9))
def test_every_id_fits_gp_is_its_own_canonical_form_and_comes_once(name, letters, digits):
    ids = first(12, {"name": name}, letters=letters, digits=digits)
    assert len(set(ids)) == len(ids)
    for id_ in ids:
        assert re.fullmatch("[A-Z0-9]+", id_)
        assert len(id_) <= LENGTH
        assert canonical(id_) == id_
    assert ids == first(12, {"name": name}, letters=letters, digits=digits)


@given(st.from_regex("[A-Z0-9]([A-Z0-9 ._-]{0,13}[A-Z0-9])?", fullmatch=True))
def test_every_id_of_a_number_fits_gp_and_comes_once(number):
    ids = first(12, {"accountnumber": number}, by="number")
    assert len(set(ids)) == len(ids)
    assert all(0 < len(id_.rstrip()) <= LENGTH for id_ in ids)
