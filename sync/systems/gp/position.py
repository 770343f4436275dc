"""How far a feed has been read: pure rules, kept as JSON in the cursor.

Two kinds. Change Tracking counts versions in the order of commits, so reading on from the last one is all there is
to it. `DEX_ROW_TS` is taken when a statement runs and shows only at its commit, so a row may appear behind what has
been read: a timestamp feed looks back, again and again, over the last minutes and remembers what it has sent.
"""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

# Past this many overlaps without a look back, one is made although not everything sent could be remembered.
_PATIENCE = 3


@dataclass(frozen=True)
class Seen:
    """A row of a feed: where it stands (version or stamp), its primary key as GP spells it, the record it belongs to."""

    at: int | str
    key: tuple[str, ...]
    parent: str = ""
    deleted: bool = False


class _Position(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Unfed(_Position):
    """A table that tells nothing: neither Change Tracking nor DEX_ROW_TS, or not there at all."""

    mode: Literal["none"] = "none"


class Tracked(_Position):
    """Read up to `version`; when `after` is given, only up to that key within `version`."""

    mode: Literal["change_tracking"] = "change_tracking"
    version: int
    after: tuple[str, ...] = ()

    @property
    def since(self) -> int:
        """The version to ask CHANGETABLE for changes after."""
        return self.version - 1 if self.after else self.version

    def advance(self, rows: Sequence[Seen], current: int, minimum: int | None, limit: int) -> "Tracked | None":
        """The position after a page of at most `limit` rows; None when history needed has been cleaned or restored.

        `current` is the database's version read before the rows, `minimum` the table's least valid one read after
        them. A current version behind ours means that an older copy of the database was restored.
        """
        if minimum is None or minimum > self.since or current < self.version:
            return None
        if len(rows) < limit:
            return Tracked(version=current)
        return Tracked(version=int(rows[-1].at), after=rows[-1].key)


class Stamped(_Position):
    """Passes over the rows stamped since `floor`; all stamps are texts of the server's UTC clock.

    A pass begins at the floor, reads pages in the order of (stamp, key), and ends with a page that is not full. A row
    stamped before `began - overlap` was visible when the pass began, so the next floor is there. `sent` remembers
    what was sent since the floor. It has room for few rows: after a bulk change, passes begin at `head` (only what is
    new) until one look back can clear the floor beyond all of it; that sends the bulk once more, not at each poll.
    """

    mode: Literal["timestamp"] = "timestamp"
    floor: str
    head: tuple[str, ...]
    began: str
    page: tuple[str, ...] = ()
    looking_back: bool = True
    sent: dict[str, str] = {}
    forgotten: str = ""
    not_before: str = ""

    @classmethod
    def new(cls, now: str, overlap: timedelta) -> "Stamped":
        """The position of a feed met for the first time."""
        return cls(floor=_before(now, overlap), head=(now,), began=now)

    @property
    def patient(self) -> bool:
        """Whether a look back would send again what could not be remembered."""
        return self.forgotten >= self.floor

    def start(self, overlap: timedelta) -> tuple[tuple[str, ...], bool]:
        """Where the next page begins, and whether that is a look back.

        A position is a stamp and a key, to be read beyond; or a stamp alone, to be read from.
        """
        if self.page:
            return self.page, self.looking_back
        waiting = self.patient and self.began < _before(self.floor, -_PATIENCE * overlap)
        return (self.head, False) if waiting else ((self.floor,), True)

    def advance(
        self, rows: Sequence[Seen], now: str, overlap: timedelta, *, limit: int, room: int, known_until: str = ""
    ) -> tuple[list[Seen], "Stamped"]:
        """What to send of a page read from `start`, and the position after it.

        `now` is the server's clock read before the rows, `room` how many rows may be remembered. Rows stamped up to
        `known_until` count as sent: a feed met for the first time sends nothing of what was there. When that is more
        than can be remembered the feed begins there without looking back; a commit late by then is the sweep's.
        """
        if known_until and len(rows) > min(room, limit - 1):
            return [], Stamped(floor=known_until, head=(known_until,), began=known_until, not_before=known_until)
        began_at, looking_back = self.start(overlap)
        new = [row for row in rows if self.sent.get(_mark(row)) != row.at]
        began = self.began if self.page else now
        sent, forgotten = self._remember(new, room)
        last = (str(rows[-1].at), *rows[-1].key) if rows else began_at
        ended = len(rows) < limit
        floor = max(_before(began, overlap), self.not_before) if ended and looking_back else self.floor
        position = Stamped(
            floor=floor,
            head=(last if rows or self.page else self.head) if last[0] <= began else (began,),
            began=began,
            page=() if ended else last,
            looking_back=looking_back,
            sent={mark: stamp for mark, stamp in sent.items() if stamp >= floor},
            forgotten=forgotten,
            not_before=self.not_before,
        )
        return [row for row in new if str(row.at) > known_until], position

    def _remember(self, rows: Sequence[Seen], room: int) -> tuple[dict[str, str], str]:
        sent, forgotten = dict(self.sent), self.forgotten
        for row in rows:
            if len(sent) < room or _mark(row) in sent:
                sent[_mark(row)] = str(row.at)
            else:
                forgotten = max(forgotten, str(row.at))
        return sent, forgotten


def _before(stamp: str, span: timedelta) -> str:
    return (datetime.fromisoformat(stamp) - span).isoformat(timespec="milliseconds")


def _mark(row: Seen) -> str:
    """A row's key in eight characters."""
    digest = hashlib.blake2b(json.dumps(row.key).encode(), digest_size=6).digest()
    return urlsafe_b64encode(digest).decode()
