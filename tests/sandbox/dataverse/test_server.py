"""Headers, faults and the admin door, over TLS."""

import asyncio
import ssl

import httpx
import pytest

from sandbox.dataverse.server import Dataverse, Options
from sandbox.door import Fault
from tests.sandbox.dataverse.helpers import add_column, error, request, send_batch, statuses


async def test_every_answer_carries_the_platforms_headers(client):
    answer = await client.get("WhoAmI")
    assert answer.headers["Content-Type"] == "application/json; odata.metadata=minimal; charset=utf-8"
    for name in ("x-ms-dop-hint", "x-ms-service-request-id", "REQ_ID", "x-ms-ratelimit-burst-remaining-xrm-requests"):
        assert name in answer.headers
    assert "ARRAffinity" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Accept": "image/png"}, 406),
        ({"Accept": "application/xml"}, 406),
        ({"Accept": "text/html, text/plain;q=0.5"}, 406),
        ({"callerobjectid": "7c1d0000-1111-4222-8333-444455556666"}, 403),
        ({"mscrm.bypasscustompluginexecution": "true"}, 403),
        ({"Accept": "application/json;odata.metadata=full"}, 406),
        ({"OData-Version": "3.0"}, 400),
        ({"MSCRMCallerID": "7c1d0000-1111-4222-8333-444455556666"}, 403),
        ({"MSCRM.BypassBusinessLogicExecution": "CustomSync"}, 403),
        ({"MSCRM.SuppressDuplicateDetection": "false"}, 400),
    ],
)
async def test_headers_that_are_not_served_are_refused_alone_and_in_a_batch(client, headers, status):
    assert (await client.get("WhoAmI", headers=headers)).status_code == status
    assert (await client.post("$batch", headers=headers)).status_code == status
    assert statuses(await send_batch(client, request("GET WhoAmI", **headers))) == [status]


@pytest.mark.parametrize(
    ("path", "kind"), [("$metadata", "application/xml"), ("accounts/$count", "text/plain"), ("WhoAmI", "*/*")]
)
async def test_what_is_not_json_is_served_where_it_is_asked_for(client, path, kind):
    assert (await client.get(path, headers={"Accept": kind})).status_code == 200
    assert (await client.get(path, headers={"Accept": f"image/png, {kind};q=0.1"})).status_code == 200


async def test_honoured_preferences_are_named(client):
    row_id = await client.create("accounts", name="A")
    notes = 'odata.include-annotations="OData.Community.*,x"'
    for method, url, prefer in (
        ("GET", "accounts", f"odata.maxpagesize=2,{notes}"),
        ("GET", f"accounts({row_id})", notes),
        ("GET", "accounts", f"odata.track-changes,odata.maxpagesize=2,{notes}"),
        ("PATCH", f"accounts({row_id})", f"return=representation,{notes}"),
    ):
        answer = await client.request(method, url, json={"name": "B"}, headers={"Prefer": prefer})
        assert answer.headers["Preference-Applied"] == prefer
    assert "Preference-Applied" not in (await client.get("accounts")).headers


async def test_an_unknown_preference_is_ignored_and_listed(client):
    assert (await client.get("WhoAmI", headers={"Prefer": "odata.nosuch=1"})).status_code == 200
    assert client.server.door.gaps.list() == [{"kind": "preference", "what": "odata.nosuch", "times": 1}]


async def test_other_versions_are_served_and_echoed(client):
    answer = await client.get(f"{client.server.url}/api/data/v9.1/WhoAmI")
    assert "/api/data/v9.1/$metadata" in answer.json()["@odata.context"]
    assert (await client.get(f"{client.server.url}/api/data/v8.2/WhoAmI")).status_code == 404


async def test_a_fault_before_leaves_nothing_and_a_fault_after_leaves_the_write(client):
    for at, left in (("dataverse.before", 0), ("dataverse.after", 1)):
        client.server.door.faults.add(Fault(at=at, match="POST .*accounts", do="error", code=503))
        assert (await client.post("accounts", json={"name": "A"})).status_code == 503
        assert len(await client.rows("accounts")) == left


