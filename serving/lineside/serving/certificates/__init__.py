"""Certificates of thresholds: which are in force, when they end, and what may be called certified."""

from lineside.serving.certificates.book import (
    CertificateBook,
    CertificateEnd,
    CertificateRecord,
    EndCause,
    ThresholdStatus,
)

__all__ = [
    "CertificateBook",
    "CertificateEnd",
    "CertificateRecord",
    "EndCause",
    "ThresholdStatus",
]
