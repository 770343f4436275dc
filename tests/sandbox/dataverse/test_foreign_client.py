"""Microsoft's own Python SDK, signed in by azure-identity, works against the stand-in."""

import asyncio
import uuid

import pytest
from azure.identity import ClientSecretCredential
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.errors import HttpError
from PowerPlatform.Dataverse.models.labels import Label, LocalizedLabel
from PowerPlatform.Dataverse.models.relationship import LookupAttributeMetadata, OneToManyRelationshipMetadata
from PowerPlatform.Dataverse.models.upsert import UpsertItem

from sandbox.identity.server import Identity


@pytest.fixture
async def sdk(client, state, monkeypatch):
    """Run a function of the SDK's client in a thread of its own."""
    identity = Identity(state)
    known = await identity.start()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", known["ca_file"])
    url, tenant = known["authority"].rsplit("/", 1)
    credential = ClientSecretCredential(
        tenant,
        known["client_id"],
        known["client_secret"],
        authority=url,
        disable_instance_discovery=True,
        connection_verify=known["ca_file"],
    )

    def blocking(work):
        with DataverseClient(client.server.url, credential) as dataverse:
            return work(dataverse)

    async def run(work):
        return await asyncio.to_thread(blocking, work)

    yield run
    await identity.stop()


async def test_rows_one_by_one(sdk):
    def work(dataverse):
        row_id = dataverse.records.create("account", {"name": "Contoso", "paymenttermscode": "Net 30"})
        dataverse.records.update("account", row_id, {"telephone1": "425"})
        row = dataverse.records.retrieve("account", row_id, select=["name", "telephone1", "paymenttermscode"])
        dataverse.records.delete("account", row_id)
        return row, dataverse.records.retrieve("account", row_id)

    row, gone = await sdk(work)
    assert (row["name"], row["telephone1"], row["paymenttermscode"]) == ("Contoso", "425", 1)
    assert gone is None


async def test_rows_in_bulk_and_in_pages(sdk):
    def work(dataverse):
        ids = dataverse.records.create("account", [{"name": f"A{n}"} for n in range(7)])
        dataverse.records.update("account", ids, {"telephone1": "1"})
        dataverse.records.update("account", ids[:2], [{"telephone1": "2"}, {"telephone1": "3"}])
        pages = [
            [row["telephone1"] for row in page]
            for page in dataverse.records.list_pages(
                "account", select=["name", "telephone1"], orderby=["name"], page_size=3
            )
        ]
        return pages, len(list(dataverse.records.list("account", filter="telephone1 eq '1'")))

    pages, ones = await sdk(work)
    assert pages == [["2", "3", "1"], ["1", "1", "1"], ["1"]]
    assert ones == 5


async def test_upsert_by_alternate_key(sdk, keyed):
    def work(dataverse):
        for name in ("first", "second"):
            dataverse.records.upsert("account", [UpsertItem(alternate_key={"gp365_key": "A"}, record={"name": name})])
        items = [UpsertItem(alternate_key={"gp365_key": key}, record={"telephone1": key}) for key in "AB"]
        dataverse.records.upsert("account", items)
        return sorted((row["gp365_key"], row["telephone1"]) for row in dataverse.records.list("account"))

    assert await sdk(work) == [("A", "A"), ("B", "B")]


