"""The action Merge on accounts and contacts."""

import uuid

import pytest

from tests.sandbox.dataverse.helpers import CRM, error, make_endpoint, make_image, make_step
from tests.sandbox.dataverse.receiver import attributes, image, parameter


def named(row_id, table="account", **values):
    return {"@odata.type": f"{CRM}{table}", f"{table}id": row_id, **values}


async def merge(client, target, subordinate, **more):
    body = {"Target": named(target), "Subordinate": named(subordinate), "PerformParentingChecks": False, **more}
    return await client.post("Merge", json=body)


@pytest.fixture
async def two(client):
    return [await client.create("accounts", name=name, telephone1=name) for name in ("Master", "Other")]


async def test_the_subordinate_is_made_inactive_and_points_to_the_master(client, two):
    master, other = two
    assert (await merge(client, master, other)).status_code == 204
    row = await client.row("accounts", other)
    assert (row["statecode"], row["statuscode"], row["merged"], row["_masterid_value"]) == (1, 2, True, master)
    kept = await client.row("accounts", master)
    assert (kept["statecode"], kept["merged"], kept["name"]) == (0, False, "Master")


async def test_the_master_takes_the_values_given(client, two):
    content = {"@odata.type": f"{CRM}account", "telephone1": "Other", "address1_city": "Fargo"}
    assert (await merge(client, *two, UpdateContent=content)).status_code == 204
    row = await client.row("accounts", two[0])
    assert (row["name"], row["telephone1"], row["address1_city"]) == ("Master", "Other", "Fargo")


async def test_what_belonged_to_the_subordinate_belongs_to_the_master(client, two):
    master, other = two
    to = f"/accounts({other})"
    contact = await client.create("contacts", lastname="C", **{"parentcustomerid_account@odata.bind": to})
    deal = await client.create("opportunities", name="D", **{"customerid_account@odata.bind": to})
    child = await client.create("accounts", name="E", **{"parentaccountid@odata.bind": to})
    await client.create("customeraddresses", name="F", **{"parentid_account@odata.bind": to})
    await merge(client, master, other)
    assert (await client.row("contacts", contact))["_parentcustomerid_value"] == master
    assert (await client.row("opportunities", deal))["_customerid_value"] == master
    assert (await client.row("accounts", child))["_parentaccountid_value"] == master
    own = await client.rows("customeraddresses", filter=f"_parentid_value eq {other}")
    assert len(own) == 3


async def test_a_master_below_its_subordinate_loses_that_parent(client, two):
    master, other = two
    await client.patch(f"accounts({master})", json={"parentaccountid@odata.bind": f"/accounts({other})"})
    assert (await merge(client, master, other)).status_code == 204
    assert (await client.row("accounts", master))["_parentaccountid_value"] is None


async def test_parents_are_compared_where_that_is_asked_for(client, two):
    parent = await client.create("accounts", name="P")
    await client.patch(f"accounts({two[1]})", json={"parentaccountid@odata.bind": f"/accounts({parent})"})
    error(await merge(client, *two, PerformParentingChecks=True), 400, "0x80040203")
    assert (await merge(client, *two)).status_code == 204


async def test_rows_that_cannot_be_merged_are_refused(client, two):
    master, other = two
    error(await merge(client, master, master), 400, "0x80040203")
    error(await merge(client, master, str(uuid.uuid4())), 404, "0x80040217")
    error(await merge(client, master, other, Surplus=1), 400, "0x80048d19")
    error(await merge(client, master, other, UpdateContent={"nosuch": 1}), 400, "0x80048d19")
    order = {"@odata.type": f"{CRM}salesorder", "salesorderid": master}
    error(await merge(client, master, other, Target=order), 400, "0x80040203")
    await merge(client, master, other)
    error(await merge(client, master, other), 400, "0x80040203")


async def test_nobody_marks_an_account_as_merged_but_merge(client, two):
    master, other = two
    await client.patch(f"accounts({other})", json={"merged": True, "masterid@odata.bind": f"/accounts({master})"})
    row = await client.row("accounts", other)
    assert (row["merged"], row["_masterid_value"]) == (False, None)


async def test_contacts_are_merged_too(client):
    first, second = [await client.create("contacts", lastname=name) for name in "AB"]
    account = await client.create("accounts", name="C", **{"primarycontactid@odata.bind": f"/contacts({second})"})
    body = {"Target": named(first, "contact"), "Subordinate": named(second, "contact")}
    assert (await client.post("Merge", json=body)).status_code == 204
    assert (await client.row("accounts", account))["_primarycontactid_value"] == first


async def test_a_merge_is_told_with_both_accounts_and_the_updates_it_makes(client, two, receiver):
    master, other = two
    endpoint = await make_endpoint(client)
    await make_image(
        client, await make_step(client, endpoint, "Merge", "account"), imagetype=2, attributes="telephone1"
    )
    await make_step(client, endpoint, "Update", "account")
    content = {"@odata.type": f"{CRM}account", "telephone1": "New"}
    await merge(client, master, other, UpdateContent=content)
    await client.server.jobs.settled()
    (body,) = [hook.body for hook in receiver.got if hook.body["MessageName"] == "Merge"]
    assert (body["PrimaryEntityId"], body["PrimaryEntityName"], body["Depth"]) == (master, "account", 1)
    assert (parameter(body, "Target")["Id"], parameter(body, "SubordinateId")) == (master, other)
    assert attributes(parameter(body, "UpdateContent")) == {"telephone1": "New"}
    assert parameter(body, "PerformParentingChecks") is False
    assert [image(body, which, "image")["telephone1"] for which in ("Pre", "Post")] == ["Master", "New"]
    updates = {
        (hook.body["PrimaryEntityId"], name)
        for hook in receiver.got
        if hook.body["MessageName"] == "Update" and hook.body["Depth"] == 2
        for name in hook.target.keys() & {"telephone1", "statecode", "masterid", "merged"}
    }
    assert updates == {(master, "telephone1"), (other, "statecode"), (other, "masterid"), (other, "merged")}


async def test_a_delta_reports_both_accounts_of_a_merge(client, two):
    track = {"Prefer": "odata.track-changes"}
    link = (await client.get("accounts?$select=statecode,merged", headers=track)).json()["@odata.deltaLink"]
    await merge(client, *two, UpdateContent={"@odata.type": f"{CRM}account", "telephone1": "N"})
    rows = (await client.get(link)).json()["value"]
    assert {row["accountid"]: row["merged"] for row in rows} == {two[0]: False, two[1]: True}
