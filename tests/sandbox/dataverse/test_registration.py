"""Webhooks are registered through the Web API: endpoints, steps, images, and what of them is refused."""

import pytest

from tests.sandbox.dataverse.helpers import error, make_endpoint, make_image, make_step, message_ids

INVALID = "0x80040203"


@pytest.fixture
async def endpoint(client):
    return await make_endpoint(client)


async def test_the_secret_of_an_endpoint_is_never_read_back(client):
    row_id = await make_endpoint(client, authvalue='<settings><setting name="x-key" value="s3cret" /></settings>')
    answer = await client.get(f"serviceendpoints({row_id})")
    assert "s3cret" not in answer.text
    assert (answer.json()["authvalue"], answer.json()["isauthvalueset"]) == (None, True)
    assert (answer.json()["messageformat"], answer.json()["messagecharset"]) == (2, 0)
    assert (await client.get(f"serviceendpoints({row_id})/authvalue")).status_code == 204
    error(await client.get("serviceendpoints?$filter=startswith(authvalue,'<')"), 400, "0x80060888")


async def test_an_endpoint_is_changed_and_deleted(client, endpoint):
    changed = await client.patch(f"serviceendpoints({endpoint})", json={"url": "http://hook.example/new"})
    assert changed.status_code == 204
    row = await client.row("serviceendpoints", endpoint)
    assert (row["url"], row["isauthvalueset"]) == ("http://hook.example/new", True)
    assert (await client.delete(f"serviceendpoints({endpoint})")).status_code == 204


@pytest.mark.parametrize(
    "url",
    [
        "https://hook.example:8443/dv",
        "http://hook.example:443/dv",
        "https://hook.example:80/dv",
        "https://hook.example:x/dv",
        "ftp://hook.example/dv",
        "hook.example/dv",
        None,
    ],
)
async def test_a_webhook_is_reached_by_http_on_80_and_https_on_443_alone(client, endpoint, url):
    error(await client.patch(f"serviceendpoints({endpoint})", json={"url": url}), 400, INVALID)


@pytest.mark.parametrize("url", ["https://hook.example:443/dv", "http://hook.example:80/dv", "http://hook.example"])
async def test_the_two_ports_may_be_written_out(client, endpoint, url):
    assert (await client.patch(f"serviceendpoints({endpoint})", json={"url": url})).status_code == 204


@pytest.mark.parametrize(
    "values",
    [
        {"authtype": 2},
        {"authvalue": None},
        {"authvalue": "a bare value"},
        {"authvalue": "<settings></settings>"},
        {"authvalue": '<settings><setting name="x"/></settings>'},
        {"authtype": 6, "authvalue": "key"},
        {"contract": 2},
    ],
)
async def test_an_endpoint_that_is_no_webhook_or_says_not_how_to_sign_in_is_refused(client, endpoint, values):
    error(await client.patch(f"serviceendpoints({endpoint})", json=values), 400, INVALID)


async def test_an_endpoint_with_steps_cannot_be_deleted(client, endpoint):
    step = await make_step(client, endpoint, "Update", "account")
    error(await client.delete(f"serviceendpoints({endpoint})"), 400, "0x8004f01f")
    await client.delete(f"sdkmessageprocessingsteps({step})")
    assert (await client.delete(f"serviceendpoints({endpoint})")).status_code == 204


@pytest.mark.parametrize("message", ["Create", "Update", "Delete", "Assign", "SetState", "Merge", "CreateMultiple"])
async def test_an_account_has_the_messages_a_customer_needs(client, message):
    message_id, filter_id = await message_ids(client, message, "account")
    assert message_id
    assert filter_id


async def test_messages_have_filters_for_the_tables_that_know_them(client):
    for message, table in (("Merge", "salesorder"), ("Win", "account"), ("SetState", "customeraddress")):
        assert (await message_ids(client, message, table))[1] is None
    assert (await message_ids(client, "Win", "opportunity"))[1]
    for message in ("Associate", "Disassociate"):
        message_id, filter_id = await message_ids(client, message, "account")
        assert message_id
        assert filter_id is None


async def test_a_step_is_read_with_its_message_table_and_images(client, endpoint):
    step = await make_step(client, endpoint, "Update", "account", filteringattributes="name, creditlimit")
    image = await make_image(client, step, imagetype=2)
    url = (
        f"sdkmessageprocessingsteps?$filter=_eventhandler_value eq {endpoint}"
        "&$select=name,stage,mode,rank,filteringattributes,statecode"
        "&$expand=sdkmessageid($select=name),sdkmessagefilterid($select=primaryobjecttypecode)"
    )
    (row,) = (await client.get(url)).json()["value"]
    assert (row["stage"], row["mode"], row["rank"], row["statecode"]) == (40, 1, 1, 0)
    assert (row["sdkmessageid"]["name"], row["sdkmessagefilterid"]["primaryobjecttypecode"]) == ("Update", "account")
    images = await client.rows("sdkmessageprocessingstepimages", filter=f"_sdkmessageprocessingstepid_value eq {step}")
    assert [item["sdkmessageprocessingstepimageid"] for item in images] == [image]
    await client.delete(f"sdkmessageprocessingsteps({step})")
    assert await client.rows("sdkmessageprocessingstepimages") == []


async def test_a_step_is_disabled_and_enabled_again(client, endpoint):
    step = await make_step(client, endpoint, "Update", "account")
    for state in (1, 0):
        body = {"statecode": state, "statuscode": state + 1}
        assert (await client.patch(f"sdkmessageprocessingsteps({step})", json=body)).status_code == 204
        assert (await client.row("sdkmessageprocessingsteps", step))["statecode"] == state


