"""Every way to sign in, by real msal, against an issuer over TLS."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from sandbox.up import Sandbox
from sync.errors import BadSettings, RetryLater
from sync.systems.dataverse.client import DataverseClient
from sync.systems.dataverse.tokens import Credentials, Tokens


async def who_am_i(box: Sandbox, **how: object) -> str:
    """Sign in and ask Dataverse who we are."""
    contract = box.contract["dataverse"]
    ca_file = Path(contract["ca_file"])
    defaults = {"resource": contract["url"], "authority": contract["authority"], "ca_file": ca_file}
    client = DataverseClient(contract["url"], Tokens(Credentials(**defaults | how)), ca_file=ca_file)  # type: ignore[arg-type]
    try:
        return str((await client.get("/WhoAmI"))["UserId"])
    finally:
        await client.close()


def secret(box: Sandbox) -> dict[str, str]:
    contract = box.contract["dataverse"]
    return {"client_id": contract["client_id"], "secret": contract["client_secret"]}


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A PEM file with a new key and its self-signed certificate."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gp365")])
    now = datetime.now(UTC)
    signed = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1)
    ).sign(key, hashes.SHA256())
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file = tmp_path / "gp365.pem"
    file.write_bytes(pem + signed.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def public_part(certificate: Path) -> str:
    pem = certificate.read_text()
    return pem[pem.index("-----BEGIN CERTIFICATE") :]


@pytest.fixture
async def issuer(box: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=box.ready["identity"]["admin"]) as door:
        yield door


async def test_a_secret_signs_in(box: Sandbox) -> None:
    assert await who_am_i(box, **secret(box))


async def test_a_certificate_signs_in(
    box: Sandbox, issuer: httpx.AsyncClient, certificate: Path, public_part: str
) -> None:
    (await issuer.post("/certificates", content=public_part)).raise_for_status()
    assert await who_am_i(box, client_id=secret(box)["client_id"], certificate=certificate)


async def test_a_certificate_that_is_not_registered_is_refused(box: Sandbox, certificate: Path) -> None:
    with pytest.raises(BadSettings, match="certificate is not registered"):
        await who_am_i(box, client_id=secret(box)["client_id"], certificate=certificate)


async def test_a_managed_identity_signs_in(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", box.ready["identity"]["managed_identity_endpoint"])
    monkeypatch.setenv("IDENTITY_HEADER", box.ready["identity"]["managed_identity_header"])
    assert await who_am_i(box, managed_identity=True, ca_file=Path(box.contract["dataverse"]["ca_file"]))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"secret": "wrong"}, "secret is wrong"),
        ({"client_id": "00000000-0000-0000-0000-000000000001"}, "not known in this tenant"),
    ],
)
async def test_a_refusal_says_what_is_wrong_and_never_the_secret(box: Sandbox, how: dict[str, str], said: str) -> None:
    with pytest.raises(BadSettings, match=said) as caught:
        await who_am_i(box, **secret(box) | how)
    assert secret(box)["secret"] not in str(caught.value.as_dict())


async def test_a_tenant_that_does_not_exist_is_a_matter_of_settings(box: Sandbox) -> None:
    authority = box.contract["dataverse"]["authority"].rpartition("/")[0] + "/no-such-tenant"
    with pytest.raises(BadSettings, match=r"no-such-tenant is no token issuer.*GP365_TENANT_ID"):
        await who_am_i(box, **secret(box), authority=authority)


async def test_an_issuer_that_does_not_answer_is_tried_again_later(box: Sandbox) -> None:
    with pytest.raises(RetryLater):
        await who_am_i(box, **secret(box), authority="https://localhost:1/tenant")
