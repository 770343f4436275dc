"""Whether the line has something to do about a record: what the source holds now against what was last agreed. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sync.errors import Rejected
from sync.mapping import Mapping
from sync.mapping_model import Side
from sync.stores.couple import Couple
from sync.system import Record
from sync.value import same


@dataclass(frozen=True)
class Watched:
    """How much of a pair the line answers for: records changed after `since`, and with `loaded` all of them."""

    since: datetime
    loaded: bool


def is_news(mapping: Mapping, couple: Couple, record: Record, watched: Watched, now: datetime) -> bool:
    """Whether a record found in GP should be sent. `now` is the clock by which the couple's age was taken.

    A record that is parked waits for a person; one with an intent has its own message; one that a person let go is
    left alone until it changes again. A field that never agreed does not count: it waits for a backfill.
    """
    if is_outside(mapping, record):
        return couple.coupled and mapping.rules.on_leave == "park" and not (couple.parked or couple.intent)
    if (rest := _whatever_it_holds("gp", couple, _stamp(record), watched, now)) is not None:
        return rest
    if couple.identity and couple.identity != record.identity:
        return True
    converted = mapping.convert(record.values, mapping.lookups)
    agreed = {name: couple.base[name] for name in converted.fields if name in couple.base}
    moved = any(not same(converted.fields[name].source, base.gp) for name, base in agreed.items())
    return (
        moved or any(problem.field in couple.base for problem in converted.problems) or may_owe(mapping, couple, record)
    )


def owes(mapping: Mapping, couple: Couple, record: Record) -> bool:
    """Whether the parent of a coupled record of GP is to refer to it, and neither did so nor referred to another one when it
    was to. Raises Rejected when that can't be told.
    """
    agreed = couple.base.get(mapping.link)
    return bool(mapping.link) and not (agreed and agreed.d365) and mapping.is_linked(record.values)


def may_owe(mapping: Mapping, couple: Couple, record: Record) -> bool:
    """The same, and where it can't be told."""
    try:
        return owes(mapping, couple, record)
    except Rejected:
        return True


def is_outside(mapping: Mapping, record: Record) -> bool:
    """Whether a record of GP takes no part. One of which that can't be told is looked at by the line."""
    try:
        return not mapping.takes_part(record.values)
    except Rejected:
        return False


def is_news_in_dataverse(mapping: Mapping, couple: Couple, record: Record, watched: Watched, now: datetime) -> bool:
    """The same for a record found in Dataverse: what it holds is its half of the base as it stands. A field whose edits
    never go to GP does not count; one that was merged into another counts while it is coupled.
    """
    if record.successor:
        return bool(couple.key)
    if (rest := _whatever_it_holds("d365", couple, record.changed, watched, now)) is not None:
        return rest
    heard = [field.name for field in mapping.fields if field.returns]
    agreed = {name: couple.base[name] for name in heard if name in couple.base}
    return any(not same(record.values.get(name), base.d365) for name, base in agreed.items())


def _whatever_it_holds(
    side: Side, couple: Couple, changed: datetime | None, watched: Watched, now: datetime
) -> bool | None:
    """The answer where the values of a record of this side make no difference; None where they do."""
    if couple.parked_by(side) or couple.intent:
        return False
    if not couple.etag:
        return watched.loaded or _after(changed, watched.since)
    if couple.discarded and not _after(changed, now - couple.age):
        return False
    return True if not couple.coupled or couple.unmet == side else None


def _stamp(record: Record) -> datetime | None:
    return datetime.fromisoformat(record.version).replace(tzinfo=UTC) if record.version else None


def _after(changed: datetime | None, moment: datetime) -> bool:
    """By the source's own stamp of its row; one without a stamp counts as changed."""
    return changed is None or changed > moment
