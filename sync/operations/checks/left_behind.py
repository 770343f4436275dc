"""Writes that lost their message: found here at once, by the sweep within a day."""

from collections.abc import AsyncIterator

from sync.passes import LEFT_BEHIND
from sync.runtime import Runtime
from sync.system import Check


async def left_behind(runtime: Runtime) -> AsyncIterator[Check]:
    """A line per flow and company. What was left behind is sent again."""
    older = LEFT_BEHIND * runtime.settings.time_scale
    for company in runtime.settings.companies:
        for flow in runtime.flows.values():
            left = await runtime.crosswalk.left_behind(company, flow.pair, older)
            keys = [found.on(flow.side) for found in left if found.intent == flow.name]
            await runtime.sender.send_bulk(flow, company, keys, "sweep")
            step = "They are sent again now: look once more in a few minutes." if keys else ""
            detail = f"{len(keys):,} left behind" if keys else "none was left behind"
            yield Check(f"writes of {flow.name}, {company}", not keys, detail, step)
