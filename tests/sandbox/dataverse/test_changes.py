"""Change tracking by delta tokens."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from tests.sandbox.dataverse.helpers import add_column, column, error, label

TRACK = {"Prefer": "odata.track-changes"}


async def first_read(client, url="accounts?$select=name"):
    answer = await client.get(url, headers=TRACK)
    assert answer.headers["Preference-Applied"] == "odata.track-changes"
    return answer.json()


async def delta(client, link):
    answer = await client.get(link)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_first_read_gives_all_rows_and_a_delta_link(client):
    await client.create("accounts", name="A")
    body = await first_read(client)
    assert [row["name"] for row in body["value"]] == ["A"]
    assert "$select=name" in body["@odata.deltaLink"]
    assert (await delta(client, body["@odata.deltaLink"]))["value"] == []


async def test_a_delta_gives_new_and_changed_rows_by_version_then_deleted_ones(client):
    ids = [await client.create("accounts", name=name) for name in "ABC"]
    link = (await first_read(client))["@odata.deltaLink"]
    await client.delete(f"accounts({ids[0]})")
    new = await client.create("accounts", name="D")
    await client.patch(f"accounts({ids[1]})", json={"telephone1": "1"})
    body = await delta(client, link)
    assert body["@odata.context"].endswith("#accounts(name)/$delta")
    assert [row.get("accountid") for row in body["value"]] == [new, ids[1], None]
    assert body["value"][-1]["id"] == ids[0]
    assert body["value"][-1]["reason"] == "deleted"
    assert body["value"][-1]["@odata.context"].endswith("#accounts/$deletedEntity")
    assert (await delta(client, body["@odata.deltaLink"]))["value"] == []


async def test_a_row_created_and_deleted_between_polls_is_reported_deleted(client):
    link = (await first_read(client))["@odata.deltaLink"]
    row_id = await client.create("accounts", name="A")
    await client.delete(f"accounts({row_id})")
    assert [item["id"] for item in (await delta(client, link))["value"]] == [row_id]


async def test_pages_carry_the_delta_link_last_and_lose_nothing_written_meanwhile(client):
    ids = [await client.create("accounts", name=str(n)) for n in range(5)]
    headers = {"Prefer": "odata.track-changes,odata.maxpagesize=2"}
    body = (await client.get("accounts?$select=name", headers=headers)).json()
    seen = [row["accountid"] for row in body["value"]]
    assert "@odata.deltaLink" not in body
    await client.patch(f"accounts({ids[0]})", json={"name": "late"})
    while "@odata.nextLink" in body:
        body = (await client.get(body["@odata.nextLink"], headers=headers)).json()
        seen += [row["accountid"] for row in body["value"]]
    later = (await delta(client, body["@odata.deltaLink"]))["value"]
    assert set(seen) | {row["accountid"] for row in later} == set(ids)
    assert [row["name"] for row in later] == ["late"]


async def test_a_row_changed_while_pages_are_read_comes_once_in_the_next_delta(client):
    ids = sorted([await client.create("accounts", name=str(n)) for n in range(3)])
    headers = {"Prefer": "odata.track-changes,odata.maxpagesize=1"}
    body = (await client.get("accounts?$select=name", headers=headers)).json()
    await client.patch(f"accounts({ids[2]})", json={"name": "late"})
    seen = []
    while "@odata.nextLink" in body:
        body = (await client.get(body["@odata.nextLink"], headers=headers)).json()
        seen += [row["accountid"] for row in body["value"]]
    assert seen == [ids[1]]
    assert [row["accountid"] for row in (await delta(client, body["@odata.deltaLink"]))["value"]] == [ids[2]]


async def test_a_row_deleted_and_made_again_under_its_id_is_reported_as_there(client):
    row_id = await client.create("accounts", name="A")
    link = (await first_read(client))["@odata.deltaLink"]
    await client.delete(f"accounts({row_id})")
    await client.create("accounts", name="B", accountid=row_id)
    assert [row["name"] for row in (await delta(client, link))["value"]] == ["B"]


async def test_a_delta_is_paged_too(client):
    link = (await first_read(client))["@odata.deltaLink"]
    ids = [await client.create("accounts", name=str(n)) for n in range(5)]
    seen, pages, headers = [], 0, {"Prefer": "odata.maxpagesize=2"}
    while link:
        body = (await client.get(link, headers=headers)).json()
        seen += [row["accountid"] for row in body["value"]]
        link, pages = body.get("@odata.nextLink"), pages + 1
    assert seen == ids
    assert pages == 3


@pytest.mark.parametrize("option", ["$filter=name eq 'A'", "$orderby=name", "$expand=primarycontactid", "$top=1"])
async def test_options_that_tracking_forbids_are_refused(client, option):
    message = error(await client.get(f"accounts?{option}", headers=TRACK), 400, "0x80060888")
    assert "isn't supported when Change Tracking is enabled" in message


async def test_a_table_must_have_tracking_enabled(client):
    error(await client.get("systemusers", headers=TRACK), 400, "0x80040203")


async def test_enabling_tracking_cannot_be_undone(client):
    name = column("String", "new_Name", IsPrimaryName=True)
    await client.post(
        "EntityDefinitions", json={"SchemaName": "new_Thing", "DisplayName": label("T"), "Attributes": [name]}
    )
    error(await client.get("new_things", headers=TRACK), 400, "0x80040203")
    url = "EntityDefinitions(LogicalName='new_thing')"
    full = (await client.get(url)).json()
    error(await client.put(url, json={"ChangeTrackingEnabled": True}), 400, "0x80040203")
    for enabled, status in ((True, 204), (False, 400)):
        answer = await client.put(url, json={**full, "ChangeTrackingEnabled": enabled})
        assert answer.status_code == status
    tracked = (await client.get("EntityDefinitions?$select=LogicalName&$filter=ChangeTrackingEnabled eq true")).json()
    assert {"new_thing", "account"} <= {item["LogicalName"] for item in tracked["value"]}
    assert (await client.get("new_things", headers=TRACK)).status_code == 200


async def test_a_cleaned_history_expires_older_tokens(client):
    link = (await first_read(client))["@odata.deltaLink"]
    await client.door.post("/changes/clean")
    error(await client.get(link), 400, "0x80044352")
    fresh = (await first_read(client))["@odata.deltaLink"]
    assert (await client.get(fresh)).status_code == 200


async def test_a_token_expires_after_the_days_of_the_organization(client):
    link = (await first_read(client))["@odata.deltaLink"]
    stamp = (datetime.now(UTC) - timedelta(days=6)).strftime("!%m/%d/%Y %H:%M:%S")
    older = link.split("%21")[0] + quote(stamp, safe="")
    assert (await client.get(older)).status_code == 200
    url = f"organizations({client.server.env.organization_id})"
    assert (await client.get(f"{url}/expirechangetrackingindays")).json()["value"] == 7
    await client.patch(url, json={"expirechangetrackingindays": 5})
    error(await client.get(older), 400, "0x80044352")


async def test_a_token_of_another_history_is_refused(client):
    version, stamp = (await first_read(client))["@odata.deltaLink"].split("%21")
    later = str(int(version.rpartition("=")[2]) + 1)
    error(await client.get(f"accounts?$deltatoken={later}%21{stamp}"), 400, "0x80044352")
    error(await client.get("accounts?$deltatoken=x"), 400, "0x80060888")


async def test_a_delta_can_be_counted(client):
    link = (await first_read(client))["@odata.deltaLink"]
    row_id = await client.create("accounts", name="A")
    await client.create("accounts", name="B")
    await client.delete(f"accounts({row_id})")
    token = link.split("$deltatoken=")[1]
    assert (await client.get(f"accounts/$count?$deltatoken={token}")).text == "\ufeff2"


async def test_a_new_column_is_in_the_delta(client):
    await add_column(client, "account", "String", "new_Extra")
    link = (await first_read(client, "accounts?$select=new_extra"))["@odata.deltaLink"]
    await client.create("accounts", name="A", new_extra="x")
    assert (await delta(client, link))["value"][0]["new_extra"] == "x"
