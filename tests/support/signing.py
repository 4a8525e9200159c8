"""Test keys, made on the fly, and what is signed with them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lineside.inspection.canonical_json import canonical_json
from lineside.inspection.release import (
    CERTIFICATE_SCHEMA,
    DEPLOYMENT_SCHEMA,
    MANIFEST_NAME,
    RELEASE_SCHEMA,
    SIGNATURE_NAME,
    CalibrationData,
    CanaryUnit,
    Certificate,
    CertifiedScope,
    Deployment,
    DeploymentCause,
    DeploymentMode,
    GateEvidence,
    Release,
    ReleaseReference,
    Role,
    Sampling,
    SigningKey,
    TrustStore,
    read_release,
)
from lineside.statistics.thresholds import CertifiedThreshold, ThresholdMethod

GATE_REPORT_SHA256 = "9a" * 32


@dataclass(frozen=True)
class TestKeys:
    """A build key and a deploy key."""

    __test__ = False  # its name does not make it a test

    build: SigningKey = field(default_factory=lambda: SigningKey.generate(Role.BUILD))
    deploy: SigningKey = field(default_factory=lambda: SigningKey.generate(Role.DEPLOY))

    @property
    def trust(self) -> TrustStore:
        """Trusts both."""
        return TrustStore([self.build.public, self.deploy.public])

    def write_trust(self, path: Path) -> Path:
        """Write the trust file."""
        path.write_bytes(self.trust.to_json())
        return path

    def sign_release(self, folder: Path) -> Path:
        """Spell the manifest canonically and sign it: any release folder becomes a signed one."""
        manifest = canonical_json(json.loads((folder / MANIFEST_NAME).read_bytes())).encode()
        (folder / MANIFEST_NAME).write_bytes(manifest)
        (folder / SIGNATURE_NAME).write_bytes(self.build.sign(manifest, schema=RELEASE_SCHEMA))
        return folder

    def sign_deployment(self, deployment: Deployment) -> tuple[bytes, bytes]:
        """Document and signature."""
        document = deployment.to_bytes()
        return document, self.deploy.sign(document, schema=DEPLOYMENT_SCHEMA)

    def sign_certificate(self, certificate: Certificate) -> tuple[bytes, bytes]:
        """Document and signature."""
        document = certificate.to_bytes()
        return document, self.deploy.sign(document, schema=CERTIFICATE_SCHEMA)

    def deploy_release(self, release: Release | Path, **fields: Any) -> tuple[bytes, bytes]:
        """A signed deployment of a release; `fields` as of `a_deployment`."""
        return self.sign_deployment(a_deployment(release, **fields))


def a_deployment(
    release: Release | Path,
    *,
    serial: int = 1,
    plant: str = "plant-1",
    lines: Sequence[str] = ("*",),
    products: Sequence[str] = ("*",),
    mode: DeploymentMode = DeploymentMode.LIVE,
    share: float = 1.0,
    unit: CanaryUnit | None = None,
    issued_at: datetime | None = None,
    expires_at: datetime | None = None,
    cause: DeploymentCause | None = None,
    **changes: Any,
) -> Deployment:
    """A deployment of a release (or of a folder that holds one), issued now for 30 days if not said otherwise."""
    found = read_release(release) if isinstance(release, Path) else release
    issued = issued_at or datetime.now(UTC).replace(microsecond=0)
    causes = {
        DeploymentMode.LIVE: DeploymentCause.PROMOTION,
        DeploymentMode.SHADOW: DeploymentCause.SHADOW,
        DeploymentMode.CANARY: DeploymentCause.CANARY,
    }
    deployment = Deployment(
        serial=serial,
        plant=plant,
        lines=tuple(lines),
        products=tuple(products),
        mode=mode,
        share=share,
        unit=CanaryUnit.PART if mode is DeploymentMode.CANARY and unit is None else unit,
        release=ReleaseReference(found.name, found.version, found.digest),
        issued_at=issued,
        expires_at=expires_at or issued + timedelta(days=30),
        gate=GateEvidence(GATE_REPORT_SHA256),
        cause=cause or causes[mode],
        previous_serial=None,
    )
    return replace(deployment, **changes)


def a_certificate(
    release: Release | Path | None = None,
    *,
    plant: str = "plant-1",
    line: str = "line-1",
    engine: str = "onnxruntime-fp32",
    class_name: str | None = "short",
    threshold: float = 0.5,
    miss_rate: float = 0.05,
    method: ThresholdMethod = ThresholdMethod.LTT,
    sampled: Sampling = Sampling.RANDOM,
    issued_at: datetime | None = None,
    expires_at: datetime | None = None,
) -> Certificate:
    """A certificate of a release (or of a folder that holds one), issued now for 30 days if not said otherwise."""
    found = read_release(release) if isinstance(release, Path) else release
    reference = (
        ReleaseReference("blobs", "1.0.0", "ab" * 32)
        if found is None
        else ReleaseReference(found.name, found.version, found.digest)
    )
    issued = issued_at or datetime.now(UTC).replace(microsecond=0)
    return Certificate(
        plant=plant,
        release=reference,
        scope=CertifiedScope(line, reference.digest, engine, class_name),
        figures=CertifiedThreshold(
            threshold=threshold,
            miss_rate=miss_rate,
            confidence=0.95 if method is ThresholdMethod.LTT else None,
            parts=59,
            misses=0,
            never_found=0,
            method=method,
        ),
        data=CalibrationData(
            revision="cd" * 32,
            split="calibration",
            sampled=sampled,
            declared_by="Kim",
            groups=59,
            not_inspected=0,
        ),
        issued_at=issued,
        expires_at=expires_at or issued + timedelta(days=30),
    )
