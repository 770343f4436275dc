async def test_who_am_i_names_the_application_user(client):
    body = (await client.get("WhoAmI")).json()
    row = await client.row("systemusers", body["UserId"])
    application = client.server.registry.tenant().applications[0]
    assert row["applicationid"] == application.client_id
    assert body["OrganizationId"] == client.server.env.organization_id


async def test_the_service_document_lists_entity_sets(client):
    body = (await client.get("")).json()
    assert {"name": "accounts", "kind": "EntitySet", "url": "accounts"} in body["value"]
