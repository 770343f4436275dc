"""Decides, per field, what becomes of a difference (design §3.1, step 8). Pure."""

from dataclasses import dataclass
from enum import StrEnum

from sync.mapping_model import Edits, FirstSync, Owner, Side
from sync.stores.couple import Agreed, opposite
from sync.value import Value, same

FOUGHT_OVER = "fought over"
CHOICE = "a person's choice"
REFUSED = "refused by a person"


class Move(StrEnum):
    """What happens to one field."""

    NOTHING = "nothing"
    REBASE = "rebase"
    WRITE = "write"
    OTHER = "other"  # it is the other direction's
    REVIEW = "review"
    REQUEST = "request"  # an edit on the side that does not own it waits for a person


@dataclass(frozen=True)
class Sides:
    """One field as both sides hold it now, seen from the flow that comes from `side`.

    `source` is the source's value in its own terms, `wanted` the same as the target would hold it, `present` what the
    target holds. `base` is None for a field that never agreed. `alike`: both say the same, if in other words. `filled`: the
    only side that holds something, where the two meet for the first time.
    """

    source: Value
    wanted: Value
    present: Value
    base: Agreed | None
    side: Side = "gp"
    alike: bool = False
    filled: Side | None = None

    @property
    def agree(self) -> bool:
        """Whether nothing is left to be done about it."""
        return self.alike or same(self.wanted, self.present)

    @property
    def unsure(self) -> bool:
        """Whether what one side held when both agreed is a guess."""
        return self.base is not None and self.base.unsure is not None

    @property
    def source_moved(self) -> bool:
        """Whether the source holds another value than when both agreed."""
        return self._moved(self.side, self.source)

    @property
    def target_moved(self) -> bool:
        """Whether the target does."""
        return self._moved(opposite(self.side), self.present)

    def _moved(self, side: Side, value: Value) -> bool:
        return self.base is None or self.base.unsure == side or not same(value, self.base.half(side))


@dataclass(frozen=True)
class Ruling:
    """How a field is ruled: `only` is the side it comes from when it has no way back, `take` the one a person chose where
    both differ, `granted` the one chosen about what waited for approval, `newer` the one that was changed last, where that
    is known. `asks`: every edit in Dataverse waits for a person. `fought`: both sides have written it by turns for too long.
    """

    only: Side | None = "gp"
    owner: Owner = "gp"
    first_sync: FirstSync = "gp"
    edits: Edits = "leave"
    take: Side | None = None
    granted: Side | None = None
    newer: Side | None = None
    asks: bool = False
    fought: bool = False

    @property
    def refused(self) -> bool:
        """Whether a person wants none of what Dataverse asks for."""
        return self.asks and self.granted == "gp"


def decide(sides: Sides, ruling: Ruling, *, coupling: bool) -> tuple[Move, str]:
    """The move for one field and the rule that chose it, in words for the ledger.

    `coupling` is true while this pair of records has not agreed on all its fields yet; then `first_sync` says whose value
    holds, and a blank never replaces a value. Later a field without a base is newly mapped, and makes no traffic until it is backfilled.
    """
    if sides.base is None and not coupling and not sides.agree:
        return Move.NOTHING, "newly mapped, waits for a backfill"
    if sides.base is not None and not (sides.source_moved or sides.target_moved):
        return Move.NOTHING, "unchanged"
    if sides.agree:
        return Move.REBASE, "both agree"
    if ruling.only == opposite(sides.side):
        return _edited(sides, ruling)
    if sides.base is None:
        return _meet(sides, ruling)
    if ruling.only:
        return _own(sides, ruling)
    return _both_ways(sides, ruling)


