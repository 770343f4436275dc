"""A customer's whole way on real parts: GP over TDS, lanes and tables in Azurite, the app under Microsoft's worker,
Dataverse over TLS.
"""

import asyncio
import json
from typing import Any

import pytest
from azure.data.tables.aio import TableServiceClient

from sandbox.scenarios.customers import CUSTOMER
from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.scenario import app, until
from sandbox.up import Sandbox
from tests.e2e.steps import door, fault, gp_of, new_id, parked, put_on_lane, seen, sql, type_customer


@pytest.mark.parametrize("company", ["TWO", "THREE"])
async def test_a_customer_arrives_whole_by_either_feed(box: Sandbox, dataverse: DataverseUser, company: str) -> None:
    number = new_id()
    await type_customer(
        box, number, company, CUSTNAME="Ærø Bådværft’s", CITY="Ærøskøbing", PHNUMBR1="41455501450123", CRLMTTYP=2,
        CRLMTAMT="25000.50", PYMTRMID="Net 30", HOLD=1,
    )  # fmt: skip
    account = await seen(dataverse, number, creditlimit=25000.5)
    assert account["name"] == "Ærø Bådværft’s"
    assert account["address1_city"] == "Ærøskøbing"
    assert account["telephone1"] == "+1 414-555-0145 ext. 0123"
    assert (account["paymenttermscode"], account["creditonhold"], account["statecode"]) == (1, True, 0)


async def test_a_raw_edit_a_new_address_and_an_email_arrive(box: Sandbox, dataverse: DataverseUser) -> None:
    number = new_id()
    await type_customer(box, number)
    await seen(dataverse, number)
    await sql(box, f"UPDATE RM00101 SET CUSTNAME = 'Edited by hand' WHERE CUSTNMBR = '{number}'")
    await seen(dataverse, number, name="Edited by hand")
    await gp_of(box).type_in("taCreateCustomerAddress", CUSTNMBR=number, ADRSCODE="PLANT", CITY="Gdansk")
    await gp_of(box).type_in(CUSTOMER, CUSTNMBR=number, PRSTADCD="PLANT")
    await seen(dataverse, number, address2_city="Gdansk")
    await gp_of(box).type_in(
        "taCreateInternetAddresses", Master_Type="CUS", Master_ID=number, ADRSCODE="PRIMARY", INET1="a@b.example"
    )
    await seen(dataverse, number, emailaddress1="a@b.example")


async def test_a_customer_made_inactive_and_active_again_is_followed(box: Sandbox, dataverse: DataverseUser) -> None:
    number = new_id()
    await type_customer(box, number)
    await seen(dataverse, number, statecode=0)
    await gp_of(box).type_in(CUSTOMER, CUSTNMBR=number, INACTIVE=1)
    await seen(dataverse, number, statecode=1)
    await gp_of(box).type_in(CUSTOMER, CUSTNMBR=number, INACTIVE=0)
    await seen(dataverse, number, statecode=0)


@pytest.mark.parametrize(
    ("break_it", "code", "said"),
    [
        ("UPDATE RM00101 SET CUSTNAME = 'Bell' + CHAR(7) WHERE CUSTNMBR = '{0}'", "control_character", "CUSTNAME"),
        ("UPDATE RM00101 SET PYMTRMID = 'Net 31' WHERE CUSTNMBR = '{0}'", "lookup_missing", "Net 31"),
        ("UPDATE RM00101 SET CUSTNAME = '' WHERE CUSTNMBR = '{0}'", "value_required", "CUSTNAME"),
        (
            "INSERT INTO SY01200 (Master_Type, Master_ID, ADRSCODE, INET1) "
            "VALUES ('CUS', '{0}', 'PRIMARY', 'call Anna')",
            "email_invalid",
            "call Anna",
        ),
    ],
)
async def test_a_bad_record_is_parked_in_words_and_stops_no_other(
    box: Sandbox, dataverse: DataverseUser, break_it: str, code: str, said: str
) -> None:
    bad, good = new_id(), new_id()
    await type_customer(box, bad)
    await seen(dataverse, bad)
    await sql(box, break_it.format(bad))
    await type_customer(box, good)
    [entry] = await until(lambda: parked(box, bad), bool, f"{bad} parked")
    await seen(dataverse, good)
    assert entry["code"] == code
    assert said in entry["message"]
    assert entry["next_step"]


async def test_a_mended_record_is_retried_and_leaves_the_list(box: Sandbox, dataverse: DataverseUser) -> None:
    number = new_id()
    await type_customer(box, number)
    await sql(box, f"UPDATE RM00101 SET PYMTRMID = 'Net 31' WHERE CUSTNMBR = '{number}'")
    await until(lambda: parked(box, number), bool, f"{number} parked")
    await app(box, "parked", "retry", "--record", f"customer/TWO/{number}")
    assert await parked(box, number)
    await sql(box, f"UPDATE RM00101 SET PYMTRMID = 'Net 30' WHERE CUSTNMBR = '{number}'")
    await seen(dataverse, number, paymenttermscode=1)
    await until(lambda: parked(box, number), lambda found: not found, f"{number} no longer parked")


