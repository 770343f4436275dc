"""A company that loses its customers: the brake stops the flow before an account is made inactive (promise 6)."""

import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.load import clean_customers, edit, listed
from sandbox.scenarios.scenario import app, until
from sandbox.up import Sandbox
from tests.e2e.steps import seen, type_customer

FLOW = "customer_gp_to_dataverse"
KNOWN = 60
OVERLAY = "on_delete: deactivate\n"


@pytest.fixture(scope="module")
async def shop() -> AsyncIterator[Sandbox]:
    """A sandbox of its own, whose customers are deleted: `KNOWN` of them, all in Dataverse."""
    with tempfile.TemporaryDirectory(prefix="gp365-", ignore_cleanup_errors=True) as folder:
        overlays = Path(folder) / "overlays"
        overlays.mkdir()
        (overlays / "customer.yaml").write_text(OVERLAY, encoding="utf-8")
        box = Sandbox(Path(folder) / "state", time_scale=0.02)
        box.overrides |= {"GP365_OVERLAYS": str(overlays), "GP365_COMPANIES": "TWO"}
        (Path(folder) / "state").mkdir()
        async with box:
            await clean_customers(box, KNOWN)
            await app(box, "backfill", "--company", "TWO")
            yield box


@pytest.fixture
async def people(shop: Sandbox) -> AsyncIterator[DataverseUser]:
    async with DataverseUser(shop.contract["dataverse"]) as user:
        yield user


async def flow_mode(box: Sandbox) -> dict[str, Any]:
    _, out, err = await box.cli("modes", "--json")  # exit status 1 while something is paused
    [mode] = [each for each in map(json.loads, out.splitlines()) if each["flow"] == FLOW]
    assert not err
    return dict(mode)


async def paused(box: Sandbox) -> str:
    """Why the flow is paused, once the brake has done it."""
    mode = await until(lambda: flow_mode(box), lambda each: each["mode"] == "paused", "the flow paused")
    assert mode["cause"] == "brake"
    return str(mode["text"])


async def inactive(people: DataverseUser) -> list[str]:
    rows = await people.rows("accounts", select="accountnumber", filter="statecode eq 1")
    return sorted(row["accountnumber"] for row in rows)


async def resume(box: Sandbox) -> None:
    await app(box, "resume", "--company", "TWO", "--flow", FLOW)


async def test_a_mass_delete_stops_the_flow_and_a_persons_yes_lets_it_pass(
    shop: Sandbox, people: DataverseUser
) -> None:
    before = await inactive(people)
    rows = await edit(shop, "SELECT TOP (30) CUSTNMBR FROM RM00101 WHERE INACTIVE = 0 ORDER BY CUSTNMBR")
    gone = sorted(row[0].strip() for row in rows)
    await edit(shop, f"DELETE FROM RM00101 WHERE CUSTNMBR IN ({listed(gone)})")
    assert "30 of " in await paused(shop)
    await type_customer(shop, "NEWCOMER1")
    assert await inactive(people) == before
    assert await people.rows("accounts", select="name", filter="accountnumber eq 'NEWCOMER1'") == []
    await resume(shop)
    await seen(people, "NEWCOMER1")
    await until(lambda: inactive(people), lambda now: now == sorted([*before, *gone]), "the deleted made inactive")


async def test_a_truncated_table_stops_the_flow_and_nothing_is_deactivated(
    shop: Sandbox, people: DataverseUser
) -> None:
    before = await inactive(people)
    await edit(shop, "TRUNCATE TABLE RM00101")
    why = await paused(shop)
    assert "known customer records were deleted or made inactive in GP" in why
    assert await inactive(people) == before
    assert await app(shop, "parked", "list") == []
    everyone = {row["accountnumber"] for row in await people.rows("accounts", select="accountnumber")}
    await resume(shop)
    known = {number for number in everyone if number}
    await until(lambda: inactive(people), lambda now: known <= set(now), "all made inactive, as ordered")
