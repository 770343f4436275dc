"""Decides, per field, what becomes of a difference (design §3.1, step 8), for fields that go one way. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from sync.stores.crosswalk import Agreed
from sync.value import Value, same


class Move(StrEnum):
    """What happens to one field."""

    NOTHING = "nothing"
    REBASE = "rebase"
    WRITE = "write"


@dataclass(frozen=True)
class Sides:
    """One field as both sides hold it now.

    `source` is the source's value in its own terms, `wanted` the same as the target would hold it, `present` what the
    target holds. `base` is None for a field that never agreed.
    """

    source: Value
    wanted: Value
    present: Value
    base: Agreed | None


def decide(sides: Sides, *, coupling: bool) -> tuple[Move, str]:
    """The move for one field and the rule that chose it, in words for the ledger.

    `coupling` is true while this pair of records has not agreed on all its fields yet. Later a field without a base is
    newly mapped, and makes no traffic until it is backfilled.
    """
    agree = same(sides.wanted, sides.present)
    if sides.base is None and not coupling and not agree:
        return Move.NOTHING, "newly mapped, waits for a backfill"
    if sides.base is not None and _at_rest(sides, sides.base):
        return Move.NOTHING, "unchanged"
    if agree:
        return Move.REBASE, "both agree"
    return Move.WRITE, _reason(sides)


def _at_rest(sides: Sides, base: Agreed) -> bool:
    """Neither side moved. What the target made of our value is its half of the base, and is left alone."""
    return same(sides.source, base.source) and same(sides.present, base.target) and not base.unsure


def _reason(sides: Sides) -> str:
    if sides.base is None:
        return "first coupling"
    return "target drifted" if same(sides.source, sides.base.source) else "source changed"
