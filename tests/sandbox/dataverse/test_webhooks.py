"""What registered webhooks are sent, when, and what becomes of what is not taken."""

import asyncio
import json
import re

import pytest

from tests.sandbox.dataverse.helpers import (
    change_set,
    error,
    make_endpoint,
    make_image,
    make_step,
    request,
    send_batch,
)
from tests.sandbox.dataverse.receiver import attributes, image, parameter

CONTRACTS = "http://schemas.microsoft.com/xrm/2011/Contracts"
NO_ID = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
async def endpoint(client, receiver):
    return await make_endpoint(client)


async def jobs(client, **options):
    """The system jobs, after none is waiting or in progress any more."""
    await client.server.jobs.settled()
    return await client.rows("asyncoperations", **options)


async def test_an_update_is_sent_after_the_commit_with_what_was_sent_alone(client, receiver, endpoint):
    account = await client.create("accounts", name="Nordic Pumps", accountnumber="A1")
    step = await make_step(client, endpoint, "Update", "account")
    await client.patch(
        f"accounts({account})?tag=erp-sync",
        json={"creditlimit": 25000.50, "paymenttermscode": 1, "creditonhold": False, "name": "Nordic Pumps"},
    )
    (job,) = await jobs(client)
    (hook,) = receiver.got
    body = hook.body
    assert (job["statecode"], job["statuscode"], job["_owningextensionid_value"]) == (3, 30, step)
    assert list(body) == sorted(body)
    assert (body["MessageName"], body["Stage"], body["Mode"], body["Depth"]) == ("Update", 40, 1, 1)
    assert (body["PrimaryEntityName"], body["PrimaryEntityId"]) == ("account", account)
    assert body["OperationId"] == job["asyncoperationid"]
    assert body["OrganizationId"] == client.server.env.organization_id
    assert re.fullmatch(r"unq[0-9a-f]{29}", body["OrganizationName"])
    assert body["OwningExtension"]["Id"] == step
    assert {"key": "tag", "value": "erp-sync"} in body["SharedVariables"]
    target = parameter(body, "Target")
    assert target["__type"] == f"Entity:{CONTRACTS}"
    values = attributes(target)
    assert values["creditlimit"] == {"__type": f"Money:{CONTRACTS}", "Value": 25000.5}
    assert values["paymenttermscode"] == {"__type": f"OptionSetValue:{CONTRACTS}", "Value": 1}
    assert (values["creditonhold"], values["name"], values["accountid"]) == (False, "Nordic Pumps", account)
    assert values["modifiedby"]["LogicalName"] == "systemuser"
    assert re.fullmatch(r"/Date\(\d+\)/", values["modifiedon"])
    assert "accountnumber" not in values
    assert image(body, "Post", "AsynchronousStepPrimaryName") == {"name": "Nordic Pumps", "accountid": account}
    assert (body["ParentContext"]["Stage"], body["ParentContext"]["ParentContext"]) == (30, None)


async def test_the_bytes_are_those_of_the_dotnet_serializer(client, receiver, endpoint):
    await make_step(client, endpoint, "Create", "account")
    await client.create("accounts", name="Søn/AB")
    await jobs(client)
    raw = receiver.got[0].raw.decode()
    assert "Søn\\/AB" in raw
    assert re.search(r'"OperationCreatedOn":"\\/Date\(\d+\+0000\)\\/"', raw)
    assert '{"__type":"Entity:http:\\/\\/schemas.microsoft.com\\/xrm\\/2011\\/Contracts","Attributes":[' in raw
    assert not re.search(r"(?<!\\)/", raw)


async def test_the_headers_name_the_event_and_carry_the_secret(client, receiver, endpoint):
    await make_step(client, endpoint, "Update", "account")
    account = await client.create("accounts", name="A")
    await client.patch(f"accounts({account})", json={"name": "B"})
    await jobs(client)
    headers = receiver.got[0].headers
    assert headers["content-type"] == "application/json"
    assert (headers["host"], headers["x-key"]) == ("hook.example", "secret")
    assert (headers["x-ms-dynamics-entity-name"], headers["x-ms-dynamics-request-name"]) == ("account", "Update")
    assert headers["x-ms-dynamics-organization"] == "localhost"
    assert headers["x-ms-correlation-request-id"] == receiver.got[0].body["CorrelationId"]
    assert headers["x-request-id"]
    assert "x-ms-dynamics-msg-size-exceeded" not in headers


