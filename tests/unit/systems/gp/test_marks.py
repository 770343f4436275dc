"""Marks fit GP's 30 characters and come back as they were; what others keep there is left as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.schema import gp_parameter
from sync.systems.gp.marks import STORED_LENGTH, mark_of, stored_mark


@given(st.uuids())
def test_a_mark_comes_back_and_fits_whatever_the_case(attempt) -> None:
    stored = stored_mark(attempt.hex)
    assert mark_of(stored) == attempt.hex
    assert len(stored) == STORED_LENGTH <= gp_parameter("RM00101", "INTEGRATIONID").length
    assert stored == stored.upper()


@given(st.text(max_size=30))
def test_what_another_program_keeps_there_is_never_harmed(text: str) -> None:
    told = mark_of(text)
    assert told == text or stored_mark(told) == text


@pytest.mark.parametrize("wrong", ["", "short", "C7C72EC1AE9240D0A3931E6B20E06727", "g" * 32])
def test_only_an_attempt_is_a_mark(wrong: str) -> None:
    with pytest.raises(ValueError, match="no mark"):
        stored_mark(wrong)
