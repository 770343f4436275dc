"""Every number by which eConnect can refuse a customer is told in a controller's words, with who mends it and how."""

import json
from pathlib import Path

import pytest

from sync.errors import CODES
from sync.systems.gp.refusals import catalogue
from sync.systems.gp.written import PROCEDURES

LISTS = json.loads((Path(__file__).parents[2] / "sandbox" / "gp" / "data" / "gp-errors.json").read_text("utf-8"))
NUMBERS = sorted({int(number) for procedure in PROCEDURES.values() for number in LISTS[procedure]})


def test_every_number_of_the_procedures_is_in_the_catalogue_and_no_other() -> None:
    assert sorted(catalogue()) == NUMBERS


@pytest.mark.parametrize("number", NUMBERS)
def test_an_entry_has_a_code_words_and_a_next_step(number: int) -> None:
    refusal = catalogue()[number]
    assert refusal.code in CODES
    assert refusal.words[0].isupper()
    assert refusal.who
    assert refusal.step[0].isupper()
    assert not refusal.step.endswith(".")
