"""Catch-up against the real parts, with no webhook registered: edits in Dataverse reach GP, forgotten ones too."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from azure.data.tables.aio import TableClient

from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.scenario import app, until
from sandbox.up import Sandbox
from tests.e2e.steps import door, new_id, seen, type_customer

FLOW = "customer_dataverse_to_gp"


async def edit(box: Sandbox, account: dict[str, Any], **values: Any) -> None:
    """Somebody edits an account in Dataverse."""
    await door(box, "dataverse", "PATCH", f"/rows/accounts/{account['accountid']}", **values)


async def name_in_gp(box: Sandbox, number: str) -> str:
    found = await door(
        box, "gp", "POST", "/sql", database="TWO", sql=f"SELECT CUSTNAME FROM RM00101 WHERE CUSTNMBR = '{number}'"
    )
    return str(found["results"][-1]["rows"][0][0]).rstrip()


async def reaches_gp(box: Sandbox, number: str, name: str) -> None:
    await until(lambda: name_in_gp(box, number), lambda found: found == name, f"{number} is {name} in GP")


async def caught_up(box: Sandbox) -> dict[str, Any]:
    [told] = [one for one in await app(box, "poll") if one.get("table") == "account"]
    return {name: told[name] for name in ("events", "lost", "opening")}


async def swept(box: Sandbox) -> dict[str, Any]:
    """A whole pass over the accounts of TWO."""
    [told] = [one for one in await app(box, "sweep", "--company", "TWO") if one["flow"] == FLOW]
    return told


@asynccontextmanager
async def without_host(box: Sandbox) -> AsyncIterator[None]:
    await box.stop("host")
    try:
        yield
    finally:
        await box.start("host")


@pytest.fixture
def coupled(box: Sandbox, dataverse: DataverseUser) -> Callable[[], Awaitable[tuple[str, dict[str, Any]]]]:
    """Makes a customer that is an account: its number, and the account once both sides are at rest."""

    async def make() -> tuple[str, dict[str, Any]]:
        number = new_id()
        await type_customer(box, number)
        account = await seen(dataverse, number)
        await edit(box, account, name="At rest")
        await reaches_gp(box, number, "At rest")
        return number, account

    return make


async def test_an_edit_that_no_webhook_told_reaches_gp(box: Sandbox, coupled: Any) -> None:
    number, account = await coupled()
    await edit(box, account, name="Told by the delta")
    await reaches_gp(box, number, "Told by the delta")


async def test_an_edit_that_dataverse_forgot_reaches_gp_by_the_comparison(box: Sandbox, coupled: Any) -> None:
    number, account = await coupled()
    async with without_host(box):
        await edit(box, account, name="Forgotten")
        await door(box, "dataverse", "POST", "/changes/clean")
        assert await caught_up(box) == {"events": 0, "lost": True, "opening": False}
        assert (await swept(box))["ended"]
    await reaches_gp(box, number, "Forgotten")


async def test_an_edit_that_neither_webhook_nor_delta_told_is_found_by_the_sweep(box: Sandbox, coupled: Any) -> None:
    number, account = await coupled()
    async with without_host(box):
        await edit(box, account, name="Found by the sweep")
        connection = box.contract["storage"]["connection_string"]
        async with TableClient.from_connection_string(connection, "cursors") as cursors:
            await cursors.delete_entity("*", "dataverse.account")
        assert await caught_up(box) == {"events": 0, "lost": False, "opening": False}
        assert (await swept(box))["keys"] >= 1  # other tests of this sandbox leave accounts that nobody has looked at
    await reaches_gp(box, number, "Found by the sweep")


async def test_doctor_tells_the_token_s_age_and_whether_changes_are_tracked(box: Sandbox) -> None:
    _, out, _ = await box.cli("doctor", "--json")
    lines = {line["name"]: line for line in map(json.loads, out.splitlines())}
    caught_up, tracked = lines["Dataverse account: caught up with"], lines["Dataverse: account: changes are tracked"]
    assert (caught_up["ok"], tracked["ok"]) == (True, True)
    assert "token" in caught_up["detail"]
    assert "7 days" in tracked["detail"]
