"""What changed in a GP company since the last poll: all feeds in one round trip when nothing is new."""

from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sync.errors import BadSettings
from sync.mapping import Mapping
from sync.system import Change, FeedKind, Identity
from sync.systems.gp.client import GpClient
from sync.systems.gp.environment import identity_of
from sync.systems.gp.feeds import Facts, Position, Source, discover, sources
from sync.systems.gp.looks import Page, pages, statement
from sync.systems.gp.position import Seen, Stamped, Tracked, Unfed

# What all feeds of a company may remember together: keeps a cursor below 32 KB, well inside a table's property.
_ROOM = 500
_LOOK_AGAIN = timedelta(hours=1)


class _Cursor(BaseModel):
    """`looked` is when the database was last asked which feeds it has, `version` its change version then, if it has one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    server_time: str = ""
    looked: str = ""
    version: int | None = None
    feeds: dict[str, Annotated[Tracked | Stamped | Unfed, Field(discriminator="mode")]] = {}


@dataclass
class Poll:
    """What a poll brought: changes by pair, and the cursor to keep once they are on a lane (JSON, under 32 KB).

    The cursor is the old one when nothing is new, so that an idle poll costs no write; it moves on hourly.
    `full_reread` names the pairs whose history is gone, changed its kind or runs on another clock: read every key.
    `more` says that a limit was reached: poll again without waiting. `server_time` is the server's clock, UTC.
    `identity` tells which environment answered, with the highest change version that the old cursor knew.
    """

    server_time: datetime
    identity: Identity
    cursor: dict[str, object] = field(default_factory=dict)
    changes: dict[str, list[Change]] = field(default_factory=dict)
    full_reread: set[str] = field(default_factory=set)
    more: bool = False


class GpFeeds:
    """Polls through `client`. Keeps nothing between polls: everything is in the cursor."""

    def __init__(self, client: GpClient) -> None:
        self._client = client
        self._overlap = timedelta(minutes=client.settings.overlap_minutes)
        self._limit = client.settings.poll_limit
        self._system_database = client.settings.system_database

    async def poll(self, company: str, mappings: Sequence[Mapping], cursor: Table[str, object]) -> Poll:
        """The changes since `cursor`; for a feed that is not in it the place is noted and nothing is sent.

        Which kind a feed is of is found out at its first poll, then hourly, and when the database refuses the
        question. Raises as `GpClient.query`, and BadSettings for a cursor that is none.
        """
        wanted, known = sources(mappings), _read(cursor)
        if _must_look(wanted, known):
            return await self._poll(company, wanted, known, await discover(self._client, company, wanted))
        try:
            return await self._poll(company, wanted, known, None)
        except BadSettings:
            return await self._poll(company, wanted, known, await discover(self._client, company, wanted))

    async def _poll(self, company: str, wanted: Sequence[Source], known: _Cursor, facts: Facts | None) -> Poll:
        fed = [(source, _position(source, known, facts, self._overlap)) for source in wanted]
        answer = await self._client.run(company, statement(fed, self._overlap, self._limit, self._system_database))
        now, found = pages(fed, answer)
        identity = identity_of(answer[0][0], known.version)
        poll = Poll(datetime.fromisoformat(now).replace(tzinfo=UTC), identity, full_reread=_moved(fed, known))
        intake = _Intake(poll, now, self._overlap, self._limit, _ROOM // max(1, len(fed)))
        for source, position in fed:
            met_at = facts.server_time if facts and source.name not in known.feeds else ""
            intake.take(source, position, found.get(source.name), met_at)
        if known.server_time > _after(now, self._overlap):
            intake.restart(wanted)
        quiet = facts is None and not poll.full_reread and not intake.moving and not _stale(now, known)
        looked = facts.server_time if facts else min(known.looked, now)
        further = _Cursor(server_time=now, looked=looked, version=identity.version, feeds=intake.positions)
        poll.cursor = (known if quiet else further).model_dump(mode="json")
        return poll


@dataclass
class _Intake:
    """Takes the feeds' pages into `poll` and gathers where each leaves off."""

    poll: Poll
    now: str
    overlap: timedelta
    limit: int
    room: int
    moving: bool = False
    positions: dict[str, Position] = field(default_factory=dict)

    def take(self, source: Source, position: Position, page: Page | None, met_at: str) -> None:
        """`met_at`: when the feed was met, if this is its first page; what was there by then is not sent."""
        if page is not None:
            if isinstance(position, Tracked):
                position = self._tracked(source, position, page)
            elif isinstance(position, Stamped):
                position = self._stamped(source, position, page, met_at)
        self.positions[source.name] = position

    def restart(self, sources: Sequence[Source]) -> None:
        """The server's clock was set back, or an older copy restored: stamps read so far say nothing any more."""
        self.poll.full_reread.update(source.pair for source in sources)
        for name, position in self.positions.items():
            if isinstance(position, Stamped):
                self.positions[name] = Stamped.new(self.now, self.overlap)

    def _tracked(self, source: Source, position: Tracked, page: Page) -> Tracked:
        further = position.advance(page.rows, page.version, page.minimum, self.limit)
        if further is None:
            self.poll.full_reread.add(source.pair)
            return Tracked(version=page.version)
        self.moving |= bool(page.rows)
        self.poll.more |= len(page.rows) >= self.limit
        _add(self.poll, source, page.rows, position.mode)
        return further

    def _stamped(self, source: Source, position: Stamped, page: Page, met_at: str) -> Stamped:
        new, further = position.advance(
            page.rows, self.now, self.overlap, limit=self.limit, room=self.room, known_until=met_at
        )
        # A full page of known rows is no reason to hurry: feeds in turn would keep each other looking back for ever.
        self.poll.more |= bool(new) and len(page.rows) >= self.limit
        self.moving |= bool(new or position.page or further.page or further.patient)
        _add(self.poll, source, new, position.mode)
        return further


