"""Whether the line has something to do about a record: what the source holds now against what was last agreed. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sync.mapping import Mapping
from sync.stores.couple import Couple
from sync.system import Record
from sync.value import same


@dataclass(frozen=True)
class Watched:
    """How much of a pair the line answers for: records changed after `since`, and with `loaded` all of them."""

    since: datetime
    loaded: bool


def is_news(mapping: Mapping, couple: Couple, record: Record, watched: Watched, now: datetime) -> bool:
    """Whether a record found in the source should be sent. `now` is the clock by which the couple's age was taken.

    A record that is parked waits for a person; one with an intent has its own message; one that a person let go is
    left alone until it changes again. A field that never agreed does not count: it waits for a backfill.
    """
    if couple.parked or couple.intent:
        return False
    if not couple.etag:
        return watched.loaded or _changed_after(record, watched.since)
    if couple.discarded and not _changed_after(record, now - couple.age):
        return False
    if not couple.coupled or (couple.identity and couple.identity != record.identity):
        return True
    converted = mapping.convert(record.values, mapping.lookups)
    agreed = {name: couple.base[name] for name in converted.fields if name in couple.base}
    moved = any(not same(converted.fields[name].source, base.gp) for name, base in agreed.items())
    return moved or any(problem.field in couple.base for problem in converted.problems)


def _changed_after(record: Record, moment: datetime) -> bool:
    """By the source's own stamp of its row; one without a stamp counts as changed."""
    return not record.version or datetime.fromisoformat(record.version).replace(tzinfo=UTC) > moment
