"""Our line in a process of its own: works what lies on the lanes, as the Functions host hands it over.

`python -m bench.line` with the app's settings in the environment. Ends when the lanes are empty and prints one JSON object.
"""

import asyncio
import contextlib
import json
import resource
import time
from asyncio import FIRST_COMPLETED
from collections.abc import Sequence
from dataclasses import dataclass

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueMessage, TextBase64DecodePolicy
from azure.storage.queue.aio import QueueClient

from sync.runtime import Runtime, build
from sync.settings import read_settings

LANES = ("to-dataverse", "to-dataverse-bulk")
AT_ONCE = 12
"""Messages in progress together: batchSize and newBatchThreshold of host.json."""

CLAIM_SECONDS = 600
PATIENCE = 0.2


@dataclass
class Taken:
    """What a stretch of work took of this process and of the systems it called."""

    seconds: float
    cpu_seconds: float
    sql_round_trips: int
    messages: int = 0


async def main() -> None:
    settings = read_settings()
    runtime = build(settings)
    lanes = [
        QueueClient.from_connection_string(
            settings.storage.get_secret_value(),
            name,
            message_decode_policy=TextBase64DecodePolicy(),
            user_agent="gp365-host",
        )
        for name in LANES
    ]
    try:
        taken = await measured(runtime, lanes)
    finally:
        for lane in lanes:
            await lane.close()
        await runtime.close()
    print(json.dumps(vars(taken)))


async def measured(runtime: Runtime, lanes: Sequence[QueueClient]) -> Taken:
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
    messages = await work(runtime, lanes)
    after = resource.getrusage(resource.RUSAGE_SELF)
    return Taken(
        seconds=time.monotonic() - started,
        cpu_seconds=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        sql_round_trips=runtime.gp.client.round_trips,
        messages=messages,
    )


async def work(runtime: Runtime, lanes: Sequence[QueueClient]) -> int:
    """Take messages until none is left, not even one that waits out a pause; how many there were."""
    done = 0
    running: set[asyncio.Task[None]] = set()
    while True:
        for lane in lanes:
            for message in await taken_from(lane):
                running.add(asyncio.create_task(one(runtime, lane, message)))
                done += 1
        if running:
            full = len(running) >= AT_ONCE
            _, running = await asyncio.wait(running, timeout=None if full else PATIENCE, return_when=FIRST_COMPLETED)
        elif await waiting(lanes):
            await asyncio.sleep(PATIENCE)
        else:
            return done


async def taken_from(lane: QueueClient) -> list[QueueMessage]:
    try:
        return [one async for one in lane.receive_messages(max_messages=8, visibility_timeout=CLAIM_SECONDS)]
    except ResourceNotFoundError:
        return []


async def waiting(lanes: Sequence[QueueClient]) -> int:
    """How many messages lie on the lanes, hidden ones included."""
    total = 0
    for lane in lanes:
        with contextlib.suppress(ResourceNotFoundError):
            total += (await lane.get_queue_properties()).approximate_message_count or 0
    return total


async def one(runtime: Runtime, lane: QueueClient, message: QueueMessage) -> None:
    await runtime.deliveries.receive(message.content, message.dequeue_count or 1, lane.queue_name)
    await lane.delete_message(message)


if __name__ == "__main__":
    asyncio.run(main())