async def test_show_tells_where_a_value_came_from(box: Sandbox, dataverse: DataverseUser) -> None:
    number = new_id()
    await type_customer(box, number, CUSTNAME="First")
    account = await seen(dataverse, number)

    async def shown() -> dict[str, Any]:
        status, out, _ = await box.cli("show", f"customer/two/{number.lower()}", "--json")
        return json.loads(out) if status == 0 else {}

    record = await until(shown, lambda found: found.get("history"), f"history of {number}")
    assert record["dataverse_id"] == account["accountid"]
    assert record["base"]["name"] == {"gp": "First", "d365": "First"}
    assert record["history"][-1]["result"] == "created"


async def test_a_killed_host_leaves_one_account_per_customer(box: Sandbox, dataverse: DataverseUser) -> None:
    numbers = [new_id() for _ in range(20)]
    for number in numbers:
        await type_customer(box, number)
    await box.kill("host")
    await box.start("host")
    found = await asyncio.gather(*(seen(dataverse, number) for number in numbers))
    assert len({account["accountid"] for account in found}) == len(numbers)


@pytest.mark.parametrize("seam", ["dataverse.before", "dataverse.after"])
async def test_a_cut_connection_on_either_side_of_the_commit_makes_no_second_account(
    box: Sandbox, dataverse: DataverseUser, seam: str
) -> None:
    number = new_id()
    await fault(box, "dataverse", at=seam, match=r"\$batch", do="drop", times=2)
    await type_customer(box, number)
    await seen(dataverse, number)
    await door(box, "dataverse", "DELETE", "/faults")


async def test_two_hosts_side_by_side_write_each_record_once(box: Sandbox, dataverse: DataverseUser) -> None:
    await box.start("host-2")
    try:
        numbers = [new_id() for _ in range(10)]
        for number in numbers:
            await type_customer(box, number)
        found = await asyncio.gather(*(seen(dataverse, number) for number in numbers))
        assert len({account["accountid"] for account in found}) == len(numbers)
    finally:
        await box.stop("host-2")


@pytest.mark.parametrize(
    ("content", "code"),
    [({"hello": "there"}, "message_unreadable"), ({"version": 2, "keys": ["A1"]}, "message_version")],
)
async def test_a_message_that_is_not_ours_is_parked_whole(box: Sandbox, content: dict[str, object], code: str) -> None:
    body = json.dumps({"sent": new_id()} | content)
    await put_on_lane(box, body)

    async def found() -> list[dict[str, Any]]:
        return [entry for entry in await app(box, "parked", "list") if entry["body"] == body]

    [entry] = await until(found, bool, "the message parked")
    assert entry["code"] == code


async def test_gp_stopped_is_said_in_one_line_and_loses_nothing(box: Sandbox, dataverse: DataverseUser) -> None:
    number = new_id()
    await box.stop("gp")
    try:
        status, out, _ = await box.cli("doctor", "--json")
        lines = [json.loads(line) for line in out.splitlines()]
        [down] = [line for line in lines if not line["ok"] and line["name"].startswith("GP TWO")]
        assert status == 1
        assert "\n" not in down["detail"]
        assert down["next_step"]
    finally:
        await box.start("gp")
    await type_customer(box, number)
    await seen(dataverse, number)


async def test_doctor_finds_everything_well(box: Sandbox) -> None:
    lines = await app(box, "doctor")
    assert [line for line in lines if not line["ok"] and not line["name"].startswith("lane")] == []


@pytest.mark.parametrize(
    ("settings", "status", "said"),
    [
        ({"GP365_GP_PASSWORD": "wrong"}, 1, "refused the sign-in (GP365_GP_USER, GP365_GP_PASSWORD"),
        ({"GP365_CLIENT_SECRET": "wrong"}, 1, "secret is wrong"),
        ({"GP365_DATAVERSE_URL": "https://localhost:1"}, 1, "not known in this tenant"),
        ({"GP365_GP_PORT": "x"}, 3, "GP365_GP_PORT"),
        ({"GP365_COMPANIES": "FOUR"}, 1, "database FOUR"),
        ({"GP365_AUTHORITY": "https://localhost:1/tenant"}, 1, "did not answer"),
    ],
)
async def test_doctor_says_which_setting_is_wrong(
    box: Sandbox, settings: dict[str, str], status: int, said: str
) -> None:
    ended, out, _ = await box.cli("doctor", "--json", **settings)
    assert ended == status
    assert said in "\n".join(line for line in out.splitlines() if '"ok": true' not in line)


async def test_the_ledger_tells_every_outcome_once(box: Sandbox, dataverse: DataverseUser) -> None:
    number = new_id()
    await type_customer(box, number)
    await seen(dataverse, number)
    connection = box.contract["storage"]["connection_string"]

    async def lines() -> list[dict[str, Any]]:
        async with TableServiceClient.from_connection_string(connection) as service:
            table = service.get_table_client("ledger")
            return [row async for row in table.query_entities(f"key eq '{number}'")]

    rows = await until(lines, bool, f"ledger of {number}")
    assert len({row["message_id"] for row in rows}) == len(rows)
    assert [row["result"] for row in rows].count("created") == 1
