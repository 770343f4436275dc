"""Two hosts and a load: never more calls at once than allowed, and an order does not wait behind the load."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.scenarios.load import clean_customers, differences, edit
from sandbox.scenarios.scenario import until
from sandbox.up import Sandbox
from sync.message import Message
from tests.e2e.steps import door, fault, put_on_lane

CUSTOMERS = 3000
LIMIT = 4
BULK = 100_000
"""Bytes of a request: more are the bulk lane's."""


@pytest.fixture(scope="module")
async def box() -> AsyncIterator[Sandbox]:
    """A sandbox whose Dataverse takes 20 ms for each row that it writes, and gives no advice; without a brake."""
    with tempfile.TemporaryDirectory(prefix="gp365-", ignore_cleanup_errors=True) as state:
        async with Sandbox(Path(state)) as running:
            await running.stop("host")
            await running.restart("dataverse", "--operation-ms", "20", "--dop-hint", "0")
            overlays = Path(state) / "overlays"
            overlays.mkdir()
            (overlays / "customer.yaml").write_text("brake: {changes: 100%}\n", encoding="utf-8")
            running.overrides["GP365_OVERLAYS"] = str(overlays)
            running.overrides["GP365_DATAVERSE_LIMIT"] = running.overrides["GP365_GP_LIMIT"] = str(LIMIT)
            yield running


@pytest.fixture(scope="module")
async def keys(box: Sandbox) -> list[str]:
    return await clean_customers(box, CUSTOMERS)


async def requests(box: Sandbox) -> list[dict[str, Any]]:
    return [one for one in await door(box, "dataverse", "GET", "/requests") if "$batch" in one["subject"]]


async def most_at_once(box: Sandbox, part: str) -> int:
    seen = await door(box, part, "GET", "/concurrency")
    return next(count for name, count in seen.items() if name.endswith("most_at_once"))


async def created(box: Sandbox) -> int:
    return (await door(box, "dataverse", "GET", "/counts")).get("operations create", 0)


async def worked(box: Sandbox, keys: list[str]) -> None:
    """Wait until both sides agree."""
    await until(lambda: differences(box, keys), lambda found: not found, "both sides in agreement", 300)


async def test_two_hosts_together_never_make_more_calls_at_once_than_allowed(box: Sandbox, keys: list[str]) -> None:
    await fault(box, "gp", at="tds.request", match="RM00101", do="delay", seconds=1, times=-1)
    await door(box, "dataverse", "DELETE", "/counts")
    for part in ("gp", "dataverse"):
        await door(box, part, "DELETE", "/concurrency")
    await box.start("host")
    await box.start("host-2")
    await until(lambda: created(box), lambda count: count >= len(keys), "an account for every customer", 300)
    for part in ("gp", "dataverse"):
        assert LIMIT - 1 <= await most_at_once(box, part) <= LIMIT
    await door(box, "gp", "DELETE", "/faults")
    await worked(box, keys)


async def test_an_order_waits_for_at_most_one_request_of_a_load(box: Sandbox, keys: list[str]) -> None:
    order = keys[0]
    await box.stop("host-2")  # one host has the whole load, and the order
    await edit(box, f"UPDATE RM00101 SET CUSTNAME = 'Load ' + CUSTNMBR WHERE CUSTNMBR <> '{order}'")

    async def in_progress() -> list[dict[str, Any]]:
        return [one for one in await requests(box) if one["bytes"] > BULK and not one["ended"]]

    await until(in_progress, lambda found: len(found) == LIMIT - 1, "a load that takes all it may")
    await edit(box, f"UPDATE RM00101 SET CUSTNAME = 'Order' WHERE CUSTNMBR = '{order}'")
    came = max(one["began"] for one in await requests(box))
    await put_on_lane(box, Message.new("customer_gp_to_dataverse", "TWO", [order], "timestamp").to_json())

    async def writes() -> list[dict[str, Any]]:
        return [one for one in await requests(box) if '"name":"Order"' in one["subject"].replace(": ", ":")]

    written = (await until(writes, bool, "the order's write"))[0]["began"]
    passed = [
        one for one in await requests(box) if one["bytes"] > BULK and came < one["began"] < one["ended"] < written
    ]
    assert len(passed) <= 1
    assert await in_progress(), "the load goes on"
    await worked(box, [order])
