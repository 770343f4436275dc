"""What many edits of few accounts within two seconds cost GP, and what one written customer costs."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any
from unittest import mock

import httpx

from bench.echo import OVERLAY, standing
from bench.seen import NEVER_ASK, quiet_box
from bench.suite import Measure, step
from bench.work import COMPANY, door
from bench.work import app as runtime_of
from sandbox.scenarios.load import clean_customers, edit
from sandbox.scenarios.scenario import app, at_door, until
from sandbox.up import Sandbox
from sync.message import Message
from sync.systems.gp.records import GpRecords

ACCOUNTS, EDITS, SECONDS = 100, 1_000, 2.0
FLOW = "customer_dataverse_to_gp"
EVERYTHING = {
    "name": "Written {0}",
    "telephone1": "+1 414-557-{0:04}",
    "emailaddress1": "w{0}@example.com",
    "address1_line1": "{0} Elm Street",
    "address1_city": "Racine",
    "address2_line1": "{0} Dock Road",
    "address2_city": "Kenosha",
}
"""Both addresses and the e-mail beside the customer's own columns."""


async def burst() -> AsyncIterator[Measure]:
    """1,000 edits of 100 accounts within two seconds, told by webhooks; then one write of everything for each of them."""
    async with quiet_box(OVERLAY + NEVER_ASK, webhooks=True) as box:
        step(f"{ACCOUNTS} customers become accounts")
        keys = await clean_customers(box, ACCOUNTS, COMPANY)
        await edit(box, "UPDATE RM00101 SET PRSTADCD = 'DOCK'", COMPANY)
        await edit(box, "INSERT INTO RM00102 (CUSTNMBR, ADRSCODE) SELECT CUSTNMBR, 'DOCK' FROM RM00101", COMPANY)
        await app(box, "backfill", "--company", COMPANY)
        before = await standing(box)
        ids = [row["accountid"] for row in await _accounts(box)][:ACCOUNTS]
        step(f"reps edit {len(ids)} accounts {EDITS} times within {SECONDS:g} s")
        await _edit(box, ids)
        await until(lambda: _differing(box), lambda some: not some, "the last value of each account in GP", 120)
        transactions = (await standing(box) - before)["gp version"]
        note = f"{EDITS} edits of {len(ids)} accounts"
        yield Measure("econnect_transactions_per_burst", transactions, "transactions", bar=400, note=note)
        yield await _written(box, ids, len(keys))


async def _edit(box: Sandbox, ids: Sequence[str]) -> None:
    """At an even pace, the accounts by turns."""
    rounds = EDITS // len(ids)
    start, limits = time.perf_counter(), httpx.Limits(max_connections=50)
    async with (
        httpx.AsyncClient(base_url=box.ready["dataverse"]["admin"], timeout=60, limits=limits) as client,
        asyncio.TaskGroup() as group,
    ):
        for number in range(rounds * len(ids)):
            await asyncio.sleep(start + number * SECONDS / EDITS - time.perf_counter())
            name = f"Burst {number // len(ids)}"
            group.create_task(client.patch(f"/rows/accounts/{ids[number % len(ids)]}", json={"name": name}))


async def _differing(box: Sandbox) -> list[str]:
    """The customers that don't hold what their account holds in the end."""
    names = {str(row["accountnumber"]): row["name"] for row in await _accounts(box)}
    rows = await edit(box, "SELECT CUSTNMBR, CUSTNAME FROM RM00101", COMPANY)
    return [key.strip() for key, name in rows if names.get(key.strip(), name.strip()) != name.strip()]


async def _written(box: Sandbox, ids: Sequence[str], count: int) -> Measure:
    """Every field of every customer, one customer a message: the batches of the writes."""
    await box.stop("host")
    async with at_door(box, "dataverse") as client:
        for number, id_ in enumerate(ids):
            values = {name: text.format(number) for name, text in EVERYTHING.items()}
            (await client.patch(f"/rows/accounts/{id_}", json=values)).raise_for_status()
    step(f"{count} customers are written whole, one by one")
    trips = writes = 0
    write = GpRecords.write

    async def counted(self: GpRecords, company: str, mapping: Any, wanted: Sequence[Any]) -> Any:
        nonlocal trips, writes
        before = runtime.gp.client.round_trips
        verdicts = await write(self, company, mapping, wanted)
        trips, writes = trips + runtime.gp.client.round_trips - before, writes + len(wanted)
        return verdicts

    async with runtime_of(box) as runtime:
        with mock.patch.object(GpRecords, "write", counted):
            for id_ in ids:
                message = Message.new(FLOW, COMPANY, [id_], "webhook")
                await runtime.pipeline.work(message, runtime.flows[FLOW], redelivered=False)
    if writes != len(ids):
        raise RuntimeError(f"{writes} writes for {len(ids)} customers")
    note = "both addresses and e-mail in the same transaction, one customer a message"
    return Measure("sql_round_trips_per_customer_written", round(trips / writes, 3), "batches", bar=1, note=note)


async def _accounts(box: Sandbox) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await door(box, "dataverse", "GET", "/rows/accounts")
    return rows
