"""What end-to-end tests do and see: typing into GP, reading Dataverse, planning faults."""

import uuid
from typing import Any

import httpx

from sandbox.scenarios.customers import CUSTOMER
from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.gp_user import GpUser
from sandbox.scenarios.scenario import app, until
from sandbox.up import Sandbox

COLUMNS = (
    "accountid,accountnumber,name,telephone1,emailaddress1,creditlimit,creditonhold,paymenttermscode,statecode,"
    "address1_line1,address1_city,address1_postalcode,address2_city"
)


def gp_of(box: Sandbox, company: str = "TWO") -> GpUser:
    return GpUser(box.contract["gp"] | {"database": company})


def new_id() -> str:
    return f"T{uuid.uuid4().hex[:10]}".upper()


async def accounts(dataverse: DataverseUser, number: str) -> list[dict[str, Any]]:
    return await dataverse.rows("accounts", select=COLUMNS, filter=f"accountnumber eq '{number}'")


async def seen(dataverse: DataverseUser, number: str, **values: Any) -> dict[str, Any]:
    """The one account of a customer, once it holds these values."""

    def right(rows: list[dict[str, Any]]) -> bool:
        return len(rows) == 1 and all(rows[0][name] == value for name, value in values.items())

    return (await until(lambda: accounts(dataverse, number), right, f"account {number} with {values}"))[0]


async def parked(box: Sandbox, number: str) -> list[dict[str, Any]]:
    return [entry for entry in await app(box, "parked", "list") if entry["key"] == number]


async def sql(box: Sandbox, text: str, company: str = "TWO") -> None:
    """A raw edit, as a DBA or an import makes it."""
    await door(box, "gp", "POST", "/sql", database=company, sql=text)


async def type_customer(box: Sandbox, number: str, company: str = "TWO", **values: Any) -> None:
    given = {"CUSTNMBR": number, "CUSTNAME": f"Customer {number}", "ADRSCODE": "PRIMARY", "ADDRESS1": "1 Main"} | values
    await gp_of(box, company).type_in(CUSTOMER, **given)


async def door(box: Sandbox, part: str, method: str, path: str, **body: Any) -> Any:
    """One request at a part's admin door."""
    async with httpx.AsyncClient(base_url=box.ready[part]["admin"], timeout=60) as client:
        response = await client.request(method, path, json=body or None)
        response.raise_for_status()
        return response.json()


async def fault(box: Sandbox, part: str, **fault: Any) -> None:
    """Plan one misbehaviour of a part."""
    await door(box, part, "POST", "/faults", **fault)
