"""What stands around the algorithm, broken in turn: the ledger, the lanes, the cursors, the parked list."""

from collections.abc import Sequence
from typing import Any

import pytest

from sync.delivery import Deliveries
from sync.errors import Rejected
from sync.filing import Filing
from sync.outcomes import Run
from sync.pauses import Pauses
from sync.plan import Plan
from sync.sender import Sender
from sync.stores import ledger as ledger_module
from sync.stores import queues as queues_module
from sync.stores.cursors import Cursor, Cursors

type Patch = pytest.MonkeyPatch


def told_after_the_commit(patch: Patch) -> None:
    """What a round wrote is told at the end of the message."""
    tell = Filing.tell

    async def later(self: Filing, run: Run, lines: Sequence[Any]) -> None:
        run.told |= {line.key: line for line in lines}

    async def rest(self: Filing, run: Run) -> None:
        run.told.clear()
        await tell(self, run, list(run.lines.values()))

    patch.setattr(Filing, "tell", later)
    patch.setattr(Filing, "tell_rest", rest)


def a_skip_replaces_what_was_told(patch: Patch) -> None:
    patch.setattr(ledger_module, "_merged", lambda _, line: line)


def nothing_sent_again(patch: Patch) -> None:
    """What could not be done now is forgotten."""

    async def forget(*_: Any) -> None:
        return None

    patch.setattr(Deliveries, "_send_again", forget)


def deaths_side_by_side(patch: Patch) -> None:
    """What died together comes back together."""
    patch.setattr(Pauses, "apart", lambda _: 0.0)


def nothing_left_listed(patch: Patch) -> None:
    """A message that comes again takes nothing off the list that an earlier delivery left there: else it mends much."""

    async def nothing(*_: Any) -> list[str]:
        return []

    patch.setattr(Filing, "_left_listed", nothing)


def unparked_once(patch: Patch) -> None:
    """Off the list before the row says so, and not afterwards."""
    nothing_left_listed(patch)
    unpark = Filing.unpark

    async def first(self: Filing, run: Run, plans: Sequence[Plan]) -> None:
        seen = run.__dict__.setdefault("unparked", set())
        new = [plan for plan in plans if id(plan) not in seen]
        seen |= {id(plan) for plan in plans}
        await unpark(self, run, new)

    patch.setattr(Filing, "unpark", first)


def cursor_before_enqueue(patch: Patch) -> None:
    """What a poll found is sent once the cursor has moved."""
    send, move = Sender.send, Cursors.move
    held: list[Any] = []

    async def hold(*arguments: Any) -> int:
        held.append(arguments)
        return 1

    async def move_first(self: Cursors, cursor: Cursor, place: dict[str, Any]) -> bool:
        moved = await move(self, cursor, place)
        while held:
            await send(*held.pop(0))
        return moved

    patch.setattr(Sender, "send", hold)
    patch.setattr(Cursors, "move", move_first)


def seven_days_to_live(patch: Patch) -> None:
    patch.setattr(queues_module, "NEVER", 7 * 24 * 3600)


def outage_counted_as_attempt(patch: Patch) -> None:
    """What could not be done now is left to the host, which counts."""

    async def fail(self: Deliveries, message: Any, keys: Any, error: Exception, lane: str) -> None:
        raise error

    patch.setattr(Deliveries, "_send_again", fail)


def poison_parked_whole(patch: Patch) -> None:
    async def whole(self: Deliveries, body: str, lane: str) -> None:
        await self._parking.park_body(body, Rejected("It failed too often.", code="worker_killed"))

    patch.setattr(Deliveries, "_drain", whole)


SEEN_BY_CHANCE = [told_after_the_commit, a_skip_replaces_what_was_told, nothing_sent_again]
"""As in `rules`."""
