"""What a token is granted for and what is refused, with Entra's numbers."""

import base64

import httpx
import jwt
import pytest

from sandbox.identity.registry import thumbprint
from tests.sandbox.identity.helpers import SCOPE, acquire, certificate, post, trusting

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


async def test_a_wrong_secret_is_refused(identity):
    result = await acquire(identity, credential="wrong")
    assert result["error"] == "invalid_client"
    assert result["error_codes"] == [7000215]
    assert result["error_description"].startswith("AADSTS7000215: ")


async def test_an_expired_secret_is_refused(identity):
    expired = identity.registry.tenant().applications[0].secrets[0].value
    assert (await acquire(identity, credential=expired))["error_codes"] == [7000222]


async def test_an_unknown_application_is_refused(identity):
    result = await acquire(identity, client_id="11111111-2222-3333-4444-555555555555")
    assert result["error_codes"] == [700016]


async def test_an_unknown_resource_is_refused(identity):
    result = await acquire(identity, scope=["https://elsewhere.example/.default"])
    assert result["error_codes"] == [500011]


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


async def test_a_certificate_past_its_end_is_refused(identity):
    private, public = certificate(days=-1)
    with identity.registry.change() as tenant:
        tenant.applications[0].certificates.append(public)
    credential = {"private_key": private, "thumbprint": _hex(thumbprint(public))}
    assert (await acquire(identity, credential=credential))["error_codes"] == [700027]


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ({}, None),
        ({"exp": 1}, 700024),
        ({"nbf": 4_000_000_000}, 700024),
        ({"exp": None}, 700027),
        ({"aud": "https://elsewhere.example"}, 700027),
        ({"iss": "somebody"}, 700027),
        ({"sub": "somebody"}, 700027),
    ],
)
async def test_an_assertion_is_taken_only_with_the_right_claims(identity, change, number):
    private, public = certificate()
    with identity.registry.change() as tenant:
        tenant.applications[0].certificates.append(public)
    known = identity.announcement()
    me, endpoint = known["client_id"], f"{known['authority']}/oauth2/v2.0/token"
    claims = {"aud": endpoint, "iss": me, "sub": me, "exp": 4_000_000_000, **change}
    claims = {name: value for name, value in claims.items() if value is not None}
    signed = jwt.encode(claims, private, algorithm="RS256", headers={"x5t": thumbprint(public)})
    assertion = {"client_assertion_type": ASSERTION, "client_assertion": signed, "scope": SCOPE[0]}
    body = (await post(identity, "/oauth2/v2.0/token", **assertion)).json()
    assert body.get("error_codes", [None]) == [number]


def _hex(base64url):
    return base64.urlsafe_b64decode(base64url + "=").hex()


@pytest.mark.parametrize(
    ("path", "form", "number"),
    [
        ("/oauth2/v2.0/token", {"scope": "https://localhost:9999/.default"}, None),
        ("/oauth2/v2.0/token", {"scope": "https://localhost:9999//.default"}, None),
        ("/oauth2/token", {"resource": "https://localhost:9999/"}, None),
        ("/oauth2/v2.0/token", {"resource": "https://localhost:9999"}, 900144),
        ("/oauth2/token", {"scope": "https://localhost:9999/.default"}, 900144),
        ("/oauth2/v2.0/token", {"scope": "https://localhost:9999/user_impersonation"}, 1002012),
        ("/oauth2/v2.0/token", {"scope": "https://a.example/.default https://localhost:9999/.default"}, 1002012),
        ("/oauth2/token", {"resource": "https://elsewhere.example"}, 500011),
    ],
)
async def test_each_endpoint_takes_its_own_way_to_name_one_resource(identity, path, form, number):
    secret = identity.announcement()["client_secret"]
    answer = await post(identity, path, client_secret=secret, **form)
    body = answer.json()
    assert body.get("error_codes", [None]) == [number]
    if number is None:
        assert body["token_type"] == "Bearer"
        claims = jwt.decode(body["access_token"], options={"verify_signature": False})
        assert claims["aud"] == form.get("resource", form.get("scope", "").removesuffix("/.default"))
        assert claims["iss"] == f"https://sts.windows.net/{claims['tid']}/"
        assert "scp" not in claims


async def test_a_refusal_has_entras_body(identity):
    answer = await post(identity, "/oauth2/v2.0/token", scope=SCOPE[0])
    assert answer.status_code == 401
    body = answer.json()
    assert (body["error"], body["error_codes"]) == ("invalid_client", [7000218])
    assert body["error_uri"].endswith("error?code=7000218")
    assert {"timestamp", "trace_id", "correlation_id"} <= body.keys()
    other = f"{identity.url}/99999999-0000-0000-0000-000000000000"
    async with trusting(identity) as client:
        refused = await client.post(f"{other}/oauth2/v2.0/token", data={"grant_type": "client_credentials"})
    assert (refused.status_code, refused.json()["error_codes"]) == (400, [90002])


async def test_a_grant_it_does_not_know_is_refused_and_listed(identity):
    answer = await post(identity, "/oauth2/v2.0/token", grant_type="password")
    assert answer.json()["error"] == "unsupported_grant_type"
    assert identity.door.gaps.list() == [{"kind": "grant type", "what": "password", "times": 1}]
