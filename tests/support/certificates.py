"""A certificate authority for a test, and certificates that it signs."""

import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_LONG = dt.timedelta(days=1)


@dataclass(frozen=True)
class Certificate:
    """PEM files of a certificate and its key."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates; its own is `authority.pem` in the folder.

    Args:
        folder: where files are written.
        name: of the authority.
    """

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = dt.datetime.now(dt.UTC)
        built = (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(self._name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _LONG)
            .not_valid_after(now + _LONG)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(built.public_bytes(serialization.Encoding.PEM))

    def sign(self, name: str, *, host: str = "127.0.0.1", has_ended: bool = False) -> Certificate:
        """A certificate for an address of this host, or for a name."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = dt.datetime.now(dt.UTC)
        ends = now - dt.timedelta(hours=1) if has_ended else now + _LONG
        try:
            called: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            called = x509.DNSName(host)
        built = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _LONG)
            .not_valid_after(ends)
            .add_extension(x509.SubjectAlternativeName([called]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        signed = Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        signed.certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))
        signed.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return signed


def server_side(certificate: Certificate, *, clients_of: Path | None = None) -> ssl.SSLContext:
    """TLS of a server; with `clients_of` it wants clients to show a certificate of that authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    if clients_of is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients_of)
    return context
