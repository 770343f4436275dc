"""Addresses typed at an account become those of its customer, on real parts, told by webhooks."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.scenario import app, until
from sandbox.up import Sandbox
from sync.message import Message
from tests.e2e.steps import (
    BY_CATEGORY,
    fault,
    further,
    history,
    hurried,
    new_id,
    overlaid,
    parked,
    put_on_lane,
    seen,
    select,
    sql,
    type_account,
    type_address,
    type_customer,
)

THERE = "address_gp_to_dataverse"
BACK = "address_dataverse_to_gp"


@pytest.fixture(scope="module")
async def box() -> AsyncIterator[Sandbox]:
    """A sandbox with addresses switched on, and webhooks."""
    async with overlaid(webhooks=True, customer=BY_CATEGORY, address="enabled: true") as box:
        yield box


async def type_row(dataverse: DataverseUser, account: str, name: str, **values: Any) -> str:
    """A rep types an address at an account; its id."""
    body = {"name": name, "parentid_account@odata.bind": f"/accounts({account})"}
    return await dataverse.create("customeraddresses", body | values)


async def codes(box: Sandbox, number: str, company: str = "TWO") -> list[str]:
    """The codes of a customer's further addresses."""
    text = f"SELECT ADRSCODE FROM RM00102 WHERE CUSTNMBR = '{number}' AND ADRSCODE <> 'PRIMARY' ORDER BY ADRSCODE"
    return [row["ADRSCODE"] for row in await select(box, text, company)]


async def address(box: Sandbox, number: str, code: str, company: str = "TWO") -> dict[str, Any]:
    """What GP holds of an address; nothing where it holds none."""
    text = f"SELECT * FROM RM00102 WHERE CUSTNMBR = '{number}' AND ADRSCODE = '{code}'"
    return next(iter(await select(box, text, company)), {})


async def held(box: Sandbox, number: str, code: str, company: str = "TWO", **values: Any) -> dict[str, Any]:
    """An address in GP, once it holds these values."""

    def right(row: dict[str, Any]) -> bool:
        return bool(row) and all(row[name] == value for name, value in values.items())

    return await until(lambda: address(box, number, code, company), right, f"{number}~{code} with {values}")


async def row(dataverse: DataverseUser, account: str, **values: Any) -> dict[str, Any]:
    """The one further address of an account, once it holds these values."""

    def right(rows: list[dict[str, Any]]) -> bool:
        return len(rows) == 1 and all(rows[0][name] == value for name, value in values.items())

    return (await until(lambda: further(dataverse, account), right, f"one address with {values}"))[0]


async def customer(box: Sandbox, dataverse: DataverseUser, company: str = "TWO") -> tuple[str, str]:
    """A customer and its account."""
    number = new_id()
    await type_customer(box, number, company)
    return number, (await seen(dataverse, number))["accountid"]


async def coupled(box: Sandbox, dataverse: DataverseUser) -> tuple[str, str, str]:
    """A customer and its account, and a row that was typed there and is its address WAREHOUSE."""
    number, account = await customer(box, dataverse)
    id_ = await type_row(dataverse, account, "Warehouse", line1="Quay 1")
    await row(dataverse, account, name="WAREHOUSE")
    return number, account, id_


@pytest.mark.parametrize("company", ["TWO", "THREE"])
async def test_a_row_typed_at_an_account_becomes_an_address_of_its_customer_in_its_company(
    box: Sandbox, dataverse: DataverseUser, company: str
) -> None:
    number, account = await customer(box, dataverse, company)
    id_ = await type_row(dataverse, account, "Warehouse", line1="Quay 1", telephone1="+1 414-555-0145")
    made = await held(box, number, "WAREHOUSE", company, ADDRESS1="Quay 1")
    assert made["PHONE1"].startswith("4145550145")
    key = f"{company}-{number}_7EWAREHOUSE"
    assert (await row(dataverse, account, name="WAREHOUSE", gp365_key=key))["customeraddressid"] == id_


