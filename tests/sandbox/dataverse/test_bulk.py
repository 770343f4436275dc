"""CreateMultiple, UpdateMultiple, UpsertMultiple."""

import uuid

from tests.sandbox.dataverse.helpers import CRM, error

TYPE = {"@odata.type": f"{CRM}account"}


async def bulk(client, message, *targets, **options):
    body = {"Targets": [{**TYPE, **target} for target in targets]}
    return await client.post(f"accounts/{CRM}{message}", json=body, **options)


async def test_create_multiple_answers_ids_in_order(client):
    answer = await bulk(client, "CreateMultiple", *({"name": f"A{n}"} for n in range(3)))
    assert answer.status_code == 200
    assert answer.json()["@odata.context"].endswith("#Microsoft.Dynamics.CRM.CreateMultipleResponse")
    read = [(await client.row("accounts", row_id))["name"] for row_id in answer.json()["Ids"]]
    assert read == ["A0", "A1", "A2"]


async def test_one_bad_row_undoes_the_whole_request(client):
    before = client.server.env.store.version()
    error(await bulk(client, "CreateMultiple", {"name": "A"}, {"name": "x" * 161}), 400, "0x80044331")
    assert await client.rows("accounts") == []
    assert client.server.env.store.version() == before
    assert client.server.door.counts.dict().get("operations create") is None


async def test_update_multiple_needs_rows_that_are_there(client):
    row_id = await client.create("accounts", name="A")
    answer = await bulk(client, "UpdateMultiple", {"accountid": row_id, "name": "B"})
    assert answer.status_code == 204
    missing = str(uuid.uuid4())
    answer = await bulk(
        client, "UpdateMultiple", {"accountid": row_id, "name": "C"}, {"accountid": missing, "name": "D"}
    )
    assert missing in error(answer, 404, "0x80040217")
    assert (await client.row("accounts", row_id))["name"] == "B"


async def test_upsert_multiple_by_key_creates_and_updates(keyed):
    await keyed.create("accounts", name="A", gp365_key="A")
    targets = [{"@odata.id": f"accounts(gp365_key='{key}')", "telephone1": "1"} for key in "AB"]
    answer = await bulk(keyed, "UpsertMultiple", *targets)
    assert (answer.status_code, answer.content) == (204, b"")
    rows = await keyed.rows("accounts", orderby="gp365_key")
    assert [(row["gp365_key"], row["telephone1"]) for row in rows] == [("A", "1"), ("B", "1")]


async def test_upsert_multiple_refuses_an_absolute_id_and_the_key_in_a_created_body(keyed):
    absolute = f"{keyed.server.url}/api/data/v9.2/accounts(gp365_key='A')"
    error(await bulk(keyed, "UpsertMultiple", {"@odata.id": absolute, "name": "A"}), 400, "0x80048d19")
    target = {"@odata.id": "accounts(gp365_key='A')", "gp365_key": "A", "name": "A"}
    error(await bulk(keyed, "UpsertMultiple", target), 400, "0x80040216")


async def test_a_duplicate_key_undoes_the_request(keyed):
    answer = await bulk(keyed, "CreateMultiple", {"gp365_key": "A"}, {"gp365_key": "a"})
    error(answer, 412, "0x80060892")
    assert await keyed.rows("accounts") == []


async def test_targets_need_a_type_an_id_and_a_namespace(client):
    url = f"accounts/{CRM}CreateMultiple"
    error(await client.post(url, json={"Targets": [{"name": "A"}]}), 400, "0x80048d19")
    error(await client.post(url, json={}), 400, "0x80048d19")
    error(await client.post(url, json={"Targets": []}), 400, "0x80040203")
    error(await bulk(client, "UpdateMultiple", {"name": "A"}), 400, "0x80048d19")
    assert CRM in error(await client.post("accounts/CreateMultiple", json={"Targets": [TYPE]}), 400, "0x80060888")


async def test_a_parameter_or_an_option_it_does_not_have_is_refused(client):
    url = f"accounts/{CRM}CreateMultiple"
    error(await client.post(url, json={"Targets": [TYPE], "Other": 1}), 400, "0x80048d19")
    error(await client.post(f"{url}?$select=name", json={"Targets": [TYPE]}), 400, "0x80060888")
    error(await bulk(client, "CreateMultiple", {"@odata.type": f"{CRM}contact"}), 400, "0x80048d19")
    assert await client.rows("accounts") == []


async def test_a_table_may_lack_bulk_actions_and_says_so_in_its_message_filters(client):
    query = (
        "sdkmessagefilters?$select=sdkmessagefilterid&$filter=sdkmessageid/name eq @m and "
        "primaryobjecttypecode eq @t&@m='CreateMultiple'&@t='account'"
    )
    assert len((await client.get(query)).json()["value"]) == 1
    await client.door.patch("/switches", json={"no_bulk": ["account"]})
    assert (await client.get(query)).json()["value"] == []
    error(await bulk(client, "CreateMultiple", {"name": "A"}), 400, "0x80040800")
    await client.door.patch("/switches", json={"no_bulk": []})
    assert len((await client.get(query)).json()["value"]) == 1


async def test_delete_multiple_is_not_there_for_standard_tables(client):
    answer = await bulk(client, "DeleteMultiple", {"accountid": str(uuid.uuid4())})
    assert error(answer, 400, "0x80040203") == "DeleteMultiple has not yet been implemented."
