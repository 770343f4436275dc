"""Records that a system does not show for a while, though nobody has deleted them: its table is rebuilt, a backup is being
restored, a macro deletes and enters again, a read is cut short.
"""

from collections.abc import Hashable
from datetime import datetime, timedelta

from sync.system import Record

LONGEST = timedelta(minutes=9)
"""Less than what lies between the two looks after which a record counts as deleted."""


class Away[Name: Hashable]:
    """The absences from one system's `records`; its `log` may tell of them. Each record is away once in a history: that it is
    so at two looks, and there between them, is nobody's mistake.
    """

    def __init__(self, records: dict[Name, Record], log: list[Name]) -> None:
        self._records, self._log = records, log
        self.names: set[Name] = set()
        """Those that were away, or are."""
        self._absent: dict[Name, tuple[Record, datetime, bool]] = {}

    def __contains__(self, name: Name) -> bool:
        return name in self._absent

    def go(self, name: Name, now: datetime, *, told: bool) -> None:
        """It is not there from now on; `told`: the log tells that, and its return."""
        self._absent[name] = (self._records.pop(name), now, told)
        self.names.add(name)
        self._log += [name] * told

    def back(self, now: datetime | None = None) -> None:
        """Those return that would be away for too long by then; without a time all of them."""
        for name, (record, since, told) in list(self._absent.items()):
            if now is None or since + LONGEST < now:
                del self._absent[name]
                self._records[name] = record
                self._log += [name] * told
