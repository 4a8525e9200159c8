"""The server's own certificate, and reading those of others: X.509 as OPC 10000-6, section 6.2 wants it."""

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lineside.inspection.errors import LinesideError

_KEY_BITS: Final = 3072  # both policies take 2048 to 4096
_LARGEST_FILE_BYTES: Final = 64 * 1024


class CertificateRefused(LinesideError, ValueError):
    """A file holds no certificate, or none that serves."""


@dataclass(frozen=True, slots=True)
class MadeCertificate:
    """What `make_certificate` wrote.

    Attributes:
        certificate_file: DER; clients are given this one.
        private_key_file: PEM, readable to its owner alone.
        fingerprint: SHA-256 of the certificate, hex; what two people compare by telephone.
        application_uri: the server's name in OPC UA.
    """

    certificate_file: Path
    private_key_file: Path
    fingerprint: str
    application_uri: str


def make_certificate(
    folder: Path, *, hosts: Sequence[str], application_uri: str, days: int, now: datetime
) -> MadeCertificate:
    """Make a key and a self-signed certificate of an OPC UA server.

    Args:
        folder: of `server.der` and `server.key.pem`; neither may be there.
        hosts: names and addresses by which clients reach it, at least one.
        application_uri: e.g. "urn:plant-7:lineside"; clients hold the server to it.
        days: until it ends.
        now: aware; it begins a day before, for clients whose clocks are behind.

    Raises:
        CertificateRefused: a file is there already, or there is no host.
    """
    if not hosts or not application_uri:
        raise CertificateRefused("a certificate needs a host and an application URI; name the host that clients use")
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Lineside OPC UA server")])
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(application_uri)]
    names += [_general_name(host) for host in hosts]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(_KEY_USAGE, critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    certificate_file, key_file = folder / "server.der", folder / "server.key.pem"
    _write_new(
        key_file,
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        mode=0o600,
    )
    _write_new(certificate_file, certificate.public_bytes(serialization.Encoding.DER), mode=0o644)
    return MadeCertificate(certificate_file, key_file, fingerprint_of(certificate), application_uri)


def read_certificate(path: Path) -> x509.Certificate:
    """A certificate from a DER or PEM file.

    Raises:
        CertificateRefused: there is none in it.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CertificateRefused(f"cannot read the certificate {path}: {error.strerror}") from error
    if len(content) > _LARGEST_FILE_BYTES:
        raise CertificateRefused(f"{path} has {len(content)} bytes, which is no certificate")
    try:
        if content.lstrip().startswith(b"-----BEGIN"):
            return x509.load_pem_x509_certificate(content)
        return x509.load_der_x509_certificate(content)
    except ValueError as error:
        raise CertificateRefused(f"{path} holds no X.509 certificate, neither DER nor PEM") from error


def fingerprint_of(certificate: x509.Certificate) -> str:
    """SHA-256 of the whole certificate, lowercase hex."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def application_uri_of(certificate: x509.Certificate) -> str:
    """The OPC UA name that a certificate was made out to.

    Raises:
        CertificateRefused: it has none.
    """
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError) as error:
        raise CertificateRefused("the certificate names no application: no subject alternative name") from error
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    if not uris:
        raise CertificateRefused("the certificate's subject alternative name has no URI; OPC UA asks for one")
    return uris[0]


_KEY_USAGE: Final = x509.KeyUsage(
    digital_signature=True,
    content_commitment=True,
    key_encipherment=True,
    data_encipherment=True,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
"""What OPC 10000-6, table 55 asks of an application instance certificate."""


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write_new(path: Path, content: bytes, *, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise CertificateRefused(
            f"{path} is there already; move it away if clients need not know it any more"
        ) from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
