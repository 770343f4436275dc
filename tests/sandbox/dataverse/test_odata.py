"""The URL grammar by itself."""

from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.dataverse.errors import DataverseError
from sandbox.dataverse.grammar import Call, Compare, Logic, Not, Path, parse_filter
from sandbox.dataverse.literals import Literal
from sandbox.dataverse.odata import Segment, parse_expand, parse_key, parse_path, parse_query, split_outside

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


@given(TEXT)
def test_any_text_survives_as_a_literal(text):
    quoted = text.replace("'", "''")
    assert parse_filter(f"name eq '{quoted}'", {}) == Compare("eq", Path(("name",)), Literal(text, "Edm.String"))


@given(TEXT, TEXT)
def test_any_text_survives_in_a_key(first, second):
    pairs = ",".join(f"{name}='{value.replace(chr(39), chr(39) * 2)}'" for name, value in (("a", first), ("b", second)))
    segment = parse_path(f"accounts({quote(pairs, safe='')})")[0]
    assert {name: literal.value for name, literal in parse_key(segment.key).items()} == {"a": first, "b": second}


@given(st.lists(TEXT, max_size=5))
def test_any_text_survives_in_an_option(values):
    query = "&".join(f"o{n}={quote(value, safe='')}" for n, value in enumerate(values))
    assert parse_query(query) == {f"o{n}": value for n, value in enumerate(values)}


@given(st.text("()[]',;/ab$= ", max_size=30))
def test_what_is_no_filter_is_refused_and_never_crashes(text):
    with suppress(DataverseError):
        parse_filter(text, {})


def test_and_binds_tighter_than_or_and_not_tightest():
    a, b, c = (Compare("eq", Path((name,)), Literal(1, "Edm.Int32")) for name in "abc")
    assert parse_filter("not (a eq 1) or b eq 1 and c eq 1", {}) == Logic("or", (Not(a), Logic("and", (b, c))))
    assert parse_filter("not f(a) and b eq 1", {}) == Logic("and", (Not(Call("f", (Path(("a",)),))), b))
    assert parse_filter("not a eq 1", {}) == Compare("eq", Not(Path(("a",))), Literal(1, "Edm.Int32"))
    assert parse_filter("(a eq 1 or b eq 1) and c eq 1", {}) == Logic("and", (Logic("or", (a, b)), c))


def test_paths_are_cut_outside_quotes_and_parentheses():
    assert parse_path("accounts(a='x/y')/name/$value") == [
        Segment("accounts", "a='x/y'"),
        Segment("name", None),
        Segment("$value", None),
    ]
    assert split_outside("a('(,'),b", ",") == ["a('(,')", "b"]


def test_expansions_keep_their_nested_options():
    outer, plain = parse_expand("a($select=b,c;$expand=d($filter=e eq ';');$top=1),f")
    assert outer.options == {"$select": "b,c", "$expand": "d($filter=e eq ';')", "$top": "1"}
    assert (plain.name, plain.options) == ("f", {})


@pytest.mark.parametrize("text", ["accounts(", "accounts()x", "acc ounts", "accounts(a='"])
def test_a_path_that_is_none_is_refused(text):
    with pytest.raises(DataverseError):
        parse_path(text)
