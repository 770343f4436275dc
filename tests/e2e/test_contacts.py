"""Contact persons of a customer on real parts, switched on by an overlay as an installation does it."""

import json
import tempfile
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.scenario import app, until
from sandbox.up import Sandbox
from sync.message import Message
from tests.e2e.steps import fault, gp_of, new_id, parked, put_on_lane, seen, sql, type_customer

FLOW = "contact_gp_to_dataverse"
LINK = "account.primarycontactid"
COLUMNS = "contactid,firstname,lastname,telephone1,emailaddress1,gp365_key,versionnumber,_parentcustomerid_value"


@pytest.fixture(scope="module")
async def box() -> AsyncIterator[Sandbox]:
    """A sandbox with contacts switched on."""
    with tempfile.TemporaryDirectory(prefix="gp365-", ignore_cleanup_errors=True) as state:
        box = Sandbox(Path(state))
        overlays = Path(state) / "overlays"
        overlays.mkdir()
        (overlays / "contact.yaml").write_text("enabled: true", encoding="utf-8")
        box.overrides["GP365_OVERLAYS"] = str(overlays)
        async with box:
            yield box


async def type_person(box: Sandbox, number: str, name: str, company: str = "TWO", **values: Any) -> None:
    """A customer whose main address names a person."""
    await type_customer(box, number, company, CNTCPRSN=name, **values)


async def rename(box: Sandbox, number: str, name: str, code: str = "PRIMARY") -> None:
    await sql(box, f"UPDATE RM00102 SET CNTCPRSN = '{name}' WHERE CUSTNMBR = '{number}' AND ADRSCODE = '{code}'")


async def contacts(dataverse: DataverseUser, account: str) -> list[dict[str, Any]]:
    filter_ = f"_parentcustomerid_value eq {account}"
    return await dataverse.rows("contacts", select=COLUMNS, filter=filter_, orderby="createdon")


