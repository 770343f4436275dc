"""Goes over the fields of one record and gathers what is to be written, rebased, asked, or left to the other direction. Pure."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from sync.mapping import MappedField
from sync.mapping_model import Edits, FirstSync, Side
from sync.merge import FOUGHT_OVER, Move, Ruling, Sides, decide
from sync.stores.couple import Agreed, Couple, Planned, opposite
from sync.system import Record
from sync.value import same, visible
from sync.way import Turned, Way

FOUGHT = " (put back again and again, by each side after the other)"

CLOCKS_DIFFER = timedelta(minutes=2)
"""Two stamps of two systems that are nearer than this tell no order."""


@dataclass
class Merged:
    """The fields of one record: their base, what is to be written and by which rule, what a person must look at, and
    whether some are the other direction's.
    """

    base: dict[str, Agreed]
    planned: dict[str, Planned] = field(default_factory=dict)
    rules: dict[str, str] = field(default_factory=dict)
    review: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Meeting:
    """Two records that belong together: `met` once all fields of this direction were brought over; `newly` mapped
    fields meet for the first time whatever the others do.
    """

    couple: Couple
    source: Record
    target: Record
    turned: Turned
    met: bool
    newly: frozenset[str]
    both_ways: bool
    asks: bool


def merge(way: Way, fields: dict[str, MappedField], meeting: Meeting) -> Merged:
    """What becomes of each field."""
    merged = Merged(dict(meeting.couple.base) if meeting.couple.coupled else {})
    halves, filled = way.halves(meeting.target), _filled(way, meeting)
    for name, pair in meeting.turned.fields.items():
        mapped, present = fields[name], halves.get(name)
        alike = not same(pair.target, present) and way.alike(mapped, meeting.source, meeting.target)
        sides = Sides(pair.source, pair.target, present, merged.base.get(name), way.side, alike, filled.get(name))
        ruling = replace(_ruling(mapped, meeting, way.side), newer=_newer(mapped, meeting, way.side))
        move, rule = decide(sides, ruling, coupling=not meeting.met or name in meeting.newly)
        _note(merged, mapped, sides, move, rule)
    return merged


def _ruling(mapped: MappedField, meeting: Meeting, side: Side) -> Ruling:
    first = _first_sync(mapped, meeting, side)
    edits, couple = _edits(mapped, meeting), meeting.couple
    fought = couple.fights(mapped.name)
    return Ruling(
        mapped.side, mapped.owner, first, edits, couple.take, couple.granted, asks=meeting.asks, fought=fought
    )


def _edits(mapped: MappedField, meeting: Meeting) -> Edits:
    """Only where there is a way back can somebody be asked."""
    return (mapped.rule.edits or "revert") if meeting.both_ways else "revert"


def _newer(mapped: MappedField, meeting: Meeting, side: Side) -> Side | None:
    """The side that was changed last, where that is known: of two that meet, and later for `owner: latest`, of two that people
    changed last.
    """
    gp, d365 = (meeting.source, meeting.target) if side == "gp" else (meeting.target, meeting.source)
    couple = meeting.couple
    if not is_dated(mapped) or (couple.coupled and (mapped.owner != "latest" or _is_perhaps_ours(couple, gp, d365))):
        return None
    return changed_last(gp.version, d365.changed)


def _is_perhaps_ours(couple: Couple, gp: Record, d365: Record) -> bool:
    """Whether one of the two stamps may tell of a write of ours. GP names no writer, but each of ours was over when the row was
    stored.
    """
    stamp = changed_last(gp.version, couple.stored) if gp.mark else "gp"
    return d365.written_by_us or stamp != "gp"


def is_dated(mapped: MappedField) -> bool:
    """Whether GP tells when the field was changed: its stamp is that of the main row, and tells nothing of other tables."""
    return all("." not in path for path in mapped.paths)


def changed_last(gp_stamp: str, changed: datetime | None) -> Side | None:
    """The side of two records that was changed last, by GP's stamp and Dataverse's, as far as both clocks tell."""
    if not gp_stamp or changed is None:
        return None
    ahead = datetime.fromisoformat(gp_stamp).replace(tzinfo=UTC) - changed
    return None if abs(ahead) < CLOCKS_DIFFER else "gp" if ahead > timedelta() else "d365"


def _first_sync(mapped: MappedField, meeting: Meeting, side: Side) -> FirstSync:
    """Whose value holds in a field that never agreed."""
    if mapped.name in meeting.newly:
        return mapped.first_sync
    if meeting.couple.coupled:  # by the other direction, which has left this to us
        return mapped.side or mapped.first_sync
    return side if _is_made_by_us(meeting, side) else mapped.first_sync


def _is_made_by_us(meeting: Meeting, side: Side) -> bool:
    """A record that was reserved for this one: what it holds is an earlier try's."""
    return not meeting.couple.coupled and meeting.target.key == meeting.couple.on(opposite(side))


def _filled(way: Way, meeting: Meeting) -> dict[str, Side]:
    """Which side alone holds something, of the fields of two records that meet."""
    if (meeting.met and not meeting.newly) or _is_made_by_us(meeting, way.side):
        return {}
    return way.filled(meeting.source, meeting.target)


def _note(merged: Merged, mapped: MappedField, sides: Sides, move: Move, rule: str) -> None:
    name = mapped.name
    if move is Move.REBASE:
        merged.base[name] = Agreed.of(sides.side, sides.source, sides.present)
    if move is Move.WRITE:
        merged.planned[name] = Planned(sides.source, sides.present, sides.wanted)
        merged.rules[name] = rule
    if move is Move.OTHER and sides.base is None and sides.filled:
        # Whoever fills the blank meanwhile has edited it: the field is as if both had been blank.
        merged.base[name] = Agreed.of(sides.side, sides.source, None)
    if move is Move.OTHER or (move is Move.REVIEW and sides.side == "d365"):
        merged.others.append(name)
    elif move is Move.REVIEW:
        merged.review.append(difference(mapped, sides) + (FOUGHT if rule == FOUGHT_OVER else ""))
    if move is Move.REQUEST:
        merged.requests.append(difference(mapped, sides))


def difference(mapped: MappedField, sides: Sides) -> str:
    """Both values of a field, for a person to decide."""
    if mapped.secret:
        return f"{mapped.name} (hidden)"
    holds = "Dataverse" if sides.side == "gp" else "GP"
    base = sides.base.half("gp") if sides.base else None
    agreed = f", both held {visible(repr(base))} before" if sides.base else ""
    return f"{mapped.name} would be {visible(repr(sides.wanted))}, {holds} holds {visible(repr(sides.present))}{agreed}"
