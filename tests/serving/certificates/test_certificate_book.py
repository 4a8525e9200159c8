"""What may be called certified, over every way in which one class may lack it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.inspection.release import Certificate
from lineside.serving.certificates import (
    CertificateBook,
    CertificateEnd,
    CertificateRecord,
    EndCause,
    ThresholdStatus,
)
from lineside.statistics.thresholds import ThresholdMethod
from signing import a_certificate

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
DIGEST = "ab" * 32
CLASSES = ("open", "short", "spur")


def record(number: int, certificate: Certificate, *, end: CertificateEnd | None = None) -> CertificateRecord:
    document = certificate.to_bytes().decode()
    return CertificateRecord(f"id-{number}", f"{number:064x}", certificate, document, "{}", NOW, "test", end)


ENDED = CertificateEnd(NOW, "test", EndCause.WITHDRAWN, "a test")

FLAWS = (
    "missing",
    "ended",
    "expired",
    "line",
    "release",
    "engine",
    "average",
    "unsure",
    "lax",
    "unverified",
    "part only",
)


def flawed(number: int, class_name: str, flaw: str) -> CertificateRecord | None:
    """The class's certificate with one thing wrong about it; None where it is not there at all."""
    certificate = a_certificate(class_name=class_name, threshold=0.5, issued_at=NOW - timedelta(days=1))
    match flaw:
        case "missing":
            return None
        case "ended":
            return record(number, certificate, end=ENDED)
        case "expired":
            return record(number, replace(certificate, expires_at=NOW))
        case "line":
            return record(number, replace(certificate, scope=replace(certificate.scope, line="line-2")))
        case "release":
            other = replace(certificate.release, digest="cd" * 32)
            scope = replace(certificate.scope, release_digest="cd" * 32)
            return record(number, replace(certificate, release=other, scope=scope))
        case "engine":
            return record(number, replace(certificate, scope=replace(certificate.scope, engine="openvino-int8")))
        case "average":
            average = replace(certificate.figures, method=ThresholdMethod.CONFORMAL_AVERAGE, confidence=None)
            return record(number, replace(certificate, figures=average))
        case "unsure":
            return record(number, replace(certificate, figures=replace(certificate.figures, confidence=0.9)))
        case "lax":
            return record(number, replace(certificate, figures=replace(certificate.figures, threshold=0.3)))
        case "part only":
            return record(number, replace(certificate, scope=replace(certificate.scope, class_name=None)))
        case _:
            return record(number, certificate)


@given(st.fixed_dictionaries({name: st.sampled_from(("", "", "", *FLAWS)) for name in CLASSES}))
def test_certified_is_claimed_exactly_when_every_class_in_force_is(flaws: dict[str, str]) -> None:
    if sum(flaw == "part only" for flaw in flaws.values()) > 1:
        return  # of one scope only one is in force
    records = {name: flawed(at, name, flaw) for at, (name, flaw) in enumerate(flaws.items())}
    unusable = {
        found.id: "revoked" for name, found in records.items() if found is not None and flaws[name] == "unverified"
    }
    book = CertificateBook(tuple(found for found in records.values() if found is not None), unusable)
    status = book.status(
        line="line-1",
        release_digest=DIGEST,
        engine="onnxruntime-fp32",
        thresholds=dict.fromkeys(CLASSES, 0.5),
        now=NOW,
    )
    is_whole = not any(flaws.values())
    assert status is (ThresholdStatus.CERTIFIED if is_whole else ThresholdStatus.UNCERTIFIED)


@pytest.fixture
def book() -> CertificateBook:
    issued = NOW - timedelta(days=1)
    return CertificateBook(
        tuple(
            record(at, a_certificate(class_name=name, threshold=0.5, issued_at=issued))
            for at, name in enumerate(CLASSES)
        )
    )


def status(book: CertificateBook, **thresholds: float) -> ThresholdStatus:
    return book.status(line="line-1", release_digest=DIGEST, engine="onnxruntime-fp32", thresholds=thresholds, now=NOW)


def test_a_recipe_may_only_be_stricter_than_what_was_certified(book: CertificateBook) -> None:
    assert status(book, open=0.5, short=0.5, spur=0.5) is ThresholdStatus.CERTIFIED
    assert status(book, open=0.1, short=0.5, spur=0.5) is ThresholdStatus.CERTIFIED
    assert status(book, open=0.500001, short=0.5, spur=0.5) is ThresholdStatus.UNCERTIFIED
    assert status(book, open=0.5, short=0.5, spur=0.5, copper=0.0) is ThresholdStatus.UNCERTIFIED, "a class more"
    assert status(book) is ThresholdStatus.UNCERTIFIED, "of nothing nothing is known"


def test_two_of_one_scope_are_never_in_force(book: CertificateBook) -> None:
    with pytest.raises(ValueError, match="both in force"):
        CertificateBook((*book.records, record(9, a_certificate(class_name="open", threshold=0.4))))
    replaced = [replace(book.records[0], end=replace(ENDED, cause=EndCause.SUPERSEDED))]
    newer = book.with_accepted(record(9, a_certificate(class_name="open", threshold=0.4)), replaced=replaced)
    assert status(newer, open=0.5, short=0.5, spur=0.5) is ThresholdStatus.UNCERTIFIED
    assert status(newer, open=0.4, short=0.5, spur=0.5) is ThresholdStatus.CERTIFIED
    assert len(newer.standing) == 3
