"""No password, client secret, token or secret field reaches a log, a queue, a table that people are shown, or an error."""

import asyncio
import json
import re
import uuid
from typing import Any

from azure.data.tables.aio import TableServiceClient
from azure.storage.queue.aio import QueueServiceClient

from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.scenario import until
from sandbox.up import Sandbox
from tests.e2e.steps import fault, new_id, overlay, parked, seen, sql, type_customer

TOKEN = re.compile(r"eyJ[\w-]{20,}")
"""How every signed token begins."""


async def stored(box: Sandbox) -> dict[str, str]:
    """Everything that lies in tables and queues, by name."""
    connection = box.contract["storage"]["connection_string"]
    found: dict[str, str] = {}
    async with TableServiceClient.from_connection_string(connection) as tables:
        async for table in tables.list_tables():
            rows = [row async for row in tables.get_table_client(table.name).list_entities()]
            found[table.name] = json.dumps(rows, default=str, ensure_ascii=False)
    async with QueueServiceClient.from_connection_string(connection) as queues:
        async for queue in queues.list_queues():
            messages = await queues.get_queue_client(queue.name).peek_messages(max_messages=32)
            found[queue.name] = "\n".join(str(message.content) for message in messages)
    return found


def logged(box: Sandbox) -> dict[str, str]:
    return {file.name: file.read_text(errors="replace") for file in (box.state / "logs").glob("*.log")}


async def told(box: Sandbox, number: str) -> dict[str, str]:
    """What an operator is shown, well and not well."""
    refused = {"GP365_GP_USER": "nobody", "GP365_CLIENT_ID": str(uuid.uuid4())}
    garbled = {"GP365_GP_PORT": "x", "GP365_DATAVERSE_URL": "x", "GP365_COMPANIES": "TOOLONG"}
    asked: list[tuple[tuple[str, ...], dict[str, str]]] = [
        (("show", f"customer/TWO/{number}"), {}),
        (("show", f"customer/TWO/{number}", "--json"), {}),
        (("parked", "list"), {}),
        (("doctor",), refused),
        (("poll", "--json"), refused),
        (("doctor",), garbled),
    ]
    answers = await asyncio.gather(*(box.cli(*command, **settings) for command, settings in asked))
    return {
        f"{command} {list(settings)}": f"{answer}" for (command, settings), answer in zip(asked, answers, strict=True)
    }


def holding(texts: dict[str, str], *secrets: str) -> list[str]:
    return [name for name, text in texts.items() if any(secret in text for secret in secrets) or TOKEN.search(text)]


async def test_no_secret_is_found_where_people_look(box: Sandbox, dataverse: DataverseUser) -> None:
    number, hush = new_id(), f"hush{uuid.uuid4().hex[:12]}"
    values: dict[str, Any] = {"CUSTNAME": f"Name {number}", "ADDRESS2": hush, "CITY": "Here"}
    async with overlay(box, "fields:\n  - {dataverse: address1_line2, secret: true}\n"):
        await type_customer(box, number, **values)
        await seen(dataverse, number)
        await fault(box, "dataverse", at="dataverse.before", match=r"\$batch", do="error", code=503)
        await sql(box, f"UPDATE RM00101 SET ADDRESS2 = '{hush}2' WHERE CUSTNMBR = '{number}'")
        await until(lambda: rows(dataverse, number), lambda found: found == [f"{hush}2"], "the change")
        await sql(box, f"UPDATE RM00101 SET ADDRESS2 = '{hush}' + CHAR(7) WHERE CUSTNMBR = '{number}'")
        [entry] = await until(lambda: parked(box, number), bool, f"{number} parked")
        assert "(hidden)" in entry["message"]
        shown = await told(box, number)
    tables = await stored(box)
    # The crosswalk holds the values of both sides, to compare the next ones with; nothing shows them.
    compared = tables.pop("crosswalk")
    assert hush in compared
    contract = box.contract
    account_key = contract["storage"]["connection_string"].partition("AccountKey=")[2].partition(";")[0]
    known = (contract["gp"]["password"], contract["dataverse"]["client_secret"], account_key)
    assert {"ledger", "parked", "cursors"} <= tables.keys()
    assert number in logged(box)["host.log"]
    for texts in (tables, logged(box), shown):
        assert holding(texts, hush, *known) == []
    assert holding({"crosswalk": compared}, *known) == []


async def rows(dataverse: DataverseUser, number: str) -> list[str]:
    found = await dataverse.rows("accounts", select="address1_line2", filter=f"accountnumber eq '{number}'")
    return [row["address1_line2"] for row in found]
