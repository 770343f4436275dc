"""Settles the intent that an earlier try left behind (design §3.1, steps 3-7), for targets with a mark. Pure.

Settling never writes mapped values: it finds out whether the write landed and sets the base accordingly.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from sync.stores.couple import Agreed, Couple, Intent, Lineage
from sync.system import Record, Write
from sync.value import same


@dataclass(frozen=True)
class Settlement:
    """What to do about an intent. `wait`: its owner may still be at work. `fence`: stop a late write before clearing.

    `couple` is the row without the intent. `landed` is the intent whose write is known to have happened; `certain`: by
    this very try, as its mark says.
    """

    couple: Couple
    wait: bool = False
    fence: Write | None = None
    landed: Intent | None = None
    certain: bool = False


def settle(couple: Couple, target: Record | None, message_id: str, visibility: timedelta, attempt: str) -> Settlement:
    """Settle `couple.intent` from what the target holds now. `attempt` marks the fence, if one is needed."""
    intent = couple.intent
    assert intent is not None
    if intent.message_id != message_id and couple.age < visibility:
        return Settlement(couple, wait=True)
    cleared = replace(couple, intent=None)
    # A create may still land later; it then meets the next try, which uses the same id. An update never will.
    missed = cleared if intent.create or couple.coupled else replace(cleared, id="")
    if target is None or target.key != couple.id:
        return Settlement(missed)
    if target.mark == intent.attempt or intent.create:
        landed = _landed(cleared, intent, target)
        return Settlement(landed, landed=intent, certain=target.mark == intent.attempt)
    return Settlement(missed, fence=Write(target.key, {}, attempt, version=target.version))


def committed(couple: Couple, kept: Record | None) -> Couple:
    """The row after a write that succeeded (steps 14 and 15). `kept` is None when it could not be read back surely."""
    intent = couple.intent
    assert intent is not None
    base = dict(couple.base)
    for name, plan in intent.fields.items():
        base[name] = Agreed(plan.source, kept.values.get(name) if kept else plan.new, unsure=kept is None)
    return replace(couple, intent=None, coupled=True, base=base, parked="", lineage=lineage(intent))


def lineage(intent: Intent) -> Lineage:
    return Lineage(intent.message_id, intent.flow, intent.reason, intent.seen_at, intent.attempt)


def _landed(couple: Couple, intent: Intent, target: Record) -> Couple:
    base = dict(couple.base)
    for name, plan in intent.fields.items():
        kept = target.values.get(name) if target.written_by_us else plan.new
        # A create may have landed with an older try's values: what differs is not certain.
        unsure = not same(kept, plan.new) and not (target.written_by_us and target.mark == intent.attempt)
        base[name] = Agreed(plan.source, kept, unsure=unsure)
    return replace(couple, coupled=True, base=base, lineage=lineage(intent))
