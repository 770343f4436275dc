"""One batch that asks every feed of a company for its next page, and its answer taken apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sync import schema
from sync.keys import join_key
from sync.systems.gp.client import Row
from sync.systems.gp.feeds import Position, Source, clock_text
from sync.systems.gp.normalise import STAMP
from sync.systems.gp.position import Seen, Stamped, Tracked, Unfed
from sync.systems.gp.statements import Parameter, Statement, render


@dataclass(frozen=True)
class _Bound:
    name: str
    value: Parameter
    type: str


@dataclass(frozen=True)
class _Look:
    """What the template needs to know of one feed: from `floor` on, or `beyond` a position."""

    table: str
    key: tuple[str, ...]
    parent: tuple[str, ...]
    where: Sequence[tuple[str, str, str]]
    tracked: bool
    since: int
    floor: str
    beyond: Sequence[_Bound]


@dataclass(frozen=True)
class Page:
    """A feed's rows, with the database's version before and the table's least valid one after them."""

    rows: list[Seen]
    version: int = 0
    minimum: int | None = None


def statement(
    fed: Sequence[tuple[Source, Position]], overlap: timedelta, limit: int, system_database: str
) -> Statement:
    """The batch for the next page of each feed; `Unfed` ones are not asked."""
    asked = [(source, position) for source, position in fed if not isinstance(position, Unfed)]
    return render(
        "changes",
        looks=[_look(source, position, overlap) for source, position in asked],
        tracked=_tracked_tables(fed),
        limit=limit,
        system_database=system_database,
    )


def pages(fed: Sequence[tuple[Source, Position]], answer: Sequence[Sequence[Row]]) -> tuple[str, dict[str, Page]]:
    """The server's clock and each asked feed's page by its name, from the batch's result sets."""
    sets = iter(answer)
    (clock,) = next(sets)
    rows = {
        source.name: [_seen(source, row) for row in next(sets)]
        for source, position in fed
        if not isinstance(position, Unfed)
    }
    tables = _tracked_tables(fed)
    least = next(sets)[0] if tables else {}
    minimums = {table: _number(least[f"m{index}"]) for index, table in enumerate(tables)}
    version = _number(clock.get("version")) or 0
    by_name = {source.name: source for source, _ in fed}
    return clock_text(clock["server_time"]), {
        name: Page(found, version, minimums.get(by_name[name].table)) for name, found in rows.items()
    }


def _look(source: Source, position: Tracked | Stamped, overlap: timedelta) -> _Look:
    if isinstance(position, Tracked):
        place: tuple[Parameter, ...] = (position.version, *position.after) if position.after else ()
    else:
        place, _ = position.start(overlap)
    tracked = isinstance(position, Tracked)
    names = ("SYS_CHANGE_VERSION" if tracked else STAMP, *source.key)
    types = ("bigint" if tracked else "datetime", *(_type(source.table, column) for column in source.key))
    bounds = [_Bound(*each) for each in zip(names, place, types, strict=False)]
    from_floor = not tracked and len(bounds) == 1
    return _Look(
        table=source.table,
        key=source.key,
        parent=source.parent,
        where=[(column, wanted, _type(source.table, column)) for column, wanted in source.where],
        tracked=tracked,
        since=position.since if isinstance(position, Tracked) else 0,
        floor=str(place[0]) if from_floor else "",
        beyond=[] if from_floor else bounds,
    )


def _seen(source: Source, row: Row) -> Seen:
    raw = row["seen"]
    return Seen(
        at=raw if isinstance(raw, int) else clock_text(raw),
        key=tuple(str(row[f"k{index}"]).rstrip(" ") for index in range(len(source.key))),
        parent=join_key([str(row[f"p{index}"]) for index in range(len(source.parent))]),
        deleted=source.own and row.get("operation") == "D",
    )


def _tracked_tables(fed: Sequence[tuple[Source, Position]]) -> list[str]:
    return sorted({source.table for source, position in fed if isinstance(position, Tracked)})


def _type(table: str, column: str) -> str:
    return schema.gp_column(table, column).type


def _number(raw: object) -> int | None:
    return None if raw is None else int(str(raw))
