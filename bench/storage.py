"""What the gate in front of Azurite costs: with and without it, side by side in one run."""

import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

from azure.data.tables.aio import TableServiceClient

from bench.suite import Measure, suite
from sandbox.door import Door
from sandbox.storage.azurite import Azurite, connection_string
from sandbox.storage.gate import Gate

CALLS = 10


@suite
async def storage() -> AsyncIterator[Measure]:
    with tempfile.TemporaryDirectory() as folder:
        azurite = Azurite(Path(folder))
        ports = await azurite.start()
        gate = Gate("table", ports["table"], Door("storage"))
        try:
            through = ports | {"table": await gate.start()}
            await _milliseconds(connection_string(ports), "warm")
            direct = await _milliseconds(connection_string(ports), "direct")
            gated = await _milliseconds(connection_string(through), "gated")
        finally:
            await gate.stop()
            await azurite.stop()
    yield Measure("table transaction of 100, straight to Azurite", direct, "ms")
    yield Measure("table transaction of 100, through the gate", gated, "ms")
    yield Measure("through the gate / straight", round(gated / direct, 2), "ratio", bar=1.5)


async def _milliseconds(connection: str, table: str) -> float:
    async with TableServiceClient.from_connection_string(connection) as service:
        client = await service.create_table(table)
        started = time.perf_counter()
        for number in range(CALLS):
            rows = [{"PartitionKey": str(number), "RowKey": str(row), "v": "x" * 200} for row in range(100)]
            await client.submit_transaction([("create", row) for row in rows])
        return round((time.perf_counter() - started) * 1000 / (CALLS), 2)
