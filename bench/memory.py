"""How much memory the line needs for a load: GP is the stand-in, Dataverse and Table Storage are bottomless.

`python -m bench.memory COMPANY COUNT` with the app's settings in the environment works the first COUNT customers as new
ones and prints the peak of this process as one JSON object. What is written is forgotten at once, so that what grows is
the line's own.
"""

import asyncio
import json
import resource
import sys
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from typing import Any

from sync.mapping import Mapping
from sync.message import Message
from sync.parking import Parking
from sync.pauses import VISIBILITY
from sync.pipeline import Pipeline
from sync.runtime import Runtime, build
from sync.sender import KEYS_A_BULK_MESSAGE
from sync.settings import read_settings
from sync.stores.crosswalk import Crosswalk
from sync.stores.ledger import Ledger
from sync.stores.parked import ParkedStore
from sync.system import Outcome, Record, Seen, Verdict, Write

FLOW = "customer_gp_to_dataverse"
PAGE = 1_500
"""Customers in hand at once: six messages, what one instance works of a bulk lane."""


class Bottomless:
    """A table that takes everything and keeps nothing."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    async def get(self, *_: Any) -> None: ...
    async def put(self, *_: Any) -> None: ...
    async def delete(self, *_: Any) -> None: ...

    async def rows(self, *_: Any, **__: Any) -> list[Any]:
        return []

    async def query(self, *_: Any, **__: Any) -> AsyncGenerator[Any]:
        for row in ():
            yield row

    async def transact(self, groups: Sequence[Sequence[Any]]) -> list[list[str]]:
        return [["etag" for _ in group] for group in groups]


class Swallow:
    """A Dataverse in which nothing is ever found, and every write succeeds."""

    async def look(self, *_: Any) -> Seen:
        return Seen({}, {}, [])

    async def write(self, _company: str, _mapping: Mapping, writes: Sequence[Write]) -> list[Verdict]:
        return [
            Verdict(write.id, Outcome.WRITTEN, Record(write.id, write.values, "1", mark=write.mark, written_by_us=True))
            for write in writes
        ]


def line(runtime: Runtime) -> Pipeline:
    """The runtime's own line, but for the far end."""
    crosswalk = Crosswalk(Bottomless())
    return Pipeline(
        mappings=runtime.mappings,
        sources={"gp": runtime.gp},
        targets={"dataverse": Swallow()},
        crosswalk=crosswalk,
        ledger=Ledger(Bottomless()),
        parking=Parking(ParkedStore(Bottomless()), crosswalk),
        guard=runtime.guard,
        braking=runtime.braking,
        flows=runtime.flows,
        sender=runtime.sender,
        visibility=VISIBILITY,
    )


async def load(runtime: Runtime, company: str, count: int) -> int:
    """Work customers page by page; how many ended, created or parked."""
    pipeline, flow, mapping = line(runtime), runtime.flows[FLOW], runtime.mappings["customer"]
    ended, after = 0, ""
    while ended < count and (keys := await runtime.gp.keys(company, mapping, after, min(PAGE, count - ended))):
        messages = [
            Message.new(FLOW, company, keys[start : start + KEYS_A_BULK_MESSAGE], "backfill")
            for start in range(0, len(keys), KEYS_A_BULK_MESSAGE)
        ]
        runs = await asyncio.gather(*(pipeline.work(message, flow, redelivered=False) for message in messages))
        ended += sum(len(run.ended) for run in runs)
        after = keys[-1]
    return ended


async def main(company: str, count: int) -> None:
    runtime = build(read_settings())
    try:
        ended = await load(runtime, company, count)
    finally:
        await runtime.close()
    print(json.dumps({"records": ended, "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
