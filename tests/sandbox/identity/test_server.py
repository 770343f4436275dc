"""The issuer as real msal and real azure-identity see it."""

import asyncio

import httpx
import jwt
import msal
import pytest
import requests
from azure.identity import ManagedIdentityCredential

from sandbox.door import Fault
from sandbox.identity import tokens
from tests.sandbox.identity.helpers import SCOPE, Trusting, acquire, post, trusting


async def test_a_secret_gets_a_token_for_the_asked_resource(identity):
    result = await acquire(identity)
    claims = tokens.verify(identity.registry, result["access_token"], "https://localhost:9999/")
    tenant = identity.registry.tenant()
    assert claims["aud"] == "https://localhost:9999"
    assert claims["appid"] == tenant.applications[0].client_id
    assert claims["tid"] == tenant.tenant_id
    assert result["expires_in"] == 3599


async def test_a_token_is_signed_with_the_published_key(identity):
    token = (await acquire(identity))["access_token"]
    known = identity.announcement()
    async with trusting(identity) as client:
        document = (await client.get(known["authority"] + "/v2.0/.well-known/openid-configuration")).json()
        keys = (await client.get(document["jwks_uri"])).json()
    key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, key, algorithms=["RS256"], audience="https://localhost:9999")["ver"] == "1.0"


async def test_expiring_and_rotating_secrets_by_the_door(identity):
    old = identity.announcement()["client_secret"]
    async with httpx.AsyncClient(base_url=identity.admin) as door:
        await door.post("/secrets/expire")
        fresh = (await door.post("/secrets")).json()["client_secret"]
    assert (await acquire(identity, credential=old))["error_codes"] == [7000222]
    assert "access_token" in await acquire(identity, credential=fresh)


async def test_an_unknown_tenant_stops_msal_at_construction(identity):
    with pytest.raises(ValueError, match="tenant"):
        await acquire(identity, authority=identity.url + "/99999999-0000-0000-0000-000000000000")


async def test_msal_signs_in_by_an_oidc_authority_too(identity):
    known = identity.announcement()

    def blocking():
        app = msal.ConfidentialClientApplication(
            known["client_id"],
            client_credential=known["client_secret"],
            oidc_authority=known["authority"],
            http_client=Trusting(known["ca_file"]),
        )
        return app.acquire_token_for_client(SCOPE), app.acquire_token_for_client(SCOPE)

    first, second = await asyncio.to_thread(blocking)
    assert first["token_source"] == "identity_provider"
    assert (second["token_source"], second["access_token"]) == ("cache", first["access_token"])


async def test_managed_identity_by_msal_and_azure_identity(identity, monkeypatch):
    known = identity.announcement()
    monkeypatch.setenv("IDENTITY_ENDPOINT", known["managed_identity_endpoint"])
    monkeypatch.setenv("IDENTITY_HEADER", known["managed_identity_header"])
    client = msal.ManagedIdentityClient(msal.SystemAssignedManagedIdentity(), http_client=requests.Session())
    result = await asyncio.to_thread(client.acquire_token_for_client, resource="https://localhost:9999")
    claims = tokens.verify(identity.registry, result["access_token"], "https://localhost:9999")
    assert claims["appid"] == identity.registry.tenant().managed_identity.client_id
    credential = ManagedIdentityCredential()
    token = await asyncio.to_thread(credential.get_token, "https://localhost:9999/.default")
    assert tokens.verify(identity.registry, token.token, "https://localhost:9999")


async def test_managed_identity_needs_its_header(identity):
    async with httpx.AsyncClient() as client:
        answer = await client.get(
            identity.managed_identity_endpoint,
            params={"api-version": "2019-08-01", "resource": "https://localhost:9999"},
        )
    assert answer.status_code == 401
    assert answer.json()["statusCode"] == 401


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 200),
        ({"api-version": "2018-02-01"}, 400),
        ({"resource": "https://elsewhere.example"}, 400),
        ({"client_id": "11111111-2222-3333-4444-555555555555"}, 400),
        ({"mi_res_id": "x"}, 400),
        ({"object_id": "x"}, 400),
    ],
)
async def test_managed_identity_answers_what_it_was_asked_or_says_why_not(identity, change, status):
    headers = {"X-IDENTITY-HEADER": identity.announcement()["managed_identity_header"], "Metadata": "true"}
    query = {"api-version": "2019-08-01", "resource": "https://localhost:9999/", **change}
    async with httpx.AsyncClient() as client:
        answer = await client.get(identity.managed_identity_endpoint, params=query, headers=headers)
    assert answer.status_code == status
    body = answer.json()
    if status == 200:
        assert (body["resource"], body["token_type"]) == ("https://localhost:9999/", "Bearer")
        claims = jwt.decode(body["access_token"], options={"verify_signature": False})
        assert claims["aud"] == "https://localhost:9999/"
        assert int(body["expires_on"]) == claims["exp"]
    else:
        assert body.keys() == {"statusCode", "message"}


async def test_a_fault_sends_its_status_and_retry_after(identity):
    identity.door.faults.add(Fault(at="identity.token", do="error", code=503, seconds=7))
    answer = await post(identity, "/oauth2/v2.0/token")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
