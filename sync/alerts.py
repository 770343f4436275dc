"""What people are alerted about, when again, and in which words. Pure.

An alert names ids and causes, never a record's values.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sync.errors import CODES
from sync.stores.alerts import Told
from sync.stores.modes import Mode, ModeSetting
from sync.stores.parked import Head

MOST = 40
"""Topics in one digest; the others come with the next."""

GROWN = 10
"""A topic is told again at once when it counts this many times more."""

BY_THEMSELVES = ("brake", "identity")
"""The causes of a pause that no person set."""


@dataclass(frozen=True)
class Topic:
    """One thing a person should know: one cause in one flow of one company. `name` is what it is remembered by."""

    name: str
    count: int
    since: str
    lines: tuple[str, ...]
    paused: bool = False


def topics(parked: Iterable[Head], modes: Iterable[ModeSetting]) -> list[Topic]:
    """Everything that waits for a person now, grouped: pauses first, then the causes that most records share."""
    groups: dict[tuple[str, str, str], list[Head]] = {}
    for head in parked:
        groups.setdefault((head.code, head.flow, head.company), []).append(head)
    causes = [_cause(heads) for heads in groups.values()]
    pauses = [_pause(each) for each in modes if each.mode is Mode.PAUSED and each.cause in BY_THEMSELVES]
    return [*pauses, *sorted(causes, key=lambda topic: (-topic.count, topic.name))]


def due(known: Sequence[Topic], told: Mapping[str, Told], now: datetime, again: timedelta) -> list[Topic]:
    """Those to be told now: never told, told longer than `again` ago, or grown tenfold since."""
    return [topic for topic in known if _is_due(topic, told.get(topic.name), now, again)]


def digest(known: Sequence[Topic], place: str) -> tuple[str, str]:
    """Title and text of one message about some topics."""
    pauses = sum(topic.paused for topic in known)
    records = sum(topic.count for topic in known if not topic.paused)
    news = [
        f"{pauses} {'pause' if pauses == 1 else 'pauses'}" if pauses else "",
        f"{records} {'record waits' if records == 1 else 'records wait'} for a person" if records else "",
    ]
    return f"GP365 {place}: {', '.join(filter(None, news))}", "\n\n".join("\n".join(topic.lines) for topic in known)


def remembered(
    told: Mapping[str, Told], news: Sequence[Topic], known: Sequence[Topic], now: datetime, again: timedelta
) -> dict[str, Told]:
    """What is told once `news` was sent. What is over, and would be told anew anyhow, is forgotten, a few at a time."""
    names = {topic.name for topic in known}
    over = [name for name, one in told.items() if name not in names and datetime.fromisoformat(one.at) + again <= now]
    kept = {name: one for name, one in told.items() if name not in over[:MOST]}
    return kept | {topic.name: Told(topic.count, now.isoformat()) for topic in news}


def _is_due(topic: Topic, told: Told | None, now: datetime, again: timedelta) -> bool:
    return told is None or datetime.fromisoformat(told.at) + again <= now or topic.count >= GROWN * told.count


def _cause(heads: Sequence[Head]) -> Topic:
    oldest = min(heads, key=lambda head: head.since)
    cause = CODES[oldest.code] if oldest.code in CODES else CODES["unexpected"]
    company = "" if oldest.company == "-" else f" --company {oldest.company}"
    lines = (
        f"{len(heads)} parked ({oldest.code}): {cause.meaning}",
        f"  {oldest.flow} of {oldest.company}; the oldest: {oldest.pair}/{oldest.company}/{oldest.key}, "
        f"since {_time(oldest.since)}",
        f"  Next: {cause.next_step}",
        f"  Look: python -m sync parked list{company} --code {oldest.code}",
    )
    return Topic(f"parked~{oldest.code}~{oldest.flow}~{oldest.company}", len(heads), oldest.since, lines)


def _pause(setting: ModeSetting) -> Topic:
    lines = (
        f"{setting.what} is paused since {_time(setting.since)} ({setting.cause}).",
        f"  {setting.text}",
        "  Look: python -m sync modes",
    )
    name = f"paused~{setting.cause}~{setting.flow}~{setting.company}~{setting.since}"
    return Topic(name, 1, setting.since, lines, paused=True)


def _time(stamp: str) -> str:
    return f"{datetime.fromisoformat(stamp):%Y-%m-%d %H:%M} UTC"
