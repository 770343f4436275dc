"""What tests of loads do and see: keys on the bulk lane, everything at rest, what the ledger says."""

import contextlib
from collections import Counter
from collections.abc import Sequence
from itertools import batched
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables.aio import TableServiceClient
from azure.storage.queue import TextBase64DecodePolicy
from azure.storage.queue.aio import QueueClient
from rich.console import Console
from rich.table import Table

from sandbox.scenarios.scenario import app, until
from sandbox.up import Sandbox
from sync.message import Message
from sync.sender import KEYS_A_BULK_MESSAGE
from tests.e2e.load.conftest import QUICKLY
from tests.e2e.steps import door, put_on_lane

FLOW = "customer_gp_to_dataverse"
BULK = "to-dataverse-bulk"
LANES = ("to-dataverse", BULK)


async def load(box: Sandbox, keys: Sequence[str], company: str = "TWO") -> None:
    """Put keys on the bulk lane."""
    messages = [Message.new(FLOW, company, some, "reread") for some in batched(keys, KEYS_A_BULK_MESSAGE, strict=False)]
    await put_on_lane(box, *(message.to_json() for message in messages), lane=BULK)


async def message_ids(box: Sandbox) -> list[str]:
    """The ids of the messages that wait on the bulk lane, 32 at most."""
    connection = box.contract["storage"]["connection_string"]
    policy = TextBase64DecodePolicy()
    async with QueueClient.from_connection_string(connection, BULK, message_decode_policy=policy) as queue:
        return [Message.parse(lying.content).message_id for lying in await queue.peek_messages(32)]


async def at_rest(box: Sandbox, seconds: float = 120) -> None:
    """Wait until no message is left on any lane or in any poison queue, waiting ones included. NotSeen when so many seconds
    pass in which they become no fewer.
    """

    async def left() -> int:
        return sum([await waiting(box, name) for lane in LANES for name in (lane, f"{lane}-poison")])

    fewest = await left()
    while fewest:
        fewest = await until(left, lambda now, fewest=fewest: now < fewest, f"fewer than {fewest} messages", seconds)


async def waiting(box: Sandbox, queue: str) -> int:
    """How many messages a queue holds, those that nobody can see now included."""
    connection = box.contract["storage"]["connection_string"]
    async with QueueClient.from_connection_string(connection, queue) as client:
        try:
            return (await client.get_queue_properties()).approximate_message_count or 0
        except ResourceNotFoundError:
            return 0


async def restart_killed(box: Sandbox) -> None:
    """Start a host after one was killed, whose turns at the gate lapse here at once instead of after some seconds."""
    connection = box.contract["storage"]["connection_string"]
    async with TableServiceClient.from_connection_string(connection) as tables:
        gates = tables.get_table_client("gates")
        with contextlib.suppress(ResourceNotFoundError):  # killed before it ever came to the gate
            async for row in gates.list_entities():
                if row["RowKey"].startswith("slot~"):
                    await gates.delete_entity(row)
    await box.start("host", "--time-scale", QUICKLY)


async def rows(box: Sandbox, table: str) -> list[dict[str, Any]]:
    """All rows of one of the app's tables."""
    connection = box.contract["storage"]["connection_string"]
    async with TableServiceClient.from_connection_string(connection) as tables:
        return [dict(row) async for row in tables.get_table_client(table).list_entities()]


async def outcomes(box: Sandbox, message_ids: Sequence[str]) -> dict[tuple[str, str], list[str]]:
    """What the ledger says became of each (message, key) of these messages: one result per line."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in await rows(box, "ledger"):
        if row["message_id"] in message_ids:
            found.setdefault((row["message_id"], row["key"]), []).append(row["result"])
    return found


async def calls(box: Sandbox) -> Counter[str]:
    """Storage calls since they were last set to zero, by caller: "app", its "host", and "other"."""
    counts = await door(box, "storage", "GET", "/counts")
    by_caller: Counter[str] = Counter()
    for name, count in counts.items():
        by_caller[name.partition(".")[0]] += count
    return by_caller


async def parked(box: Sandbox, keys: Sequence[str], company: str = "TWO") -> list[dict[str, Any]]:
    """What waits for a person among these keys, as `parked list` tells it."""
    wanted = set(keys)
    return [entry for entry in await app(box, "parked", "list", "--company", company) if entry["key"] in wanted]


def printed(table: Table) -> str:
    """A table as text."""
    console = Console(width=100)
    with console.capture() as capture:
        console.print(table)
    return capture.get()
