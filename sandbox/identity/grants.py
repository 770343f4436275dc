"""What the token endpoint checks before it grants a token, and how it says no (AADSTS numbers of Entra)."""

import time
import uuid
from datetime import UTC, datetime

import jwt
from cryptography import x509

from sandbox.identity.registry import Application, Tenant, thumbprint

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Refusal(Exception):
    """A token request refused: an AADSTS number, the OAuth error word and the sentence."""

    def __init__(self, number: int, error: str, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.number, self.error, self.text, self.status = number, error, text, status

    def body(self) -> dict[str, object]:
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        tail = f"Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}"
        return {
            "error": self.error,
            "error_description": f"AADSTS{self.number}: {self.text} {tail}",
            "error_codes": [self.number],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={self.number}",
        }


def check_credential(application: Application, form: dict[str, str], endpoint: str) -> None:
    """Raises Refusal unless the form proves who is asking: a live secret, or an assertion made for `endpoint`
    and signed with a registered certificate that is valid now."""
    if form.get("client_assertion_type") == _ASSERTION:
        _check_assertion(application, form.get("client_assertion", ""), endpoint)
        return
    if "client_secret" not in form:
        raise _missing(7000218, "client_assertion' or 'client_secret", "invalid_client", 401)
    secret = next((s for s in application.secrets if s.value == form.get("client_secret")), None)
    if secret is None:
        text = f"Invalid client secret provided for app '{application.client_id}'."
        raise Refusal(7000215, "invalid_client", text, 401)
    if secret.expires <= time.time():
        text = f"The provided client secret keys for app '{application.client_id}' are expired."
        raise Refusal(7000222, "invalid_client", text, 401)


def asked_resource(tenant: Tenant, form: dict[str, str], parameter: str) -> str:
    """The resource asked for in `parameter`: "scope" at the v2.0 endpoint, "resource" at the older one."""
    asked = form.get(parameter)
    if asked is None:
        raise _missing(900144, parameter, "invalid_request", 400)
    if parameter == "scope":
        if not asked.endswith("/.default") or " " in asked:
            text = f"The provided value for scope {asked} is not valid; it must be one resource and end in /.default."
            raise Refusal(1002012, "invalid_scope", text)
        asked = asked.removesuffix("/.default")
    if tenant.resource(asked) is None:
        text = f"The resource principal named {asked} was not found in the tenant named {tenant.tenant_id}."
        raise Refusal(500011, "invalid_resource", text)
    return asked


def _missing(number: int, parameter: str, error: str, status: int) -> Refusal:
    return Refusal(number, error, f"The request body must contain the following parameter: '{parameter}'.", status)


def _check_assertion(application: Application, assertion: str, endpoint: str) -> None:
    bad = Refusal(
        700027,
        "invalid_client",
        "The certificate with identifier used to sign the client assertion is not registered on application.",
        401,
    )
    try:
        header = jwt.get_unverified_header(assertion)
    except jwt.InvalidTokenError:
        raise bad from None
    pem = next((c for c in application.certificates if _names(c, header)), None)
    if pem is None:
        raise bad
    certificate = x509.load_pem_x509_certificate(pem.encode())
    if not certificate.not_valid_before_utc <= datetime.now(UTC) <= certificate.not_valid_after_utc:
        raise bad
    try:
        claims = jwt.decode(
            assertion,
            certificate.public_key(),
            algorithms=["RS256", "PS256"],
            audience=endpoint,
            issuer=application.client_id,
            options={"require": ["exp", "aud", "iss", "sub"]},
        )
    except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError):
        text = "Client assertion is not within its valid time range."
        raise Refusal(700024, "invalid_client", text, 401) from None
    except jwt.InvalidTokenError:
        raise bad from None
    if claims.get("sub") != application.client_id:
        raise bad


def _names(pem: str, header: dict[str, str]) -> bool:
    if "x5t#S256" in header:
        return header["x5t#S256"].rstrip("=") == thumbprint(pem, "sha256")
    # msal leaves the base64 padding on x5t.
    return header.get("x5t", "").rstrip("=") == thumbprint(pem)
