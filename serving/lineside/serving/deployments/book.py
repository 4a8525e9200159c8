"""Which release decides where: a pure function of the deployments that were ever accepted.

For a line, a product and a release's name:

- the live release is that of the highest serial that was not withdrawn; withdrawing it brings back the one below,
  and below the first one is the release that the server came with;
- one whose permission has expired still decides, and decides that nothing is judged: what is below it must not
  come back by itself;
- a candidate (shadow or canary) is the last one ever accepted, as long as it was not withdrawn, has not expired and
  no live deployment came after it, withdrawn or not: a canary that was rolled back or promoted never returns.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from lineside.inspection.release import EVERYWHERE, Deployment, DeploymentMode


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Who took a deployment back, when and why."""

    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class DeploymentRecord:
    """A deployment as it was accepted.

    Attributes:
        id: UUIDv7.
        deployment: what was signed.
        document: the text that was signed.
        signature: of the text.
        accepted_at: when, aware UTC.
        accepted_by: name of the key it came with.
        withdrawal: None while it stands.
    """

    id: str
    deployment: Deployment
    document: str
    signature: str
    accepted_at: datetime
    accepted_by: str
    withdrawal: Withdrawal | None = None

    @property
    def serial(self) -> int:
        """The deploy key's running number."""
        return self.deployment.serial

    @property
    def is_live(self) -> bool:
        """Whether it decides who judges; else it is a shadow's or a canary's."""
        return self.deployment.mode is DeploymentMode.LIVE

    def is_expired(self, now: datetime) -> bool:
        """Whether its permission has ended."""
        return self.deployment.is_expired(now)


@dataclass(frozen=True, slots=True)
class Scope:
    """What one decision is about."""

    line: str
    product: str
    release_name: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What the book says of a scope, expiry aside.

    Attributes:
        live: whose release judges; None for the release that the server came with.
        candidate: whose release is compared with it.
    """

    live: DeploymentRecord | None
    candidate: DeploymentRecord | None


class Standing(StrEnum):
    """What has become of a deployment."""

    IN_FORCE = "in_force"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class DeploymentBook:
    """Every deployment ever accepted; never changes, its changed copies do.

    Args:
        records: in any order; serials are unique.
    """

    def __init__(self, records: Iterable[DeploymentRecord] = ()) -> None:
        self._records: tuple[DeploymentRecord, ...] = tuple(sorted(records, key=lambda record: record.serial))
        self._decisions: dict[Scope, Decision] = {}

    @property
    def records(self) -> Sequence[DeploymentRecord]:
        """All, by serial."""
        return self._records

    @property
    def highest_serial(self) -> int:
        """Of all that were ever accepted; 0 before the first."""
        return self._records[-1].serial if self._records else 0

    def find(self, deployment_id: str) -> DeploymentRecord | None:
        """One of them."""
        return next((record for record in self._records if record.id == deployment_id), None)

    def with_accepted(self, record: DeploymentRecord) -> "DeploymentBook":
        """The book with one more.

        Raises:
            ValueError: its serial is not above all others.
        """
        if record.serial <= self.highest_serial:
            raise ValueError(f"serial {record.serial} is not above {self.highest_serial}")
        return DeploymentBook((*self._records, record))

    def with_withdrawn(self, deployment_id: str, withdrawal: Withdrawal) -> "DeploymentBook":
        """The book with one of them taken back."""
        return DeploymentBook(
            replace(record, withdrawal=withdrawal) if record.id == deployment_id else record for record in self._records
        )

    def decide(self, scope: Scope) -> Decision:
        """Who judges there, and who is compared with it."""
        decision = self._decisions.get(scope)
        if decision is None:
            decision = self._decisions[scope] = self._decide(scope)
        return decision

    def _decide(self, scope: Scope) -> Decision:
        live: DeploymentRecord | None = None
        candidate: DeploymentRecord | None = None
        for record in self._records:
            if not _is_for(record.deployment, scope):
                continue
            if not record.is_live:
                candidate = record
                continue
            candidate = None  # whatever was compared before it is settled
            if record.withdrawal is None:
                live = record
        if candidate is not None and candidate.withdrawal is not None:
            candidate = None
        return Decision(live, candidate)

    def withdrawn(self, scope: Scope) -> tuple[int, ...]:
        """Serials of the live deployments there that were taken back."""
        return tuple(
            record.serial
            for record in self._records
            if record.is_live and record.withdrawal is not None and _is_for(record.deployment, scope)
        )

    def standing(self, record: DeploymentRecord, now: datetime) -> Standing:
        """What has become of one of them."""
        if record.withdrawal is not None:
            return Standing.WITHDRAWN
        later = [other for other in self._records if other.serial > record.serial]
        for other in later:
            ends_it = other.withdrawal is None if record.is_live else True
            if ends_it and (other.is_live or not record.is_live) and _covers(other.deployment, record.deployment):
                return Standing.SUPERSEDED
        return Standing.EXPIRED if record.is_expired(now) else Standing.IN_FORCE


def _is_for(deployment: Deployment, scope: Scope) -> bool:
    return deployment.release.name == scope.release_name and deployment.covers(line=scope.line, product=scope.product)


def _covers(outer: Deployment, inner: Deployment) -> bool:
    """Whether everything that one deployment is for, the other is for as well."""
    return (
        outer.release.name == inner.release.name
        and (EVERYWHERE in outer.lines or set(inner.lines) <= set(outer.lines))
        and (EVERYWHERE in outer.products or set(inner.products) <= set(outer.products))
    )
