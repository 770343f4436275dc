"""Reading tables, columns, keys and relationships through the metadata API."""

import pytest

from sandbox.dataverse.store import Store
from tests.sandbox.dataverse.helpers import (
    CRM,
    error,
)

ACCOUNT = "EntityDefinitions(LogicalName='account')"


async def test_a_table_is_read_by_name_and_by_id_with_its_columns_and_keys(client):
    url = f"{ACCOUNT}?$select=LogicalName,EntitySetName,PrimaryIdAttribute,ObjectTypeCode&$expand=Attributes($select=LogicalName),Keys"
    body = (await client.get(url)).json()
    assert (body["EntitySetName"], body["ObjectTypeCode"]) == ("accounts", 1)
    assert {"LogicalName": "creditlimit"}.items() <= next(
        a for a in body["Attributes"] if a["LogicalName"] == "creditlimit"
    ).items()
    assert body["Keys"] == []
    again = (await client.get(f"EntityDefinitions({body['MetadataId']})")).json()
    assert again["LogicalName"] == "account"


async def test_tables_are_found_by_filter(client):
    url = "EntityDefinitions?$select=LogicalName&$filter=LogicalName eq 'contact' and IsPrivate eq false"
    assert [item["LogicalName"] for item in (await client.get(url)).json()["value"]] == ["contact"]


@pytest.mark.parametrize(
    "url",
    [
        "EntityDefinitions(LogicalName='nosuch')",
        f"{ACCOUNT}/Attributes(LogicalName='nosuch')",
        f"{ACCOUNT}/Attributes(LogicalName='name')/{CRM}PicklistAttributeMetadata",
        f"{ACCOUNT}/Keys(LogicalName='nosuch')",
        "RelationshipDefinitions(SchemaName='nosuch')",
    ],
)
async def test_a_missing_definition_is_404(client, url):
    error(await client.get(url), 404, "0x80040217")


@pytest.mark.parametrize(
    "url",
    [
        f"{ACCOUNT}?$select=Nosuch",
        f"{ACCOUNT}/Attributes?$select=MaxLength",
        f"{ACCOUNT}/Attributes?$filter=contains(LogicalName,'a')",
        f"{ACCOUNT}?$orderby=LogicalName",
    ],
)
async def test_a_metadata_query_beyond_the_real_one_is_refused(client, url):
    error(await client.get(url), 400, "0x80060888")


async def test_choices_are_read_by_a_cast(client):
    url = f"{ACCOUNT}/Attributes/{CRM}PicklistAttributeMetadata?$select=LogicalName&$expand=OptionSet($select=Options)"
    found = {item["LogicalName"]: item["OptionSet"]["Options"] for item in (await client.get(url)).json()["value"]}
    terms = {item["Value"]: item["Label"]["UserLocalizedLabel"]["Label"] for item in found["paymenttermscode"]}
    assert terms[1] == "Net 30"
    assert "name" not in found


async def test_definitions_and_rows_survive_a_restart(keyed):
    row_id = await keyed.create("accounts", name="A", gp365_key="A")
    file = keyed.server.certs.ca_file.parent.parent / "dataverse" / "rows.sqlite"
    store = Store(file)
    table = store.schema.table("account")
    assert table.keys["gp365_accountkey"].status == "Active"
    assert table.by_property("gp365_key").max_length == 50
    assert store.get(table, row_id)["gp365_key"] == "A"
    store.close()


async def test_the_metadata_document_names_properties_and_navigation(client):
    answer = await client.get("$metadata")
    assert answer.headers["Content-Type"].startswith("application/xml")
    assert '<Property Name="_primarycontactid_value" Type="Edm.Guid"/>' in answer.text
    assert '<NavigationProperty Name="primarycontactid" Type="mscrm.contact"/>' in answer.text
