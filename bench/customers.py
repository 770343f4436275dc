"""What a customer costs: requests, SQL round trips and storage calls per record, counted on the stand-ins."""

import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from unittest import mock

import httpx

from bench.suite import Measure, suite
from sandbox.scenarios.load import clean_customers, edit, listed
from sandbox.up import Sandbox
from sync.intake import KEYS_A_BULK_MESSAGE
from sync.message import Message
from sync.operations.provision import provision
from sync.runtime import Runtime, build
from sync.settings import read_settings

CUSTOMERS = 2_000
FLOW = "customer_gp_to_dataverse"


@suite
async def customers() -> AsyncIterator[Measure]:
    with tempfile.TemporaryDirectory(prefix="gp365-bench-", ignore_cleanup_errors=True) as state:
        async with Sandbox(Path(state), parts=["storage", "identity", "gp", "dataverse"]) as box:
            with mock.patch.dict(os.environ, box.settings):
                runtime = build(read_settings())
            try:
                async for measure in _measure(box, runtime):
                    yield measure
            finally:
                await runtime.close()


async def _measure(box: Sandbox, runtime: Runtime) -> AsyncIterator[Measure]:
    async for _ in provision(runtime):
        pass
    keys = await clean_customers(box, CUSTOMERS)
    created = await _count(box, runtime, keys)
    yield Measure("dataverse_requests_per_record_batch", created["dataverse"], "requests", bar=0.03)
    yield Measure("sql_round_trips_per_record", created["sql"], "round trips", bar=0.02)
    yield Measure("storage_calls_per_record", created["storage"], "calls", bar=0.3)
    unchanged = await _count(box, runtime, keys)
    yield Measure("dataverse_requests_per_unchanged_record", unchanged["dataverse"], "requests")
    yield Measure("sql_round_trips_per_unchanged_record", unchanged["sql"], "round trips")
    yield Measure("storage_calls_per_unchanged_record", unchanged["storage"], "calls")
    await edit(box, f"UPDATE RM00101 SET CUSTNAME = 'Changed' WHERE CUSTNMBR IN ({listed(keys)})")
    await edit(box, f"UPDATE RM00101 SET PYMTRMID = 'Net 31' WHERE CUSTNMBR IN ({listed(keys[::100])})")
    changed = await _count(box, runtime, keys)
    yield Measure("requests_per_record_with_1pct_bad", changed["dataverse"], "requests", bar=0.06)
    yield Measure("storage_calls_per_record_with_1pct_bad", changed["storage"], "calls")


async def _count(box: Sandbox, runtime: Runtime, keys: list[str]) -> dict[str, float]:
    """Work all keys as the bulk lane brings them; what it took per record."""
    requests, trips = runtime.dataverse.requests, runtime.gp.client.round_trips
    async with httpx.AsyncClient(base_url=box.ready["storage"]["admin"], timeout=60) as door:
        await door.delete("/counts")
        for start in range(0, len(keys), KEYS_A_BULK_MESSAGE):
            message = Message.new(FLOW, "TWO", keys[start : start + KEYS_A_BULK_MESSAGE], "backfill")
            await runtime.deliveries.receive(message.to_json(), 1, "to-dataverse-bulk")
        counts = (await door.get("/counts")).json()
    calls = sum(count for name, count in counts.items() if name.startswith("app."))
    taken = {
        "dataverse": runtime.dataverse.requests - requests,
        "sql": runtime.gp.client.round_trips - trips,
        "storage": calls,
    }
    return {name: round(count / len(keys), 4) for name, count in taken.items()}
