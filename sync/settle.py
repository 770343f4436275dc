"""Settles the intent that an earlier try left behind (design §3.1, steps 3-7), for targets with a mark. Pure.

Settling never writes mapped values: it finds out whether the write landed and sets the base accordingly.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sync.mapping_model import Side
from sync.stores.couple import Agreed, Couple, Intent, Lineage, opposite
from sync.system import Record, Write
from sync.value import Value, same

type Halves = Mapping[str, Value]
"""What the target holds, per field."""


@dataclass(frozen=True)
class Settlement:
    """What to do about an intent. `wait`: its owner may still be at work. `fence`: stop a late write before clearing.

    `couple` is the row without the intent. `landed` is the intent whose write is known to have happened, None where that of
    an earlier try did, which was told already; `certain`: by this very try, as its mark says.
    """

    couple: Couple
    wait: bool = False
    fence: Write | None = None
    landed: Intent | None = None
    certain: bool = False


@dataclass(frozen=True)
class Found:
    """The target as it is now: its record and its halves, and its own time, where it tells."""

    record: Record | None
    halves: Halves
    at: datetime | None = None


def settle(
    couple: Couple, side: Side, found: Found, message_id: str, visibility: timedelta, attempt: str
) -> Settlement:
    """Settle `couple.intent`, left by a flow from `side`, from what the target holds now. `attempt` marks the fence, if
    one is needed.
    """
    intent = couple.intent
    assert intent is not None
    if _may_be_at_work(couple, intent, found, message_id, visibility):
        return Settlement(couple, wait=True)
    cleared = replace(couple, intent=None)
    missed = _missed(cleared, intent, side)
    target = found.record
    if target is None or target.key != couple.on(opposite(side)):
        return Settlement(missed)
    certain = target.mark == intent.attempt
    if certain or (intent.create and (not intent.not_after or _is_most_of_it(intent, found))):
        landed = None if _is_of_earlier_try(couple, target) else intent
        return Settlement(_landed(cleared, intent, side, found), landed=landed, certain=certain)
    if intent.create and intent.not_after:
        return Settlement(replace(cleared, doubt=intent, answer=""))
    if intent.not_after:
        return _by_value(missed, intent, side, found)
    return Settlement(missed, fence=Write(target.key, {}, attempt, version=target.version))


def answered(couple: Couple) -> Settlement:
    """What becomes of `couple.doubt` when a person has answered: the record is the one that was made, or the two have nothing to
    do with each other. So they have without an answer, when GP's record is gone.
    """
    made = couple.doubt
    assert made is not None
    cleared = replace(couple, doubt=None, parked="", parked_d365="")
    if couple.chosen in (couple.key, couple.id):
        base = {name: Agreed.of("d365", plan.source, plan.new) for name, plan in made.fields.items()}
        one = replace(cleared.done_by("d365").written("d365", made), answer="", coupled=True, base=couple.base | base)
        return Settlement(replace(one, lineage=lineage(made)), landed=made)
    alone = cleared.named("d365" if couple.answer else "gp", "")
    return Settlement(replace(alone, base={}, unmet=None, lineage=None))


def committed(couple: Couple, side: Side, kept: Halves | None) -> Couple:
    """The row after a write that succeeded (steps 14 and 15). `kept` is None when it could not be read back surely."""
    intent = couple.intent
    assert intent is not None
    base = dict(couple.base)
    for name, plan in intent.fields.items():
        half = plan.new if kept is None else kept.get(name)
        base[name] = Agreed.of(side, plan.source, half, unsure=kept is None)
    done = replace(
        couple.done_by(side).written(side, intent), intent=None, coupled=True, base=base, lineage=lineage(intent)
    )
    return done.with_parked(side, "")


def lineage(intent: Intent) -> Lineage:
    return Lineage(intent.message_id, intent.flow, intent.reason, intent.seen_at, intent.attempt)


def _is_of_earlier_try(couple: Couple, target: Record) -> bool:
    """Whether the record was made by the create that had been given up before: it is told under that one's message."""
    return couple.lineage is not None and not couple.coupled and target.mark == couple.lineage.attempt


def _is_most_of_it(intent: Intent, found: Found) -> bool:
    """Whether the record under a reserved id, whose mark somebody emptied, holds at least half of what was sent: nobody
    else would type that, under just this id, in just this quarter of an hour. The rest somebody has edited since. With less of
    it nobody knows.
    """
    sent = {name: plan.new for name, plan in intent.fields.items() if plan.new not in (None, "")}
    unmarked = found.record is not None and not found.record.mark
    kept = sum(same(found.halves.get(name), value) for name, value in sent.items())
    return unmarked and 2 * kept >= len(sent) > 0


def _by_value(missed: Couple, intent: Intent, side: Side, found: Found) -> Settlement:
    """GP's mark is a field that people and programs can empty. Where it is empty and the record has changed since it was
    read, a field that holds what was sent has got it, one that holds what it held has not; of others nobody knows.
    """
    target = found.record
    assert target is not None
    if target.mark or target.version == intent.version:
        return Settlement(missed)
    base, held = dict(missed.base), False
    for name, plan in intent.fields.items():
        present = found.halves.get(name)
        if same(present, plan.new):
            base[name], held = Agreed.of(side, plan.source, present), True
        elif name in base and not same(present, plan.old):
            base[name] = replace(base[name], unsure=opposite(side))
    return Settlement(replace(missed, base=base), landed=intent if held else None)


def _may_be_at_work(couple: Couple, intent: Intent, found: Found, message_id: str, visibility: timedelta) -> bool:
    """Another one's message may still have a living worker; and a target without a fence may be written until its time,
    and somewhat longer where its clock is put back meanwhile.
    """
    if intent.not_after:
        landed = found.record is not None and found.record.mark == intent.attempt
        back = timedelta() if landed else visibility / 2
        return found.at is None or found.at <= datetime.fromisoformat(intent.not_after) + back
    return intent.message_id != message_id and couple.age < visibility


def _missed(cleared: Couple, intent: Intent, side: Side) -> Couple:
    """A create in Dataverse may still land later; it then meets the next try, which uses the same id. What such a create
    has made stays this record's. Another update of a record not coupled yet never lands, nor does anything in GP once
    its time is over: the id is let go.
    """
    if intent.create and not intent.not_after:
        return replace(cleared, lineage=lineage(intent))
    if cleared.coupled or (intent.reserved and not intent.not_after):
        return cleared
    return cleared.named(opposite(side), "")


def _landed(couple: Couple, intent: Intent, side: Side, found: Found) -> Couple:
    target, base = found.record, dict(couple.base)
    assert target is not None
    for name, plan in intent.fields.items():
        present = found.halves.get(name)
        half = present if target.written_by_us else plan.new
        # A create may have landed with an older try's values, and others may have written since: what differs is not certain.
        unsure = not same(present, plan.new) and not (target.written_by_us and target.mark == intent.attempt)
        base[name] = Agreed.of(side, plan.source, half, unsure=unsure)
    return replace(couple.done_by(side).written(side, intent), coupled=True, base=base, lineage=lineage(intent))
