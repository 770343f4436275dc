"""What it costs when a poll of GP, or the look at what changed in Dataverse, finds what we wrote there ourselves."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench.echo import OFF, OVERLAY, WRITES, standing
from bench.suite import Measure, options, step
from bench.work import COMPANY, door
from sandbox.scenarios.load import clean_customers
from sandbox.scenarios.scenario import app, at_door
from sandbox.up import Sandbox

ECHOES = 1_000
NEVER_ASK = "approve: never\nbrake: {changes: 100%, deletes: 100%}\n"


async def seen_echo() -> AsyncIterator[Measure]:
    """1,000 accounts that we made, and 1,000 customers that we changed, seen as changes of those sides."""
    async with quiet_box(OVERLAY + NEVER_ASK) as box:
        count = min(ECHOES, options.records)
        step(f"{count} customers become accounts")
        await clean_customers(box, count, COMPANY)
        await app(box, "poll")
        await app(box, "backfill", "--company", COMPANY)
        await standing(box)
        yield await _looked(box, "delta", "accounts that we made", count)
        step(f"a rep edits {count} accounts, and GP gets it")
        await _edit_all(box, count)
        await app(box, "poll")
        await standing(box)
        yield await _looked(box, "change tracking", "customers that we changed", count)


@asynccontextmanager
async def quiet_box(overlay: str, *, webhooks: bool = False) -> AsyncIterator[Sandbox]:
    """A sandbox whose timers stand still, with an overlay of the mapping of customers."""
    with tempfile.TemporaryDirectory(prefix="gp365-bench-", ignore_cleanup_errors=True) as state:
        box = Sandbox(Path(state) / "sandbox", webhooks=webhooks)
        (Path(state) / "customer.yaml").write_text(overlay, encoding="utf-8")
        box.overrides |= {f"AzureWebJobs.{name}.Disabled": "true" for name in OFF} | {"GP365_OVERLAYS": state}
        async with box:
            yield box


async def _looked(box: Sandbox, kind: str, what: str, count: int) -> Measure:
    """One look at what changed, until all that it found is worked."""
    before = await standing(box)
    step(f"a look finds {count} {what}")
    await app(box, "poll")
    counts = await standing(box) - before
    if writes := sum(counts[name] for name in WRITES) + counts["gp version"]:
        raise RuntimeError(f"{writes} writes for what we wrote ourselves")
    trips = (counts["requests"] + counts["batches"]) / count
    note = f"{kind}: {count} {what}, with the look itself"
    return Measure("round_trips_per_echo", round(trips, 4), "round trips", bar=0.02, note=note)


async def _edit_all(box: Sandbox, count: int) -> None:
    """Another telephone for each account."""
    rows: list[dict[str, Any]] = await door(box, "dataverse", "GET", "/rows/accounts")
    async with at_door(box, "dataverse") as client:
        for number, row in enumerate(rows[:count]):
            values = {"telephone2": f"+1 414-556-{number % 10_000:04}"}
            (await client.patch(f"/rows/accounts/{row['accountid']}", json=values)).raise_for_status()