def _edited(sides: Sides, ruling: Ruling) -> tuple[Move, str]:
    """A field that only the target's side may change, or nobody's yet."""
    if sides.base is None or not sides.source_moved or ruling.edits == "leave":
        return Move.NOTHING, f"{_named(opposite(sides.side))}'s own"
    asked = ruling.edits == "request" and not sides.unsure
    if asked and ruling.granted == sides.side:
        return Move.WRITE, "approved by a person"
    if ruling.granted or not asked:
        return Move.OTHER, f"{_named(opposite(sides.side))}'s own: put back"
    return Move.REQUEST, f"{_named(opposite(sides.side))}'s own: waits for approval"


def _own(sides: Sides, ruling: Ruling) -> tuple[Move, str]:
    """A field that only the source's side may change."""
    moved, asked = sides.source_moved, ruling.edits == "request" and not sides.unsure
    if asked and (ruling.granted == opposite(sides.side) or (ruling.granted is None and not moved)):
        return Move.OTHER, "target drifted: a person's to approve"
    return Move.WRITE, "source changed" if moved else "target drifted"


def _meet(sides: Sides, ruling: Ruling) -> tuple[Move, str]:
    """What becomes of two values that differ when their records are coupled."""
    if sides.filled:
        return _fill(sides, ruling)
    first = _holds(ruling)
    target = opposite(sides.side)
    if first == sides.side or (sides.present is None and first != target):
        return Move.WRITE, CHOICE if first == ruling.take else "first coupling"
    if ruling.only is None and (first == target or sides.source is None):
        return Move.OTHER, f"first coupling: {_named(target)}'s value holds"
    if first == "review":
        return Move.REVIEW, "first coupling: both are filled"
    return Move.REBASE, "first coupling: the target's value holds"


def _holds(ruling: Ruling) -> FirstSync:
    """Whose value: a person's choice, but in a field that only one side may change only where a person was asked about it."""
    first = (ruling.newer or "review") if ruling.first_sync == "newest" else ruling.first_sync
    asked = ruling.only is None or first == "review"
    if asked and ruling.take:
        return ruling.take
    return "gp" if first == "d365" and ruling.refused else first


def _fill(sides: Sides, ruling: Ruling) -> tuple[Move, str]:
    """A value beside a blank: it goes there, or where it may not both stay as they are."""
    if sides.filled == "d365" and ruling.refused:
        return Move.REBASE, f"first coupling: {REFUSED}"
    if sides.filled == sides.side:
        return Move.WRITE, f"first coupling: {_named(opposite(sides.side))}'s is blank"
    move = Move.OTHER if ruling.only is None else Move.REBASE
    return move, f"first coupling: {_named(sides.side)}'s is blank"


def _both_ways(sides: Sides, ruling: Ruling) -> tuple[Move, str]:
    winner, rule = _winning(sides, ruling)
    if winner is None:
        return Move.REVIEW, rule
    if winner == "d365" and ruling.refused and rule != CHOICE:
        winner, rule = "gp", f"{REFUSED}: put back"
    return (Move.WRITE if winner == sides.side else Move.OTHER), rule


def _winning(sides: Sides, ruling: Ruling) -> tuple[Side | None, str]:
    """Whose value holds, and why; None when a person must say. What two systems put back, each after the other, goes by a
    person, whoever moved it last.
    """
    if ruling.fought:
        return ruling.take, CHOICE if ruling.take else FOUGHT_OVER
    if not sides.target_moved:
        return sides.side, "source changed"
    if not sides.source_moved:
        return opposite(sides.side), "target changed"
    if ruling.take:
        return ruling.take, CHOICE
    winner = _winner(ruling, sides.unsure)
    return winner, f"both changed: {_named(winner)}'s holds" if winner else "both changed"


def _winner(ruling: Ruling, unsure: bool) -> Side | None:
    """Whose value holds when both sides changed; None when a person must say."""
    if unsure or ruling.owner == "review":
        return None
    return ruling.newer if ruling.owner == "latest" else ruling.owner


def _named(side: Side) -> str:
    return "GP" if side == "gp" else "Dataverse"
