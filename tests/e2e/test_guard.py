"""Modes and the identity guard on real parts: what is paused waits, what is observed is told, and a restored company writes
nothing until a person says so.
"""

import json
import tempfile
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sandbox.scenarios.customers import CUSTOMER
from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.load import clean_customers, differences
from sandbox.scenarios.scenario import app, until
from sandbox.up import Sandbox
from tests.e2e.steps import accounts, door, gp_of, hurried, new_id, parked, seen, sql, type_customer


@pytest.fixture(scope="module")
async def box() -> AsyncIterator[Sandbox]:
    """A sandbox of its own: a restore takes every company back."""
    with tempfile.TemporaryDirectory(prefix="gp365-", ignore_cleanup_errors=True) as state:
        async with Sandbox(Path(state)) as running:
            yield running


async def modes(box: Sandbox) -> list[dict[str, Any]]:
    _, out, _ = await box.cli("modes", "--json")
    return [json.loads(line) for line in out.splitlines()]


async def history(box: Sandbox, number: str) -> list[dict[str, Any]]:
    status, out, _ = await box.cli("show", f"TWO/{number}", "--json")
    return json.loads(out)["history"] if status == 0 else []


async def observed(box: Sandbox, number: str) -> list[dict[str, Any]]:
    """The history may end with an echo that the other direction has skipped."""
    return [line for line in await history(box, number) if line["result"] == "observed"]


async def paused_by_identity(box: Sandbox) -> list[dict[str, Any]]:
    return [each for each in await modes(box) if each["cause"] == "identity"]


async def test_a_paused_company_writes_nothing_and_goes_on_where_it_was(box: Sandbox, dataverse: DataverseUser) -> None:
    number, other = new_id(), new_id()
    await app(box, "pause", "--company", "TWO", "--why", "month end")
    status, _, err = await box.cli("poll", "--company", "TWO")
    assert (status, "month end" in err) == (1, True)
    await type_customer(box, number)
    await type_customer(box, other, "THREE")
    await seen(dataverse, other)
    assert await accounts(dataverse, number) == []
    status, out, _ = await box.cli("doctor")
    assert "month end" in out
    await app(box, "resume", "--company", "TWO")
    await seen(dataverse, number)


async def test_a_paused_flow_lets_its_messages_wait(box: Sandbox, dataverse: DataverseUser) -> None:
    number, flow = new_id(), "customer_gp_to_dataverse"
    await app(box, "pause", "--company", "TWO", "--flow", flow, "--why", "new mapping")
    await box.restart("host")
    await type_customer(box, number)
    await app(box, "poll", "--company", "TWO")
    assert await accounts(dataverse, number) == []
    assert await parked(box, number) == []
    await app(box, "resume", "--company", "TWO", "--flow", flow)
    await seen(dataverse, number)


async def test_an_observed_company_tells_what_it_would_write(box: Sandbox, dataverse: DataverseUser) -> None:
    number = new_id()
    await type_customer(box, number)
    await seen(dataverse, number)
    await app(box, "pause", "--company", "TWO", "--observe", "--why", "rehearsal")
    await box.restart("host")
    await gp_of(box).type_in(CUSTOMER, CUSTNMBR=number, CUSTNAME="Observed")
    [told] = await until(lambda: observed(box, number), bool, "an observed line")
    assert [change["new"] for change in told["changes"] if change["field"] == "name"] == ["Observed"]
    assert (await accounts(dataverse, number))[0]["name"] == f"Customer {number}"
    await app(box, "resume", "--company", "TWO")
    await gp_of(box).type_in(CUSTOMER, CUSTNMBR=number, CUSTNAME="For real")
    await seen(dataverse, number, name="For real")


async def is_echoed(box: Sandbox, key: str) -> bool:
    """Whether the other direction was the last to look at a record: no message about it is under way."""
    _, text, _ = await box.cli("show", f"TWO/{key}", "--json")
    return bool(json.loads(text)["history"][0]["flow"] == "customer_dataverse_to_gp")


async def test_gp_restored_from_an_older_copy_pauses_and_ends_equal_after_resume(
    box: Sandbox, dataverse: DataverseUser
) -> None:
    keys = await clean_customers(box, 300)
    await app(box, "backfill", "--company", "TWO")
    assert await differences(box, keys) == []
    await door(box, "gp", "POST", "/restore-point")
    gone, before = new_id(), f"{keys[0]} before"
    await sql(box, f"UPDATE RM00101 SET CUSTNAME = 'After the copy' WHERE CUSTNMBR IN ('{keys[0]}', '{keys[1]}')")
    await type_customer(box, gone)
    await seen(dataverse, gone)
    for key in keys[:2]:
        await seen(dataverse, key, name="After the copy")
        await until(partial(is_echoed, box, key), bool, f"the echo of {key} is over")
    await door(box, "gp", "POST", "/restore")
    await sql(box, f"UPDATE RM00101 SET CUSTNAME = '{before}' WHERE CUSTNMBR = '{keys[0]}'")
    [paused] = await until(lambda: paused_by_identity(box), bool, "a pause")
    assert "change version" in paused["text"]
    assert "resume --company TWO --after-restore" in paused["text"]
    status, _, err = await box.cli("resume", "--company", "TWO")
    assert status == 1
    assert "--after-restore" in err
    for key in keys[:2]:
        assert (await accounts(dataverse, key))[0]["name"] == "After the copy"
    status, out, _ = await box.cli("doctor", "--json")
    assert status == 1
    assert "older copy" in out
    async with hurried(box):
        await app(box, "resume", "--company", "TWO", "--after-restore")
        await until(lambda: differences(box, keys), lambda found: not found, "both sides equal")
        await until(lambda: parked(box, gone), lambda entries: entries, "the customer that vanished, parked")
    assert [entry["code"] for entry in await parked(box, gone)] == ["deleted_in_source"]
    number = new_id()
    await type_customer(box, number)
    await seen(dataverse, number)


async def test_dataverse_restored_into_another_environment_pauses_every_company_and_gets_back_what_it_lost(
    box: Sandbox, dataverse: DataverseUser
) -> None:
    kept, lost = new_id(), new_id()
    await type_customer(box, kept)
    await seen(dataverse, kept)
    await door(box, "dataverse", "POST", "/copies/night")
    await type_customer(box, lost)
    before = (await seen(dataverse, lost))["accountid"]
    await door(box, "dataverse", "POST", "/copies/night/restore?into=another")
    await box.restart("host")  # a worker that runs looks every five minutes only
    await gp_of(box).type_in(CUSTOMER, CUSTNMBR=kept, CUSTNAME="After the copy")
    paused = await until(lambda: paused_by_identity(box), lambda found: len(found) == 2, "a pause of both companies")
    assert "Dataverse was organization" in paused[0]["text"]
    assert (await accounts(dataverse, kept))[0]["name"] == f"Customer {kept}"
    for company in ("TWO", "THREE"):
        await app(box, "resume", "--company", company, "--after-restore")
    await seen(dataverse, kept, name="After the copy")
    assert (await seen(dataverse, lost))["accountid"] == before
