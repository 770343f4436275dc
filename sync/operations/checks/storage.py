"""Lanes, parked records, and whether storage answers at all."""

from collections.abc import AsyncIterator

from sync.runtime import Runtime
from sync.system import Check


async def lanes(runtime: Runtime) -> AsyncIterator[Check]:
    for lane in sorted({lane for flow in runtime.flows.values() for lane in (flow.lane, flow.bulk_lane)}):
        waiting = await runtime.lanes.waiting(lane)
        poison = await runtime.lanes.waiting(f"{lane}-poison")
        step = "" if not poison else "Is the function app running? It drains poison queues by itself."
        yield Check(f"lane {lane}", not poison, f"{waiting:,} waiting, {poison:,} poison", step)


async def parked(runtime: Runtime) -> AsyncIterator[Check]:
    count = len([entry async for entry in runtime.parked.list()])
    detail = f"{count:,} records wait for a person" if count else "nothing waits for a person"
    step = "`python -m sync parked list` tells their causes." if count else ""
    yield Check("parked", True, detail, step)
    yield Check("storage", True, "tables and queues answer")
