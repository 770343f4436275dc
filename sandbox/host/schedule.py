"""NCRONTAB schedules and the status the timer extension keeps of them.

Source: CronSchedule, ScheduleMonitor and TimerListener of azure-webjobs-sdk-extensions (MIT).
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Any

from croniter import CroniterError, croniter

from sandbox.host.errors import HostError, UnknownToHost

NEVER = datetime(1, 1, 1, tzinfo=UTC)
_ITEM = r"(?:\*|\w+)(?:-\w+)?(?:/\d+)?"
_FIELD = re.compile(rf"{_ITEM}(?:,{_ITEM})*")


class Schedule:
    """Six fields, seconds first, Sunday = 0; both day fields must match, unlike in cron.

    Five fields mean second 0. Raises HostError naming the function for an expression that is none.
    """

    def __init__(self, expression: str, function: str, zone: tzinfo = UTC) -> None:
        self.expression = expression
        self._zone = zone
        if re.fullmatch(r"[\d.:]+", expression):
            raise UnknownToHost("the timer schedule", f"{expression!r}: a time span (function {function})")
        fields = [re.sub(r"([A-Za-z]{3})[A-Za-z]*", r"\1", each) for each in expression.split()]
        fields = ["0", *fields] if len(fields) == 5 else fields
        self._fields = " ".join(fields)
        wrong = len(fields) != 6 or not all(map(_FIELD.fullmatch, fields)) or re.search("[789]", fields[-1])
        if wrong or not croniter.is_valid(self._fields, second_at_beginning=True):
            raise HostError(f"function {function}: the schedule {expression!r} is no NCRONTAB expression")

    def after(self, moment: datetime) -> datetime:
        """The first occurrence later than `moment`, which must know its time zone; in UTC."""
        start = moment.astimezone(self._zone)
        found = croniter(self._fields, start, second_at_beginning=True, day_or=False).get_next(datetime)
        return found.astimezone(UTC)

    def is_short(self, moment: datetime) -> bool:
        """Whether occurrences lie less than a minute apart: then the host keeps no status."""
        occurrences = [moment]
        for _ in range(5):
            try:
                occurrences.append(self.after(occurrences[-1]))
            except CroniterError:
                return False
        return any(later - earlier < timedelta(minutes=1) for earlier, later in pairwise(occurrences[1:]))


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