async def test_the_secret_may_travel_in_the_url(client, receiver, endpoint):
    await make_step(client, endpoint, "Update", "account")
    account = await client.create("accounts", name="A")
    query = '<settings><setting name="a" value="1&amp;2"/></settings>'
    for values in ({"authtype": 4, "authvalue": "a key"}, {"authtype": 6, "authvalue": query, "messagecharset": 1}):
        await client.patch(f"serviceendpoints({endpoint})", json=values)
        await client.patch(f"accounts({account})", json={"name": "B"})
        await jobs(client)
    assert [hook.path for hook in receiver.got] == ["/dv?code=a+key", "/dv?a=1%262"]
    assert receiver.got[1].headers["content-type"] == "application/json; charset=utf-8"


async def test_a_create_carries_what_the_server_filled_in(client, receiver, endpoint):
    step = await make_step(client, endpoint, "Create", "account")
    await make_image(client, step, imagetype=1, messagepropertyname="Id", attributes="name,transactioncurrencyid")
    account = await client.create("accounts", name="A", description=None)
    await jobs(client)
    body = receiver.got[0].body
    values = receiver.got[0].target
    assert (values["accountid"], values["name"], values["description"]) == (account, "A", None)
    assert values["ownerid"]["Id"] == body["UserId"]
    assert values["statuscode"]["Value"] == 1
    assert {"createdon", "statecode", "exchangerate", "owningbusinessunit", "creditonhold"} <= values.keys()
    assert body["OutputParameters"] == [{"key": "id", "value": account}]
    assert {"key": "DefaultsAddedFlag", "value": True} in body["SharedVariables"]
    assert image(body, "Post", "image")["transactioncurrencyid"]["Name"] == "US Dollar"


async def test_an_account_without_a_name_is_told_too(client, receiver, endpoint):
    await make_step(client, endpoint, "Create", "account")
    account = await client.create("accounts", accountnumber="A1")
    await jobs(client)
    name = image(receiver.got[0].body, "Post", "AsynchronousStepPrimaryName")
    assert name == {"name": None, "accountid": account}


async def test_images_hold_the_row_before_and_after_with_its_texts(client, receiver, endpoint):
    step = await make_step(client, endpoint, "Update", "account")
    await make_image(client, step, imagetype=2, attributes="name,creditlimit,description,statecode", entityalias="both")
    account = await client.create("accounts", name="A", creditlimit=10)
    await client.patch(f"accounts({account})", json={"creditlimit": 20})
    await jobs(client)
    body = receiver.got[0].body
    before, after = image(body, "Pre", "both"), image(body, "Post", "both")
    assert (before["creditlimit"]["Value"], after["creditlimit"]["Value"]) == (10, 20)
    assert before.keys() == {"accountid", "name", "creditlimit", "statecode"}
    entity = next(item["value"] for item in body["PostEntityImages"] if item["key"] == "both")
    texts = {item["key"]: item["value"] for item in entity["FormattedValues"]}
    assert texts == {"creditlimit": "$20.00", "statecode": "Active"}
    assert entity["RowVersion"] == str((await client.row("accounts", account))["versionnumber"])
    assert "__type" not in entity


async def test_a_delete_names_the_row_and_shows_it_as_it_was(client, receiver, endpoint):
    step = await make_step(client, endpoint, "Delete", "account")
    await make_image(client, step, attributes="accountnumber")
    account = await client.create("accounts", name="A", accountnumber="TWO-A1")
    await client.delete(f"accounts({account})")
    await jobs(client)
    body = receiver.got[0].body
    target = parameter(body, "Target")
    assert (target["__type"], target["Id"], target["LogicalName"]) == (
        f"EntityReference:{CONTRACTS}",
        account,
        "account",
    )
    assert image(body, "Pre", "image") == {"accountid": account, "accountnumber": "TWO-A1"}


