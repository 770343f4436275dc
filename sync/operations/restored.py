"""Begins anew with a company whose GP or Dataverse was restored, copied or refreshed: both sides end equal.

The company stays paused until a pass over everything is stored, which goes on after any crash; the environments are
accepted last. Whoever is interrupted runs it again: a key that is sent twice is worked twice, which is harmless.
"""

import getpass
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sync.flow import Flow
from sync.operations.modes import environments
from sync.runtime import Runtime
from sync.stores.modes import WHOLE, Mode, ModeSetting

type Why = Literal["restored", "refreshed"]


@dataclass(frozen=True)
class Restored:
    """What was done: what holds now for the company, and how many keys each flow was sent already."""

    holds: ModeSetting
    keys: dict[str, int] = field(default_factory=dict)


async def after_restore(runtime: Runtime, company: str, say: Callable[[str], None]) -> Restored:
    """Accept the environments as they are now, let the feeds start from now, and send every key of both sides.

    What the lanes have no room for goes on with the sweep. `say` is told where it stands. Raises as the systems do: then
    run it again.
    """
    text, who = "resume --after-restore is at work, or was interrupted: run it again", getpass.getuser()
    await runtime.modes.set(company, WHOLE, Mode.PAUSED, "person", text, by=who)
    rereads = {"gp": runtime.intake.reread, "dataverse": runtime.catchup.reread}
    flows = [flow for flow in runtime.flows.values() if flow.source in rereads]
    # What changed before this place is read with its key; what changes after it is told by the feeds.
    place = await _place_now(runtime, company, [flow for flow in flows if flow.source == "gp"])
    gp, dataverse = await environments(runtime, company)
    why: Why = "refreshed" if await runtime.guard.difference(company, dataverse) else "restored"
    keys = {}
    for flow in flows:
        say(f"every record of {flow.name}")
        keys[flow.name] = await rereads[flow.source](flow, company, why)
    await _start_feeds_at(runtime, company, place)
    await runtime.catchup.accept()
    for identity in (gp, dataverse):
        await runtime.identities.accept(company, identity.system, identity.facts)
    return Restored(await runtime.modes.set(company, WHOLE, Mode.ON, "person", "", by=who), keys)


async def _place_now(runtime: Runtime, company: str, flows: Sequence[Flow]) -> dict[str, object]:
    mappings = [runtime.mappings[pair] for pair in dict.fromkeys(flow.pair for flow in flows)]
    return (await runtime.gp.poll(company, mappings, {})).cursor


async def _start_feeds_at(runtime: Runtime, company: str, place: dict[str, object]) -> None:
    while not await runtime.cursors.move(await runtime.cursors.read(company, "gp"), place):
        pass  # a poll that was under way moved it
