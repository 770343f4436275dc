"""Why a history does not come to rest: what the app says of itself when nobody waits any longer."""

from typing import Any

from tests.chaos.books import Books
from tests.chaos.stage import Stage

TOLD, LOGGED = 12, 25
"""So many entries of the ledger, and so many lines of each host's log, newest last."""


async def stalled(stage: Stage) -> list[str]:
    """What waits, what is paused, which writes have begun, what was told last, by the ledger and by the hosts."""
    return [
        f"waiting {await stage.books.waiting()}",
        *await _rows(stage.books),
        *(f"{name} has ended" for name in stage.hosts if stage.box.has_ended(name)),
        *(line for name in stage.hosts for line in stage.log(name)[-LOGGED:]),
    ]


async def _rows(books: Books) -> list[str]:
    ledger = sorted(await books.rows("ledger"), key=lambda row: str(row["done_at"]))
    return [
        *(f"mode {row}" for row in await books.rows("modes") if row.get("mode", "on") != "on"),
        *(f"intent {row}" for row in await books.rows("crosswalk") if row.get("intent")),
        *(f"told {_told(row)}" for row in ledger[-TOLD:]),
    ]


def _told(row: dict[str, Any]) -> str:
    return "  ".join(str(row.get(name)) for name in ("done_at", "flow", "key", "reason", "result", "text", "code"))
