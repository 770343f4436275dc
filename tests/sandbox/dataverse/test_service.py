from tests.sandbox.dataverse.helpers import ANNOTATED


async def test_who_am_i_names_the_application_user(client):
    body = (await client.get("WhoAmI")).json()
    row = await client.row("systemusers", body["UserId"])
    application = client.server.registry.tenant().applications[0]
    assert row["applicationid"] == application.client_id
    assert body["OrganizationId"] == client.server.env.organization_id


async def test_the_service_document_lists_entity_sets(client):
    body = (await client.get("")).json()
    assert {"name": "accounts", "kind": "EntitySet", "url": "accounts"} in body["value"]


async def test_an_error_carries_details_when_annotations_are_preferred(client):
    plain = (await client.get("nosuch")).json()["error"]
    assert plain.keys() == {"code", "message"}
    body = (await client.get("nosuch", headers=ANNOTATED)).json()["error"]
    assert "8006088a" in body["@Microsoft.PowerApps.CDS.HelpLink"]
    assert body["@Microsoft.PowerApps.CDS.InnerError.Message"] == body["message"]


async def test_functions_are_called_with_or_without_parentheses(client):
    assert (await client.get("WhoAmI()")).json() == (await client.get("WhoAmI")).json()
    assert (await client.get("RetrieveVersion")).json()["Version"].startswith("9.2.")
    detail = (await client.get("RetrieveCurrentOrganization(AccessType=@p)?@p='Default'")).json()["Detail"]
    assert detail["OrganizationId"] == client.server.env.organization_id
