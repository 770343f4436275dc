"""Begins anew with a company whose GP or Dataverse was restored, copied or refreshed: both sides end equal.

The company stays paused until everything is on the lane, and a run per flow says that this was begun: until it is done
nothing else ends the pause. Whoever is interrupted runs it again. A key that is sent twice is worked twice, which is
harmless.
"""

import getpass
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from itertools import batched
from typing import Literal

from sync.flow import Flow
from sync.message import Message
from sync.operations.modes import RESTORE, environments, unfinished_restores
from sync.passes import PAGE
from sync.runtime import Runtime
from sync.sender import KEYS_A_BULK_MESSAGE
from sync.stores.modes import WHOLE, Mode, ModeSetting
from sync.stores.runs import Run, State, Tally

OUTLINES = 1000

type Why = Literal["restored", "refreshed"]
type Say = Callable[[str], None]


@dataclass(frozen=True)
class Restored:
    """What was done: what holds now for the company, and how many keys each flow was sent."""

    holds: ModeSetting
    keys: dict[str, int] = field(default_factory=dict)


async def after_restore(runtime: Runtime, company: str, say: Say) -> Restored:
    """Accept the environments as they are now, let the feeds start from now, and send every key of both sides.

    `say` is told where it stands. Raises as the systems do: then run it again.
    """
    text, who = "resume --after-restore is at work, or was interrupted: run it again", getpass.getuser()
    await runtime.modes.set(company, WHOLE, Mode.PAUSED, "person", text, by=who)
    flows = [flow for flow in runtime.flows.values() if flow.source == "gp"]
    runs = await _begin(runtime, company, flows, who)
    # What changed before this place is read with its key; what changes after it is told by the feeds.
    place = await _place_now(runtime, company, flows)
    gp, dataverse = await environments(runtime, company)
    why: Why = "refreshed" if await runtime.guard.difference(company, dataverse) else "restored"
    keys = {flow.name: await _send_everything(runtime, flow, run, why, say) for flow, run in runs}
    await _start_feeds_at(runtime, company, place)
    for identity in (gp, dataverse):
        await runtime.identities.accept(company, identity.system, identity.facts)
    for flow, run in runs:
        await runtime.runs.move(run, sent=keys[flow.name], all_sent=True)
    return Restored(await runtime.modes.set(company, WHOLE, Mode.ON, "person", "", by=who), keys)


async def _begin(runtime: Runtime, company: str, flows: Sequence[Flow], who: str) -> list[tuple[Flow, Run]]:
    """A new run for each flow; those of an earlier attempt end only once these are there."""
    earlier = await unfinished_restores(runtime, company)
    runs = []
    for flow in flows:
        total = await runtime.gp.count(company, runtime.mappings[flow.pair])
        runs.append((flow, await runtime.runs.start(RESTORE, company, flow.name, who=who, total=total)))
    for run in earlier:
        await runtime.runs.finish(run, State.STOPPED, (await runtime.runs.count(run.id, Tally())).counts)
    return runs


async def _place_now(runtime: Runtime, company: str, flows: Sequence[Flow]) -> dict[str, object]:
    mappings = [runtime.mappings[pair] for pair in dict.fromkeys(flow.pair for flow in flows)]
    return (await runtime.gp.poll(company, mappings, {})).cursor


async def _start_feeds_at(runtime: Runtime, company: str, place: dict[str, object]) -> None:
    while not await runtime.cursors.move(await runtime.cursors.read(company, "gp"), place):
        pass  # a poll that was under way moved it


async def _send_everything(runtime: Runtime, flow: Flow, run: Run, why: Why, say: Say) -> int:
    held: set[str] = set()
    async for page in _keys_of_gp(runtime, run.company, flow):
        held.update(page)
        await _send(runtime, flow, run, page, why)
        say(f"{flow.name}: {len(held):,} records of GP")
    sent = len(held)
    async for page in _coupled(runtime, run.company, flow):
        gone = [key for key in page if key not in held]
        await _send(runtime, flow, run, gone, why)
        sent += len(gone)
        say(f"{flow.name}: {sent:,} records, with those that GP no longer holds")
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


async def _send(runtime: Runtime, flow: Flow, run: Run, keys: Sequence[str], why: Why) -> None:
    for some in batched(keys, KEYS_A_BULK_MESSAGE, strict=False):
        await runtime.lanes.send(flow.bulk_lane, Message.new(flow.name, run.company, some, why, run=run.id))
