"""What end-to-end tests do and see: typing into GP, reading Dataverse, planning faults."""

import contextlib
import json
import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient

from sandbox.scenarios.customers import CUSTOMER
from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.gp_user import GpUser
from sandbox.scenarios.scenario import app, door, until
from sandbox.up import Sandbox

COLUMNS = (
    "accountid,accountnumber,name,telephone1,emailaddress1,creditlimit,creditonhold,paymenttermscode,statecode,"
    "address1_line1,address1_city,address1_postalcode,address2_city"
)


ADDRESS = "customeraddressid,addressnumber,name,line1,city,telephone1,gp365_key,versionnumber,_parentid_value"
BY_CATEGORY = "company: \"accountcategorycode = 1 ? 'TWO' : 'THREE'\"\n"
"""An overlay of the mapping of customers: which of the sandbox's two companies an account belongs to."""


@asynccontextmanager
async def overlaid(*, webhooks: bool = False, **texts: str) -> AsyncIterator[Sandbox]:
    """A sandbox of its own, with overlays of these pairs from the start."""
    with tempfile.TemporaryDirectory(prefix="gp365-", ignore_cleanup_errors=True) as folder:
        box, overlays = Sandbox(Path(folder) / "state", webhooks=webhooks), Path(folder) / "overlays"
        overlays.mkdir()
        for pair, text in texts.items():
            (overlays / f"{pair}.yaml").write_text(text, encoding="utf-8")
        box.overrides["GP365_OVERLAYS"] = str(overlays)
        async with box:
            yield box


def gp_of(box: Sandbox, company: str = "TWO") -> GpUser:
    return GpUser(box.contract["gp"] | {"database": company})


@asynccontextmanager
async def hurried(box: Sandbox, scale: float = 0.01) -> AsyncIterator[None]:
    """The app waits less than the sandbox has it wait: what is missing counts as deleted after a few seconds."""
    box.overrides["GP365_TIME_SCALE"] = f"{scale:g}"
    await box.restart("host")
    try:
        yield
    finally:
        del box.overrides["GP365_TIME_SCALE"]
        await box.restart("host")


def new_id() -> str:
    return f"T{uuid.uuid4().hex[:10]}".upper()


async def accounts(dataverse: DataverseUser, number: str) -> list[dict[str, Any]]:
    return await dataverse.rows("accounts", select=COLUMNS, filter=f"accountnumber eq '{number}'")


async def seen(dataverse: DataverseUser, number: str, **values: Any) -> dict[str, Any]:
    """The one account of a customer, once it holds these values."""

    def right(rows: list[dict[str, Any]]) -> bool:
        return len(rows) == 1 and all(rows[0][name] == value for name, value in values.items())

    return (await until(lambda: accounts(dataverse, number), right, f"account {number} with {values}"))[0]


async def type_account(dataverse: DataverseUser, name: str, **values: Any) -> str:
    """A rep types an account, of company TWO by the overlay `BY_CATEGORY`; its id."""
    body = {"name": name, "customertypecode": 3, "accountcategorycode": 1}
    return await dataverse.create("accounts", body | values)


async def parked(box: Sandbox, number: str) -> list[dict[str, Any]]:
    return [entry for entry in await app(box, "parked", "list") if entry["key"] == number]


async def sql(box: Sandbox, text: str, company: str = "TWO") -> None:
    """A raw edit, as a DBA or an import makes it."""
    await door(box, "gp", "POST", "/sql", database=company, sql=text)


async def select(box: Sandbox, text: str, company: str = "TWO") -> list[dict[str, Any]]:
    """What a query of a company finds, by column, text without its padding."""
    [result] = (await door(box, "gp", "POST", "/sql", database=company, sql=text))["results"]
    rows = [dict(zip(result["columns"], row, strict=True)) for row in result["rows"]]
    return [{name: value.rstrip() if isinstance(value, str) else value for name, value in row.items()} for row in rows]


async def type_customer(box: Sandbox, number: str, company: str = "TWO", **values: Any) -> None:
    given = {"CUSTNMBR": number, "CUSTNAME": f"Customer {number}", "ADRSCODE": "PRIMARY", "ADDRESS1": "1 Main"} | values
    await gp_of(box, company).type_in(CUSTOMER, **given)


async def put_on_lane(box: Sandbox, *bodies: str, lane: str = "to-dataverse") -> None:
    """Put messages on a lane, whatever they say."""
    connection = box.contract["storage"]["connection_string"]
    policy = TextBase64EncodePolicy()
    async with QueueClient.from_connection_string(connection, lane, message_encode_policy=policy) as queue:
        with contextlib.suppress(ResourceExistsError):
            await queue.create_queue()
        for body in bodies:
            await queue.send_message(body)


@asynccontextmanager
async def overlay(box: Sandbox, text: str, provision: str = "") -> AsyncIterator[None]:
    """Run the app with an overlay of the mapping of customers; Dataverse is provisioned for the overlay `provision`."""
    with tempfile.TemporaryDirectory(prefix="gp365-") as folder:
        file = Path(folder) / "customer.yaml"
        box.overrides["GP365_OVERLAYS"] = folder
        file.write_text(provision or text, encoding="utf-8")
        await app(box, "provision")
        file.write_text(text, encoding="utf-8")
        await box.restart("host")
        try:
            yield
        finally:
            del box.overrides["GP365_OVERLAYS"]
            await box.restart("host")


async def fault(box: Sandbox, part: str, **fault: Any) -> None:
    """Plan one misbehaviour of a part."""
    await door(box, part, "POST", "/faults", **fault)


async def type_address(box: Sandbox, number: str, code: str, company: str = "TWO", **values: Any) -> None:
    """A clerk types an address of a customer."""
    await gp_of(box, company).type_in("taCreateCustomerAddress", CUSTNMBR=number, ADRSCODE=code, **values)


async def further(dataverse: DataverseUser, account: str) -> list[dict[str, Any]]:
    """The address rows of an account that it does not hold itself."""
    filter_ = f"_parentid_value eq {account} and addressnumber gt 2"
    return await dataverse.rows("customeraddresses", select=ADDRESS, filter=filter_)


async def history(box: Sandbox, key: str) -> list[dict[str, Any]]:
    """What the ledger says of an address of TWO, newest first."""
    status, out, _ = await box.cli("show", f"address/TWO/{key}", "--json")
    return list(json.loads(out)["history"]) if status == 0 else []
