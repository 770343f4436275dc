"""POST, GET, PATCH, DELETE: statuses, headers, preconditions, representations."""

import uuid

import pytest

from tests.sandbox.dataverse.helpers import ANNOTATED, error

REPRESENTATION = {"Prefer": "return=representation"}


async def test_create_answers_204_with_the_new_url(client):
    answer = await client.post("accounts", json={"name": "Nordic Pumps"})
    assert answer.status_code == 204
    assert answer.content == b""
    assert answer.headers["OData-EntityId"].startswith(f"{client.server.url}/api/data/v9.2/accounts(")
    assert answer.headers["Location"] == answer.headers["OData-EntityId"]
    assert answer.headers["OData-Version"] == "4.0"


async def test_create_with_representation_answers_201_with_the_selected_row(client):
    answer = await client.post("accounts?$select=name", json={"name": "A"}, headers=REPRESENTATION)
    body = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Preference-Applied"] == "return=representation"
    assert body.keys() == {"@odata.context", "@odata.etag", "name", "accountid"}
    assert answer.headers["ETag"] == body["@odata.etag"]


async def test_a_client_may_choose_the_id_once(client):
    chosen = str(uuid.uuid4())
    assert await client.create("accounts", accountid=chosen, name="A") == chosen
    answer = await client.post("accounts", json={"accountid": chosen, "name": "B"})
    error(answer, 412, "0x80040237")


async def test_a_row_is_named_by_its_primary_key_with_or_without_the_name(client):
    row_id = await client.create("accounts", name="A")
    assert (await client.get(f"accounts(accountid={row_id.upper()})")).json()["name"] == "A"
    me = (await client.get("WhoAmI")).json()["UserId"]
    assert (await client.get(f"systemusers(ownerid={me})")).status_code == 200
    for url in (f"accounts('{row_id}')", f"accounts(accountid='{row_id}')", f"systemusers(systemuserid={me})"):
        error(await client.get(url), 400, "0x80060888")
    error(await client.get(f"Accounts({row_id})"), 404, "0x8006088a")


async def test_a_missing_row_is_404(client):
    missing = str(uuid.uuid4())
    assert missing in error(await client.get(f"accounts({missing})"), 404, "0x80040217")
    error(await client.delete(f"accounts({missing})"), 404, "0x80040217")


async def test_patch_by_id_updates_or_creates(client):
    chosen = str(uuid.uuid4())
    for name in ("first", "second"):
        answer = await client.patch(f"accounts({chosen})", json={"name": name})
        assert answer.status_code == 204
        assert (await client.row("accounts", chosen))["name"] == name


async def test_patch_with_representation_tells_created_from_updated(client):
    url = f"accounts({uuid.uuid4()})?$select=name"
    assert (await client.patch(url, json={"name": "A"}, headers=REPRESENTATION)).status_code == 201
    assert (await client.patch(url, json={"name": "B"}, headers=REPRESENTATION)).status_code == 200


async def test_if_match_star_only_updates(client):
    missing = f"accounts({uuid.uuid4()})"
    error(await client.patch(missing, json={"name": "A"}, headers={"If-Match": "*"}), 404, "0x80040217")
    row_id = await client.create("accounts", name="A")
    answer = await client.patch(f"accounts({row_id})", json={"name": "B"}, headers={"If-Match": "*"})
    assert answer.status_code == 204


async def test_if_none_match_star_only_creates(client):
    url = f"accounts({uuid.uuid4()})"
    assert (await client.patch(url, json={"name": "A"}, headers={"If-None-Match": "*"})).status_code == 204
    error(await client.patch(url, json={"name": "B"}, headers={"If-None-Match": "*"}), 412, "0x80040237")


async def test_if_match_with_a_version_writes_only_on_that_version(client):
    row_id = await client.create("accounts", name="A")
    etag = (await client.row("accounts", row_id))["@odata.etag"]
    url = f"accounts({row_id})"
    assert (await client.patch(url, json={"name": "B"}, headers={"If-Match": etag})).status_code == 204
    error(await client.patch(url, json={"name": "C"}, headers={"If-Match": etag}), 412, "0x80060882")
    error(await client.delete(url, headers={"If-Match": etag}), 412, "0x80060882")
    assert (await client.row("accounts", row_id))["name"] == "B"


