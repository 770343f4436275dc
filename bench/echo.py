"""What it costs when Dataverse tells by webhook what we wrote there ourselves, and how long its call waits for an answer."""

import asyncio
import json
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from bench.suite import Measure, options, step
from bench.work import COMPANY, door
from sandbox.parts import HOOK_PATH
from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.load import clean_customers, edit
from sandbox.scenarios.scenario import app
from sandbox.up import Sandbox

ECHOES, SECONDS = 1_000, 10.0
LOOK, QUIET = 1.0, 4
WRITES = ("operations create", "operations update", "operations delete")
OFF = ("poll_gp", "catch_up", "sweep")
"""Timers that stand still: what is counted, webhooks caused."""

OVERLAY = f"company: \"'{COMPANY}'\"\n"


async def webhook_echo() -> AsyncIterator[Measure]:
    """1,000 webhooks about coupled accounts that are equal on both sides, within ten seconds."""
    with tempfile.TemporaryDirectory(prefix="gp365-bench-", ignore_cleanup_errors=True) as state:
        box = Sandbox(Path(state) / "sandbox", webhooks=True)
        (Path(state) / "customer.yaml").write_text(OVERLAY, encoding="utf-8")
        box.overrides |= {f"AzureWebJobs.{name}.Disabled": "true" for name in OFF} | {"GP365_OVERLAYS": state}
        async with box, DataverseUser(box.contract["dataverse"]) as dataverse:
            bodies = await _coupled(box, dataverse, min(ECHOES, options.records))
            before = await standing(box)
            step(f"Dataverse tells of {len(bodies)} accounts that we wrote")
            waited = await _tell(box, bodies)
            for measure in _measures(await standing(box) - before, waited):
                yield measure


async def _coupled(box: Sandbox, dataverse: DataverseUser, count: int) -> list[bytes]:
    """Load customers, and what Dataverse will tell of their accounts."""
    step(f"{count} customers become accounts")
    await clean_customers(box, count, COMPANY)
    await app(box, "backfill", "--company", COMPANY)
    organization = await dataverse.rows("organizations", select="organizationid")
    rows = await dataverse.all_rows("accounts", select="accountid,gp365_key", filter="gp365_key ne null")
    await standing(box)
    return [_body(organization[0]["organizationid"], row) for row in rows[:count]]


def _body(organization: str, row: Mapping[str, Any]) -> bytes:
    """As our steps send it, as far as it is read."""
    image = {
        "Id": row["accountid"],
        "LogicalName": "account",
        "Attributes": [{"key": "gp365_key", "value": row["gp365_key"]}],
    }
    context = {
        "OrganizationId": organization,
        "MessageName": "Update",
        "PrimaryEntityName": "account",
        "PrimaryEntityId": row["accountid"],
        "InputParameters": [{"key": "Target", "value": image}],
        "PostEntityImages": [{"key": "gp365", "value": image}],
    }
    return json.dumps(context).encode()


async def _tell(box: Sandbox, bodies: Sequence[bytes]) -> list[float]:
    """Call the app at an even pace; the seconds that each call waited. Raises RuntimeError when one was not taken."""
    functions, secret = box.contract["functions"], box.settings["GP365_HOOK_SECRET"]
    headers = {"x-functions-key": functions["key"], "x-gp365-secret": secret}
    waited: list[float] = []

    async def call(client: httpx.AsyncClient, body: bytes) -> None:
        start = time.perf_counter()
        answer = await client.post(HOOK_PATH, content=body, headers=headers)
        waited.append(time.perf_counter() - start)
        if answer.status_code != 202:
            raise RuntimeError(f"a webhook was answered {answer.status_code} {answer.text}")

    limits, start = httpx.Limits(max_connections=None), time.perf_counter()
    async with (
        httpx.AsyncClient(base_url=functions["url"], limits=limits, timeout=60) as client,
        asyncio.TaskGroup() as group,
    ):
        for number, body in enumerate(bodies):
            await asyncio.sleep(start + number * SECONDS / len(bodies) - time.perf_counter())
            group.create_task(call(client, body))
    return waited


async def standing(box: Sandbox) -> Counter[str]:
    """The doors' counts, and the version of GP's changes, once they stand still."""
    seen: list[Counter[str]] = []
    while len(seen) < QUIET or seen[-1] != seen[-QUIET]:
        await asyncio.sleep(LOOK)
        gp, dataverse = [Counter(await door(box, part, "GET", "/counts")) for part in ("gp", "dataverse")]
        seen.append(Counter({"batches": gp["tds.batches"]}) + dataverse)
    [[version]] = await edit(box, "SELECT CHANGE_TRACKING_CURRENT_VERSION()", COMPANY)
    return seen[-1] + Counter({"gp version": int(version)})


def _measures(counts: Counter[str], waited: Sequence[float]) -> list[Measure]:
    echoes = len(waited)
    trips = counts["requests"] + counts["batches"]
    writes = sum(counts[name] for name in WRITES) + counts["gp version"]
    slowest = sorted(waited)[echoes * 95 // 100]
    return [
        Measure("target_writes_per_webhook_echo", writes / echoes, "writes", bar=0),
        Measure("round_trips_per_webhook_echo", round(trips / echoes, 4), "round trips", bar=0.2),
        Measure("webhook_answered_p95", round(slowest * 1000, 1), "ms"),
    ]
