import pytest

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
    assert "@Microsoft.PowerApps.CDS.ErrorDetails.SubErrorCode" in body
    some = (await client.get("nosuch", headers={"Prefer": 'odata.include-annotations="*.HelpLink"'})).json()["error"]
    assert some.keys() == {"code", "message", "@Microsoft.PowerApps.CDS.HelpLink"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "", 405),
        ("POST", "$metadata", 405),
        ("POST", "WhoAmI", 405),
        ("GET", "PublishAllXml", 405),
        ("GET", "WhoAmI/x", 404),
        ("GET", "$metadata?annotations=true", 400),
        ("GET", "WhoAmI?$select=UserId", 400),
        ("POST", "PublishAllXml?$select=x", 400),
    ],
)
async def test_documents_functions_and_actions_stand_alone(client, method, path, status):
    assert (await client.request(method, path)).status_code == status


async def test_functions_are_called_with_or_without_parentheses(client):
    assert (await client.get("WhoAmI()")).json() == (await client.get("WhoAmI")).json()
    assert (await client.get("RetrieveVersion")).json()["Version"].startswith("9.2.")
    detail = (await client.get("RetrieveCurrentOrganization(AccessType=@p)?@p='Default'")).json()["Detail"]
    assert detail["OrganizationId"] == client.server.env.organization_id
