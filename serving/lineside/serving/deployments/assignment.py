"""Who judges a part and who looks on, decided when the part comes and kept until its verdict."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from lineside.inspection.audit import PlantSecret, draw_audit
from lineside.inspection.release import CanaryUnit, DeploymentMode
from lineside.inspection.verdict import ReasonCode
from lineside.serving.deployments.book import DeploymentBook, DeploymentRecord, Scope
from lineside.serving.releases import ReleaseRef


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no release may judge."""

    code: ReasonCode
    message: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """What the deployments say of one part.

    Attributes:
        judge: the release whose verdict counts; None if none may give one.
        refusal: why there is none.
        observer: the release that looks at the same frames off the verdict's path.
        stand_in: who judges if a canary's release is not there; the live one.
        candidate: the shadow or canary deployment that this part is compared under.
        candidate_judges: whether `judge` is that deployment's release: the part is one of a canary's share.
    """

    judge: ReleaseRef | None
    refusal: Refusal | None = None
    observer: ReleaseRef | None = None
    stand_in: ReleaseRef | None = None
    candidate: DeploymentRecord | None = None
    candidate_judges: bool = False


class Assigner:
    """Assigns parts to releases.

    Args:
        book: gives the deployments in force.
        unusable: why a deployment that stands cannot be followed; None if it can.
        secret: of the draws; whoever does not hold it cannot tell which parts a canary gets.
    """

    def __init__(
        self,
        book: Callable[[], DeploymentBook],
        *,
        unusable: Callable[[DeploymentRecord], str | None],
        secret: PlantSecret,
    ) -> None:
        self._book = book
        self._unusable = unusable
        self._secret = secret

    def assign(self, scope: Scope, *, part_id: str, lot: str | None, now: datetime) -> Assignment:
        """Who judges a part. The same part under the same deployments always gets the same answer.

        Args:
            scope: line, product and the name of the release that the part's recipe asks for.
            part_id: the part.
            lot: its lot.
            now: aware UTC instant, for expiry.
        """
        decision = self._book().decide(scope)
        live = self._live(scope, decision.live, now)
        candidate = decision.candidate
        if candidate is None or candidate.is_expired(now) or self._unusable(candidate) is not None:
            return live
        if not self._is_drawn(candidate, part_id, lot):
            return live
        ref = ref_of(candidate)
        if candidate.deployment.mode is DeploymentMode.CANARY:
            # A part of the share is judged even where the live permission has ended: this one has not.
            return Assignment(
                judge=ref, observer=live.judge, stand_in=live.judge, candidate=candidate, candidate_judges=True
            )
        return Assignment(judge=live.judge, refusal=live.refusal, observer=ref, candidate=candidate)

    def live(self, scope: Scope, *, now: datetime) -> Assignment:
        """Who judges the parts of a scope that no candidate is drawn for."""
        return self._live(scope, self._book().decide(scope).live, now)

    def _live(self, scope: Scope, record: DeploymentRecord | None, now: datetime) -> Assignment:
        if record is None:
            return Assignment(judge=ReleaseRef(scope.release_name))
        if record.is_expired(now):
            release = record.deployment.release
            message = (
                f"the deployment of {release.name!r} {release.version} (serial {record.serial}) expired at "
                f"{record.deployment.expires_at:%Y-%m-%d %H:%M} UTC: have a new one signed"
            )
            return Assignment(judge=None, refusal=Refusal(ReasonCode.DEPLOYMENT_EXPIRED, message))
        why = self._unusable(record)
        if why is not None:
            return Assignment(judge=None, refusal=Refusal(ReasonCode.NO_RELEASE, why))
        return Assignment(judge=ref_of(record))

    def _is_drawn(self, record: DeploymentRecord, part_id: str, lot: str | None) -> bool:
        """Whether a part is of a shadow's or canary's share; each deployment draws anew."""
        own = hmac.new(self._secret.value, b"lineside.canary/1" + record.id.encode(), hashlib.sha256).digest()
        by_lot = record.deployment.unit is CanaryUnit.LOT and lot is not None
        drawn_of = "" if by_lot else part_id
        return draw_audit(PlantSecret(own), part_id=drawn_of, lot=lot, share=record.deployment.share).is_drawn


def ref_of(record: DeploymentRecord) -> ReleaseRef:
    """The release that a deployment names."""
    return ReleaseRef(record.deployment.release.name, record.deployment.release.digest)
