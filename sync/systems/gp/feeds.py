"""Which feeds a company has: per table a mapping reads, Change Tracking where it is on, else timestamps, else none."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sync import schema
from sync.errors import BadSettings
from sync.mapping import Feed, Mapping
from sync.systems.gp.client import GpClient
from sync.systems.gp.normalise import stamp_text
from sync.systems.gp.position import Stamped, Tracked, Unfed
from sync.systems.gp.statements import render

type Position = Tracked | Stamped | Unfed


@dataclass(frozen=True)
class Source:
    """One feed of one pair: `key` is the table's primary key, `parent` its columns that hold the record's own key.

    `own` marks the pair's main table, the only one whose deletes are the record's. Change Tracking tells primary keys
    and nothing else, so it serves where these name the parent and settle `where`.
    """

    name: str
    pair: str
    entity: str
    table: str
    key: tuple[str, ...]
    parent: tuple[str, ...]
    where: tuple[tuple[str, str], ...]
    own: bool

    @property
    def trackable(self) -> bool:
        return {*self.parent, *(column for column, _ in self.where)} <= set(self.key)


@dataclass(frozen=True)
class Facts:
    """What a company database tells about feeds: its clock, version (None: Change Tracking off), and tables.

    `hidden` are tables with Change Tracking that the login may not look at.
    """

    server_time: str
    version: int | None
    tracked: frozenset[str]
    stamped: frozenset[str]
    hidden: frozenset[str] = frozenset()

    def start(self, source: Source, overlap: timedelta) -> Position:
        """The position of a feed met for the first time: from now on."""
        if source.table in self.tracked and self.version is not None and source.trackable:
            return Tracked(version=self.version)
        if source.table in self.stamped:
            return Stamped.new(self.server_time, overlap)
        return Unfed()


def sources(mappings: Iterable[Mapping]) -> list[Source]:
    """Every feed of every pair, once."""
    found = [_source(mapping, feed) for mapping in mappings for feed in mapping.feeds()]
    return list(dict.fromkeys(found))


async def discover(client: GpClient, company: str, wanted: Sequence[Source]) -> Facts:
    """Ask the database which feeds these tables have, in one round trip.

    Raises BadSettings for a table that isn't there, or that the login may not see: it would be silent for ever.
    """
    tables = sorted({source.table for source in wanted})
    (clock,), rows, (rights,) = await client.run(company, render("discover", tables=tables))
    by_name = {table.upper(): table for table in tables}
    held = {by_name[str(row["name"]).upper()]: row for row in rows}
    if missing := [table for table in tables if table not in held]:
        raise BadSettings(
            f"SQL Server {client.settings.server}, database {company} has no table {', '.join(missing)}, "
            f"or {client.settings.user} may not see it.",
            code="table_missing",
            system="gp",
        )
    may = {table for index, table in enumerate(tables) if rights[f"r{index}"] == 1}
    on = {table for table, row in held.items() if row["tracked"] is not None}
    return Facts(
        server_time=clock_text(clock["server_time"]),
        version=_number(clock["version"]),
        tracked=frozenset(on & may),
        stamped=frozenset(table for table, row in held.items() if row["stamp"] is not None),
        hidden=frozenset(on - may),
    )


def clock_text(raw: object) -> str:
    if not isinstance(raw, datetime):
        raise TypeError(f"the server's clock reads {raw!r}")
    return stamp_text(raw)


def _number(raw: object) -> int | None:
    return None if raw is None else int(str(raw))


def _source(mapping: Mapping, feed: Feed) -> Source:
    where = tuple(feed.where.items())
    return Source(
        name=f"{mapping.pair}/{feed.table}" + "".join(f"/{column}={wanted}" for column, wanted in where),
        pair=mapping.pair,
        entity=f"gp.{mapping.gp.entity}",
        table=feed.table,
        key=schema.gp_table(feed.table).key,
        parent=feed.parent_key,
        where=where,
        own=feed.table == mapping.gp.table,
    )
