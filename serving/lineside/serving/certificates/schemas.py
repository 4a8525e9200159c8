"""The JSON of certificates."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from lineside.inspection.release import ANY_DEFECT, Sampling
from lineside.serving.certificates.book import CertificateRecord, EndCause, ThresholdStatus
from lineside.statistics.thresholds import ThresholdMethod


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CertificateIn(_Shape):
    """A signed certificate: the exact bytes of both files, in base64."""

    document: Annotated[str, Field(min_length=1, max_length=100_000)]
    signature: Annotated[str, Field(min_length=1, max_length=20_000)]


class CertificateEndOut(_Shape):
    """When a certificate ended, by whom and why."""

    at: datetime
    by: str
    cause: EndCause
    reason: str


class CertificateOut(_Shape):
    """A certificate that this server accepted, and what became of it."""

    id: str
    digest: str
    line: str
    release_name: str
    release_version: str
    release_digest: str
    engine: str
    class_name: str | None = Field(description="None: parts with any defect.")
    method: ThresholdMethod
    is_guarantee: bool = Field(
        description="False where it holds on average, or with less than 95 % confidence: it certifies nothing."
    )
    threshold: float
    miss_rate: float
    confidence: float | None
    parts: int
    misses: int
    never_found: int
    groups: int
    not_inspected: int
    revision: str
    split: str
    sampled: Sampling
    declared_by: str
    issued_at: datetime
    expires_at: datetime
    accepted_at: datetime
    accepted_by: str
    end: CertificateEndOut | None

    @classmethod
    def of(cls, record: CertificateRecord) -> Self:
        """The record as JSON."""
        certificate, end = record.certificate, record.end
        figures, data = certificate.figures, certificate.data
        return cls(
            id=record.id,
            digest=record.digest,
            line=certificate.scope.line,
            release_name=certificate.release.name,
            release_version=certificate.release.version,
            release_digest=certificate.release.digest,
            engine=certificate.scope.engine,
            class_name=certificate.scope.class_name,
            method=figures.method,
            is_guarantee=certificate.is_guarantee,
            threshold=figures.threshold,
            miss_rate=figures.miss_rate,
            confidence=figures.confidence,
            parts=figures.parts,
            misses=figures.misses,
            never_found=figures.never_found,
            groups=data.groups,
            not_inspected=data.not_inspected,
            revision=data.revision,
            split=data.split,
            sampled=data.sampled,
            declared_by=data.declared_by,
            issued_at=certificate.issued_at,
            expires_at=certificate.expires_at,
            accepted_at=record.accepted_at,
            accepted_by=record.accepted_by,
            end=None if end is None else CertificateEndOut(at=end.at, by=end.by, cause=end.cause, reason=end.reason),
        )


class CertificateView(_Shape):
    """A certificate, and whether anything rests on it now."""

    certificate: CertificateOut
    is_valid: bool = Field(description="In force, in its time, and signed by a key that is still trusted.")
    unusable: str | None = Field(description="Why it is not believed any more although it did not end.")


class CertificateList(_Shape):
    """Certificates, newest first."""

    items: tuple[CertificateView, ...]


class ClassStanding(_Shape):
    """One class at a line: what is in force, and what is guaranteed of it."""

    class_name: str = Field(description=f"The class; {ANY_DEFECT!r} for parts with any defect.")
    threshold: float = Field(description="The effective one; of parts the highest of all classes.")
    certified_threshold: float | None
    miss_rate: float | None
    certificate: str | None = Field(description="Id of the certificate that guarantees it.")
    why_not: str | None


class LineStanding(_Shape):
    """What the thresholds of a line's product rest on now."""

    line: str
    product: str
    release_name: str
    release_digest: str | None
    engine: str | None
    threshold_status: ThresholdStatus
    part: ClassStanding | None
    classes: tuple[ClassStanding, ...]
    why_not: str | None


class StandingList(_Shape):
    """Every line and product that a station works on; certified as a whole only if each of them is."""

    threshold_status: ThresholdStatus
    items: tuple[LineStanding, ...]


class CertificateChanged(_Shape):
    """Data of the event `certificate.v1`: a certificate came into force or ended."""

    state: Literal["accepted", "ended"]
    certificate: CertificateOut
    changed_by: str
