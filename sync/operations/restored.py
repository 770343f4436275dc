"""Begins anew with a company whose GP or Dataverse was restored, copied or refreshed: both sides end equal.

The company stays paused until everything is on the lane. Whoever is interrupted runs it again: nothing is remembered in
between but the pause, and a key that is sent twice is worked twice, which is harmless.
"""

import getpass
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from itertools import batched
from typing import Literal

from sync.flow import Flow
from sync.intake import KEYS_A_BULK_MESSAGE, PAGE
from sync.message import Message
from sync.operations.modes import environments
from sync.runtime import Runtime
from sync.stores.modes import WHOLE, Mode, ModeSetting

OUTLINES = 1000

type Why = Literal["restored", "refreshed"]


@dataclass(frozen=True)
class Restored:
    """What was done: what holds now for the company, and how many keys each flow was sent."""

    holds: ModeSetting
    keys: dict[str, int] = field(default_factory=dict)


async def after_restore(runtime: Runtime, company: str, say: Callable[[str], None]) -> Restored:
    """Accept the environments as they are now, let the feeds start from now, and send every key of both sides.

    `say` is told where it stands. Raises as the systems do: then run it again.
    """
    text, who = "resume --after-restore is at work, or was interrupted: run it again", getpass.getuser()
    await runtime.modes.set(company, WHOLE, Mode.PAUSED, "identity", text, by=who)
    say("where the feeds stand now")
    await _start_feeds_from_now(runtime, company)
    gp, dataverse = await environments(runtime, company)
    why: Why = "refreshed" if await runtime.guard.difference(company, dataverse) else "restored"
    keys = {}
    for flow in runtime.flows.values():
        if flow.source == "gp":
            keys[flow.name] = await _send_everything(runtime, company, flow, why, say)
    for identity in (gp, dataverse):
        await runtime.identities.accept(company, identity.system, identity.facts)
    return Restored(await runtime.modes.set(company, WHOLE, Mode.ON, "person", "", by=who), keys)


async def _start_feeds_from_now(runtime: Runtime, company: str) -> None:
    """What was changed before this moment is read with its key, what is changed after it is told by the feeds."""
    pairs = dict.fromkeys(flow.pair for flow in runtime.flows.values() if flow.source == "gp")
    mappings = [runtime.mappings[pair] for pair in pairs]
    moved = False
    while not moved:  # a poll that was under way may have moved it
        cursor = await runtime.cursors.read(company, "gp")
        poll = await runtime.gp.poll(company, mappings, {})
        moved = await runtime.cursors.move(cursor, poll.cursor)


async def _send_everything(runtime: Runtime, company: str, flow: Flow, why: Why, say: Callable[[str], None]) -> int:
    held: set[str] = set()
    async for page in _keys_of_gp(runtime, company, flow):
        held.update(page)
        await _send(runtime, company, flow, page, why)
        say(f"{flow.name}: {len(held):,} records of GP")
    sent = len(held)
    async for page in _coupled(runtime, company, flow):
        gone = [key for key in page if key not in held]
        await _send(runtime, company, flow, gone, why)
        sent += len(gone)
        say(f"{flow.name}: {sent:,} records, those included that GP no longer holds")
    return sent


async def _keys_of_gp(runtime: Runtime, company: str, flow: Flow) -> AsyncIterator[list[str]]:
    after = ""
    while page := await runtime.gp.keys(company, runtime.mappings[flow.pair], after, PAGE):
        yield page
        after = page[-1]


async def _coupled(runtime: Runtime, company: str, flow: Flow) -> AsyncIterator[list[str]]:
    after = ""
    while page := await runtime.crosswalk.outlines(company, flow.pair, after, OUTLINES):
        yield [outline.key for outline in page]
        after = page[-1].key


async def _send(runtime: Runtime, company: str, flow: Flow, keys: Sequence[str], why: Why) -> None:
    for some in batched(keys, KEYS_A_BULK_MESSAGE, strict=False):
        await runtime.lanes.send(flow.bulk_lane, Message.new(flow.name, company, some, why))
