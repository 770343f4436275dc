"""Accounts and contacts: addresses that are rows of their own too, and parents without loops."""

import pytest

from sandbox.dataverse.addresses import SHARED, TWINS
from sandbox.dataverse.schema import shipped
from tests.sandbox.dataverse.helpers import error, make_endpoint, make_step

TRACK = {"Prefer": "odata.track-changes"}


def test_the_columns_kept_in_step_are_those_both_tables_have():
    tables = shipped()
    for owner, count in TWINS.items():
        for number in range(1, count + 1):
            both = {
                name for name in tables["customeraddress"].columns if f"address{number}_{name}" in tables[owner].columns
            }
            assert both == set(SHARED)


async def addresses(client, parent):
    """The addresses of an account or contact by number."""
    rows = await client.rows("customeraddresses", filter=f"_parentid_value eq {parent}", orderby="addressnumber")
    return {row["addressnumber"]: row for row in rows}


async def test_an_account_brings_two_addresses_and_a_contact_three(client):
    account = await client.create("accounts", name="A", address1_line1="1 Main", address2_city="Fargo")
    contact = await client.create("contacts", lastname="B", address3_city="Oslo")
    own = await addresses(client, account)
    row = await client.row("accounts", account)
    assert {number: row["customeraddressid"] for number, row in own.items()} == {
        1: row["address1_addressid"],
        2: row["address2_addressid"],
    }
    assert (own[1]["line1"], own[1]["composite"], own[2]["city"], own[2]["line1"]) == (
        "1 Main",
        "1 Main",
        "Fargo",
        None,
    )
    assert own[1]["objecttypecode"] == 1
    theirs = await addresses(client, contact)
    assert (list(theirs), theirs[3]["city"], theirs[3]["objecttypecode"]) == ([1, 2, 3], "Oslo", 2)


async def test_an_address_of_an_account_reaches_its_row(client):
    account = await client.create("accounts", name="A", address1_line1="1 Main")
    before = await addresses(client, account)
    await client.patch(f"accounts({account})", json={"address1_line1": "2 Main", "address1_addresstypecode": 2})
    after = await addresses(client, account)
    assert (after[1]["line1"], after[1]["addresstypecode"]) == ("2 Main", 2)
    assert after[1]["versionnumber"] > before[1]["versionnumber"]
    assert after[2]["versionnumber"] == before[2]["versionnumber"]


@pytest.mark.parametrize("touched", [False, True])
async def test_an_address_row_reaches_its_account_which_may_not_say_so(client, touched):
    await client.door.patch("/switches", json={"addresses_touch_parents": touched})
    account = await client.create("accounts", name="A")
    before = await client.row("accounts", account)
    link = (await client.get("accounts?$select=name", headers=TRACK)).json()["@odata.deltaLink"]
    url = f"customeraddresses({before['address2_addressid']})"
    assert (await client.patch(url, json={"line1": "3 Quay", "city": "Oslo"})).status_code == 204
    after = await client.row("accounts", account)
    assert (after["address2_line1"], after["address2_composite"]) == ("3 Quay", "3 Quay\r\nOslo")
    assert (after["versionnumber"] > before["versionnumber"]) is touched
    assert len((await client.get(link)).json()["value"]) == int(touched)


async def test_further_addresses_are_numbered_from_the_first_free_number(client):
    account = await client.create("accounts", name="A")
    contact = await client.create("contacts", lastname="B")
    bind = {"parentid_account@odata.bind": f"/accounts({account})"}
    await client.create("customeraddresses", name="C", line1="1 Main", **bind)
    await client.create("customeraddresses", name="D", addressnumber=7, **bind)
    await client.create("customeraddresses", name="E", **bind)
    await client.create("customeraddresses", name="F", **{"parentid_contact@odata.bind": f"/contacts({contact})"})
    found = await addresses(client, account)
    assert {number: row["name"] for number, row in found.items()} == {1: None, 2: None, 3: "C", 7: "D", 8: "E"}
    assert (found[3]["composite"], found[3]["objecttypecode"]) == ("1 Main", 1)
    assert list(await addresses(client, contact)) == [1, 2, 3, 4]


