"""Which clients may connect: a folder of their certificates, each trusted by itself.

A chain of authorities is not followed: an OPC UA client's own certificate is put into the folder, as most plants do it.
The folder is read at every connection, so that trusting a client and taking that back need no restart.
"""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from lineside.serving.delivery.opcua.certificates import CertificateRefused, fingerprint_of, read_certificate

_SUFFIXES: Final = frozenset({".der", ".crt", ".cer", ".pem"})
_MOST_REJECTED: Final = 20
"""Kept ones of strangers: enough for a person to find the newcomer, too few to fill a disk."""
_LARGEST_REJECTED_BYTES: Final = 16 * 1024


class Standing(StrEnum):
    """What is thought of a client's certificate."""

    TRUSTED = "trusted"
    UNKNOWN = "unknown"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    UNREADABLE = "unreadable"


class TrustList:
    """The certificates in a folder.

    Args:
        folder: of the trusted ones.
        rejected: where the certificates of strangers are put, for a person to look at and to trust; None keeps none.
    """

    def __init__(self, folder: Path, *, rejected: Path | None = None) -> None:
        self._folder = folder
        self._rejected = rejected

    def standing_of(self, der: bytes, *, now: datetime) -> Standing:
        """What is thought of a certificate.

        Args:
            der: as the client showed it.
            now: aware.
        """
        try:
            certificate = x509.load_der_x509_certificate(der)
        except ValueError:
            return Standing.UNREADABLE
        if fingerprint_of(certificate) not in self.fingerprints():
            self._put_aside(certificate)
            return Standing.UNKNOWN
        if now < certificate.not_valid_before_utc:
            return Standing.NOT_YET_VALID
        if now > certificate.not_valid_after_utc:
            return Standing.EXPIRED
        return Standing.TRUSTED

    def fingerprints(self) -> frozenset[str]:
        """Of every certificate in the folder; files that hold none trust nobody. Empty where there is no folder."""
        found: set[str] = set()
        for path in _certificate_files(self._folder):
            try:
                found.add(fingerprint_of(read_certificate(path)))
            except CertificateRefused:
                continue
        return frozenset(found)

    def _put_aside(self, certificate: x509.Certificate) -> None:
        der = certificate.public_bytes(serialization.Encoding.DER)
        if self._rejected is None or len(der) > _LARGEST_REJECTED_BYTES:
            return
        self._rejected.mkdir(parents=True, exist_ok=True)
        path = self._rejected / f"{fingerprint_of(certificate)}.der"
        if not path.exists() and len(_certificate_files(self._rejected)) < _MOST_REJECTED:
            path.write_bytes(der)


def trust(certificate_file: Path, folder: Path) -> str:
    """Trust a client: put its certificate into the folder, under its fingerprint.

    Returns:
        The fingerprint.

    Raises:
        CertificateRefused: the file holds no certificate.
    """
    certificate = read_certificate(certificate_file)
    fingerprint = fingerprint_of(certificate)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{fingerprint}.der").write_bytes(certificate.public_bytes(serialization.Encoding.DER))
    return fingerprint


def _certificate_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
