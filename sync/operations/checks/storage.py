"""Lanes, parked records, and whether storage answers at all."""

from collections.abc import AsyncIterator

from sync.runtime import Runtime
from sync.system import Check


async def lanes(runtime: Runtime) -> AsyncIterator[Check]:
    for flow in {flow.lane: flow for flow in runtime.flows.values()}.values():
        full = await runtime.sender.room(flow) <= 0
        for lane in (flow.lane, flow.bulk_lane):
            waiting = await runtime.lanes.waiting(lane)
            poison = await runtime.lanes.waiting(f"{lane}-poison")
            yield _lane(lane, waiting, poison, full)


def _lane(lane: str, waiting: int, poison: int, full: bool) -> Check:
    detail = f"{waiting:,} messages waiting, {poison:,} poison"
    if full:
        detail += "; full, so GP is not read until the workers have caught up"
    step = "Is the function app running? It drains poison queues by itself." if poison else ""
    return Check(f"lane {lane}", not poison, detail, step)


async def parked(runtime: Runtime) -> AsyncIterator[Check]:
    count = len([entry async for entry in runtime.parked.list()])
    detail = f"{count:,} records wait for a person" if count else "nothing waits for a person"
    step = "`python -m sync parked list` tells their causes." if count else ""
    yield Check("parked", True, detail, step)
    yield Check("storage", True, "tables and queues answer")
