"""Certificates: what a threshold was shown to find, for exactly one release, line, engine and class.

Signed like a deployment, by the deploy key, and good for as long as the ledger of the plant says so.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lineside.inspection.canonical_json import canonical_json, parse_canonical_json
from lineside.inspection.errors import CertificateRefused, SignatureRefused
from lineside.inspection.release.deployment import EVERYWHERE, ReleaseReference
from lineside.inspection.release.instants import read_instant, write_instant
from lineside.inspection.release.signatures import verify_signature
from lineside.inspection.release.trust import Role, TrustStore
from lineside.inspection.release.verification import CLOCK_LEEWAY
from lineside.statistics.thresholds import CertifiedThreshold, ThresholdMethod

CERTIFICATE_SCHEMA = "lineside.certificate/1"
ANY_DEFECT = "part"
"""How people are told that a certificate is about parts with any defect; in the document its class is null."""

LEAST_CONFIDENCE = 0.95
"""Of what may be called certified; a promise made with less is shown, and certifies nothing."""

MAX_CERTIFICATE_BYTES = 64 * 2**10


class Sampling(StrEnum):
    """How the parts came together that a threshold was certified on; any other way certifies nothing."""

    RANDOM = "random"
    """Drawn by chance from the production of the line."""

    DESIGNED = "designed"
    """Defects made or chosen to a plan before anybody knew what the model says of them."""


@dataclass(frozen=True, slots=True)
class CertifiedScope:
    """What a certificate is good for, and nothing else.

    Attributes:
        line: one line; a guarantee does not move from line to line.
        release_digest: of the release's manifest.
        engine: engine and precision, e.g. "openvino-fp32".
        class_name: the defect class; None for parts with any defect at all.
    """

    line: str
    release_digest: str
    engine: str
    class_name: str | None

    @property
    def label(self) -> str:
        """The class, or "part", for people."""
        return ANY_DEFECT if self.class_name is None else self.class_name


@dataclass(frozen=True, slots=True)
class CalibrationData:
    """What the threshold was found on.

    Attributes:
        revision: id of the dataset revision.
        split: of it.
        sampled: how the parts came together.
        declared_by: who answers for that.
        groups: boards or lots that the parts come from; with fewer groups than parts the parts resemble each other.
        not_inspected: defective parts that got no verdict on their merits; they are not among the calibration's parts.
    """

    revision: str
    split: str
    sampled: Sampling
    declared_by: str
    groups: int
    not_inspected: int


@dataclass(frozen=True, slots=True)
class Certificate:
    """The document that the deploy key signs.

    Attributes:
        plant: the only one that may go by it.
        release: what was calibrated.
        scope: what it is good for.
        figures: the threshold, the guarantee, and the counts behind both.
        data: what it was found on.
        issued_at: aware, whole seconds.
        expires_at: from then on it guarantees nothing; aware, whole seconds.
    """

    plant: str
    release: ReleaseReference
    scope: CertifiedScope
    figures: CertifiedThreshold
    data: CalibrationData
    issued_at: datetime
    expires_at: datetime

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if self.scope.release_digest != self.release.digest:
            raise ValueError(f"a scope of release {self.scope.release_digest}, the release is {self.release.digest}")
        if self.scope.line == EVERYWHERE:
            raise ValueError("a certificate of every line; expected one line, on whose parts it was calibrated")
        if self.expires_at <= self.issued_at:
            raise ValueError(f"expires_at {self.expires_at} is not after issued_at {self.issued_at}")
        if self.figures.threshold > 1:
            raise ValueError(f"a threshold of {self.figures.threshold}; expected a confidence up to 1")
        if not 1 <= self.data.groups <= self.figures.parts:
            raise ValueError(f"{self.figures.parts} parts of {self.data.groups} groups; expected 1 to all of them")

    @property
    def is_guarantee(self) -> bool:
        """Whether it guarantees anything; one "on average", or with less than 95 % confidence, does not."""
        confidence = self.figures.confidence
        return self.figures.method is ThresholdMethod.LTT and confidence is not None and confidence >= LEAST_CONFIDENCE

    def is_expired(self, now: datetime) -> bool:
        """Whether its time is over."""
        return now >= self.expires_at

    def allows(self, threshold: float) -> bool:
        """Whether a threshold in force is at most the certified one: only a stricter one finds as much.

        Compared as the detector compares, in float32.
        """
        return bool(np.float32(threshold) <= np.float32(self.figures.threshold))

    def to_bytes(self) -> bytes:
        """The document, canonical JSON: what is signed."""
        return canonical_json(self.to_json()).encode()

    def to_json(self) -> dict[str, Any]:
        """The document as JSON values."""
        figures, data = self.figures, self.data
        return {
            "schema": CERTIFICATE_SCHEMA,
            "plant": self.plant,
            "line": self.scope.line,
            "release": {"name": self.release.name, "version": self.release.version, "digest": self.release.digest},
            "engine": self.scope.engine,
            "class": self.scope.class_name,
            "method": figures.method.value,
            "threshold": figures.threshold,
            "miss_rate": figures.miss_rate,
            "confidence": figures.confidence,
            "parts": figures.parts,
            "misses": figures.misses,
            "never_found": figures.never_found,
            "data": {
                "revision": data.revision,
                "split": data.split,
                "sampled": data.sampled.value,
                "declared_by": data.declared_by,
                "groups": data.groups,
                "not_inspected": data.not_inspected,
            },
            "issued_at": write_instant(self.issued_at),
            "expires_at": write_instant(self.expires_at),
        }

    @classmethod
    def from_bytes(cls, document: bytes) -> Self:
        """Read a document. Whether it may be believed, `verify_certificate` tells.

        Raises:
            CertificateRefused: it is no certificate, or not in its canonical spelling.
        """
        if len(document) > MAX_CERTIFICATE_BYTES:
            raise CertificateRefused(
                f"a certificate of {len(document)} bytes, expected {MAX_CERTIFICATE_BYTES} at most"
            )
        try:
            parse_canonical_json(document)
            file = _CertificateFile.model_validate_json(document)
            return cls(
                plant=file.plant,
                release=ReleaseReference(file.release.name, file.release.version, file.release.digest),
                scope=CertifiedScope(file.line, file.release.digest, file.engine, file.class_name),
                figures=CertifiedThreshold(
                    threshold=file.threshold,
                    miss_rate=file.miss_rate,
                    confidence=file.confidence,
                    parts=file.parts,
                    misses=file.misses,
                    never_found=file.never_found,
                    method=file.method,
                ),
                data=CalibrationData(
                    revision=file.data.revision,
                    split=file.data.split,
                    sampled=file.data.sampled,
                    declared_by=file.data.declared_by,
                    groups=file.data.groups,
                    not_inspected=file.data.not_inspected,
                ),
                issued_at=read_instant(file.issued_at),
                expires_at=read_instant(file.expires_at),
            )
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the whole"
            raise CertificateRefused(f"no certificate of {CERTIFICATE_SCHEMA}: {where}: {first['msg']}") from error
        except ValueError as error:
            raise CertificateRefused(f"the certificate cannot be read: {error}") from error


def verify_certificate(
    document: bytes, signature: bytes, trust: TrustStore, *, plant: str, now: datetime
) -> Certificate:
    """Read a certificate that a deploy key signed for this plant and whose time has come and is not over.

    Whether it was withdrawn, or another came after it, the ledger knows.

    Args:
        document: the exact bytes that were signed.
        signature: the content of its signature file.
        trust: the keys that count.
        plant: whose server asks.
        now: aware.

    Raises:
        CertificateRefused: in every other case.
    """
    try:
        verify_signature(document, signature, trust, schema=CERTIFICATE_SCHEMA, role=Role.DEPLOY, now=now)
    except SignatureRefused as error:
        raise CertificateRefused(f"the certificate is not signed as it must be: {error}") from error
    certificate = Certificate.from_bytes(document)
    if certificate.plant != plant:
        raise CertificateRefused(f"the certificate is for plant {certificate.plant!r}, this is {plant!r}")
    if certificate.issued_at > now + CLOCK_LEEWAY:
        raise CertificateRefused(
            f"the certificate was issued at {certificate.issued_at:%Y-%m-%d %H:%M:%S} UTC, which is still to come (it "
            f"is {now:%Y-%m-%d %H:%M:%S}); check both clocks"
        )
    if certificate.is_expired(now):
        raise CertificateRefused(
            f"the certificate expired at {certificate.expires_at:%Y-%m-%d %H:%M:%S} UTC; calibrate again with "
            "`lineside threshold certify`"
        )
    return certificate


_Word = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Count = Annotated[int, Field(ge=0, le=2**53 - 1)]  # what every JSON reader holds exactly


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class _ReleaseSection(_Section):
    name: _Word
    version: _Word
    digest: _Sha256


class _DataSection(_Section):
    revision: _Sha256
    split: _Word
    sampled: Sampling
    declared_by: _Word
    groups: _Count
    not_inspected: _Count


class _CertificateFile(_Section):
    schema_name: Annotated[Literal["lineside.certificate/1"], Field(alias="schema")]
    plant: _Word
    line: _Word
    release: _ReleaseSection
    engine: _Word
    class_name: Annotated[_Word | None, Field(alias="class")]
    method: ThresholdMethod
    threshold: float
    miss_rate: float
    confidence: float | None
    parts: _Count
    misses: _Count
    never_found: _Count
    data: _DataSection
    issued_at: str
    expires_at: str
