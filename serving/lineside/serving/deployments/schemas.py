"""The JSON of deployments."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from lineside.inspection.release import DeploymentMode
from lineside.serving.deployments.book import DeploymentBook, DeploymentRecord, Standing
from lineside.serving.shadowing.schemas import ComparisonOut


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DeploymentIn(_Shape):
    """A signed deployment: the exact bytes of both files, in base64."""

    document: Annotated[str, Field(min_length=1, max_length=400_000)]
    signature: Annotated[str, Field(min_length=1, max_length=20_000)]


class DeployedRelease(_Shape):
    """The release that a deployment names."""

    name: str
    version: str
    digest: str


class OverrideOut(_Shape):
    """Who answers for a deployment that the gate did not let pass."""

    name: str
    reason: str


class WithdrawalOut(_Shape):
    """Who took a deployment back, when and why."""

    at: datetime
    by: str
    reason: str


class DeploymentOut(_Shape):
    """A deployment that this server accepted, and what has become of it."""

    id: str
    serial: int
    mode: DeploymentMode
    cause: str
    lines: tuple[str, ...]
    products: tuple[str, ...]
    share: float
    unit: str | None
    release: DeployedRelease
    issued_at: datetime
    expires_at: datetime
    gate_report: str | None
    override: OverrideOut | None
    accepted_at: datetime
    accepted_by: str
    withdrawal: WithdrawalOut | None

    @classmethod
    def of(cls, record: DeploymentRecord) -> Self:
        """The record as JSON."""
        deployment = record.deployment
        gate = deployment.gate
        override = None if gate is None else gate.override
        withdrawal = record.withdrawal
        return cls(
            id=record.id,
            serial=deployment.serial,
            mode=deployment.mode,
            cause=deployment.cause.value,
            lines=deployment.lines,
            products=deployment.products,
            share=deployment.share,
            unit=None if deployment.unit is None else deployment.unit.value,
            release=DeployedRelease(
                name=deployment.release.name, version=deployment.release.version, digest=deployment.release.digest
            ),
            issued_at=deployment.issued_at,
            expires_at=deployment.expires_at,
            gate_report=None if gate is None else gate.report_sha256,
            override=None if override is None else OverrideOut(name=override.name, reason=override.reason),
            accepted_at=record.accepted_at,
            accepted_by=record.accepted_by,
            withdrawal=None
            if withdrawal is None
            else WithdrawalOut(at=withdrawal.at, by=withdrawal.by, reason=withdrawal.reason),
        )


class DeploymentView(_Shape):
    """A deployment, where it stands, and what two releases were found to differ in under it."""

    deployment: DeploymentOut
    standing: Standing
    unusable: str | None = Field(description="Why this server cannot carry it out at present; its parts say so too.")
    comparison: ComparisonOut | None = Field(description="Of a shadow or canary; none of a live deployment.")


class DeploymentList(_Shape):
    """Every deployment that this server accepted, newest first, and the highest serial."""

    items: tuple[DeploymentView, ...]
    highest_serial: int


class InForceOut(_Shape):
    """Who judges one product at one line, and who is compared with it."""

    line: str
    product: str
    release_name: str
    live: DeployedRelease | None = Field(description="None: the release that the server came with, or none at all.")
    live_deployment: str | None
    state: Literal["ready", "loading", "expired", "unusable"]
    reason: str | None
    candidate_deployment: str | None


class InForceList(_Shape):
    """Who judges what, for each line and product with a station or recipe."""

    items: tuple[InForceOut, ...]


class DeploymentChanged(_Shape):
    """Data of the event `deployment.v1`: a deployment was accepted or withdrawn."""

    state: Literal["accepted", "withdrawn"]
    deployment: DeploymentOut
    changed_by: str


def view_of(
    record: DeploymentRecord,
    book: DeploymentBook,
    *,
    now: datetime,
    unusable: str | None,
    comparison: ComparisonOut | None,
) -> DeploymentView:
    """A deployment with everything that is known of it."""
    return DeploymentView(
        deployment=DeploymentOut.of(record),
        standing=book.standing(record, now),
        unusable=unusable,
        comparison=comparison,
    )