@pytest.mark.parametrize("number", [0, 1, 2, 3])
async def test_a_number_that_is_taken_is_refused(client, number):
    account = await client.create("accounts", name="A")
    bind = {"parentid_account@odata.bind": f"/accounts({account})"}
    await client.create("customeraddresses", name="B", **bind)
    body = {"name": "C", "addressnumber": number, **bind}
    error(await client.post("customeraddresses", json=body), 400, "0x80040203")


async def test_an_address_keeps_its_number_and_parent_and_those_of_the_account_stay(client):
    account = await client.create("accounts", name="A")
    other = await client.create("accounts", name="B")
    own = await addresses(client, account)
    url = f"customeraddresses({own[1]['customeraddressid']})"
    for body in ({"addressnumber": 9}, {"parentid_account@odata.bind": f"/accounts({other})"}):
        error(await client.patch(url, json=body), 400, "0x80040203")
    error(await client.delete(url), 400, "0x80040203")
    another = own[2]["customeraddressid"]
    error(await client.patch(f"accounts({account})", json={"address1_addressid": another}), 400, "0x80040203")


async def test_deleting_an_account_leaves_tombstones_of_its_addresses(client):
    account = await client.create("accounts", name="A")
    own = await addresses(client, account)
    link = (await client.get("customeraddresses", headers=TRACK)).json()["@odata.deltaLink"]
    await client.delete(f"accounts({account})")
    gone = {row["id"] for row in (await client.get(link)).json()["value"]}
    assert gone == {row["customeraddressid"] for row in own.values()}


async def test_addresses_changed_through_their_account_raise_its_events_alone(client, receiver):
    endpoint = await make_endpoint(client)
    for message in ("Create", "Update", "Delete"):
        for table in ("account", "customeraddress"):
            await make_step(client, endpoint, message, table)
    account = await client.create("accounts", name="A", address1_city="X")
    await client.patch(f"accounts({account})", json={"address1_city": "Y"})
    twin = (await addresses(client, account))[1]["customeraddressid"]
    await client.patch(f"customeraddresses({twin})", json={"city": "Z"})
    await client.delete(f"accounts({account})")
    await client.server.jobs.settled()
    assert sorted(receiver.told()) == [
        ("Create", "account"),
        ("Delete", "account"),
        ("Update", "account"),
        ("Update", "customeraddress"),
    ]


async def test_what_a_delete_takes_along_is_told_one_deeper(client, receiver):
    await make_step(client, await make_endpoint(client), "Delete", "contact")
    account = await client.create("accounts", name="A")
    await client.create("contacts", lastname="B", **{"parentcustomerid_account@odata.bind": f"/accounts({account})"})
    await client.delete(f"accounts({account})")
    await client.server.jobs.settled()
    assert [hook.body["Depth"] for hook in receiver.got] == [2]


async def test_what_is_nested_too_deeply_is_refused_as_a_loop(client):
    await client.door.patch("/switches", json={"max_depth": 1})
    account = await client.create("accounts", name="A")
    await client.create("contacts", lastname="B", **{"parentcustomerid_account@odata.bind": f"/accounts({account})"})
    error(await client.delete(f"accounts({account})"), 400, "0x80044182")
    await client.door.patch("/switches", json={"max_depth": 2})
    assert (await client.delete(f"accounts({account})")).status_code == 204


async def test_an_account_below_itself_is_refused(client):
    top = await client.create("accounts", name="A")
    middle = await client.create("accounts", name="B", **{"parentaccountid@odata.bind": f"/accounts({top})"})
    low = await client.create("accounts", name="C", **{"parentaccountid@odata.bind": f"/accounts({middle})"})
    for child, parent in ((top, top), (top, low), (middle, low)):
        body = {"parentaccountid@odata.bind": f"/accounts({parent})"}
        error(await client.patch(f"accounts({child})", json=body), 400, "0x80040507")
    body = {"parentaccountid@odata.bind": f"/accounts({top})"}
    assert (await client.patch(f"accounts({low})", json=body)).status_code == 204
