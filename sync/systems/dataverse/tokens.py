"""Access tokens for Dataverse: client secret, certificate or managed identity, all through msal."""

import asyncio
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msal
import requests

from sync.errors import BadSettings, RetryLater

# Entra codes that mean "correct the settings" and what is wrong, in words an administrator knows.
_REFUSALS = {
    7000215: "the client secret is wrong (GP365_CLIENT_SECRET)",
    7000222: "the client secret has expired (GP365_CLIENT_SECRET)",
    700016: "the application is not known in this tenant (GP365_CLIENT_ID, GP365_TENANT_ID)",
    90002: "the tenant does not exist (GP365_TENANT_ID)",
    500011: "the Dataverse environment is not known in this tenant (GP365_DATAVERSE_URL)",
    700027: "the certificate is not registered for the application (GP365_CLIENT_CERTIFICATE)",
}


@dataclass(frozen=True)
class Credentials:
    """How to sign in. One of `secret`, `certificate`, `managed_identity`."""

    resource: str
    authority: str = ""
    client_id: str = ""
    secret: str = ""
    certificate: Path | None = None
    managed_identity: bool = False
    ca_file: Path | None = None

    def __repr__(self) -> str:
        return f"Credentials(resource={self.resource!r}, client_id={self.client_id!r})"


class Tokens:
    """Gives bearer tokens; msal keeps them. msal is synchronous, so it runs in a thread."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def get(self) -> str:
        """A valid access token. Raises BadSettings when the sign-in is refused, RetryLater when nobody answers."""
        try:
            answer = await asyncio.to_thread(self._acquire)
        except requests.RequestException as error:
            raise RetryLater(
                f"The token issuer {self._issuer} did not answer.",
                code="system_unreachable",
                system="entra",
                details=str(error)[:300],
            ) from error
        except ValueError as error:
            # msal raises it when the issuer answers that there is no such tenant, or not as an issuer does.
            raise BadSettings(
                f"{self._issuer} is no token issuer that knows us (GP365_TENANT_ID, GP365_AUTHORITY).",
                code="sign_in_failed",
                system="entra",
                details=str(error)[:300],
            ) from error
        if "access_token" not in answer:
            raise self._refused(answer)
        return str(answer["access_token"])

    @property
    def _issuer(self) -> str:
        return self._credentials.authority or "of the managed identity"

    def _acquire(self) -> dict[str, Any]:
        if self._credentials.managed_identity:
            answer = self._identity.acquire_token_for_client(resource=self._credentials.resource)
        else:
            answer = self._application.acquire_token_for_client([f"{self._credentials.resource}/.default"])
        return dict(answer or {})

    @cached_property
    def _application(self) -> msal.ConfidentialClientApplication:
        # instance_discovery=False: a known authority needs no question to login.microsoftonline.com first.
        return msal.ConfidentialClientApplication(
            self._credentials.client_id,
            client_credential=self._credential(),
            authority=self._credentials.authority,
            instance_discovery=False,
            http_client=self._session,
        )

    @cached_property
    def _identity(self) -> msal.ManagedIdentityClient:
        client_id = self._credentials.client_id
        who = (
            msal.UserAssignedManagedIdentity(client_id=client_id) if client_id else msal.SystemAssignedManagedIdentity()
        )
        return msal.ManagedIdentityClient(who, http_client=self._session)

    @cached_property
    def _session(self) -> requests.Session:
        session = requests.Session()
        if self._credentials.ca_file:
            # requests lets REQUESTS_CA_BUNDLE overrule a session's own `verify`; an explicit CA must win.
            session.trust_env = False
            session.verify = str(self._credentials.ca_file)
        return session

    def _credential(self) -> str | dict[str, str]:
        if self._credentials.certificate is None:
            return self._credentials.secret
        try:
            pem = self._credentials.certificate.read_text(encoding="ascii")
            return {"private_key": pem, "public_certificate": pem, "thumbprint": _thumbprint(pem)}
        except (OSError, ValueError):
            # Without its cause: that may quote the file, which holds the private key.
            raise BadSettings(
                f"{self._credentials.certificate} holds no private key with its certificate in PEM form"
                " (GP365_CLIENT_CERTIFICATE).",
                code="setting_missing",
                system="entra",
            ) from None

    def _refused(self, answer: dict[str, Any]) -> BadSettings | RetryLater:
        codes = answer.get("error_codes") or []
        reason = next((_REFUSALS[code] for code in codes if code in _REFUSALS), answer.get("error", "no reason given"))
        if answer.get("error") in {"temporarily_unavailable", "server_error"}:
            return RetryLater("The token issuer is busy.", code="system_unreachable", system="entra")
        return BadSettings(
            f"Sign-in of {self._credentials.client_id or 'the managed identity'} was refused: {reason}.",
            code="sign_in_failed",
            system="entra",
            details=str(answer.get("error_description", ""))[:300],
        )


def _thumbprint(pem: str) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    return x509.load_pem_x509_certificate(pem.encode()).fingerprint(hashes.SHA1()).hex()