async def test_a_dropped_connection_after_the_commit_leaves_the_write(client):
    client.server.door.faults.add(Fault(at="dataverse.after", match="POST", do="drop"))
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post("accounts", json={"name": "A"})
    assert len(await client.rows("accounts")) == 1


async def test_a_drop_after_the_answer_comes_too_late_to_lose_it(client):
    client.server.door.faults.add(Fault(at="dataverse.answered", match='"name":"A"', do="drop"))
    assert (await client.post("accounts", json={"name": "A"})).status_code == 204
    assert client.server.door.faults.list()[0].times == 0


async def test_a_throttle_fault_sends_retry_after(client):
    client.server.door.faults.add(Fault(at="dataverse.before", do="error", code=429, seconds=17))
    answer = await client.get("WhoAmI")
    error(answer, 429, "0x80072322")
    assert answer.headers["Retry-After"] == "17"


async def test_a_fault_may_bring_the_code_of_any_trouble(client):
    text = "0x80044150 SQL Server error 1205: deadlock"
    client.server.door.faults.add(Fault(at="dataverse.before", do="error", code=500, text=text))
    assert error(await client.get("WhoAmI"), 500, "0x80044150") == "SQL Server error 1205: deadlock"


async def test_a_body_above_the_limit_is_413(started, monkeypatch):
    monkeypatch.setattr("sandbox.dataverse.server._BODY_LIMIT", 1000)
    client = await started()
    assert (await client.post("accounts", json={"name": "A" * 1000})).status_code == 413


async def test_a_fault_strikes_one_request_of_a_batch(client):
    client.server.door.faults.add(Fault(at="dataverse.inner", match="accounts", skip=1, do="error", code=500))
    parts = [request("POST accounts", '{"name":"A"}') for _ in range(3)]
    assert statuses(await send_batch(client, *parts, go_on=True)) == [204, 500, 204]
    assert len(await client.rows("accounts")) == 2


async def test_the_door_seeds_and_shows_rows(client):
    answer = await client.door.post("/seed", json={"set": "accounts", "rows": [{"name": "A", "creditlimit": 12.5}]})
    assert answer.status_code == 201
    (row,) = (await client.door.get("/rows/accounts")).json()
    assert (row["accountid"], row["name"], row["creditlimit"]) == (answer.json()["ids"][0], "A", "12.50")
    assert "telephone1" not in row


async def test_the_door_takes_a_seed_of_any_size(client):
    rows = [{"name": "x" * 160, "description": "y" * 2000} for _ in range(1000)]
    assert len((await client.door.post("/seed", json={"set": "accounts", "rows": rows})).json()["ids"]) == 1000


async def test_the_door_edits_and_deletes_as_somebody_else(client):
    row_id = await client.create("accounts", name="A")
    assert (await client.door.patch(f"/rows/accounts/{row_id}", json={"name": "B"})).status_code == 200
    row = await client.row("accounts", row_id)
    assert (row["name"], row["_modifiedby_value"]) == ("B", client.server.env.system.id)
    assert (await client.door.delete(f"/rows/accounts/{row_id}")).status_code == 200
    assert (await client.get(f"accounts({row_id})")).status_code == 404
    assert (await client.door.delete(f"/rows/accounts/{row_id}")).status_code == 400


async def test_a_copy_restored_into_another_environment_has_the_rows_under_a_new_organization(client):
    row_id = await client.create("accounts", name="A")
    before = (await client.get("WhoAmI")).json()["OrganizationId"]
    await client.door.post("/copies/whole")
    assert (await client.door.post("/copies/whole/restore?into=another")).status_code == 200
    after = (await client.get("WhoAmI")).json()["OrganizationId"]
    assert after != before
    assert [row["organizationid"] for row in (await client.get("organizations")).json()["value"]] == [after]
    assert (await client.row("accounts", row_id))["name"] == "A"