@pytest.mark.parametrize(
    ("message", "values"),
    [
        ("Update", {"stage": 20}),
        ("Update", {"stage": 30, "mode": 0}),
        ("Update", {"stage": None}),
        ("Update", {"mode": None}),
        ("Update", {"configuration": "<x/>"}),
        ("Update", {"filteringattributes": "name,nosuch"}),
        ("Create", {"filteringattributes": "name"}),
        ("Delete", {"filteringattributes": "name"}),
    ],
)
async def test_a_step_that_the_platform_does_not_offer_is_refused(client, endpoint, message, values):
    error(await make_step(client, endpoint, message, "account", refused=True, **values), 400, INVALID)


async def test_a_filter_of_another_message_is_refused(client, endpoint):
    _, other = await message_ids(client, "Create", "account")
    values = {"sdkmessagefilterid@odata.bind": f"/sdkmessagefilters({other})"}
    error(await make_step(client, endpoint, "Update", "account", refused=True, **values), 400, INVALID)


async def test_a_step_names_its_links_in_lower_case(client, endpoint):
    message_id, filter_id = await message_ids(client, "Update", "account")
    body = {
        "name": "x",
        "EventHandler_ServiceEndpoint@odata.bind": f"/serviceendpoints({endpoint})",
        "SdkMessageId@odata.bind": f"/sdkmessages({message_id})",
        "sdkmessagefilterid@odata.bind": f"/sdkmessagefilters({filter_id})",
        "stage": 40,
        "mode": 1,
    }
    error(await client.post("sdkmessageprocessingsteps", json=body), 400, "0x80048d19")


async def test_a_step_on_every_table_is_refused_and_noted_but_not_for_associate(client, endpoint):
    none = {"sdkmessagefilterid@odata.bind": None}
    error(await make_step(client, endpoint, "Update", "account", refused=True, **none), 400, INVALID)
    assert "step on every table" in {gap["kind"] for gap in (await client.door.get("/gaps")).json()}
    assert await make_step(client, endpoint, "Associate", "account", **none)


async def test_a_step_that_nothing_here_calls_is_noted(client, endpoint):
    await make_step(client, endpoint, "Win", "opportunity")
    gaps = (await client.door.get("/gaps")).json()
    assert {"kind": "event", "what": "Win"}.items() <= gaps[0].items()


async def test_a_step_before_a_bulk_message_is_refused(client, endpoint):
    values = {"stage": 20, "mode": 0}
    error(await make_step(client, endpoint, "CreateMultiple", "account", refused=True, **values), 400, INVALID)


@pytest.mark.parametrize(
    ("message", "values"),
    [
        ("Create", {"imagetype": 0, "messagepropertyname": "Target"}),
        ("Create", {"imagetype": 1, "messagepropertyname": "EntityMoniker"}),
        ("Delete", {"imagetype": 1, "messagepropertyname": "Target"}),
        ("Delete", {"imagetype": 2, "messagepropertyname": "Target"}),
        ("Update", {"imagetype": 1, "messagepropertyname": "Id"}),
        ("Update", {"imagetype": None}),
        ("Update", {"attributes": "nosuch"}),
        ("SetState", {"imagetype": 1, "messagepropertyname": "Target"}),
        ("CreateMultiple", {"imagetype": 1, "messagepropertyname": "Target"}),
    ],
)
async def test_an_image_that_the_message_does_not_offer_is_refused(client, endpoint, message, values):
    step = await make_step(client, endpoint, message, "account")
    error(await make_image(client, step, refused=True, **values), 400, INVALID)


async def test_won_opportunities_have_no_images(client, endpoint):
    step = await make_step(client, endpoint, "Win", "opportunity")
    error(await make_image(client, step, refused=True), 400, INVALID)


async def test_a_post_image_needs_the_stage_after_the_operation(client, endpoint):
    step = await make_step(client, endpoint, "Update", "account", stage=20, mode=0)
    error(await make_image(client, step, refused=True, imagetype=1), 400, INVALID)
    assert await make_image(client, step, imagetype=0)


@pytest.mark.parametrize("name", ["Target", "Id"])
async def test_the_image_of_a_create_takes_either_property_name(client, endpoint, name):
    step = await make_step(client, endpoint, "Create", "account")
    assert await make_image(client, step, imagetype=1, messagepropertyname=name)


async def test_endpoints_and_steps_go_into_the_solution_asked_for(client, keyed):
    publisher = (await client.rows("publishers", filter="uniquename eq 'gp365'"))[0]["publisherid"]
    solution = {"uniquename": "gp365", "friendlyname": "GP365", "version": "1.0.0.0"}
    solution_id = await client.create(
        "solutions", **solution, **{"publisherid@odata.bind": f"/publishers({publisher})"}
    )
    headers = {"MSCRM.SolutionUniqueName": "gp365"}
    endpoint = await make_endpoint(client, headers)
    await make_step(client, endpoint, "Update", "account", headers=headers)
    rows = await client.rows("solutioncomponents", filter=f"_solutionid_value eq {solution_id}")
    assert sorted(row["componenttype"] for row in rows) == [92, 95]


async def test_system_jobs_are_made_by_the_platform_only(client):
    error(await client.post("asyncoperations", json={"name": "x"}), 400, INVALID)


async def test_registering_needs_the_privilege(client):
    await client.door.put("/privileges", json={"lacks": ["prvCreateServiceEndpoint"]})
    error(await make_endpoint(client, refused=True), 403, "0x80040220")
