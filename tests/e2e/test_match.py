"""Accounts that were there before GP365 are found on real parts: by key, by number, by name and postal code."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.scenario import app, until
from sandbox.up import Sandbox
from tests.e2e.steps import accounts, door, new_id, overlay, parked, seen, type_customer


@pytest.fixture(scope="module")
async def rules_couple(box: Sandbox) -> AsyncIterator[None]:
    """The match rules couple by themselves, as an overlay says."""
    async with overlay(box, "first_sync: owner"):
        yield


async def known(box: Sandbox, **values: Any) -> str:
    """An account that somebody typed; its id."""
    answer = await door(box, "dataverse", "POST", "/seed", set="accounts", rows=[values])
    return str(answer["ids"][0])


async def key_of(box: Sandbox, id_: str) -> str:
    rows = await door(box, "dataverse", "GET", "/rows/accounts")
    return next(str(row.get("gp365_key") or "") for row in rows if row["accountid"] == id_)


async def waits(box: Sandbox, number: str) -> dict[str, Any]:
    """The customer's parked entry, once there is one."""
    return (await until(lambda: parked(box, number), bool, f"{number} parked"))[0]


async def test_an_account_with_the_number_waits_for_a_person_as_long_as_nobody_said_otherwise(
    box: Sandbox, dataverse: DataverseUser
) -> None:
    number = new_id()
    id_ = await known(box, name="Typed before", accountnumber=number)
    await type_customer(box, number, CUSTNAME="From GP")
    assert (await waits(box, number))["code"] == "possible_duplicate"
    [account] = await accounts(dataverse, number)
    assert (account["accountid"], account["name"]) == (id_, "Typed before")


@pytest.mark.parametrize("by", ["key", "number", "number in small letters"])
async def test_an_account_with_our_key_or_the_number_is_coupled(
    box: Sandbox, dataverse: DataverseUser, by: str, rules_couple: None
) -> None:
    number = new_id()
    held = {"gp365_key": f"TWO-{number}"} if by == "key" else {"accountnumber": number}
    held = {"accountnumber": number.lower()} if "small" in by else held
    id_ = await known(box, name="Typed before", telephone1="555", **held)
    await type_customer(box, number, CUSTNAME="From GP")
    account = await seen(dataverse, number, name="From GP")
    assert account["accountid"] == id_
    assert await key_of(box, id_) == f"TWO-{number}"


async def test_a_name_with_odd_letters_and_its_postal_code_park_and_a_person_couples(
    box: Sandbox, dataverse: DataverseUser
) -> None:
    number, name = new_id(), f"O'Brien & Søn, 100% [{new_id()}]"
    id_ = await known(box, name=name.upper(), address1_postalcode="0150", address1_city="Oslo", statecode=0)
    await type_customer(box, number, CUSTNAME=name, ZIPCODE="0150")
    entry = await waits(box, number)
    assert entry["code"] == "possible_duplicate"
    assert all(word in entry["message"] for word in ("name and address1_postalcode", "Oslo", id_, name.upper()))
    assert await accounts(dataverse, number) == []
    await app(box, "couple", f"customer/TWO/{number}", "--with", id_.upper())
    assert (await seen(dataverse, number, name=name))["accountid"] == id_
    await until(lambda: parked(box, number), lambda found: not found, f"{number} no longer parked")
    status, out, _ = await box.cli("couple", f"customer/TWO/{number}", "--none", "--json")
    assert (status, json.loads(out)["error"]["code"]) == (1, "already_coupled")


async def test_two_accounts_with_the_number_park_and_a_person_says_it_is_neither(
    box: Sandbox, dataverse: DataverseUser
) -> None:
    number = new_id()
    ids = [await known(box, name=f"Twin {n}", accountnumber=number) for n in range(2)]
    await type_customer(box, number)
    entry = await waits(box, number)
    assert all(id_ in entry["message"] for id_ in ids)
    await app(box, "couple", f"customer/TWO/{number}", "--none")
    await until(lambda: accounts(dataverse, number), lambda rows: len(rows) == 3, f"a third account {number}")
    assert [await key_of(box, id_) for id_ in ids] == ["", ""]


async def test_a_coupled_account_is_neither_found_nor_can_it_be_chosen(box: Sandbox, dataverse: DataverseUser) -> None:
    first, second, name = new_id(), new_id(), f"Same {new_id()}"
    await type_customer(box, first, CUSTNAME=name, ZIPCODE="0150")
    theirs = (await seen(dataverse, first))["accountid"]
    await type_customer(box, second, CUSTNAME=name, ZIPCODE="0150")
    assert (await seen(dataverse, second))["accountid"] != theirs
    third = new_id()
    await known(box, name=f"Third {third}", address1_postalcode="0150")
    await type_customer(box, third, CUSTNAME=f"Third {third}", ZIPCODE="0150")
    await waits(box, third)
    status, out, _ = await box.cli("couple", f"customer/TWO/{third}", "--with", theirs, "--json")
    assert (status, json.loads(out)["error"]["code"]) == (1, "already_coupled")
    missing = theirs[:-4] + "0000"
    status, out, _ = await box.cli("couple", f"customer/TWO/{third}", "--with", missing, "--json")
    assert (status, json.loads(out)["error"]["code"]) == (1, "unknown_record")