async def test_tables_columns_and_keys(sdk):
    def work(dataverse):
        made = dataverse.tables.create("new_Part", {"new_Price": "decimal", "new_Count": "int", "new_When": "datetime"})
        dataverse.tables.add_columns("new_Part", {"new_Note": "string"})
        dataverse.tables.create_alternate_key("new_Part", "new_PartKey", ["new_note"])
        keys = [dataverse.tables.get_alternate_keys("new_Part")[0].status for _ in range(2)]
        row_id = dataverse.records.create("new_Part", {"new_Name": "x", "new_Price": 1.25, "new_Note": "n"})
        row = dataverse.records.retrieve("new_Part", row_id)
        columns = {
            column["LogicalName"] for column in dataverse.tables.list_columns("new_Part", select=["LogicalName"])
        }
        dataverse.tables.delete_alternate_key(
            "new_Part", dataverse.tables.get_alternate_keys("new_Part")[0].metadata_id
        )
        dataverse.tables.remove_columns("new_Part", ["new_Note"])
        dataverse.tables.delete("new_Part")
        return made, keys, row, columns, dataverse.tables.get("new_Part")

    made, keys, row, columns, gone = await sdk(work)
    assert made["entity_set_name"] == "new_parts"
    assert keys == ["Pending", "Active"]
    assert (row["new_name"], row["new_price"]) == ("x", 1.25)
    assert {"new_partid", "new_price", "new_note", "statecode"} <= columns
    assert gone is None


async def test_a_relationship(sdk):
    def work(dataverse):
        dataverse.tables.create("new_Part", {})
        lookup = LookupAttributeMetadata(
            schema_name="new_PartId",
            display_name=Label(localized_labels=[LocalizedLabel(label="Part", language_code=1033)]),
        )
        relation = OneToManyRelationshipMetadata(
            schema_name="new_part_account",
            referenced_entity="new_part",
            referencing_entity="account",
            referenced_attribute="new_partid",
        )
        dataverse.tables.create_one_to_many_relationship(lookup, relation)
        part = dataverse.records.create("new_Part", {"new_Name": "x"})
        row_id = dataverse.records.create("account", {"name": "A", "new_PartId@odata.bind": f"/new_parts({part})"})
        return part, dataverse.records.retrieve("account", row_id)["_new_partid_value"]

    part, linked = await sdk(work)
    assert part == linked


async def test_a_batch_with_a_change_set(sdk):
    def work(dataverse):
        batch = dataverse.batch.new()
        with batch.changeset() as changes:
            first = changes.records.create("account", {"name": "A"})
            changes.records.create("contact", {"lastname": "B", "parentcustomerid_account@odata.bind": first})
        batch.records.retrieve("account", str(uuid.uuid4()))
        result = batch.execute(continue_on_error=True)
        contact = next(iter(dataverse.records.list("contact")))
        return result, contact

    result, contact = await sdk(work)
    assert [answer.status_code for answer in result.responses] == [204, 204, 404]
    assert contact["_parentcustomerid_value"]


async def test_an_error_arrives_with_its_code(sdk):
    def work(dataverse):
        with pytest.raises(HttpError) as caught:
            dataverse.records.create("account", {"name": "x" * 161})
        return caught.value

    error = await sdk(work)
    assert error.status_code == 400
    assert "0x80044331" in str(error.details)


async def test_a_webhook_is_registered_and_called(sdk, client, receiver):
    def work(dataverse):
        endpoint = dataverse.records.create(
            "serviceendpoint",
            {"name": "hook", "url": "https://hook.example/sdk", "contract": 8, "authtype": 4, "authvalue": "key"},
        )
        message = next(iter(dataverse.records.list("sdkmessage", filter="name eq 'Create'")))["sdkmessageid"]
        where = f"primaryobjecttypecode eq 'account' and _sdkmessageid_value eq {message}"
        table = next(iter(dataverse.records.list("sdkmessagefilter", filter=where)))["sdkmessagefilterid"]
        step = {
            "name": "accounts",
            "stage": 40,
            "mode": 1,
            "eventhandler_serviceendpoint@odata.bind": f"/serviceendpoints({endpoint})",
            "sdkmessageid@odata.bind": f"/sdkmessages({message})",
            "sdkmessagefilterid@odata.bind": f"/sdkmessagefilters({table})",
        }
        dataverse.records.create("sdkmessageprocessingstep", step)
        return dataverse.records.create("account", {"name": "A"})

    account = await sdk(work)
    await client.server.jobs.settled()
    (hook,) = receiver.got
    assert (hook.path, hook.body["PrimaryEntityId"]) == ("/sdk?code=key", account)
