"""The decision per field: no lost edit, no endless traffic, ties by owner."""

from hypothesis import given
from hypothesis import strategies as st

from sync.merge import Move, Sides, decide
from sync.stores.crosswalk import Agreed

TEXTS = st.sampled_from(["a", "b", "c", None])
BASES = st.one_of(st.none(), st.builds(Agreed, TEXTS, TEXTS, st.booleans()))
SIDES = st.builds(Sides, TEXTS, TEXTS, TEXTS, BASES, st.booleans(), st.booleans(), st.booleans())


def after_write(sides: Sides) -> Sides:
    """The field as it stands when the decision was carried out and the target kept what it got."""
    return Sides(
        sides.source,
        sides.wanted,
        sides.wanted,
        Agreed(sides.source, sides.wanted),
        sides.one_way,
        sides.owns,
        sides.review,
    )


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
def test_a_target_edit_alone_is_never_overwritten_in_a_two_way_field(sides: Sides, coupling: bool) -> None:
    base = sides.base
    if sides.one_way or base is None or base.unsure or sides.source != base.source or sides.present == base.target:
        return
    assert decide(sides, coupling=coupling)[0] is not Move.WRITE


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


def test_a_tie_goes_to_the_owner_or_to_a_person() -> None:
    base = Agreed("a", "a")
    assert decide(Sides("b", "b", "c", base, one_way=False, owns=True), coupling=False)[0] is Move.WRITE
    assert decide(Sides("b", "b", "c", base, one_way=False, owns=False), coupling=False)[0] is Move.OTHER_WAY
    assert decide(Sides("b", "b", "c", base, one_way=False, review=True), coupling=False)[0] is Move.PARK
