"""NCRONTAB schedules and the status the timer extension keeps of them.

Source: CronSchedule, ScheduleMonitor and TimerListener of azure-webjobs-sdk-extensions (MIT).
"""

import json
import re
from calendar import day_name, month_name
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Any

from cronsim import CronSim, CronSimError

from sandbox.host.errors import HostError, UnknownToHost

NEVER = datetime(1, 1, 1, tzinfo=UTC)
NAMES = [name.lower() for name in [*month_name[1:], *day_name]]
_ITEM = r"(?:\*|\d+|[A-Za-z]{3,})(?:-(?:\d+|[A-Za-z]{3,}))?(?:/\d+)?"
_FIELD = re.compile(rf"{_ITEM}(?:,{_ITEM})*")


class Schedule:
    """Six fields, seconds first, Sunday = 0; both day fields must match, unlike in cron.

    Five fields mean second 0. Raises HostError naming the function for an expression that is none or never
    occurs, UnknownToHost for a time span.
    """

    def __init__(self, expression: str, function: str, zone: tzinfo = UTC) -> None:
        if re.fullmatch(r"[\d.:]+", expression):
            raise UnknownToHost("the timer schedule", f"{expression!r}: a time span (function {function})")
        self._zone = zone
        try:
            self._fields = _fields(expression)
            self.after(datetime.now(UTC))
        except (CronSimError, StopIteration) as error:
            raise HostError(
                f"function {function}: the schedule {expression!r} is no NCRONTAB expression: {error}"
            ) from error

    def after(self, moment: datetime) -> datetime:
        """The first occurrence later than `moment`, which must know its time zone; in UTC."""
        occurrences = CronSim(self._fields, moment.astimezone(self._zone))
        occurrences.day_and = True
        return next(occurrences).astimezone(UTC)

    def is_short(self, moment: datetime) -> bool:
        """Whether occurrences lie less than a minute apart: then the host keeps no status."""
        occurrences = [self.after(moment)]
        for _ in range(4):
            occurrences.append(self.after(occurrences[-1]))
        return any(later - earlier < timedelta(minutes=1) for earlier, later in pairwise(occurrences))


def _fields(expression: str) -> str:
    """The expression as CronSim wants it; raises CronSimError for what cron knows and NCRONTAB doesn't."""
    fields = expression.split()
    fields = ["0", *fields] if len(fields) == 5 else fields
    if len(fields) != 6:
        raise CronSimError("six fields are wanted")
    if not all(_FIELD.fullmatch(field) for field in fields) or re.search(r"(?<![/\d])7", fields[5]):
        raise CronSimError("only numbers, names, * , - and / are known, and days 0 to 6")
    for word in re.findall("[A-Za-z]+", expression):
        if not any(name.startswith(word.lower()) for name in NAMES):
            raise CronSimError(word)
    return re.sub(r"([A-Za-z]{3})[A-Za-z]*", r"\1", " ".join(fields))


@dataclass(frozen=True)
class Status:
    """What the status blob holds: the last run, the next, and when that was worked out."""

    last: datetime
    next: datetime
    updated: datetime

    def to_json(self) -> dict[str, str]:
        moments = {"Last": self.last, "Next": self.next, "LastUpdated": self.updated}
        return {name: moment.isoformat() for name, moment in moments.items()}

    @classmethod
    def from_json(cls, text: str | bytes) -> "Status":
        content: dict[str, Any] = json.loads(text)
        return cls(*(datetime.fromisoformat(content[name]) for name in ("Last", "Next", "LastUpdated")))


def at_start(status: Status | None, schedule: Schedule, now: datetime) -> Status:
    """The status a starting listener goes by: the recorded one, or a new one.

    A recorded `next` that the schedule no longer gives means the schedule was changed: an occurrence of the new
    one that lies in the past is then not made up for.
    """
    if status is None:
        return Status(NEVER, schedule.after(now), now)
    known = next((moment for moment in (status.last, status.updated) if moment > NEVER), now)
    expected = schedule.after(known)
    if status.next == expected:
        return status
    if now > expected:
        return Status(NEVER, schedule.after(now), now)
    return Status(NEVER, expected, known)


def after_run(status: Status, schedule: Schedule, moment: datetime, *, on_schedule: bool) -> Status:
    """The status after a run begun at `moment`.

    A timer that fired a little early is counted at its own time, or the same occurrence would fire twice.
    """
    began = max(moment, status.next) if on_schedule else moment
    return Status(began, schedule.after(began), began)
