"""Names are quoted and checked, values never enter the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.systems.gp.rows import KeyColumn
from sync.systems.gp.statements import quoted, render


@pytest.mark.parametrize("name", ["", "a b", "x]; DROP TABLE RM00101--", "1a", "é", "a.b", "%s"])
def test_a_name_that_sql_would_misread_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="can't stand in SQL"):
        quoted(name)


def test_a_name_is_bracketed() -> None:
    assert quoted("Master_ID") == "[Master_ID]"


@given(st.text())
def test_values_stay_apart_from_the_text(value: str) -> None:
    empty = render("company", system_database="DYNAMICS", company="")
    statement = render("company", system_database="DYNAMICS", company=value)
    assert statement.text == empty.text
    assert statement.parameters == (value,)


def test_a_type_is_checked_too() -> None:
    with pytest.raises(ValueError, match="can't stand in SQL"):
        render("keys", table="T", key=[], after=[KeyColumn("K", "char(15)); --", "A")], limit=1, capitals_only=False)


def test_placeholders_and_values_are_as_many() -> None:
    after = [KeyColumn("K", "char(15)", "A")]
    statement = render("keys", table="T", key=after, after=after, limit=9, capitals_only=True)
    assert statement.text.count("%s") == len(statement.parameters) == 2
