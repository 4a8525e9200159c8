"""What the certificates in force allow to be called certified: a pure function of those that were accepted.

Of one scope (line, release, engine and class) at most one certificate is in force: the last accepted one, until it
ends. Once ended, it never begins again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from lineside.inspection.release import Certificate, CertifiedScope


class ThresholdStatus(StrEnum):
    """Whether the thresholds that a verdict rests on are guaranteed to find what they should."""

    CERTIFIED = "certified"
    """Every class in force has a valid certificate, and no threshold is laxer than the certified one."""

    UNCERTIFIED = "uncertified"
    """Anything less. People can work in it: nothing is blocked, and it is said everywhere."""


class EndCause(StrEnum):
    """Why a certificate is no longer in force."""

    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    """A newer one of the same scope came."""
    EXPIRED = "expired"
    DRIFT = "drift"
    """What comes in no longer resembles what it was calibrated on."""
    ENGINE_CHANGE = "engine_change"
    """The host judges with another engine than the one it was calibrated on."""


@dataclass(frozen=True, slots=True)
class CertificateEnd:
    """When a certificate ended, by whom and why."""

    at: datetime
    by: str
    cause: EndCause
    reason: str


@dataclass(frozen=True, slots=True)
class CertificateRecord:
    """A certificate as it was accepted.

    Attributes:
        id: UUIDv7.
        digest: lowercase hex SHA-256 of the document.
        certificate: what was signed.
        document: the text that was signed.
        signature: of the text.
        accepted_at: when, aware UTC.
        accepted_by: name of the key it came with.
        end: None while it is in force.
    """

    id: str
    digest: str
    certificate: Certificate
    document: str
    signature: str
    accepted_at: datetime
    accepted_by: str
    end: CertificateEnd | None = None

    @property
    def scope(self) -> CertifiedScope:
        """What it is good for."""
        return self.certificate.scope

    def is_valid(self, now: datetime) -> bool:
        """Whether it is in force and its time is not over."""
        return self.end is None and not self.certificate.is_expired(now)


@dataclass(frozen=True, slots=True)
class CertificateBook:
    """Every certificate that was accepted.

    Attributes:
        records: in the order in which they were accepted.
        unusable: why one that stands cannot be believed any more, by id: its signature no longer verifies.
    """

    records: tuple[CertificateRecord, ...] = ()
    unusable: Mapping[str, str] = field(default_factory=dict)
    _in_force: Mapping[CertifiedScope, CertificateRecord] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse two of one scope; find the ones in force fast afterwards, as each verdict asks."""
        found: dict[CertifiedScope, CertificateRecord] = {}
        for record in self.records:
            if record.end is not None or record.id in self.unusable:
                continue
            if record.scope in found:
                raise ValueError(f"certificates {found[record.scope].id} and {record.id} are both in force")
            found[record.scope] = record
        object.__setattr__(self, "_in_force", MappingProxyType(found))

    @property
    def standing(self) -> tuple[CertificateRecord, ...]:
        """Those that did not end, the unusable ones as well."""
        return tuple(record for record in self.records if record.end is None)

    def is_valid(self, record: CertificateRecord, *, now: datetime) -> bool:
        """Whether anything may rest on a record now."""
        return record.is_valid(now) and record.id not in self.unusable

    def find(self, certificate_id: str) -> CertificateRecord | None:
        """One by its id."""
        return next((record for record in self.records if record.id == certificate_id), None)

    def find_document(self, digest: str) -> CertificateRecord | None:
        """One by the digest of what was signed."""
        return next((record for record in self.records if record.digest == digest), None)

    def in_force(self, scope: CertifiedScope, *, now: datetime) -> CertificateRecord | None:
        """The one that is good for a scope now."""
        record = self._in_force.get(scope)
        return record if record is not None and record.is_valid(now) else None

    def guarantee(self, scope: CertifiedScope, *, threshold: float, now: datetime) -> CertificateRecord | None:
        """The certificate that guarantees what a threshold finds; None if none does.

        Args:
            scope: line, release, engine and class.
            threshold: the effective one.
            now: aware UTC instant.
        """
        record = self.in_force(scope, now=now)
        if record is None or not record.certificate.is_guarantee or not record.certificate.allows(threshold):
            return None
        return record

    def status(
        self, *, line: str, release_digest: str, engine: str, thresholds: Mapping[str, float], now: datetime
    ) -> ThresholdStatus:
        """Whether every class in force is guaranteed.

        Args:
            line: where the part was judged.
            release_digest: of the release that judged.
            engine: engine and precision that ran it.
            thresholds: the effective threshold of every class in force; of no class nothing is certified.
            now: aware UTC instant of the verdict.
        """
        is_certified = bool(thresholds) and all(
            self.guarantee(CertifiedScope(line, release_digest, engine, name), threshold=threshold, now=now) is not None
            for name, threshold in thresholds.items()
        )
        return ThresholdStatus.CERTIFIED if is_certified else ThresholdStatus.UNCERTIFIED

    def with_accepted(self, record: CertificateRecord, *, replaced: Iterable[CertificateRecord]) -> "CertificateBook":
        """The book with one more, and those that it supersedes ended."""
        return CertificateBook((*self._with(replaced), record), self.unusable)

    def with_ended(self, ended: Iterable[CertificateRecord]) -> "CertificateBook":
        """The book with some of its records ended.

        Args:
            ended: with their ends.
        """
        return CertificateBook(self._with(ended), self.unusable)

    def _with(self, changed: Iterable[CertificateRecord]) -> tuple[CertificateRecord, ...]:
        by_id = {record.id: record for record in changed}
        return tuple(by_id.get(record.id, record) for record in self.records)
