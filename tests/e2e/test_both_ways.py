"""Customers both ways on real parts: accounts become customers, both sides' edits survive, nothing echoes."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.scenario import app, until
from sandbox.up import Sandbox
from tests.e2e.steps import (
    BY_CATEGORY,
    accounts,
    new_id,
    overlaid,
    parked,
    seen,
    select,
    sql,
    type_account,
    type_customer,
)


@pytest.fixture(scope="module")
async def box() -> AsyncIterator[Sandbox]:
    """A sandbox whose accounts say which company they belong to."""
    async with overlaid(customer=BY_CATEGORY) as box:
        yield box


async def customers(box: Sandbox, name: str) -> list[dict[str, Any]]:
    """What GP holds under a name."""
    return await select(box, f"SELECT CUSTNMBR FROM RM00101 WHERE CUSTNAME = '{name}'")


async def customer(box: Sandbox, number: str) -> dict[str, Any]:
    [row] = await select(box, f"SELECT * FROM RM00101 WHERE CUSTNMBR = '{number}'")
    return row


async def test_an_account_becomes_a_customer_once_a_person_has_approved_it(
    box: Sandbox, dataverse: DataverseUser
) -> None:
    name = f"Nordic {new_id()}"
    id_ = await type_account(dataverse, name, telephone1="+1 414-555-0145", address1_city="Milwaukee")
    [entry] = await until(lambda: parked(box, id_), bool, f"{name} waits for approval")
    assert (entry["code"], await customers(box, name)) == ("approval_needed", [])
    await app(box, "parked", "resolve", "--take", "d365", "--record", f"customer/TWO/{id_}")
    [row] = await until(lambda: customers(box, name), bool, f"customer {name}")
    number = row["CUSTNMBR"]
    account = await seen(dataverse, number)
    assert (account["accountid"], account["telephone1"]) == (id_, "+1 414-555-0145")
    assert await parked(box, id_) == []


async def test_edits_of_both_sides_at_once_both_survive(box: Sandbox, dataverse: DataverseUser) -> None:
    number = new_id()
    await type_customer(box, number)
    account = await seen(dataverse, number)
    await box.stop("host")
    await sql(box, f"UPDATE RM00101 SET CUSTNAME = 'By a clerk' WHERE CUSTNMBR = '{number}'")
    await dataverse.edit(f"accounts({account['accountid']})", {"telephone1": "+1 414-555-0145"})
    await box.start("host")
    await seen(dataverse, number, name="By a clerk", telephone1="+1 414-555-0145")

    async def phone() -> str:
        return str((await customer(box, number))["PHONE1"])

    await until(phone, lambda held: held.startswith("4145550145"), "the phone in GP")


async def test_when_all_is_quiet_nobody_writes(box: Sandbox, dataverse: DataverseUser) -> None:
    number = new_id()
    await type_customer(box, number)
    account = await seen(dataverse, number)
    await dataverse.edit(f"accounts({account['accountid']})", {"name": f"Renamed {number}"})
    await until(lambda: customers(box, f"Renamed {number}"), bool, "the name in GP")
    stamp = (await customer(box, number))["DEX_ROW_TS"]
    version = (await accounts(dataverse, number))[0]["@odata.etag"]

    async def skipped() -> list[str]:
        _, text, _ = await box.cli("show", f"TWO/{number}", "--json")
        lines = json.loads(text)["history"]
        return [line["result"] for line in lines if line["flow"] == "customer_gp_to_dataverse"]

    await until(skipped, lambda results: results[0] == "skipped", "the echo ends as a skip")
    assert (await customer(box, number))["DEX_ROW_TS"] == stamp
    assert (await accounts(dataverse, number))[0]["@odata.etag"] == version
