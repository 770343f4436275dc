"""Dataverse's change tracking: what changed in a table since a link that it gave at the look before.

The first look reads the whole table, page by page: only its last page tells where the table stands.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sync.errors import BadSettings, Rejected
from sync.event import Event
from sync.mapping import Mapping
from sync.system import Identity
from sync.systems.dataverse import environment
from sync.systems.dataverse.client import DataverseClient, local
from sync.systems.dataverse.rows import hints_from, select_hints

PAGE = 5_000
"""Rows a page: the most that Dataverse gives."""

_SIZE = f"odata.maxpagesize={PAGE}"
_TOKEN = re.compile(r"\$deltatoken=(\d+)(?:!|%21)")


@dataclass(frozen=True)
class Look:
    """One page: the events in it, and the link at which the next look goes on. `more`: there is another page now."""

    events: list[Event]
    link: str
    more: bool

    @property
    def version(self) -> int | None:
        """The change version up to which the link has read; None when it does not tell."""
        found = _TOKEN.search(self.link)
        return int(found[1]) if found else None


class DataverseChanges:
    """The change tracking of one environment. Errors are those of the client."""

    def __init__(self, client: DataverseClient) -> None:
        self._client = client

    async def identity(self) -> Identity:
        """Which environment it is now."""
        return await environment.look(self._client)

    async def begin(self, mappings: Sequence[Mapping]) -> Look:
        """The first page of the first look at the table of these mappings: no events, whatever it holds.

        Raises BadSettings when the table's changes are not tracked.
        """
        side = mappings[0].dataverse
        path = f"/{side.set}?{select_hints(mappings)}"
        try:
            body = await self._client.get(path, {"Prefer": f"odata.track-changes,{_SIZE}"})
        except Rejected as error:
            raise BadSettings(
                f"Dataverse does not tell what changes in {side.entity}: {error.message}",
                code="tracking_off",
                system="dataverse",
                entity=side.entity,
                details=error.details,
            ) from error
        return _look(body, [])

    async def resume(self, link: str) -> Look | None:
        """The next page of a first look; None when Dataverse does not know the link any more."""
        body = await self._follow(link)
        return _look(body, []) if body is not None else None

    async def since(self, mappings: Sequence[Mapping], link: str) -> Look | None:
        """What changed since the look that gave this link; None when Dataverse does not take the link any more.

        A link is as old as its look: Dataverse forgets what is older than `expirechangetrackingindays` (7 if nobody
        changed it).
        """
        body = await self._follow(link)
        return _look(body, [_event(mappings, row) for row in body["value"]]) if body is not None else None

    async def _follow(self, link: str) -> dict[str, Any] | None:
        try:
            return await self._client.get(link, {"Prefer": _SIZE})
        except Rejected:
            return None
        except BadSettings as error:
            if error.code == "column_missing":  # the link names its columns; one of them was deleted since
                return None
            raise


def _look(body: dict[str, Any], events: list[Event]) -> Look:
    further = body.get("@odata.nextLink", "")
    return Look(events, local(further or body["@odata.deltaLink"]), bool(further))


def _event(mappings: Sequence[Mapping], row: dict[str, Any]) -> Event:
    """A delta does not tell a new row from a changed one."""
    side, now = mappings[0].dataverse, datetime.now(UTC)
    if "$deletedEntity" in row.get("@odata.context", ""):
        return Event(side.entity, str(row["id"]).lower(), "deleted", "delta", now)
    hints = [hints_from(mapping, row) for mapping in mappings]
    known = {name: value for each in hints if each is not None for name, value in each.items()}
    return Event(side.entity, str(row[side.id]).lower(), "updated", "delta", now, known if None not in hints else None)
