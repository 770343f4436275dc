"""What becomes of a couple's row: joined with its counterpart's own, or done with."""

from dataclasses import replace

import pytest

from sync.mapping_model import Side
from sync.stores.couple import APPROVED, NONE, Couple

ALONE = Couple("TWO", "customer", id="a1", parked_d365="approval_needed", answer=APPROVED)
CUSTOMER = Couple("TWO", "customer", key="A1")


def test_an_approval_goes_with_the_row_into_the_couple_that_it_becomes_part_of() -> None:
    joined = CUSTOMER.joined(ALONE)
    assert (joined.answer, joined.parked_d365, joined.beside) == (APPROVED, "approval_needed", ALONE)


@pytest.mark.parametrize(
    ("answer", "side", "left"), [(APPROVED, "gp", APPROVED), (APPROVED, "d365", ""), (NONE, "gp", "")]
)
def test_an_approval_is_used_up_by_the_direction_that_asked_for_it(answer: str, side: Side, left: str) -> None:
    assert Couple("TWO", "customer", answer=answer).done_by(side).answer == left


@pytest.mark.parametrize("said", ["take", "granted"])
def test_two_have_not_met_while_one_side_has_still_to_do_what_a_person_said(said: str) -> None:
    met = replace(Couple("TWO", "customer", unmet="gp"), **{said: "d365"})
    left = met.done_by("gp")
    assert (left.unmet, getattr(left, said)) == ("gp", "d365")
    assert getattr(left.done_by("d365"), said) is None
    assert replace(left, **{said: None}).done_by("gp").unmet is None
