"""A certificate authority of this machine's own, and one server certificate for localhost."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from fasteners import InterProcessLock

_LIFETIME = datetime.timedelta(days=365)
_SPARE = datetime.timedelta(days=2)


@dataclass(frozen=True)
class Certs:
    """PEM files: the authority clients trust, and the certificate and key a server presents."""

    ca_file: Path
    cert_file: Path
    key_file: Path


def ensure(folder: Path) -> Certs:
    """The certificates in `folder`, made there when they are missing or within two days of their end.

    Safe to call from several processes at once. The server certificate is for localhost, 127.0.0.1 and ::1.
    """
    folder.mkdir(parents=True, exist_ok=True)
    certs = Certs(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    with InterProcessLock(folder / "lock"):
        if not _usable(certs):
            _make(certs)
    return certs


def _usable(certs: Certs) -> bool:
    files = (certs.ca_file, certs.cert_file, certs.key_file)
    if not all(file.exists() for file in files):
        return False
    soon = datetime.datetime.now(datetime.UTC) + _SPARE
    ends = [x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc for file in files[:2]]
    return min(ends) > soon


def _make(certs: Certs) -> None:
    ca_key, server_key = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    ca_name = _name("GP365 sandbox authority")
    ca = (
        _builder(ca_name, ca_name, ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    addresses = [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")]
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), *map(x509.IPAddress, addresses)])
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    server = (
        _builder(_name("localhost"), ca_name, server_key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(names, critical=False)
        .add_extension(issuer_key, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    certs.key_file.touch(mode=0o600)
    certs.key_file.write_bytes(private_pem(server_key))
    certs.cert_file.write_bytes(server.public_bytes(serialization.Encoding.PEM))
    certs.ca_file.write_bytes(ca.public_bytes(serialization.Encoding.PEM))


def private_pem(key: rsa.RSAPrivateKey) -> bytes:
    """The key as unencrypted PKCS #8 PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + _LIFETIME)
    )


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=not sign_certificates,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )
