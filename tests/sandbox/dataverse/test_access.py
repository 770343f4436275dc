"""Sign-in and privileges: bearer tokens, application users, the 401 challenge."""

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.dataverse.seed import add_user
from sandbox.identity import tokens
from sandbox.identity.registry import Application
from tests.sandbox.dataverse.helpers import error


async def test_no_token_gets_a_challenge_that_names_the_tenant(client):
    answer = await client.get("WhoAmI", headers={"Authorization": ""})
    tenant = client.server.registry.tenant().tenant_id
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == (
        f"Bearer authorization_uri=https://login.microsoftonline.com/{tenant}/oauth2/authorize, resource_id={client.server.url}/"
    )


@pytest.mark.parametrize("change", [{"resource": "https://other.example"}, {"seconds": -1}])
async def test_a_token_for_another_resource_or_past_its_end_is_401(client, change):
    application = client.server.registry.tenant().applications[0]
    given = {"resource": client.server.url, "seconds": 60, **change}
    token = tokens.issue(client.server.registry, application, **given)
    assert (await client.get("WhoAmI", headers={"Authorization": f"Bearer {token}"})).status_code == 401


@pytest.mark.parametrize(
    ("change", "key", "status"),
    [
        ({}, "tenant's", 200),
        ({}, "another", 401),
        ({}, "none", 401),
        ({}, "public", 401),
        ({"iss": "https://sts.windows.net/99999999-0000-0000-0000-000000000000/"}, "tenant's", 401),
        ({"iss": None}, "tenant's", 401),
        ({"aud": None}, "tenant's", 401),
        ({"exp": None}, "tenant's", 401),
        ({"appid": None}, "tenant's", 401),
        ({"nbf": 4_000_000_000}, "tenant's", 401),
    ],
)
async def test_a_token_is_taken_only_from_the_tenant_and_with_all_its_claims(client, change, key, status):
    registry = client.server.registry
    good = tokens.issue(registry, registry.tenant().applications[0], client.server.url, 60)
    claims = jwt.decode(good, options={"verify_signature": False}) | change
    claims = {name: value for name, value in claims.items() if value is not None}
    forged = jwt.encode(claims, *_signing(registry, key))
    for header, expected in ((f"Bearer {forged}", status), (f"Basic {forged}", 401), (forged, 401)):
        answer = await client.get("WhoAmI", headers={"Authorization": header})
        assert answer.status_code == expected
        assert ("WWW-Authenticate" in answer.headers) == (expected == 401)


def _signing(registry, key):
    """The key and the algorithm to sign with; "public" takes the published key for a shared secret."""
    if key == "none":
        return None, "none"
    if key == "public":
        return tokens.key_set(registry)["keys"][0]["n"], "HS256"
    mine = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return (registry.signing_key() if key == "tenant's" else mine), "RS256"


async def test_a_token_once_taken_stops_at_its_end(client, monkeypatch):
    assert (await client.get("WhoAmI")).status_code == 200
    known = next(iter(client.server.access._verified.values()))
    monkeypatch.setattr("sandbox.dataverse.access.time.time", lambda: known["exp"])
    monkeypatch.setattr("sandbox.dataverse.access.tokens.verify", refuse)
    assert (await client.get("WhoAmI")).status_code == 401


def refuse(*_):
    raise jwt.ExpiredSignatureError


async def test_an_application_that_is_no_user_is_403_until_it_is_added(client):
    stranger = Application()
    token = tokens.issue(client.server.registry, stranger, client.server.url, 60)
    headers = {"Authorization": f"Bearer {token}"}
    error(await client.get("WhoAmI", headers=headers), 403, "0x80072560")
    add_user(client.server.env, stranger)
    assert (await client.get("WhoAmI", headers=headers)).status_code == 200


async def test_an_application_user_is_made_by_a_row(client):
    stranger = Application()
    token = tokens.issue(client.server.registry, stranger, client.server.url, 60)
    unit = f"/businessunits({client.server.env.business_unit})"
    await client.create("systemusers", applicationid=stranger.client_id, **{"businessunitid@odata.bind": unit})
    assert (await client.get("WhoAmI", headers={"Authorization": f"Bearer {token}"})).status_code == 200


async def test_a_disabled_user_is_403(client):
    me = (await client.get("WhoAmI")).json()["UserId"]
    await client.door.patch(f"/rows/systemusers/{me}", json={"isdisabled": True})
    error(await client.get("WhoAmI"), 403, "0x80072560")


@pytest.mark.parametrize(
    ("privilege", "method", "url", "body"),
    [
        ("prvReadAccount", "GET", "accounts", None),
        ("prvCreateAccount", "POST", "accounts", {"name": "A"}),
        ("prvWriteAccount", "PATCH", "accounts({id})", {"name": "A"}),
        ("prvDeleteAccount", "DELETE", "accounts({id})", None),
        ("prvReadEntity", "GET", "EntityDefinitions", None),
        ("prvCreateAttribute", "POST", "EntityDefinitions(LogicalName='account')/Attributes", {}),
        ("prvPublishCustomization", "POST", "PublishAllXml", None),
    ],
)
async def test_a_role_that_lacks_a_privilege_is_403(client, privilege, method, url, body):
    row_id = await client.create("accounts", name="A")
    await client.door.put("/privileges", json={"lacks": [privilege]})
    answer = await client.request(method, url.format(id=row_id), json=body)
    assert f"is missing {privilege} privilege (Id=" in error(answer, 403, "0x80040220")
    await client.door.put("/privileges", json={"lacks": []})
    assert (await client.request(method, url.format(id=row_id), json=body)).status_code != 403
