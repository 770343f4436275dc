"""The tenant as a file: its applications, their secrets and certificates, and the resources tokens are for.

One JSON file in the state folder, shared by the issuer and by the stand-ins that check tokens. It is read
again at every use, so a change made by one process is seen by the others.
"""

import base64
import hashlib
import json
import os
import secrets
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from fasteners import InterProcessLock
from pydantic import BaseModel, Field

from sandbox.identity.certs import private_pem


def _guid() -> str:
    return str(uuid.uuid4())


class Secret(BaseModel):
    """One client secret; `expires` is seconds since the epoch."""

    value: str = Field(default_factory=lambda: secrets.token_urlsafe(30))
    expires: float = Field(default_factory=lambda: time.time() + 180 * 86400)


class Application(BaseModel):
    """An app registration and its service principal (`object_id`)."""

    client_id: str = Field(default_factory=_guid)
    object_id: str = Field(default_factory=_guid)
    secrets: list[Secret] = []
    certificates: list[str] = Field([], description="PEM of certificates whose assertions are accepted")

    def live_secret(self) -> str | None:
        """A secret that works now."""
        return next((s.value for s in reversed(self.secrets) if s.expires > time.time()), None)


class Tenant(BaseModel):
    """Everything the issuer knows.

    The first application is the one GP365 signs in as, with an expired secret beside the live one. The managed
    identity is the service principal behind the plain-HTTP endpoint.
    """

    tenant_id: str = Field(default_factory=_guid)
    applications: list[Application]
    managed_identity: Application = Field(default_factory=Application)
    managed_identity_header: str = Field(default_factory=lambda: secrets.token_hex(16))
    resources: list[str] = []

    def application(self, client_id: str) -> Application | None:
        """The application with this client id."""
        return next((app for app in self.applications if app.client_id == client_id.lower()), None)

    def resource(self, url: str) -> str | None:
        """The registered resource this URL names: a trailing slash and letter case don't matter."""
        wanted = url.rstrip("/").lower()
        return next((known for known in self.resources if known.rstrip("/").lower() == wanted), None)


class Registry:
    """The tenant file and the signing key beside it, made in `folder` at first use."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "tenant.json"
        self._key_file = folder / "signing.key"
        self._lock = InterProcessLock(folder / "lock")
        with self._lock:
            if not self._key_file.exists():
                self._key_file.touch(mode=0o600)
                key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
                self._key_file.write_bytes(private_pem(key))
            if not self._file.exists():
                expired = Secret(expires=time.time() - 86400)
                self._write(Tenant(applications=[Application(secrets=[expired, Secret()])]))

    def tenant(self) -> Tenant:
        """The tenant as it is now."""
        return Tenant.model_validate_json(self._file.read_bytes())

    @contextmanager
    def change(self) -> Iterator[Tenant]:
        """The tenant, to be altered in the block and stored at its end."""
        with self._lock:
            tenant = self.tenant()
            yield tenant
            self._write(tenant)

    def add_resource(self, url: str) -> None:
        """Let tokens be asked for this URL."""
        with self.change() as tenant:
            if not tenant.resource(url):
                tenant.resources.append(url)

    def signing_key(self) -> rsa.RSAPrivateKey:
        """The key tokens are signed with."""
        return _read_key(self._key_file)

    def _write(self, tenant: Tenant) -> None:
        # os.replace is atomic: a reader in another process never sees half a file.
        fresh = self._file.with_suffix(f".{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(tenant.model_dump(), indent=1), encoding="utf-8")
        os.replace(fresh, self._file)


@cache
def _read_key(file: Path) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def thumbprint(certificate_pem: str, algorithm: str = "sha1") -> str:
    """Base64url digest of a certificate, as in the `x5t` (SHA-1) and `x5t#S256` headers of an assertion."""
    certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
    digest = hashlib.new(algorithm, certificate.public_bytes(serialization.Encoding.DER)).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