async def test_an_if_match_that_is_no_etag_is_refused(client):
    row_id = await client.create("accounts", name="A")
    error(await client.patch(f"accounts({row_id})", json={}, headers={"If-Match": "5"}), 400, "0x80060888")


async def test_every_write_raises_the_version(client):
    row_id = await client.create("accounts", name="A")
    seen = [(await client.row("accounts", row_id))["versionnumber"]]
    for _ in range(3):
        await client.patch(f"accounts({row_id})", json={"name": "A"})
        seen.append((await client.row("accounts", row_id))["versionnumber"])
    assert seen == sorted(set(seen))


async def test_an_unchanged_row_answers_304(client):
    row_id = await client.create("accounts", name="A")
    etag = (await client.row("accounts", row_id))["@odata.etag"]
    answer = await client.get(f"accounts({row_id})", headers={"If-None-Match": etag})
    assert answer.status_code == 304
    for url, more in ((f"accounts({row_id})?$expand=primarycontactid", {}), (f"accounts({row_id})", ANNOTATED)):
        assert (await client.get(url, headers={"If-None-Match": etag, **more})).status_code == 200
    assert (await client.get(f"accounts({row_id})", headers={"If-None-Match": "null"})).status_code == 200


async def test_delete_removes_the_row(client):
    row_id = await client.create("accounts", name="A")
    error(await client.delete(f"accounts({row_id})?$select=name"), 400, "0x80060888")
    assert (await client.delete(f"accounts({row_id})")).status_code == 204
    assert (await client.get(f"accounts({row_id})")).status_code == 404


async def test_patch_on_a_set_is_405(client):
    assert (await client.patch("accounts", json={"name": "A"})).status_code == 405


async def test_a_single_property_is_read_written_and_cleared(client):
    row_id = await client.create("accounts", name="A", telephone1="425")
    url = f"accounts({row_id})/telephone1"
    assert (await client.get(url)).json()["value"] == "425"
    assert (await client.get(f"{url}/$value")).text == "425"
    assert (await client.put(url, json={"value": "701"})).status_code == 204
    assert (await client.get(url)).json()["value"] == "701"
    assert (await client.delete(url)).status_code == 204
    assert (await client.get(url)).status_code == 204
    error(await client.put(url, json={}), 400, "0x80048d19")
    error(await client.get(f"{url}?$select=name"), 400, "0x80060888")
    for name in ("createdon", "_primarycontactid_value"):
        assert (await client.delete(f"accounts({row_id})/{name}")).status_code == 405


async def test_references_are_set_read_and_cleared(client):
    account, contact = await client.create("accounts", name="A"), await client.create("contacts", lastname="B")
    ref = f"contacts({contact})/parentcustomerid_account/$ref"
    target = f"{client.server.url}/api/data/v9.2/accounts({account})"
    assert (await client.put(ref, json={"@odata.id": target})).status_code == 204
    assert (await client.get(ref)).json()["@odata.id"] == target
    assert (await client.get(f"contacts({contact})/parentcustomerid_account")).json()["name"] == "A"
    children = (await client.get(f"accounts({account})/contact_customer_accounts")).json()["value"]
    assert [row["contactid"] for row in children] == [contact]
    assert (await client.delete(ref)).status_code == 204
    assert (await client.get(ref)).status_code == 204


async def test_a_collection_reference_is_added_and_removed(client):
    account, contact = await client.create("accounts", name="A"), await client.create("contacts", lastname="B")
    ref = f"accounts({account})/contact_customer_accounts"
    answer = await client.post(f"{ref}/$ref", json={"@odata.id": f"/contacts({contact})"})
    assert answer.status_code == 204
    assert (await client.row("contacts", contact))["_parentcustomerid_value"] == account
    for removal in (f"{ref}({contact})/$ref", f"{ref}/$ref?$id={client.server.url}/api/data/v9.2/contacts({contact})"):
        await client.post(f"{ref}/$ref", json={"@odata.id": f"/contacts({contact})"})
        assert (await client.delete(removal)).status_code == 204
        assert (await client.row("contacts", contact))["_parentcustomerid_value"] is None


