"""The issuer as real msal and real azure-identity see it."""

import asyncio
import base64
import datetime
import ssl

import httpx
import jwt
import msal
import pytest
import requests
from azure.identity import ManagedIdentityCredential
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.door import Fault
from sandbox.identity import tokens
from sandbox.identity.certs import private_pem
from sandbox.identity.registry import thumbprint

SCOPE = ["https://localhost:9999/.default"]


class Trusting:
    """requests.Session lets REQUESTS_CA_BUNDLE override its own verify; given on each call, it holds."""

    def __init__(self, ca_file):
        self.session, self.ca_file = requests.Session(), str(ca_file)

    def get(self, url, **options):
        return self.session.get(url, verify=self.ca_file, **options)

    def post(self, url, **options):
        return self.session.post(url, verify=self.ca_file, **options)

    def close(self):
        self.session.close()


async def acquire(identity, credential=None, client_id=None, authority=None, scope=SCOPE):
    known = identity.announcement()

    def blocking():
        app = msal.ConfidentialClientApplication(
            client_id or known["client_id"],
            client_credential=credential or known["client_secret"],
            authority=authority or known["authority"],
            instance_discovery=False,
            http_client=Trusting(known["ca_file"]),
        )
        return app.acquire_token_for_client(scope)

    return await asyncio.to_thread(blocking)


def certificate():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "app")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return private_pem(key).decode(), made.public_bytes(serialization.Encoding.PEM).decode()


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
    async with httpx.AsyncClient(verify=ssl.create_default_context(cafile=known["ca_file"])) as client:
        document = (await client.get(known["authority"] + "/v2.0/.well-known/openid-configuration")).json()
        keys = (await client.get(document["jwks_uri"])).json()
    key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, key, algorithms=["RS256"], audience="https://localhost:9999")["ver"] == "1.0"


async def test_a_wrong_secret_is_refused(identity):
    result = await acquire(identity, credential="wrong")
    assert result["error"] == "invalid_client"
    assert result["error_codes"] == [7000215]
    assert result["error_description"].startswith("AADSTS7000215: ")


async def test_an_expired_secret_is_refused(identity):
    expired = identity.registry.tenant().applications[0].secrets[0].value
    assert (await acquire(identity, credential=expired))["error_codes"] == [7000222]


async def test_expiring_and_rotating_secrets_by_the_door(identity):
    old = identity.announcement()["client_secret"]
    async with httpx.AsyncClient(base_url=identity.admin) as door:
        await door.post("/secrets/expire")
        fresh = (await door.post("/secrets")).json()["client_secret"]
    assert (await acquire(identity, credential=old))["error_codes"] == [7000222]
    assert "access_token" in await acquire(identity, credential=fresh)


async def test_an_unknown_application_is_refused(identity):
    result = await acquire(identity, client_id="11111111-2222-3333-4444-555555555555")
    assert result["error_codes"] == [700016]


async def test_an_unknown_resource_is_refused(identity):
    result = await acquire(identity, scope=["https://elsewhere.example/.default"])
    assert result["error_codes"] == [500011]


async def test_an_unknown_tenant_stops_msal_at_construction(identity):
    with pytest.raises(ValueError, match="tenant"):
        await acquire(identity, authority=identity.url + "/99999999-0000-0000-0000-000000000000")


async def test_a_registered_certificate_gets_a_token_and_another_does_not(identity):
    private, public = certificate()
    credential = {"private_key": private, "thumbprint": _hex(thumbprint(public))}
    assert (await acquire(identity, credential=credential))["error_codes"] == [700027]
    async with httpx.AsyncClient(base_url=identity.admin) as door:
        assert (await door.post("/certificates", content=public)).status_code == 201
    assert "access_token" in await acquire(identity, credential=credential)
    other, _ = certificate()
    forged = {**credential, "private_key": other}
    assert (await acquire(identity, credential=forged))["error_codes"] == [700027]


def _hex(base64url):

    return base64.urlsafe_b64decode(base64url + "=").hex()


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


async def test_a_fault_sends_its_status_and_retry_after(identity):
    identity.door.faults.add(Fault(at="identity.token", do="error", code=503, seconds=7))
    known = identity.announcement()
    async with httpx.AsyncClient(verify=ssl.create_default_context(cafile=known["ca_file"])) as client:
        answer = await client.post(known["authority"] + "/oauth2/v2.0/token", data={"grant_type": "x"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")


async def test_a_grant_it_does_not_know_is_refused_and_listed(identity):
    known = identity.announcement()
    async with httpx.AsyncClient(verify=ssl.create_default_context(cafile=known["ca_file"])) as client:
        answer = await client.post(known["authority"] + "/oauth2/v2.0/token", data={"grant_type": "password"})
    assert answer.json()["error"] == "unsupported_grant_type"
    assert identity.door.gaps.list() == [{"kind": "grant type", "what": "password", "times": 1}]