def _add(poll: Poll, source: Source, rows: Sequence[Seen], seen_by: FeedKind) -> None:
    """One change per record: children of one parent, and a parent's own row, tell the same."""
    by_key = {change.key: change for change in poll.changes.get(source.pair, [])}
    for row in rows:
        if key := row.parent:
            gone = row.deleted or (key in by_key and by_key[key].deleted)
            by_key[key] = Change(source.entity, key, seen_by, gone)
    if by_key:
        poll.changes[source.pair] = list(by_key.values())


def _read(cursor: Table[str, object]) -> _Cursor:
    try:
        return _Cursor.model_validate(dict(cursor))
    except ValidationError as error:
        raise BadSettings(
            f"A cursor of GP can't be read: {error.errors()[0]['msg']}.", code="unexpected", system="gp"
        ) from None


def known_version(cursor: Table[str, object]) -> int | None:
    """The highest change version a cursor knew. Raises BadSettings for a cursor that is none."""
    return _read(cursor).version


def _must_look(wanted: Sequence[Source], known: _Cursor) -> bool:
    unmet = any(source.name not in known.feeds for source in wanted)
    return unmet or _stale(known.server_time, known)


def _stale(now: str, known: _Cursor) -> bool:
    return bool(known.looked) and now > _after(known.looked, _LOOK_AGAIN)


def _position(source: Source, known: _Cursor, facts: Facts | None, overlap: timedelta) -> Position:
    """The feed's place in the cursor, or a new one when it is met first or is now of another kind."""
    kept = known.feeds.get(source.name)
    if facts is None and kept is not None:
        return kept
    assert facts is not None
    start = facts.start(source, overlap)
    return kept if kept is not None and kept.mode == start.mode else start


def _moved(fed: Sequence[tuple[Source, Position]], known: _Cursor) -> set[str]:
    """The pairs with a feed of another kind than before: what changed in between was not seen."""
    return {
        source.pair
        for source, position in fed
        if not isinstance(position, Unfed)
        and source.name in known.feeds
        and known.feeds[source.name].mode != position.mode
    }


def _after(stamp: str, span: timedelta) -> str:
    return (datetime.fromisoformat(stamp) + span).isoformat(timespec="milliseconds")