async def test_a_copy_restored_a_second_time_is_an_organization_as_whole_as_the_first(client):
    await client.door.post("/copies/whole")
    for _ in range(2):
        await client.door.post("/copies/whole/restore?into=another")
        organization = (await client.get("WhoAmI")).json()["OrganizationId"]
        assert (await client.get(f"organizations({organization})/expirechangetrackingindays")).json()["value"] == 7
    await client.door.post("/copies/whole/restore")
    first = (await client.get("WhoAmI")).json()["OrganizationId"]
    assert first != organization
    assert (await client.get(f"organizations({first})")).status_code == 200


async def test_a_restored_copy_brings_back_rows_columns_and_versions(client):
    row_id = await client.create("accounts", name="A")
    etag = (await client.row("accounts", row_id))["@odata.etag"]
    await client.door.post("/copies/before")
    await client.patch(f"accounts({row_id})", json={"name": "B"})
    await add_column(client, "account", "String", "new_Extra")
    assert (await client.door.post("/copies/before/restore")).status_code == 200
    row = await client.row("accounts", row_id)
    assert (row["name"], row["@odata.etag"]) == ("A", etag)
    assert "new_extra" not in row
    assert (await client.door.post("/copies/nosuch/restore")).status_code == 400


async def test_a_crash_of_the_stand_in_is_a_500_and_a_gap(client, monkeypatch):
    def crash(*_, **__):
        raise RuntimeError("broken")

    monkeypatch.setattr(client.server.service, "handle", crash)
    error(await client.get("WhoAmI"), 500, "0x80040216")
    assert client.server.door.gaps.list()[0]["kind"] == "crash"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/seed", {"set": "nosuch", "rows": []}),
        ("POST", "/seed", {"set": "accounts", "rows": [{"nosuch": 1}]}),
        ("PATCH", "/switches", {"nosuch": True}),
        ("PUT", "/plugins", [{"table": "account", "column": "name", "do": "explode"}]),
        ("PUT", "/privileges", {"nosuch": []}),
        ("GET", "/rows/nosuch", None),
    ],
)
async def test_the_door_refuses_what_it_does_not_know(client, method, path, body):
    assert (await client.door.request(method, path, json=body)).status_code == 400


async def test_a_restart_keeps_the_organization_and_its_users(state):
    seen = []
    for _ in range(2):
        server = Dataverse(state, Options())
        seen.append((server.env.organization_id, server.env.business_unit, server.env.currency))
        server.env.store.close()
    assert seen[0] == seen[1]


async def test_modelled_time_counts_against_the_execution_limit(started):
    client = await started(latency_ms=20, operation_ms=10)
    await client.post("accounts", json={"name": "A"})
    _, left = client.server.limits.left(
        client.server.access.user(client.api.headers["Authorization"], client.server.url).id, 0
    )
    assert left <= 1200 - 0.03


async def test_the_certificate_is_trusted_by_its_authority_only(client):
    async with httpx.AsyncClient(verify=ssl.create_default_context()) as other:
        with pytest.raises(httpx.ConnectError):
            await other.get(f"{client.server.url}/api/data/v9.2/")


async def test_the_most_requests_at_once_and_their_order_are_known(client):
    client.server.door.faults.add(Fault(at="dataverse.before", match="POST", do="delay", seconds=0.3, times=2))
    await asyncio.gather(*(client.post("accounts", json={"name": name}) for name in ("A", "B")))
    assert (await client.door.get("/concurrency")).json() == {
        "dataverse.most_at_once": 2,
        "dataverse.in_progress": 0,
    }
    first, second = (await client.door.get("/requests")).json()[-2:]
    assert first["began"] < second["began"] < min(first["ended"], second["ended"])
    assert (first["subject"].partition(" ")[0], first["bytes"]) == ("POST", len('{"name":"A"}'))
    await client.door.delete("/concurrency")
    assert (await client.door.get("/concurrency")).json()["dataverse.most_at_once"] == 0
