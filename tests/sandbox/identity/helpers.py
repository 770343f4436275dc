"""What the tests of the issuer share: real msal, requests by hand, certificates."""

import asyncio
import datetime
import ssl

import httpx
import msal
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.identity.certs import private_pem

SCOPE = ["https://localhost:9999/.default"]


def trusting(identity):
    return httpx.AsyncClient(verify=ssl.create_default_context(cafile=identity.announcement()["ca_file"]))


async def post(identity, path, **form):
    """A token request by hand of the first application."""
    known = identity.announcement()
    form = {"grant_type": "client_credentials", "client_id": known["client_id"], **form}
    async with trusting(identity) as client:
        return await client.post(known["authority"] + path, data=form)


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


def certificate(days=1):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "app")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=2))
        .not_valid_after(now + datetime.timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return private_pem(key).decode(), made.public_bytes(serialization.Encoding.PEM).decode()
