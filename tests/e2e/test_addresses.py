"""Further addresses of a customer on real parts, switched on by an overlay as an installation does it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.scenario import app, until
from sandbox.up import Sandbox
from sync.message import Message
from tests.e2e.steps import (
    fault,
    further,
    history,
    hurried,
    new_id,
    overlaid,
    parked,
    put_on_lane,
    seen,
    sql,
    type_address,
    type_customer,
)

FLOW = "address_gp_to_dataverse"


@pytest.fixture(scope="module")
async def box() -> AsyncIterator[Sandbox]:
    """A sandbox with addresses switched on."""
    async with overlaid(address="enabled: true") as box:
        yield box


async def arrived(dataverse: DataverseUser, account: str, **values: Any) -> dict[str, Any]:
    """The one further address of an account, once it holds these values."""

    def right(rows: list[dict[str, Any]]) -> bool:
        return len(rows) == 1 and all(rows[0][name] == value for name, value in values.items())

    return (await until(lambda: further(dataverse, account), right, f"one address with {values}"))[0]


@pytest.mark.parametrize("company", ["TWO", "THREE"])
async def test_a_third_address_arrives_at_the_account_and_a_change_follows(
    box: Sandbox, dataverse: DataverseUser, company: str
) -> None:
    number = new_id()
    await type_customer(box, number, company)
    await type_address(box, number, "WAREHOUSE", company, ADDRESS1="Quay 1", PHNUMBR1="41455501450000")
    account = (await seen(dataverse, number))["accountid"]
    row = await arrived(dataverse, account, line1="Quay 1")
    assert (row["name"], row["telephone1"]) == ("WAREHOUSE", "+1 414-555-0145")
    assert row["gp365_key"] == f"{company}-{number}_7EWAREHOUSE"
    await sql(
        box, f"UPDATE RM00102 SET ADDRESS1 = 'Quay 2' WHERE CUSTNMBR = '{number}' AND ADRSCODE = 'WAREHOUSE'", company
    )
    changed = await arrived(dataverse, account, line1="Quay 2")
    assert changed["customeraddressid"] == row["customeraddressid"]


async def test_the_accounts_own_addresses_get_no_row_of_ours(box: Sandbox, dataverse: DataverseUser) -> None:
    number = new_id()
    await type_customer(box, number)
    account = (await seen(dataverse, number))["accountid"]
    await sql(box, f"UPDATE RM00102 SET CITY = 'Oslo' WHERE CUSTNMBR = '{number}'")
    await type_address(box, number, "WAREHOUSE", CITY="Bergen")
    await arrived(dataverse, account, city="Bergen")
    own = await until(lambda: history(box, f"{number}~PRIMARY"), bool, "the account's own address looked at")
    assert {line["result"] for line in own} == {"skipped"}


async def test_a_redelivery_and_an_echo_write_nothing(box: Sandbox, dataverse: DataverseUser) -> None:
    number = new_id()
    await type_customer(box, number)
    await type_address(box, number, "WAREHOUSE", CITY="Oslo")
    account = (await seen(dataverse, number))["accountid"]
    row = await arrived(dataverse, account, city="Oslo")
    body = Message.new(FLOW, "TWO", [f"{number}~WAREHOUSE"], "timestamp").to_json()
    await put_on_lane(box, body, body, body)

    async def skips() -> int:
        return sum(line["result"] == "skipped" for line in await history(box, f"{number}~WAREHOUSE"))

    await until(skips, bool, "a skip")
    assert (await further(dataverse, account)) == [row], "not even its version moved"


async def test_a_killed_host_and_a_cut_connection_make_no_second_address(
    box: Sandbox, dataverse: DataverseUser
) -> None:
    number = new_id()
    await type_customer(box, number)
    account = (await seen(dataverse, number))["accountid"]
    await fault(box, "dataverse", at="dataverse.after", match=r"\$batch", do="drop", times=2)
    await type_address(box, number, "WAREHOUSE", CITY="Oslo")
    await box.kill("host")
    await box.start("host")
    await arrived(dataverse, account, city="Oslo")
    await sql(box, f"UPDATE RM00102 SET CITY = 'Bergen' WHERE CUSTNMBR = '{number}' AND ADRSCODE = 'WAREHOUSE'")
    await arrived(dataverse, account, city="Bergen")


async def test_an_address_whose_account_is_not_there_yet_waits_and_arrives(
    box: Sandbox, dataverse: DataverseUser
) -> None:
    number = new_id()
    await app(box, "pause", "--company", "TWO", "--flow", "customer_gp_to_dataverse", "--why", "test")
    try:
        await type_customer(box, number)
        await type_address(box, number, "WAREHOUSE", CITY="Oslo")
        body = Message.new(FLOW, "TWO", [f"{number}~WAREHOUSE"], "timestamp")
        await put_on_lane(box, body.to_json())
    finally:
        await app(box, "resume", "--company", "TWO", "--flow", "customer_gp_to_dataverse")
    account = (await seen(dataverse, number))["accountid"]
    await arrived(dataverse, account, city="Oslo")
    assert await parked(box, f"{number}~WAREHOUSE") == []


async def test_an_address_deleted_in_gp_waits_for_a_person(box: Sandbox, dataverse: DataverseUser) -> None:
    number = new_id()
    await type_customer(box, number)
    await type_address(box, number, "WAREHOUSE", CITY="Oslo")
    account = (await seen(dataverse, number))["accountid"]
    await arrived(dataverse, account, city="Oslo")
    async with hurried(box):
        await sql(box, f"DELETE FROM RM00102 WHERE CUSTNMBR = '{number}' AND ADRSCODE = 'WAREHOUSE'")
        [entry] = await until(lambda: parked(box, f"{number}~WAREHOUSE"), bool, "the address parked")
    assert entry["code"] == "deleted_in_source"
    assert [row["name"] for row in await further(dataverse, account)] == ["WAREHOUSE"]
