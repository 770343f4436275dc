"""The decision per field: nothing missed, no endless traffic, never two writers."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sync.mapping_model import Side
from sync.merge import CHOICE, Move, Ruling, Sides, decide
from sync.stores.couple import Agreed, opposite
from sync.value import Value

TEXTS = st.sampled_from(["a", "b", "c", None])
SIDE = st.sampled_from(["gp", "d365"])
BASES = st.one_of(st.none(), st.builds(Agreed, TEXTS, TEXTS, st.sampled_from([None, "gp", "d365"])))


def seen(source: Value, wanted: Value, present: Value, base: Agreed | None, side: Side = "gp") -> Sides:
    """A field as the flow from a side sees it."""
    filled = None if (wanted is None) == (present is None) else side if present is None else opposite(side)
    return Sides(source, wanted, present, base, side, filled=filled)


ONE_WAY = st.builds(seen, TEXTS, TEXTS, TEXTS, BASES)
BOTH = st.builds(lambda own, other, base, side: seen(own, own, other, base, side), TEXTS, TEXTS, BASES, SIDE)
RULINGS = st.builds(
    Ruling,
    st.sampled_from([None, "gp", "d365"]),
    st.sampled_from(["gp", "d365", "latest", "review"]),
    st.sampled_from(["gp", "d365", "fill", "review"]),
    st.sampled_from(["leave", "request", "revert"]),
    *[st.sampled_from([None, "gp", "d365"])] * 3,
    st.booleans(),
    st.booleans(),
)
TWO_WAY = Ruling(only=None)


def after_write(sides: Sides) -> Sides:
    """The field as it stands when the decision was carried out and the target kept what it got."""
    base = Agreed.of(sides.side, sides.source, sides.wanted)
    return Sides(sides.source, sides.wanted, sides.wanted, base, sides.side)


def mirrored(sides: Sides) -> Sides:
    """The same field as the other direction sees it, where both sides write values alike."""
    return seen(sides.present, sides.present, sides.source, sides.base, opposite(sides.side))


@given(ONE_WAY, st.booleans())
def test_after_a_write_nothing_is_left_to_do(sides: Sides, coupling: bool) -> None:
    move, _ = decide(sides, Ruling(), coupling=coupling)
    if move is Move.WRITE:
        assert decide(after_write(sides), Ruling(), coupling=False)[0] is Move.NOTHING


@given(BOTH, RULINGS, st.booleans())
def test_after_a_write_neither_direction_has_anything_left_to_do(sides: Sides, ruling: Ruling, coupling: bool) -> None:
    if decide(sides, ruling, coupling=coupling)[0] is Move.WRITE:
        done = after_write(sides)
        assert decide(done, ruling, coupling=False)[0] is Move.NOTHING
        assert decide(mirrored(done), ruling, coupling=False)[0] is Move.NOTHING


@given(BOTH, RULINGS, st.booleans())
def test_equal_sides_are_never_written(sides: Sides, ruling: Ruling, coupling: bool) -> None:
    if sides.wanted == sides.present:
        assert decide(sides, ruling, coupling=coupling)[0] in {Move.NOTHING, Move.REBASE}


@given(BOTH, RULINGS, st.booleans())
def test_the_two_directions_neither_both_write_nor_hand_it_to_each_other(
    sides: Sides, ruling: Ruling, coupling: bool
) -> None:
    moves = {decide(each, ruling, coupling=coupling)[0] for each in (sides, mirrored(sides))}
    assert moves not in ({Move.WRITE}, {Move.OTHER})


@given(BOTH, RULINGS.filter(lambda ruling: ruling.only is None))
def test_an_edit_of_one_side_reaches_the_other_or_a_person(sides: Sides, ruling: Ruling) -> None:
    if sides.base and not sides.agree and sides.source_moved:
        moves = {decide(each, ruling, coupling=False)[0] for each in (sides, mirrored(sides))}
        assert moves & {Move.WRITE, Move.REVIEW}


@given(BOTH, RULINGS)
def test_at_a_first_coupling_a_blank_never_replaces_a_value(sides: Sides, ruling: Ruling) -> None:
    met = replace(sides, base=None)
    for each in (met, mirrored(met)):
        if decide(each, ruling, coupling=True)[0] is Move.WRITE:
            assert each.wanted is not None


@given(BOTH.filter(lambda sides: sides.filled), RULINGS)
def test_at_a_first_coupling_a_value_goes_to_the_blank_side_or_both_stay(sides: Sides, ruling: Ruling) -> None:
    met = replace(sides, base=None)
    moves = {each.side: decide(each, ruling, coupling=True)[0] for each in (met, mirrored(met))}
    assert sides.filled
    if ruling.only in (None, sides.filled) and not (sides.filled == "d365" and ruling.refused):
        assert moves[sides.filled] is Move.WRITE
    else:
        assert set(moves.values()) <= {Move.REBASE, Move.NOTHING}


@given(BOTH, RULINGS, st.booleans())
def test_every_decision_names_its_rule(sides: Sides, ruling: Ruling, coupling: bool) -> None:
    assert decide(sides, ruling, coupling=coupling)[1]


@given(st.sampled_from(["a", "b"]), st.sampled_from(["x", "y"]))
def test_what_the_target_normalised_is_left_alone(source: str, kept: str) -> None:
    sides = Sides(source, source.upper(), kept, Agreed(source, kept))
    assert decide(sides, Ruling(), coupling=False)[0] is Move.NOTHING


def test_a_newly_mapped_field_makes_no_traffic() -> None:
    assert decide(Sides("a", "a", "b", None), Ruling(), coupling=False)[0] is Move.NOTHING
    assert decide(Sides("a", "a", "b", None), Ruling(), coupling=True)[0] is Move.WRITE


def test_a_target_that_drifted_is_put_right() -> None:
    drifted = Sides("a", "a", "b", Agreed("a", "a"))
    assert decide(drifted, Ruling(), coupling=False) == (Move.WRITE, "target drifted")


def test_an_edit_of_a_field_that_is_not_its_own_waits_for_approval_and_is_not_put_back_meanwhile() -> None:
    asked = Ruling(edits="request")
    edited = Sides("b", "b", "a", Agreed("a", "a"), "d365")
    assert decide(edited, asked, coupling=False)[0] is Move.REQUEST
    assert decide(mirrored(edited), asked, coupling=False)[0] is Move.OTHER
    assert decide(edited, Ruling(edits="request", granted="d365"), coupling=False)[0] is Move.WRITE
    assert decide(mirrored(edited), Ruling(edits="request", granted="gp"), coupling=False)[0] is Move.WRITE


def test_when_both_changed_the_owner_decides_or_a_person() -> None:
    both = Sides("b", "b", "c", Agreed("a", "a"))
    assert decide(both, TWO_WAY, coupling=False) == (Move.WRITE, "both changed: GP's holds")
    assert decide(both, Ruling(None, "d365"), coupling=False)[0] is Move.OTHER
    assert decide(both, Ruling(None, "review"), coupling=False)[0] is Move.REVIEW
    assert decide(both, Ruling(None, "latest"), coupling=False)[0] is Move.REVIEW
    assert decide(both, Ruling(None, "latest", newer="gp"), coupling=False)[0] is Move.WRITE


def test_what_is_not_sure_is_never_overwritten_without_a_person() -> None:
    guess = Sides("b", "b", "c", Agreed("a", "a", "d365"))
    assert decide(guess, TWO_WAY, coupling=False)[0] is Move.REVIEW


def test_the_same_said_in_other_words_is_no_difference() -> None:
    assert decide(Sides("a", "A!", "A", None, alike=True), TWO_WAY, coupling=True)[0] is Move.REBASE


def test_at_a_first_coupling_a_persons_choice_holds_in_gps_own_field_only_where_the_person_was_asked() -> None:
    held = Sides(0, 0, 1, None)
    assert decide(held, Ruling(take="d365"), coupling=True)[0] is Move.WRITE
    assert decide(held, Ruling(first_sync="review", take="d365"), coupling=True)[0] is Move.REBASE
    assert decide(held, Ruling(None, take="d365"), coupling=True)[0] is Move.OTHER


@given(BOTH, RULINGS, st.booleans(), SIDE)
def test_what_a_person_says_of_a_difference_changes_nothing_that_only_one_side_has_edited(
    sides: Sides, ruling: Ruling, coupling: bool, take: Side
) -> None:
    if sides.base and not ruling.fought and not (sides.source_moved and sides.target_moved):
        untold, told = replace(ruling, take=None), replace(ruling, take=take)
        assert decide(sides, told, coupling=coupling) == decide(sides, untold, coupling=coupling)


@given(BOTH, RULINGS.filter(lambda ruling: ruling.take is not None), st.booleans())
def test_what_a_person_says_of_an_approval_changes_no_choice_between_two_edits(
    sides: Sides, ruling: Ruling, coupling: bool
) -> None:
    for each in (replace(ruling, granted=side) for side in ("gp", "d365")):
        move, rule = decide(sides, ruling, coupling=coupling)
        if rule == CHOICE:
            assert decide(sides, each, coupling=coupling) == (move, rule)
