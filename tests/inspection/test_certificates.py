"""Certificates as documents: signed, for one plant, in their time, and never stretched to anything else."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lineside.inspection.canonical_json import canonical_json
from lineside.inspection.errors import CertificateRefused
from lineside.inspection.release import (
    CERTIFICATE_SCHEMA,
    DEPLOYMENT_SCHEMA,
    Certificate,
    Role,
    Sampling,
    SigningKey,
    TrustStore,
    verify_certificate,
)
from lineside.inspection.release.certificates import MAX_CERTIFICATE_BYTES
from lineside.statistics.thresholds import ThresholdMethod
from signing import TestKeys, a_certificate

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def keys() -> TestKeys:
    return TestKeys()


def verify(keys: TestKeys, document: bytes, signature: bytes, *, now: datetime = NOW) -> Certificate:
    return verify_certificate(document, signature, keys.trust, plant="plant-1", now=now)


def signed(keys: TestKeys, document: bytes) -> tuple[bytes, bytes]:
    return document, keys.deploy.sign(document, schema=CERTIFICATE_SCHEMA)


def edited(change: Callable[[dict[str, Any]], None]) -> bytes:
    body = json.loads(a_certificate(issued_at=NOW).to_bytes())
    change(body)
    return canonical_json(body).encode()


@pytest.mark.parametrize("class_name", ["short", None], ids=["class", "part"])
@pytest.mark.parametrize("method", list(ThresholdMethod))
def test_what_was_signed_is_read_back(keys: TestKeys, class_name: str | None, method: ThresholdMethod) -> None:
    certificate = a_certificate(class_name=class_name, issued_at=NOW, method=method)
    assert verify(keys, *keys.sign_certificate(certificate)) == certificate
    assert certificate.is_guarantee == (method is ThresholdMethod.LTT)
    assert certificate.scope.label == (class_name or "part")
    assert json.loads(certificate.to_bytes())["class"] == class_name


def test_a_threshold_may_only_be_stricter() -> None:
    certificate = a_certificate(threshold=0.7)
    assert certificate.allows(0.7)
    assert certificate.allows(0.699999)
    assert not certificate.allows(0.70001)
    assert not certificate.allows(float("nan"))


def test_it_ends_in_its_last_second(keys: TestKeys) -> None:
    certificate = a_certificate(issued_at=NOW, expires_at=NOW + timedelta(days=1))
    pair = keys.sign_certificate(certificate)
    assert verify(keys, *pair, now=NOW + timedelta(days=1, seconds=-1)) == certificate
    with pytest.raises(CertificateRefused, match=r"expired at 2026-03-03 .* calibrate again"):
        verify(keys, *pair, now=NOW + timedelta(days=1))
    with pytest.raises(CertificateRefused, match="still to come"):
        verify(keys, *pair, now=NOW - timedelta(minutes=6))
    assert verify(keys, *pair, now=NOW - timedelta(minutes=5)) == certificate, "clocks differ a little"


def test_a_certificate_of_another_plant_is_refused(keys: TestKeys) -> None:
    pair = keys.sign_certificate(a_certificate(plant="plant-2", issued_at=NOW))
    with pytest.raises(CertificateRefused, match="for plant 'plant-2', this is 'plant-1'"):
        verify(keys, *pair)


def test_every_changed_byte_breaks_the_signature(keys: TestKeys) -> None:
    document, signature = keys.sign_certificate(a_certificate(threshold=0.5, issued_at=NOW))
    altered = document.replace(b'"threshold":0.5', b'"threshold":0.9')
    assert altered != document
    with pytest.raises(CertificateRefused, match="not signed as it must be"):
        verify(keys, altered, signature)
    for at in range(0, len(document), 7):
        flipped = bytearray(document)
        flipped[at] ^= 1
        with pytest.raises(CertificateRefused):
            verify(keys, bytes(flipped), signature)


def test_only_a_trusted_deploy_key_signs_and_only_as_a_certificate(keys: TestKeys) -> None:
    document = a_certificate(issued_at=NOW).to_bytes()
    forged = {
        "a stranger": SigningKey.generate(Role.DEPLOY).sign(document, schema=CERTIFICATE_SCHEMA),
        "the build key": keys.build.sign(document, schema=CERTIFICATE_SCHEMA),
        "as a deployment": keys.deploy.sign(document, schema=DEPLOYMENT_SCHEMA),
        "nothing": b"{}",
    }
    for signature in forged.values():
        with pytest.raises(CertificateRefused, match="not signed as it must be"):
            verify(keys, document, signature)
    revoked = TrustStore([replace(keys.deploy.public, is_revoked=True)])
    with pytest.raises(CertificateRefused, match="revoked"):
        verify_certificate(
            document, keys.deploy.sign(document, schema=CERTIFICATE_SCHEMA), revoked, plant="plant-1", now=NOW
        )


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda body: body.update(line="*"), id="every line"),
        pytest.param(lambda body: body.update(threshold=0), id="a threshold that everything passes"),
        pytest.param(lambda body: body.update(threshold=1.2), id="above every confidence"),
        pytest.param(lambda body: body.update(miss_rate=0.0), id="no miss at all"),
        pytest.param(lambda body: body.update(confidence=None), id="a guarantee without confidence"),
        pytest.param(lambda body: body.update(method="conformal-average"), id="an average with confidence"),
        pytest.param(lambda body: body.update(method="naive"), id="an unknown method"),
        pytest.param(lambda body: body.update(parts=-1), id="fewer than no parts"),
        pytest.param(lambda body: body.update(parts=59.0), id="a count that is none"),
        pytest.param(lambda body: body.update(misses=59), id="every part missed"),
        pytest.param(lambda body: body.update(parts=58), id="a part too few for the promise"),
        pytest.param(lambda body: body.update(misses=1), id="a miss too many for the promise"),
        pytest.param(lambda body: body.update(miss_rate=0.04), id="more promised than the parts carry"),
        pytest.param(lambda body: body["data"].update(sampled="picked"), id="picked parts"),
        pytest.param(lambda body: body["data"].update(groups=0), id="parts from nowhere"),
        pytest.param(lambda body: body["data"].update(declared_by=""), id="nobody answers for the sample"),
        pytest.param(lambda body: body["release"].update(digest="abc"), id="no release"),
        pytest.param(lambda body: body.update(expires_at=body["issued_at"]), id="over at once"),
        pytest.param(lambda body: body.update(issued_at="2026-03-02 06:00"), id="another spelling of time"),
        pytest.param(lambda body: body.pop("engine"), id="no engine"),
        pytest.param(lambda body: body.update(note="and more"), id="an unknown field"),
    ],
)
def test_what_contradicts_itself_is_refused_though_signed(
    keys: TestKeys, change: Callable[[dict[str, Any]], None]
) -> None:
    with pytest.raises(CertificateRefused):
        verify(keys, *signed(keys, edited(change)))


def test_another_spelling_and_too_many_bytes_are_refused_though_signed(keys: TestKeys) -> None:
    document = a_certificate(issued_at=NOW).to_bytes()
    for other in (document + b"\n", json.dumps(json.loads(document)).encode(), b" " * (MAX_CERTIFICATE_BYTES + 1)):
        with pytest.raises(CertificateRefused):
            verify(keys, *signed(keys, other))


def test_a_scope_of_another_release_cannot_be_made() -> None:
    certificate = a_certificate()
    with pytest.raises(ValueError, match="the release is"):
        replace(certificate, scope=replace(certificate.scope, release_digest="0" * 64))
    assert set(Sampling) == {"random", "designed"}
