"""Deployments: which release may run where, as what, and how long. The document that the deploy key signs."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lineside.inspection.canonical_json import canonical_json, parse_canonical_json
from lineside.inspection.errors import DeploymentRefused
from lineside.inspection.release.instants import read_instant, write_instant

DEPLOYMENT_SCHEMA = "lineside.deployment/1"
EVERYWHERE = "*"
"""In the place of a line or product: all of them."""

MAX_DEPLOYMENT_BYTES = 256 * 2**10


class DeploymentMode(StrEnum):
    """What the release does to a part."""

    LIVE = "live"
    """It judges."""

    SHADOW = "shadow"
    """It looks on, off the verdict's path."""

    CANARY = "canary"
    """It judges a share of the parts or lots; the live one judges the rest."""


class DeploymentCause(StrEnum):
    """Why it was made."""

    PROMOTION = "promotion"
    ROLLBACK = "rollback"
    SHADOW = "shadow"
    CANARY = "canary"


class CanaryUnit(StrEnum):
    """What a canary's share is drawn of."""

    PART = "part"
    LOT = "lot"


@dataclass(frozen=True, slots=True)
class ReleaseReference:
    """Exactly one release.

    Attributes:
        name: of the model line.
        version: of the release.
        digest: lowercase hex SHA-256 of its manifest: what counts; name and version are for people.
    """

    name: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class GateOverride:
    """Somebody answers for a deployment that the gate did not let pass.

    Attributes:
        name: who.
        reason: why.
    """

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class GateEvidence:
    """What the deployment rests on.

    Attributes:
        report_sha256: of the gate's report in canonical JSON; None where an override stands without a report.
        override: None if the gate itself let it pass.
    """

    report_sha256: str | None
    override: GateOverride | None = None

    def __post_init__(self) -> None:
        """Refuse evidence of nothing."""
        if self.report_sha256 is None and self.override is None:
            raise ValueError("neither a gate report nor an override")


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where a release may run, as what, and how long.

    Attributes:
        serial: of the plant; each is greater than the one before, so that none can be played again.
        plant: the only one that may follow it.
        lines: on which of its lines; `*` alone for all.
        products: for which products; `*` alone for all.
        mode: what the release does to a part.
        share: of the parts or lots, above 0 and up to 1; 1 when live.
        unit: what a canary's share is drawn of; None for the other modes.
        release: the one that runs.
        issued_at: aware, whole seconds.
        expires_at: from then on nothing runs by it; aware, whole seconds.
        gate: what it rests on; None only in shadow and for a rollback to what was live before.
        cause: why it was made.
        previous_serial: the plant's last one when it was made; None for the first.
    """

    serial: int
    plant: str
    lines: tuple[str, ...]
    products: tuple[str, ...]
    mode: DeploymentMode
    share: float
    unit: CanaryUnit | None
    release: ReleaseReference
    issued_at: datetime
    expires_at: datetime
    gate: GateEvidence | None
    cause: DeploymentCause
    previous_serial: int | None

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        _check_scope("lines", self.lines)
        _check_scope("products", self.products)
        if self.expires_at <= self.issued_at:
            raise ValueError(f"expires_at {self.expires_at} is not after issued_at {self.issued_at}")
        if self.previous_serial is not None and self.previous_serial >= self.serial:
            raise ValueError(f"previous_serial {self.previous_serial} is not below serial {self.serial}")
        if (self.unit is not None) != (self.mode is DeploymentMode.CANARY):
            raise ValueError(f"unit {self.unit} with mode {self.mode.value!r}; a canary has a unit, nothing else has")
        if not 0 < self.share <= 1:
            raise ValueError(f"share {self.share}, expected above 0 and up to 1")
        if self.mode is DeploymentMode.LIVE and self.share != 1:
            raise ValueError(f"share {self.share} with mode 'live', expected 1")
        if self.mode is not _MODE_OF_CAUSE[self.cause]:
            raise ValueError(f"mode {self.mode.value!r} for cause {self.cause.value!r}")
        if self.gate is None and self.cause not in (DeploymentCause.SHADOW, DeploymentCause.ROLLBACK):
            raise ValueError(f"a {self.cause.value} needs the gate's report or an override")

    def covers(self, *, line: str, product: str | None) -> bool:
        """Whether it speaks of a product (None: a station without one) on a line."""
        is_line = EVERYWHERE in self.lines or line in self.lines
        return is_line and (EVERYWHERE in self.products or product in self.products)

    def is_expired(self, now: datetime) -> bool:
        """Whether nothing may run by it any more."""
        return now >= self.expires_at

    def check_release(self, release: ReleaseReference) -> None:
        """Check that a release is the one deployed.

        Raises:
            DeploymentRefused: it is another.
        """
        if release != self.release:
            raise DeploymentRefused(
                f"deployment {self.serial} is of {self.release.name} {self.release.version} ({self.release.digest}), "
                f"not of {release.name} {release.version} ({release.digest})"
            )

    def to_bytes(self) -> bytes:
        """The document, canonical JSON: what is signed."""
        return canonical_json(self.to_json()).encode()

    def to_json(self) -> dict[str, Any]:
        """The document as JSON values."""
        gate: dict[str, Any] | None = None
        if self.gate is not None:
            override = self.gate.override
            gate = {
                "report_sha256": self.gate.report_sha256,
                "override": None if override is None else {"name": override.name, "reason": override.reason},
            }
        return {
            "schema": DEPLOYMENT_SCHEMA,
            "serial": self.serial,
            "plant": self.plant,
            "lines": list(self.lines),
            "products": list(self.products),
            "mode": self.mode.value,
            "share": self.share,
            "unit": None if self.unit is None else self.unit.value,
            "release": {
                "name": self.release.name,
                "version": self.release.version,
                "digest": self.release.digest,
            },
            "issued_at": write_instant(self.issued_at),
            "expires_at": write_instant(self.expires_at),
            "gate": gate,
            "cause": self.cause.value,
            "previous_serial": self.previous_serial,
        }

    @classmethod
    def from_bytes(cls, document: bytes) -> Self:
        """Read a document. Whether it may be followed, `verify_deployment` tells.

        Raises:
            DeploymentRefused: it is no deployment, or not in its canonical spelling.
        """
        if len(document) > MAX_DEPLOYMENT_BYTES:
            raise DeploymentRefused(f"a deployment of {len(document)} bytes, expected {MAX_DEPLOYMENT_BYTES} at most")
        try:
            parse_canonical_json(document)
            file = _DeploymentFile.model_validate_json(document)
            return cls(
                serial=file.serial,
                plant=file.plant,
                lines=file.lines,
                products=file.products,
                mode=file.mode,
                share=file.share,
                unit=file.unit,
                release=ReleaseReference(file.release.name, file.release.version, file.release.digest),
                issued_at=read_instant(file.issued_at),
                expires_at=read_instant(file.expires_at),
                gate=None if file.gate is None else file.gate.evidence(),
                cause=file.cause,
                previous_serial=file.previous_serial,
            )
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the whole"
            raise DeploymentRefused(f"no deployment of {DEPLOYMENT_SCHEMA}: {where}: {first['msg']}") from error
        except ValueError as error:
            raise DeploymentRefused(f"the deployment cannot be read: {error}") from error


_MODE_OF_CAUSE = {
    DeploymentCause.PROMOTION: DeploymentMode.LIVE,
    DeploymentCause.ROLLBACK: DeploymentMode.LIVE,
    DeploymentCause.SHADOW: DeploymentMode.SHADOW,
    DeploymentCause.CANARY: DeploymentMode.CANARY,
}


def _check_scope(what: str, names: tuple[str, ...]) -> None:
    if not names:
        raise ValueError(f"no {what}; {EVERYWHERE!r} stands for all")
    if len(set(names)) != len(names):
        raise ValueError(f"{what} {list(names)} name one twice")
    if EVERYWHERE in names and len(names) > 1:
        raise ValueError(f"{what} {list(names)}: {EVERYWHERE!r} stands for all and alone")


_Word = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Serial = Annotated[int, Field(ge=1, le=2**53 - 1)]  # what every JSON reader and database holds exactly


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _ReleaseSection(_Section):
    name: _Word
    version: _Word
    digest: _Sha256


class _OverrideSection(_Section):
    name: _Word
    reason: Annotated[str, Field(min_length=1, max_length=2000)]


class _GateSection(_Section):
    report_sha256: _Sha256 | None
    override: _OverrideSection | None

    def evidence(self) -> GateEvidence:
        override = None if self.override is None else GateOverride(self.override.name, self.override.reason)
        return GateEvidence(self.report_sha256, override)


class _DeploymentFile(_Section):
    schema_name: Annotated[Literal["lineside.deployment/1"], Field(alias="schema")]
    serial: _Serial
    plant: _Word
    lines: tuple[_Word, ...]
    products: tuple[_Word, ...]
    mode: DeploymentMode
    share: float
    unit: CanaryUnit | None
    release: _ReleaseSection
    issued_at: str
    expires_at: str
    gate: _GateSection | None
    cause: DeploymentCause
    previous_serial: _Serial | None
