"""Two accounts are merged in Dataverse, by its own action and with no webhook, and the customer follows, on real parts."""

from typing import Any

import pytest

from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.scenario import app, until
from sandbox.up import Sandbox
from tests.e2e.steps import door, new_id, parked, seen, sql, type_customer
from tests.e2e.test_catchup import name_in_gp, without_host

COLUMNS = "accountid,name,telephone1,address1_line1,accountnumber,statecode,gp365_key"


def named(id_: str) -> dict[str, str]:
    return {"@odata.type": "Microsoft.Dynamics.CRM.account", "accountid": id_}


async def merge(dataverse: DataverseUser, subordinate: str, master: str) -> None:
    body = {"Target": named(master), "Subordinate": named(subordinate), "PerformParentingChecks": False}
    await dataverse.act("Merge", body)


async def account(dataverse: DataverseUser, id_: str) -> dict[str, Any]:
    [row] = await dataverse.rows("accounts", select=COLUMNS, filter=f"accountid eq {id_}")
    return row


@pytest.mark.parametrize("kind", [3, 1], ids=["the master takes part", "the master is a prospect"])
async def test_the_customer_of_a_merged_account_follows_it(box: Sandbox, dataverse: DataverseUser, kind: int) -> None:
    number = new_id()
    await type_customer(box, number)
    old = (await seen(dataverse, number))["accountid"]
    async with without_host(box):
        body = {"name": f"Chosen {number}", "telephone1": "+1 414-555-0145", "customertypecode": kind}
        master = await dataverse.create("accounts", body)
        await merge(dataverse, old, master)
    moved = await until(
        lambda: account(dataverse, master), lambda row: row["gp365_key"] == f"TWO-{number}", "the key of the master"
    )
    await until(lambda: name_in_gp(box, number), lambda name: name == f"Chosen {number}", "the master's name in GP")
    assert (moved["accountnumber"], moved["address1_line1"], moved["telephone1"]) == (
        number,
        "1 Main",
        "+1 414-555-0145",
    )
    left = await account(dataverse, old)
    assert (left["gp365_key"], left["statecode"]) == (None, 1)
    assert f"account {old} was merged into {master}" in str(await app(box, "show", f"customer/TWO/{number}"))
    await sql(box, f"UPDATE RM00101 SET CUSTNAME = 'Afterwards' WHERE CUSTNMBR = '{number}'")
    await until(lambda: account(dataverse, master), lambda row: row["name"] == "Afterwards", "the next change")
    assert [await parked(box, key) for key in (number, old, master)] == [[], [], []]
    assert await gp_state(box, number) == 0


async def gp_state(box: Sandbox, number: str) -> int:
    text = f"SELECT INACTIVE FROM RM00101 WHERE CUSTNMBR = '{number}'"
    found = await door(box, "gp", "POST", "/sql", database="TWO", sql=text)
    return int(found["results"][-1]["rows"][0][0])


async def test_two_customers_whose_accounts_are_merged_wait_for_a_person(
    box: Sandbox, dataverse: DataverseUser
) -> None:
    one, other = new_id(), new_id()
    for number in (one, other):
        await type_customer(box, number)
    old, master = [(await seen(dataverse, number))["accountid"] for number in (one, other)]
    await merge(dataverse, old, master)
    [entry] = await until(lambda: parked(box, one), bool, f"{one} waits")
    assert (entry["code"], old in entry["message"], entry["message"].endswith(f"belongs to {other}.")) == (
        "account_merged",
        True,
        True,
    )
    assert [(await account(dataverse, id_))["gp365_key"] for id_ in (old, master)] == [f"TWO-{one}", f"TWO-{other}"]
    await app(box, "uncouple", f"customer/TWO/{other}")
    await app(box, "parked", "retry", "--record", f"customer/TWO/{one}")
    await until(
        lambda: account(dataverse, master), lambda row: row["gp365_key"] == f"TWO-{one}", "the master goes over"
    )
    assert await until(lambda: parked(box, one), lambda waiting: not waiting, "off the list") == []