async def test_a_reference_that_is_none_or_not_there_is_refused(client):
    account, other = await client.create("accounts", name="A"), await client.create("accounts", name="O")
    bind = {"parentcustomerid_account@odata.bind": f"/accounts({account})"}
    contact = await client.create("contacts", lastname="B", **bind)
    ref = f"accounts({other})/contact_customer_accounts"
    error(await client.post(f"{ref}/$ref", json={"@odata.id": f"/accounts({account})"}), 400, "0x80048d19")
    error(await client.post(f"{ref}/$ref", json={}), 400, "0x80048d19")
    error(await client.put(f"contacts({contact})/parentcustomerid_account/$ref", json={}), 400, "0x80048d19")
    error(await client.delete(f"{ref}/$ref"), 400, "0x80060888")
    error(await client.delete(f"{ref}({contact})/$ref"), 404, "0x80040217")
    assert (await client.row("contacts", contact))["_parentcustomerid_value"] == account


@pytest.mark.parametrize("tail", ["contact_customer_accounts({})", "contact_customer_accounts/$count", "name/x"])
async def test_a_path_that_is_not_imitated_is_404_and_listed(client, tail):
    row_id = await client.create("accounts", name="A")
    error(await client.get(f"accounts({row_id})/{tail.format(row_id)}"), 404, "0x8006088a")
    assert [gap["kind"] for gap in client.server.door.gaps.list()] == ["segment"]


async def test_deleting_a_parent_clears_lookups_to_it(client):
    parent = await client.create("accounts", name="A")
    account = await client.create("accounts", name="B", **{"parentaccountid@odata.bind": f"/accounts({parent})"})
    contact = await client.create("contacts", lastname="C")
    await client.patch(f"accounts({account})", json={"primarycontactid@odata.bind": f"/contacts({contact})"})
    await client.delete(f"accounts({parent})")
    await client.delete(f"contacts({contact})")
    row = await client.row("accounts", account)
    assert (row["_parentaccountid_value"], row["_primarycontactid_value"]) == (None, None)


async def test_deleting_a_parent_deletes_what_belongs_to_it_alone(client):
    account = await client.create("accounts", name="A")
    contact = {"parentcustomerid_account@odata.bind": f"/accounts({account})"}
    deal = {"customerid_account@odata.bind": f"/accounts({account})"}
    note = {"objectid_account@odata.bind": f"/accounts({account})"}
    address = {"parentid_account@odata.bind": f"/accounts({account})"}
    await client.create("contacts", lastname="B", **contact)
    await client.create("opportunities", name="C", **deal)
    await client.create("annotations", subject="D", **note)
    await client.create("customeraddresses", name="E", line1="1 Main", **address)
    other = await client.create("contacts", lastname="F")
    await client.delete(f"accounts({account})")
    assert [row["contactid"] for row in await client.rows("contacts")] == [other]
    for entity_set in ("opportunities", "annotations"):
        assert await client.rows(entity_set) == []
    assert {row["_parentid_value"] for row in await client.rows("customeraddresses")} == {other}


async def test_a_vendor_with_purchase_orders_cannot_be_deleted(client):
    account = await client.create("accounts", name="A")
    bind = {"msdyn_vendor@odata.bind": f"/accounts({account})"}
    await client.create("msdyn_purchaseorders", msdyn_name="PO1", **bind)
    error(await client.delete(f"accounts({account})"), 400, "0x8004f01f")


async def test_a_body_that_is_no_json_object_is_refused(client):
    headers = {"Content-Type": "application/json"}
    error(await client.post("accounts", content="{", headers=headers), 400, "0x80048d19")
    error(await client.post("accounts", content="[]", headers=headers), 400, "0x80048d19")
    for kind in ("text/plain", "application/xml", "application/jsonp", "text/json"):
        answer = await client.post("accounts", content="{}", headers={"Content-Type": kind})
        assert answer.status_code == 415


async def test_an_unknown_entity_set_is_404_and_listed_as_a_gap(client):
    error(await client.get("leads"), 404, "0x8006088a")
    assert {"kind": "resource", "what": "leads", "times": 1} in client.server.door.gaps.list()
