"""The decision per field: nothing missed, no endless traffic."""

from hypothesis import given
from hypothesis import strategies as st

from sync.merge import Move, Sides, decide
from sync.stores.couple import Agreed

TEXTS = st.sampled_from(["a", "b", "c", None])
BASES = st.one_of(st.none(), st.builds(Agreed, TEXTS, TEXTS, st.booleans()))
SIDES = st.builds(Sides, TEXTS, TEXTS, TEXTS, BASES)


def after_write(sides: Sides) -> Sides:
    """The field as it stands when the decision was carried out and the target kept what it got."""
    return Sides(sides.source, sides.wanted, sides.wanted, Agreed(sides.source, sides.wanted))


@given(SIDES, st.booleans())
def test_after_a_write_nothing_is_left_to_do(sides: Sides, coupling: bool) -> None:
    move, _ = decide(sides, coupling=coupling)
    if move is Move.WRITE:
        assert decide(after_write(sides), coupling=False)[0] is Move.NOTHING


@given(SIDES, st.booleans())
def test_equal_sides_are_never_written(sides: Sides, coupling: bool) -> None:
    if sides.wanted == sides.present:
        assert decide(sides, coupling=coupling)[0] in {Move.NOTHING, Move.REBASE}


@given(SIDES, st.booleans())
def test_every_decision_names_its_rule(sides: Sides, coupling: bool) -> None:
    assert decide(sides, coupling=coupling)[1]


@given(st.sampled_from(["a", "b"]), st.sampled_from(["x", "y"]))
def test_what_the_target_normalised_is_left_alone(source: str, kept: str) -> None:
    sides = Sides(source, source.upper(), kept, Agreed(source, kept))
    assert decide(sides, coupling=False)[0] is Move.NOTHING


def test_a_newly_mapped_field_makes_no_traffic() -> None:
    assert decide(Sides("a", "a", "b", None), coupling=False)[0] is Move.NOTHING
    assert decide(Sides("a", "a", "b", None), coupling=True)[0] is Move.WRITE


def test_a_target_that_drifted_is_put_right() -> None:
    assert decide(Sides("a", "a", "b", Agreed("a", "a")), coupling=False) == (Move.WRITE, "target drifted")
