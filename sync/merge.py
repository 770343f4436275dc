"""Decides, per field, what becomes of a difference (design §3.1, step 8), for fields that go one way. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from sync.mapping_model import FirstSync
from sync.stores.couple import Agreed
from sync.value import Value, same


class Move(StrEnum):
    """What happens to one field."""

    NOTHING = "nothing"
    REBASE = "rebase"
    WRITE = "write"
    REVIEW = "review"


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


def decide(sides: Sides, *, coupling: bool, first_sync: FirstSync = "gp") -> tuple[Move, str]:
    """The move for one field and the rule that chose it, in words for the ledger.

    `coupling` is true while this pair of records has not agreed on all its fields yet; then `first_sync` says whose value
    holds. Later a field without a base is newly mapped, and makes no traffic until it is backfilled.
    """
    agree = same(sides.wanted, sides.present)
    if sides.base is None and not coupling and not agree:
        return Move.NOTHING, "newly mapped, waits for a backfill"
    if sides.base is not None and _at_rest(sides, sides.base):
        return Move.NOTHING, "unchanged"
    if agree:
        return Move.REBASE, "both agree"
    if sides.base is None:
        return _meet(sides, first_sync)
    return Move.WRITE, "target drifted" if same(sides.source, sides.base.source) else "source changed"


def _at_rest(sides: Sides, base: Agreed) -> bool:
    """Neither side moved. What the target made of our value is its half of the base, and is left alone."""
    return same(sides.source, base.source) and same(sides.present, base.target) and not base.unsure


def _meet(sides: Sides, first_sync: FirstSync) -> tuple[Move, str]:
    """What becomes of two values that differ when their records are coupled."""
    if first_sync == "gp" or (sides.present is None and first_sync != "d365"):
        return Move.WRITE, "first coupling"
    if first_sync == "review":
        return Move.REVIEW, "first coupling: both are filled"
    return Move.REBASE, "first coupling: the target's value holds"
