"""Where the catch-up with each table of Dataverse stands: one cursor a table, for all companies of the environment.

Partition `*`, row `dataverse.<table>` of the cursors.
"""

from dataclasses import asdict, dataclass, replace

from sync.stores.cursors import Cursor, Cursors

EVERYWHERE = "*"
"""Stands for all companies."""


@dataclass(frozen=True)
class Standing:
    """`link` is where the next look goes on, blank until the first one is over; `opening` where a first look goes on that
    is under way. `lost`: Dataverse had forgotten what changed, so everything is compared once the first look is over.
    `version` is the highest change version seen, None where none was told; `older` a lower one, seen later: the table is
    an older copy's.
    """

    link: str = ""
    opening: str = ""
    lost: bool = False
    version: int | None = None
    older: int | None = None


class Standings:
    def __init__(self, cursors: Cursors) -> None:
        self._cursors = cursors

    async def read(self, table: str) -> tuple[Cursor, Standing]:
        """The cursor of a table, and what it says."""
        cursor = await self._cursors.read(EVERYWHERE, f"dataverse.{table}")
        return cursor, Standing(**cursor.place)

    async def move(self, cursor: Cursor, standing: Standing) -> bool:
        """Store the new place; False when another instance moved the cursor meanwhile."""
        return await self._cursors.move(cursor, asdict(standing))

    async def count_anew(self, table: str) -> None:
        """Forget the versions: the environment is the right one, older or not."""
        moved = False
        while not moved:  # lost: a look moved it, so it is read again
            cursor, standing = await self.read(table)
            moved = await self.move(cursor, replace(standing, version=None, older=None))