async def test_edits_of_both_sides_at_once_both_survive_and_then_nobody_writes(
    box: Sandbox, dataverse: DataverseUser
) -> None:
    number, account, id_ = await coupled(box, dataverse)
    await box.stop("host")
    await sql(box, f"UPDATE RM00102 SET CITY = 'Oslo' WHERE CUSTNMBR = '{number}' AND ADRSCODE = 'WAREHOUSE'")
    await dataverse.edit(f"customeraddresses({id_})", {"line1": "Quay 2"})
    await box.start("host")
    await held(box, number, "WAREHOUSE", ADDRESS1="Quay 2", CITY="Oslo")
    agreed = await row(dataverse, account, line1="Quay 2", city="Oslo")
    await until(lambda: last(box, number), lambda line: line["result"] == "skipped", "the echo ends as a skip")
    stamp = (await address(box, number, "WAREHOUSE"))["DEX_ROW_TS"]
    bodies = [
        Message.new(BACK, "TWO", [id_], "webhook"),
        Message.new(THERE, "TWO", [f"{number}~WAREHOUSE"], "timestamp"),
    ]
    before = len(await history(box, f"{number}~WAREHOUSE"))
    await put_on_lane(box, bodies[0].to_json(), lane="to-gp")
    await put_on_lane(box, bodies[1].to_json())
    await until(lambda: history(box, f"{number}~WAREHOUSE"), lambda lines: len(lines) > before, "one more look")
    assert (await address(box, number, "WAREHOUSE"))["DEX_ROW_TS"] == stamp
    assert await row(dataverse, account) == agreed


async def last(box: Sandbox, number: str) -> dict[str, Any]:
    return (await history(box, f"{number}~WAREHOUSE"))[0]


async def test_an_address_of_an_account_that_is_no_customer_comes_when_it_is_one(
    box: Sandbox, dataverse: DataverseUser
) -> None:
    name = f"Nordic {new_id()}"
    account = await type_account(dataverse, name)
    await type_row(dataverse, account, "Warehouse", line1="Quay 1")
    await until(lambda: parked(box, account), bool, f"{name} waits for approval")
    assert await select(box, "SELECT ADRSCODE FROM RM00102 WHERE ADDRESS1 = 'Quay 1' AND CUSTNMBR LIKE 'NORDIC%'") == []
    await app(box, "parked", "resolve", "--take", "d365", "--record", f"customer/TWO/{account}")
    made = await row(dataverse, account, name="WAREHOUSE")
    [found] = await select(box, f"SELECT CUSTNMBR FROM RM00101 WHERE CUSTNAME = '{name}'")
    assert made["gp365_key"] == f"TWO-{found['CUSTNMBR']}_7EWAREHOUSE"
    assert await codes(box, found["CUSTNMBR"]) == ["WAREHOUSE"]


async def test_where_gp_had_the_customer_before_what_its_account_has_comes_with_the_sweep(
    box: Sandbox, dataverse: DataverseUser
) -> None:
    number, flow = new_id(), "customer_gp_to_dataverse"
    await app(box, "pause", "--company", "TWO", "--flow", flow, "--why", "test")
    try:
        await type_customer(box, number)
        account = await type_account(dataverse, f"Nordic {number}", accountnumber=number)
        await type_row(dataverse, account, "Warehouse", line1="Quay 1")
        await until(lambda: parked(box, account), bool, "the account parked")
        await app(box, "couple", f"customer/TWO/{number}", "--with", account)
    finally:
        await app(box, "resume", "--company", "TWO", "--flow", flow)
    await until(lambda: parked(box, account), lambda entries: not entries, "the account coupled")
    await app(box, "sweep", "--company", "THREE")
    assert await codes(box, number) == []
    await app(box, "sweep", "--company", "TWO")
    await held(box, number, "WAREHOUSE", ADDRESS1="Quay 1")


async def test_a_bad_one_is_parked_alone_and_goes_on_when_it_is_put_right(
    box: Sandbox, dataverse: DataverseUser
) -> None:
    number, account = await customer(box, dataverse)
    bad = await type_row(dataverse, account, "Depot", line1="x" * 61)
    await type_row(dataverse, account, "Plant", line1="Quay 1")
    await held(box, number, "PLANT")
    [entry] = await until(lambda: parked(box, bad), bool, "the bad one parked")
    assert (entry["code"], await codes(box, number)) == ("value_too_long", ["PLANT"])
    await dataverse.edit(f"customeraddresses({bad})", {"line1": "Quay 2"})
    await held(box, number, "DEPOT", ADDRESS1="Quay 2")
    await until(lambda: parked(box, bad), lambda entries: not entries, "nothing parked")


