"""What end-to-end tests do and see: typing into GP, reading Dataverse, planning faults."""

import contextlib
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


async def parked(box: Sandbox, number: str) -> list[dict[str, Any]]:
    return [entry for entry in await app(box, "parked", "list") if entry["key"] == number]


async def sql(box: Sandbox, text: str, company: str = "TWO") -> None:
    """A raw edit, as a DBA or an import makes it."""
    await door(box, "gp", "POST", "/sql", database=company, sql=text)


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