async def test_a_state_changed_with_other_columns_raises_two_updates(client, receiver, endpoint):
    await make_step(client, endpoint, "Update", "account")
    account = await client.create("accounts", name="A")
    await client.patch(f"accounts({account})", json={"name": "B", "statecode": 1, "statuscode": 2})
    await jobs(client)
    sent = sorted(sorted(hook.target.keys() & {"name", "statecode", "statuscode"}) for hook in receiver.got)
    assert sent == [["name"], ["statecode", "statuscode"]]
    assert len({hook.body["CorrelationId"] for hook in receiver.got}) == 1


async def test_a_step_fires_for_a_column_that_was_sent_changed_or_not(client, receiver, endpoint):
    await make_step(client, endpoint, "Update", "account", filteringattributes="name,telephone1")
    account = await client.create("accounts", name="A")
    await client.patch(f"accounts({account})", json={"name": "A"})
    await client.patch(f"accounts({account})", json={"creditlimit": 5})
    await jobs(client)
    assert [hook.target.get("name") for hook in receiver.got] == ["A"]


async def test_a_disabled_step_and_another_table_are_silent(client, receiver, endpoint):
    step = await make_step(client, endpoint, "Create", "account")
    await client.create("contacts", lastname="X")
    await client.patch(f"sdkmessageprocessingsteps({step})", json={"statecode": 1, "statuscode": 2})
    await client.create("accounts", name="A")
    await jobs(client)
    assert receiver.got == []


async def test_an_own_message_is_raised_where_the_environment_does_so(client, receiver, endpoint):
    step = await make_step(client, endpoint, "SetState", "account")
    await make_image(client, step, imagetype=1, messagepropertyname="EntityMoniker", attributes="name")
    await make_step(client, endpoint, "Update", "account")
    account = await client.create("accounts", name="A")
    for switch, told in (("update", ["Update"]), ("own", ["SetState"]), ("both", ["SetState", "Update"])):
        await client.door.patch("/switches", json={"special_updates": switch})
        receiver.got.clear()
        await client.patch(f"accounts({account})", json={"statecode": 1})
        await jobs(client)
        assert sorted(message for message, _ in receiver.told()) == told
    body = next(hook.body for hook in receiver.got if hook.body["MessageName"] == "SetState")
    assert parameter(body, "EntityMoniker")["Id"] == account
    assert [parameter(body, name)["Value"] for name in ("State", "Status")] == [1, 2]
    assert image(body, "Post", "image")["name"] == "A"


async def test_a_bulk_request_calls_once_a_row_and_its_own_message_once(client, receiver, endpoint):
    await make_step(client, endpoint, "Create", "account")
    await make_step(client, endpoint, "CreateMultiple", "account")
    targets = [{"@odata.type": "Microsoft.Dynamics.CRM.account", "name": name} for name in "ABC"]
    await client.post("accounts/Microsoft.Dynamics.CRM.CreateMultiple", json={"Targets": targets})
    await client.create("accounts", name="D")
    await jobs(client)
    single = [hook.target["name"] for hook in receiver.got if hook.body["MessageName"] == "Create"]
    bulk = [parameter(h.body, "Targets") for h in receiver.got if h.body["MessageName"] == "CreateMultiple"]
    assert sorted(single) == list("ABCD")
    assert sorted(len(collection["Entities"]) for collection in bulk) == [1, 3]
    assert all(collection["__type"] == f"EntityCollection:{CONTRACTS}" for collection in bulk)
    assert "__type" not in bulk[0]["Entities"][0]


async def test_a_change_set_that_fails_sends_nothing(client, receiver, endpoint):
    await make_step(client, endpoint, "Create", "account")
    parts = [request("POST accounts", json.dumps({"name": name}), str(n)) for n, name in enumerate(["A", "x" * 161])]
    assert (await send_batch(client, change_set(*parts))).status_code == 400
    assert await jobs(client) == []
    good = [request("POST accounts", json.dumps({"name": name}), str(n)) for n, name in enumerate("AB")]
    await send_batch(client, change_set(*good))
    await jobs(client)
    assert [sorted(hook.target["name"] for hook in receiver.got)] == [["A", "B"]]
    shared = receiver.got[0].body["SharedVariables"]
    assert {"key": "ODataChangesetRequestCount", "value": 2} in shared


