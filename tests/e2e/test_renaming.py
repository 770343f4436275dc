"""A customer's id is changed in GP as the tools do it, and its account stays the one it had, on real parts."""

from typing import Any

import pytest

from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.scenario import app, until
from sandbox.up import Sandbox
from tests.e2e.steps import accounts, new_id, parked, seen, sql, type_customer

TABLES = {"RM00101": "CUSTNMBR", "RM00102": "CUSTNMBR", "SY01200": "Master_ID"}


async def change_id(box: Sandbox, old: str, new: str, company: str) -> None:
    """The id is another one in every table, in one transaction."""
    changes = [f"UPDATE {table} SET {key} = '{new}' WHERE {key} = '{old}'" for table, key in TABLES.items()]
    await sql(box, f"BEGIN TRAN; {'; '.join(changes)}; COMMIT", company)


async def key_of(dataverse: DataverseUser, id_: str) -> dict[str, Any]:
    [row] = await dataverse.rows("accounts", select="accountnumber,gp365_key", filter=f"accountid eq {id_}")
    return row


@pytest.mark.parametrize("company", ["TWO", "THREE"], ids=["change tracking", "the sweep"])
async def test_a_changed_id_keeps_its_account(box: Sandbox, dataverse: DataverseUser, company: str) -> None:
    old, new = new_id(), new_id()
    await type_customer(box, old, company)
    account = await seen(dataverse, old)
    await change_id(box, old, new, company)
    if company == "THREE":
        await app(box, "sweep", "--company", company)
    moved = await seen(dataverse, new)
    assert moved["accountid"] == account["accountid"]
    assert (await key_of(dataverse, moved["accountid"]))["gp365_key"] == f"{company}-{new}"
    shown = await app(box, "show", f"customer/{company}/{new}")
    assert f"id changed from {old} to {new}" in str(shown)
    await app(box, "sweep", "--company", company)
    await sql(box, f"UPDATE RM00101 SET CUSTNAME = 'Afterwards' WHERE CUSTNMBR = '{new}'", company)
    await until(lambda: accounts(dataverse, new), lambda rows: rows[0]["name"] == "Afterwards", "the next change")
    assert (await parked(box, old), await parked(box, new), await accounts(dataverse, old)) == ([], [], [])
