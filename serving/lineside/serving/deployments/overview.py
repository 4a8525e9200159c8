"""Who judges what now: one row for each line and product that a station works on."""

from datetime import datetime
from typing import Literal

from lineside.serving.deployments.book import Scope
from lineside.serving.deployments.schemas import DeployedRelease, InForceOut
from lineside.serving.deployments.service import DeploymentService
from lineside.serving.inspections.service import InspectionService
from lineside.serving.recipes import StoredRecipe


def in_force_now(
    deployments: DeploymentService, inspections: InspectionService, *, now: datetime
) -> tuple[InForceOut, ...]:
    """Who judges each line's products, and who is compared with it.

    Args:
        deployments: what was deployed.
        inspections: knows what cannot be judged, and why.
        now: aware UTC instant, for expiry.
    """
    found = dict(deployments.scopes())
    return tuple(
        _row(deployments, inspections, scope, stored, now) for scope, stored in sorted(found.items(), key=_key)
    )


def _key(item: tuple[Scope, StoredRecipe]) -> tuple[str, str, str]:
    scope = item[0]
    return scope.line, scope.product, scope.release_name


def _row(
    deployments: DeploymentService, inspections: InspectionService, scope: Scope, stored: StoredRecipe, now: datetime
) -> InForceOut:
    decision = deployments.book.decide(scope)
    live = None if decision.live is None else decision.live.deployment.release
    candidate = decision.candidate
    reason = inspections.why_not_judged(scope, stored)
    state: Literal["ready", "loading", "expired", "unusable"] = "ready" if reason is None else "unusable"
    if decision.live is not None and decision.live.is_expired(now):
        state = "expired"
    elif reason is not None and reason.endswith("being loaded"):
        state = "loading"
    return InForceOut(
        line=scope.line,
        product=scope.product,
        release_name=scope.release_name,
        live=None if live is None else DeployedRelease(name=live.name, version=live.version, digest=live.digest),
        live_deployment=None if decision.live is None else decision.live.id,
        state=state,
        reason=reason,
        candidate_deployment=None if candidate is None or candidate.is_expired(now) else candidate.id,
    )