async def test_a_reference_in_a_collection_is_told_of_both_its_ends(client, receiver, endpoint):
    for message in ("Associate", "Disassociate"):
        await make_step(client, endpoint, message, "account", **{"sdkmessagefilterid@odata.bind": None})
    await make_step(client, endpoint, "Update", "contact")
    account, contact = await client.create("accounts", name="A"), await client.create("contacts", lastname="B")
    url = f"accounts({account})/contact_customer_accounts"
    body = {"@odata.id": f"{client.server.url}/api/data/v9.2/contacts({contact})"}
    assert (await client.post(f"{url}/$ref", json=body)).status_code == 204
    assert (await client.delete(f"{url}({contact})/$ref")).status_code == 204
    await jobs(client)
    links = {hook.body["MessageName"]: hook for hook in receiver.got if hook.body["Depth"] == 1}
    assert links.keys() == {"Associate", "Disassociate"}
    for hook in links.values():
        assert (hook.body["PrimaryEntityName"], hook.body["PrimaryEntityId"]) == ("none", NO_ID)
        assert hook.headers["x-ms-dynamics-entity-name"] == "none"
        assert parameter(hook.body, "Target")["Id"] == account
        assert [related["Id"] for related in parameter(hook.body, "RelatedEntities")] == [contact]
        assert parameter(hook.body, "Relationship")["SchemaName"] == "contact_customer_accounts"
    updates = [hook.body for hook in receiver.got if hook.body["MessageName"] == "Update"]
    assert [(body["PrimaryEntityId"], body["Depth"]) for body in updates] == [(contact, 2)] * 2


async def test_another_user_may_be_who_a_step_runs_as(client, receiver, endpoint):
    system = client.server.env.system.id
    await make_step(
        client, endpoint, "Create", "account", **{"impersonatinguserid@odata.bind": f"/systemusers({system})"}
    )
    await client.create("accounts", name="A")
    await jobs(client)
    me = (await client.get("WhoAmI")).json()["UserId"]
    assert (receiver.got[0].body["UserId"], receiver.got[0].body["InitiatingUserId"]) == (system, me)


async def test_a_body_above_256_kb_loses_parameters_and_images(client, receiver, endpoint):
    step = await make_step(client, endpoint, "Create", "annotation")
    await make_image(client, step, imagetype=1, messagepropertyname="Id")
    note = await client.create("annotations", subject="A", notetext="x" * 99_000)
    await jobs(client)
    (hook,) = receiver.got
    assert "x-ms-dynamics-msg-size-exceeded" in hook.headers
    assert (hook.body["PrimaryEntityId"], hook.body["MessageName"]) == (note, "Create")
    assert not hook.body.keys() & {"ParentContext", "InputParameters", "PreEntityImages", "PostEntityImages"}


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_gateway_error_is_tried_once_more(client, receiver, endpoint, status):
    await make_step(client, endpoint, "Create", "account")
    receiver.statuses = [status]
    await client.create("accounts", name="A")
    (job,) = await jobs(client)
    assert (job["statuscode"], job["retrycount"], len(receiver.got)) == (30, 1, 2)
    assert receiver.got[0].raw == receiver.got[1].raw
    receiver.statuses = [status, status]
    await client.create("accounts", name="B")
    assert [job["statuscode"] for job in await jobs(client, orderby=["createdon"])].count(31) == 1
    assert len(receiver.got) == 4


@pytest.mark.parametrize("status", [400, 404, 429, 500, 302])
async def test_any_other_answer_fails_the_job_at_once(client, receiver, endpoint, status):
    await make_step(client, endpoint, "Create", "account")
    receiver.statuses = [status]
    await client.create("accounts", name="A")
    (job,) = await jobs(client)
    assert (job["statecode"], job["statuscode"], len(receiver.got)) == (3, 31, 1)
    assert str(status) in job["friendlymessage"]