async def arrived(dataverse: DataverseUser, account: str, **values: Any) -> dict[str, Any]:
    """The contact of an account that holds these values."""

    def right(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [row for row in rows if all(row[name] == value for name, value in values.items())]

    found = await until(lambda: contacts(dataverse, account), lambda rows: len(right(rows)) == 1, f"one with {values}")
    return right(found)[0]


async def account_row(dataverse: DataverseUser, account: str) -> dict[str, Any]:
    columns = "_primarycontactid_value,gp365_mark,versionnumber"
    return (await dataverse.rows("accounts", select=columns, filter=f"accountid eq {account}"))[0]


async def linked(dataverse: DataverseUser, account: str, contact: str) -> dict[str, Any]:
    """The account, once that is its primary contact."""

    def right(row: dict[str, Any]) -> bool:
        return bool(row["_primarycontactid_value"] == contact)

    return await until(lambda: account_row(dataverse, account), right, f"{contact} as the primary contact")


async def history(box: Sandbox, key: str) -> list[dict[str, Any]]:
    status, out, _ = await box.cli("show", f"contact/TWO/{key}", "--json")
    return list(json.loads(out)["history"]) if status == 0 else []


async def results(box: Sandbox, record: str, message: Message) -> list[str]:
    """What became of a record by that message."""
    [shown] = await app(box, "show", record)
    return [line["result"] for line in shown["history"] if line["message_id"] == message.message_id]


async def links_told(box: Sandbox, key: str) -> int:
    return sum(change["field"] == LINK for line in await history(box, key) for change in line["changes"])


@pytest.mark.parametrize("company", ["TWO", "THREE"])
async def test_a_person_arrives_becomes_the_primary_contact_and_an_edit_follows(
    box: Sandbox, dataverse: DataverseUser, company: str
) -> None:
    number = new_id()
    await type_person(box, number, "Berg, Ida", company, PHNUMBR1="41455501450000")
    account = (await seen(dataverse, number))["accountid"]
    row = await arrived(dataverse, account, lastname="Berg")
    assert (row["firstname"], row["telephone1"]) == ("Ida", "+1 414-555-0145")
    assert row["gp365_key"] == f"{company}-{number}_7EPRIMARY"
    await linked(dataverse, account, row["contactid"])
    await gp_of(box, company).type_in(
        "taCreateInternetAddresses", Master_Type="CUS", Master_ID=number, ADRSCODE="PRIMARY", INET1="ida@a.example"
    )
    changed = await arrived(dataverse, account, emailaddress1="ida@a.example")
    assert changed["contactid"] == row["contactid"]


async def test_nothing_of_it_is_an_echo(box: Sandbox, dataverse: DataverseUser) -> None:
    number = new_id()
    await type_person(box, number, "Ida Berg")
    account = (await seen(dataverse, number))["accountid"]
    contact = (await arrived(dataverse, account, lastname="Berg"))["contactid"]
    before = await linked(dataverse, account, contact)
    await until(lambda: links_told(box, f"{number}~PRIMARY"), bool, "the link told")
    person = Message.new(FLOW, "TWO", [f"{number}~PRIMARY"], "timestamp")
    customer = Message.new("customer_gp_to_dataverse", "TWO", [number], "timestamp")
    await put_on_lane(box, person.to_json(), customer.to_json(), person.to_json())
    swept = {one["flow"]: one["keys"] for one in await app(box, "sweep", "--company", "TWO")}
    assert swept[FLOW] == 0

    for record, message in ((f"contact/TWO/{number}~PRIMARY", person), (f"customer/TWO/{number}", customer)):
        worked = await until(partial(results, box, record, message), bool, f"{record} worked")
        assert worked == ["skipped"]
    assert await account_row(dataverse, account) == before, "not even its version moved"
    assert await links_told(box, f"{number}~PRIMARY") == 1


async def test_a_primary_contact_that_somebody_chose_stays(box: Sandbox, dataverse: DataverseUser) -> None:
    number = new_id()
    await type_customer(box, number)
    account = (await seen(dataverse, number))["accountid"]
    parent = {"parentcustomerid_account@odata.bind": f"/accounts({account})"}
    chosen = await dataverse.create("contacts", {"lastname": "Chosen", **parent})
    await dataverse.edit(f"accounts({account})", {"primarycontactid@odata.bind": f"/contacts({chosen})"})
    await rename(box, number, "Ida Berg")
    await arrived(dataverse, account, lastname="Berg")
    await until(lambda: history(box, f"{number}~PRIMARY"), bool, "the person told")
    await rename(box, number, "Ida Maria Berg")
    await arrived(dataverse, account, firstname="Ida Maria")
    assert (await account_row(dataverse, account))["_primarycontactid_value"] == chosen


async def test_the_person_of_a_further_address_is_no_primary_contact(box: Sandbox, dataverse: DataverseUser) -> None:
    number = new_id()
    await type_customer(box, number)
    account = (await seen(dataverse, number))["accountid"]
    await gp_of(box).type_in("taCreateCustomerAddress", CUSTNMBR=number, ADRSCODE="WAREHOUSE", CNTCPRSN="Ola Holm")
    await arrived(dataverse, account, lastname="Holm")
    await rename(box, number, "Ida Berg")
    main = await arrived(dataverse, account, lastname="Berg")
    await linked(dataverse, account, main["contactid"])


async def test_a_killed_host_and_cut_connections_make_one_contact_that_is_linked(
    box: Sandbox, dataverse: DataverseUser
) -> None:
    number = new_id()
    await type_customer(box, number)
    account = (await seen(dataverse, number))["accountid"]
    await fault(box, "dataverse", at="dataverse.after", match=r"\$batch", do="drop", times=4)
    await rename(box, number, "Ida Berg")
    await box.kill("host")
    await box.start("host")
    contact = await arrived(dataverse, account, lastname="Berg")
    await linked(dataverse, account, contact["contactid"])
    await until(lambda: links_told(box, f"{number}~PRIMARY"), lambda count: count == 1, "the link told")
    assert len(await contacts(dataverse, account)) == 1


async def test_a_name_mended_passes_and_another_persons_waits_for_somebody_to_say_so(
    box: Sandbox, dataverse: DataverseUser
) -> None:
    number = new_id()
    await type_person(box, number, "Jon Berg")
    account = (await seen(dataverse, number))["accountid"]
    old = await arrived(dataverse, account, firstname="Jon")
    await linked(dataverse, account, old["contactid"])
    await rename(box, number, "John Berg")
    await arrived(dataverse, account, firstname="John")
    await rename(box, number, "Ida Holm")
    record = f"contact/TWO/{number}~PRIMARY"
    [entry] = await until(lambda: parked(box, f"{number}~PRIMARY"), bool, "the person parked")
    assert entry["code"] == "another_person"
    await app(box, "uncouple", record)
    await app(box, "couple", record, "--none")
    new = await arrived(dataverse, account, lastname="Holm")
    assert new["gp365_key"] == old["gp365_key"]
    kept = await arrived(dataverse, account, lastname="Berg")
    assert (kept["contactid"], kept["gp365_key"]) == (old["contactid"], None)
    await until(lambda: parked(box, f"{number}~PRIMARY"), lambda entries: not entries, "nobody parked any more")


async def test_somebody_says_that_it_is_the_same_person(box: Sandbox, dataverse: DataverseUser) -> None:
    number = new_id()
    await type_person(box, number, "Ida Berg")
    account = (await seen(dataverse, number))["accountid"]
    contact = await arrived(dataverse, account, lastname="Berg")
    await rename(box, number, "Ida Holm")
    await until(lambda: parked(box, f"{number}~PRIMARY"), bool, "the person parked")
    await app(box, "parked", "resolve", "--record", f"contact/TWO/{number}~PRIMARY", "--take", "gp")
    assert (await arrived(dataverse, account, lastname="Holm"))["contactid"] == contact["contactid"]


async def test_a_person_erased_in_gp_waits_for_somebody(box: Sandbox, dataverse: DataverseUser) -> None:
    number = new_id()
    await type_person(box, number, "Ida Berg")
    account = (await seen(dataverse, number))["accountid"]
    await arrived(dataverse, account, lastname="Berg")
    await rename(box, number, "")
    [entry] = await until(lambda: parked(box, f"{number}~PRIMARY"), bool, "the person parked")
    assert entry["code"] == "left_scope"
    assert len(await contacts(dataverse, account)) == 1
