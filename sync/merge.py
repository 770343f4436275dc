"""Decides, per field, what becomes of a difference (design §3.1, step 8). Pure."""

from dataclasses import dataclass
from enum import StrEnum

from sync.stores.crosswalk import Agreed
from sync.value import Value, same


class Move(StrEnum):
    """What happens to one field."""

    NOTHING = "nothing"
    REBASE = "rebase"
    WRITE = "write"
    OTHER_WAY = "other way"
    PARK = "park"


@dataclass(frozen=True)
class Sides:
    """One field as both sides hold it now.

    `source` is the source's value in its own terms, `wanted` the same as the target would hold it, `present` what the
    target holds. `base` is None for a field that never agreed. `owns` is whether the source side owns the field,
    `review` whether a tie goes to a person, `one_way` whether the field has no way back.
    """

    source: Value
    wanted: Value
    present: Value
    base: Agreed | None
    one_way: bool = True
    owns: bool = True
    review: bool = False


def decide(sides: Sides, *, coupling: bool) -> tuple[Move, str]:
    """The move for one field and the rule that chose it, in words for the ledger.

    `coupling` is true when this pair of records meets for the first time; then a field without a base is decided by
    its owner. Later a field without a base is newly mapped, and makes no traffic until it is backfilled.
    """
    base = sides.base
    if base is None:
        return _decide_new(sides, coupling)
    moved = not same(sides.source, base.source)
    target_moved = not same(sides.present, base.target)
    if not moved and not target_moved and not base.unsure:
        return Move.NOTHING, "unchanged"
    if same(sides.wanted, sides.present):
        return Move.REBASE, "both agree"
    if sides.one_way:
        return Move.WRITE, "source changed" if moved else "target drifted from a one-way field"
    return _decide_two_way(sides, moved, target_moved, base.unsure)


def _decide_new(sides: Sides, coupling: bool) -> tuple[Move, str]:
    if same(sides.wanted, sides.present):
        return Move.REBASE, "both agree"
    if not coupling:
        return Move.NOTHING, "newly mapped, waits for a backfill"
    if sides.one_way or sides.owns:
        return Move.WRITE, "first coupling, source owns the field"
    return (Move.PARK, "first coupling, needs review") if sides.review else (Move.OTHER_WAY, "target owns the field")


def _decide_two_way(sides: Sides, moved: bool, target_moved: bool, unsure: bool) -> tuple[Move, str]:
    if moved and not target_moved and not unsure:
        return Move.WRITE, "source changed"
    if target_moved and not moved and not unsure:
        return Move.OTHER_WAY, "target changed"
    if unsure or sides.review:
        return Move.PARK, "both sides changed"
    return (Move.WRITE, "both changed, source owns") if sides.owns else (Move.OTHER_WAY, "both changed, target owns")