async def test_a_receiver_that_does_not_answer_in_time_fails_the_job(receiver, started):
    client = await started(webhook_timeout=0.2)
    await client.door.put("/hosts", json={"hook.example": receiver.url})
    receiver.gate.clear()
    await make_step(client, await make_endpoint(client), "Create", "account")
    await client.create("accounts", name="A")
    (job,) = await jobs(client)
    assert (job["statuscode"], len(receiver.got)) == (31, 1)
    assert "timed out" in job["friendlymessage"]


async def test_a_host_that_nobody_named_is_not_called_but_noted(client):
    await make_step(client, await make_endpoint(client, url="https://elsewhere.example/"), "Create", "account")
    await client.create("accounts", name="A")
    (job,) = await jobs(client)
    assert job["statuscode"] == 31
    gaps = (await client.door.get("/gaps")).json()
    assert {"kind": "webhook host", "what": "elsewhere.example", "times": 1} in gaps


async def test_no_host_leads_away_from_this_machine(client):
    assert (await client.door.put("/hosts", json={"hook.example": "https://example.com"})).status_code == 400


async def test_a_failed_job_waits_and_is_tried_once_more_where_the_environment_does_so(started, receiver):
    client = await started(webhook_postpone=0.2)
    await client.door.put("/hosts", json={"hook.example": receiver.url})
    await client.door.patch("/switches", json={"failed_jobs_wait": True})
    await make_step(client, await make_endpoint(client), "Create", "account")
    receiver.statuses = [500, 200, 500, 500]
    await client.create("accounts", name="A")
    assert [(job["statuscode"], job["retrycount"]) for job in await jobs(client)] == [(30, 1)]
    await client.create("accounts", name="B")
    assert sorted(job["statuscode"] for job in await jobs(client)) == [30, 31]
    assert len(receiver.got) == 4


async def test_a_job_that_succeeds_may_leave_no_row_one_that_fails_always_does(client, receiver, endpoint):
    await make_step(client, endpoint, "Create", "account", asyncautodelete=True)
    receiver.statuses = [500]
    await client.create("accounts", name="A")
    await client.server.jobs.settled()
    await client.create("accounts", name="B")
    assert [job["statuscode"] for job in await jobs(client)] == [31]


async def test_a_waiting_job_can_be_canceled(started):
    client = await started(webhook_delay=0.3)
    await make_step(client, await make_endpoint(client), "Create", "account")
    await client.create("accounts", name="A")
    (job,) = await client.rows("asyncoperations")
    url = f"asyncoperations({job['asyncoperationid']})"
    assert job["statuscode"] == 0
    assert (await client.patch(url, json={"statecode": 3, "statuscode": 32})).status_code == 204
    assert [job["statuscode"] for job in await jobs(client)] == [32]
    assert (await client.patch(url, json={"statecode": 3, "statuscode": 32})).status_code == 400


async def test_a_job_whose_step_is_gone_is_canceled(started):
    client = await started(webhook_delay=0.3)
    step = await make_step(client, await make_endpoint(client), "Create", "account")
    await client.create("accounts", name="A")
    await client.delete(f"sdkmessageprocessingsteps({step})")
    assert [job["statuscode"] for job in await jobs(client)] == [32]


async def test_jobs_are_carried_out_with_the_endpoint_as_it_is_by_then(client, receiver, endpoint):
    await make_step(client, endpoint, "Create", "account")
    receiver.gate.clear()
    await client.create("accounts", name="A")
    new = '<settings><setting name="x-key" value="new" /></settings>'
    await client.patch(f"serviceendpoints({endpoint})", json={"authvalue": new})
    await client.create("accounts", name="B")
    receiver.gate.set()
    await jobs(client)
    assert sorted(hook.headers["x-key"] for hook in receiver.got)[0] == "new"


async def test_a_synchronous_step_is_told_before_the_commit(client, receiver, endpoint):
    await make_step(client, endpoint, "Create", "account", mode=0)
    seen = []

    async def look():
        seen.append(len(await client.rows("accounts")))

    receiver.during = look
    account = await client.create("accounts", name="A")
    (hook,) = receiver.got
    assert seen == [0]
    assert hook.body["PrimaryEntityId"] == account
    assert (hook.body["Mode"], hook.body["IsInTransaction"], hook.body["OperationId"]) == (0, True, NO_ID)
    assert hook.body["PostEntityImages"] == []
    assert await jobs(client) == []


