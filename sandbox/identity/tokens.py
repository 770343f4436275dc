"""Signed access tokens as Entra issues them for an application (version 1 claims), and their verification."""

import time
import uuid

import jwt
from jwt.algorithms import RSAAlgorithm

from sandbox.identity.registry import Application, Registry

_KEY_ID = "gp365-sandbox"


def issue(registry: Registry, application: Application, resource: str, seconds: int) -> str:
    """A bearer token for `resource`, valid `seconds` from now."""
    return issue_until(registry, application, resource, int(time.time()) + seconds)


def issue_until(registry: Registry, application: Application, resource: str, expires: int) -> str:
    """A bearer token for `resource`, valid until a second since 1970."""
    tenant_id = registry.tenant().tenant_id
    now = int(time.time())
    claims = {
        "aud": resource,
        "iss": f"https://sts.windows.net/{tenant_id}/",
        "iat": now,
        "nbf": now - 300,
        "exp": expires,
        "appid": application.client_id,
        "appidacr": "1",
        "idtyp": "app",
        "oid": application.object_id,
        "sub": application.object_id,
        "tid": tenant_id,
        "uti": uuid.uuid4().hex,
        "ver": "1.0",
    }
    return jwt.encode(claims, registry.signing_key(), algorithm="RS256", headers={"kid": _KEY_ID})


def verify(registry: Registry, token: str, audience: str) -> dict[str, str]:
    """The claims of a token for `audience`, with or without a trailing slash.

    Raises jwt.InvalidTokenError when it is forged, expired, for somebody else or from another tenant.
    """
    bare = audience.rstrip("/")
    return jwt.decode(
        token,
        registry.signing_key().public_key(),
        algorithms=["RS256"],
        audience=[bare, bare + "/"],
        issuer=f"https://sts.windows.net/{registry.tenant().tenant_id}/",
        options={"require": ["exp", "aud", "iss", "appid", "oid"]},
    )


def key_set(registry: Registry) -> dict[str, object]:
    """The public half of the signing key as a JSON Web Key Set."""
    key = RSAAlgorithm.to_jwk(registry.signing_key().public_key(), as_dict=True)
    return {"keys": [{**key, "use": "sig", "kid": _KEY_ID, "x5t": _KEY_ID}]}