async def test_one_that_gp_has_under_the_same_code_is_asked_about(box: Sandbox, dataverse: DataverseUser) -> None:
    number, account = await customer(box, dataverse)
    await app(box, "pause", "--company", "TWO", "--flow", THERE, "--why", "test")
    try:
        await type_address(box, number, "WAREHOUSE", CITY="Oslo")
        id_ = await type_row(dataverse, account, "Warehouse")
        [entry] = await until(lambda: parked(box, id_), bool, "the row parked")
        assert entry["code"] == "possible_duplicate"
        await app(box, "couple", f"address/TWO/{number}~WAREHOUSE", "--with", id_)
    finally:
        await app(box, "resume", "--company", "TWO", "--flow", THERE)
    coupled = await row(dataverse, account, city="Oslo", gp365_key=f"TWO-{number}_7EWAREHOUSE")
    assert coupled["customeraddressid"] == id_
    await until(lambda: parked(box, id_), lambda entries: not entries, "nothing parked")


async def test_a_killed_host_and_a_cut_connection_make_no_second_address(
    box: Sandbox, dataverse: DataverseUser
) -> None:
    number, account = await customer(box, dataverse)
    async with hurried(box):
        await fault(box, "gp", at="tds.answer", match="taCreateCustomerAddress", do="drop", times=1)
        id_ = await type_row(dataverse, account, "Warehouse", line1="Quay 1")
        await held(box, number, "WAREHOUSE")
        await box.kill("host")
        await box.start("host")
        await row(dataverse, account, gp365_key=f"TWO-{number}_7EWAREHOUSE")
        await dataverse.edit(f"customeraddresses({id_})", {"line1": "Quay 2"})
        await held(box, number, "WAREHOUSE", ADDRESS1="Quay 2")
    assert await codes(box, number) == ["WAREHOUSE"]


async def test_an_account_deleted_with_its_addresses_is_told_once(box: Sandbox, dataverse: DataverseUser) -> None:
    number, account = await customer(box, dataverse)
    id_ = await type_row(dataverse, account, "Warehouse")
    await row(dataverse, account, name="WAREHOUSE")
    async with hurried(box):
        await dataverse.delete(f"accounts({account})")
        [entry] = await until(lambda: parked(box, account), bool, "the account parked")
        told = "deleted in Dataverse with what it belonged to"
        await until(
            lambda: history(box, f"{number}~WAREHOUSE"), lambda lines: told in str(lines), "the address settled"
        )
    assert (entry["code"], await parked(box, id_)) == ("deleted_in_source", [])
    assert await codes(box, number) == ["WAREHOUSE"]


async def test_one_that_became_the_bill_to_is_not_written_from_dataverse_and_waits_for_a_person(
    box: Sandbox, dataverse: DataverseUser
) -> None:
    number, _, id_ = await coupled(box, dataverse)
    await sql(box, f"UPDATE RM00101 SET PRBTADCD = 'WAREHOUSE' WHERE CUSTNMBR = '{number}'")
    await dataverse.edit(f"customeraddresses({id_})", {"line1": "Quay 2"})
    [entry] = await until(lambda: parked(box, f"{number}~WAREHOUSE"), bool, "the address parked")
    assert entry["code"] == "left_scope"
    assert (await address(box, number, "WAREHOUSE"))["ADDRESS1"] == "Quay 1"


async def test_the_doctor_and_the_webhooks_find_the_way_back_well(box: Sandbox) -> None:
    _, out, _ = await box.cli("doctor", "--json")  # exit status 1: nobody is told of what is parked
    lines = {line["name"]: line["ok"] for line in map(json.loads, out.splitlines())}
    for name in ("GP TWO: procedure taCreateCustomerAddress", "GP THREE: mark of RM00102"):
        assert lines[name]
    assert lines["Dataverse: customeraddress: changes are tracked"]
    done = {line["what"]: line["state"] for line in await app(box, "register", "--dry-run")}
    assert {done[f"step {message} of customeraddress"] for message in ("Create", "Update", "Delete")} == {"present"}