async def test_a_synchronous_step_that_fails_undoes_everything(client, receiver, endpoint):
    await make_step(client, endpoint, "Create", "account", mode=0)
    receiver.statuses = [500]
    message = error(await client.post("accounts", json={"name": "A"}), 400, "0x80040265")
    assert "500" in message
    assert await client.rows("accounts") == []
    assert (await client.post("accounts", json={"name": "A"})).status_code == 204


async def test_a_synchronous_step_may_hear_of_what_never_happened(client, receiver, endpoint):
    await make_step(client, endpoint, "Create", "account", mode=0)
    parts = [request("POST accounts", json.dumps({"name": name}), str(n)) for n, name in enumerate(["A", "x" * 161])]
    assert (await send_batch(client, change_set(*parts))).status_code == 400
    assert [hook.target["name"] for hook in receiver.got] == ["A"]
    assert await client.rows("accounts") == []


async def test_the_stages_come_in_order_and_see_what_is_there_by_then(client, receiver, endpoint):
    for stage in (40, 20, 10):
        await make_step(client, endpoint, "Create", "account", mode=0, stage=stage)
    await client.door.put("/plugins", json=[{"table": "account", "column": "name", "do": "upper"}])
    await client.create("accounts", name="a")
    assert [hook.body["Stage"] for hook in receiver.got] == [10, 20, 40]
    assert [hook.target["name"] for hook in receiver.got] == ["a", "A", "A"]
    assert ["createdon" in hook.target for hook in receiver.got] == [False, True, True]
    assert [len(hook.body["OutputParameters"]) for hook in receiver.got] == [0, 0, 1]


async def test_other_writes_wait_for_a_synchronous_step_and_reads_do_not(client, receiver, endpoint):
    await make_step(client, endpoint, "Create", "account", mode=0)
    receiver.gate.clear()
    first = asyncio.create_task(client.create("accounts", name="A"))
    await receiver.called.wait()
    second = asyncio.create_task(client.create("contacts", lastname="B"))
    assert await client.rows("contacts") == []
    receiver.gate.set()
    await asyncio.gather(first, second)
    assert [len(await client.rows(name)) for name in ("accounts", "contacts")] == [1, 1]


async def test_steps_run_by_rank(client, receiver, endpoint):
    for rank in (3, 1, 2):
        await make_step(client, endpoint, "Create", "account", mode=0, rank=rank, name=str(rank))
    await client.create("accounts", name="A")
    steps = {r["sdkmessageprocessingstepid"]: r["rank"] for r in await client.rows("sdkmessageprocessingsteps")}
    assert [steps[hook.body["OwningExtension"]["Id"]] for hook in receiver.got] == [1, 2, 3]


async def test_an_edit_at_the_door_is_told_like_any_other(client, receiver, endpoint):
    account = await client.create("accounts", name="A")
    await make_step(client, endpoint, "Update", "account")
    await client.door.patch(f"/rows/accounts/{account}", json={"name": "B"})
    await jobs(client)
    assert receiver.got[0].body["InitiatingUserId"] == client.server.env.system.id


async def test_a_copy_in_another_environment_goes_on_calling_under_its_own_id(client, receiver, endpoint):
    await make_step(client, endpoint, "Create", "account")
    before = client.server.env.organization_id
    await client.door.post("/copies/one")
    await client.door.post("/copies/one/restore?into=another")
    await client.create("accounts", name="A")
    await jobs(client)
    (hook,) = receiver.got
    assert hook.body["OrganizationId"] == client.server.env.organization_id != before
    assert hook.headers["x-key"] == "secret"


async def test_a_restored_copy_knows_the_steps_it_had(client, receiver, endpoint):
    await client.door.post("/copies/one")
    await make_step(client, endpoint, "Create", "account")
    await client.create("accounts", name="A")
    await client.server.jobs.settled()
    await client.door.post("/copies/one/restore")
    await client.create("accounts", name="B")
    assert await jobs(client) == []
    assert [hook.target["name"] for hook in receiver.got] == ["A"]
