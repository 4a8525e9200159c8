"""Reading and writing comparisons in the ledger."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from lineside.inspection.verdict import Verdict
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.tables import deployments, frames, inspections, shadow_counts, shadow_results
from lineside.serving.reviews import ReviewStanding, standing_of
from lineside.serving.reviews.store import reviews_by_inspection
from lineside.serving.shadowing.schemas import CanaryEnded, ComparisonOut, DisagreementOut
from lineside.statistics.comparison import mixture_e_value, mixture_e_value_worse

DISAGREEMENT_EVENT = "shadow_disagreement.v1"
CANARY_EVENT = "canary.v1"

_IS_DEFECTIVE: Mapping[ReviewStanding, bool | None] = {
    ReviewStanding.ESCAPE: True,
    ReviewStanding.CORRECTED: True,
    ReviewStanding.FALSE_CALL: False,
}
"""What a settled review says of a part; a confirmed one says that its verdict is right."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many parts were compared under a deployment.

    Attributes:
        agreements: parts that both see alike.
        disagreements: the others.
        dropped: parts that were not compared.
        canary_parts: parts that the candidate gave the verdict on.
        canary_failures: of those, the ones that it left NOT_INSPECTED.
    """

    agreements: int = 0
    disagreements: int = 0
    dropped: int = 0
    canary_parts: int = 0
    canary_failures: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """Both together."""
        return Counts(
            self.agreements + other.agreements,
            self.disagreements + other.disagreements,
            self.dropped + other.dropped,
            self.canary_parts + other.canary_parts,
            self.canary_failures + other.canary_failures,
        )

    @property
    def compared(self) -> int:
        """Parts that both looked at."""
        return self.agreements + self.disagreements


def add_counts(transaction: Transaction, by_deployment: Mapping[str, Counts]) -> None:
    """Add to what was counted under some deployments."""
    for deployment_id, more in by_deployment.items():
        total = counts_of(transaction.connection, deployment_id)
        values = {
            "agreements": (total or Counts()).agreements + more.agreements,
            "disagreements": (total or Counts()).disagreements + more.disagreements,
            "dropped": (total or Counts()).dropped + more.dropped,
            "canary_parts": (total or Counts()).canary_parts + more.canary_parts,
            "canary_failures": (total or Counts()).canary_failures + more.canary_failures,
            "updated_at": transaction.now(),
        }
        if total is None:
            transaction.connection.execute(insert(shadow_counts).values(deployment_id=deployment_id, **values))
        else:
            transaction.connection.execute(
                update(shadow_counts).where(shadow_counts.c.deployment_id == deployment_id).values(**values)
            )


def counts_of(connection: Connection, deployment_id: str) -> Counts | None:
    """What was counted under a deployment; None if nothing was."""
    row = connection.execute(select(shadow_counts).where(shadow_counts.c.deployment_id == deployment_id)).one_or_none()
    if row is None:
        return None
    return Counts(row.agreements, row.disagreements, row.dropped, row.canary_parts, row.canary_failures)


def add_disagreement(transaction: Transaction, found: DisagreementOut, *, stored_digests: Iterable[str]) -> None:
    """Insert a disagreement with its event, and keep the part's images.

    Args:
        transaction: where.
        found: the disagreement.
        stored_digests: of the part's images, those that are in the image store.
    """
    body = found.model_dump(mode="json")
    now = transaction.now()
    transaction.connection.execute(
        insert(shadow_results).values(
            id=found.id,
            deployment_id=found.deployment_id,
            inspection_id=found.inspection_id,
            candidate_judged=found.candidate_judged,
            verdict_differs=found.verdict_differs,
            live=body["live"],
            candidate=body["candidate"],
            recorded_at=now,
        )
    )
    transaction.connection.execute(
        update(frames)
        .where(frames.c.inspection_id == found.inspection_id, frames.c.digest.in_(tuple(stored_digests)))
        .values(kept=True)
    )
    transaction.append_event(DISAGREEMENT_EVENT, station=found.station, occurred_at=now, data=body)


def add_canary_end(transaction: Transaction, ended: CanaryEnded) -> None:
    """Append the event of a candidate that the server took back by itself."""
    transaction.append_event(
        CANARY_EVENT, station=None, occurred_at=transaction.now(), data=ended.model_dump(mode="json")
    )


def latest_disagreements(connection: Connection, deployment_id: str, *, limit: int) -> list[DisagreementOut]:
    """A deployment's disagreements, newest first."""
    rows = connection.execute(
        select(shadow_results, inspections.c.station, inspections.c.part_id, deployments.c.serial)
        .join(inspections, shadow_results.c.inspection_id == inspections.c.id)
        .join(deployments, shadow_results.c.deployment_id == deployments.c.id)
        .where(shadow_results.c.deployment_id == deployment_id)
        .order_by(shadow_results.c.id.desc())
        .limit(limit)
    )
    return [
        DisagreementOut(
            id=row.id,
            deployment_id=row.deployment_id,
            serial=row.serial,
            inspection_id=row.inspection_id,
            station=row.station,
            part_id=row.part_id,
            candidate_judged=row.candidate_judged,
            verdict_differs=row.verdict_differs,
            live=row.live,
            candidate=row.candidate,
        )
        for row in rows
    ]


def comparison_of(connection: Connection, deployment_id: str, *, unwritten: Counts) -> ComparisonOut:
    """Everything that is known of two releases under a deployment.

    Args:
        connection: a snapshot.
        deployment_id: the shadow or canary.
        unwritten: counts that are in memory still.
    """
    counts = (counts_of(connection, deployment_id) or Counts()).plus(unwritten)
    rows = connection.execute(
        select(
            shadow_results.c.live,
            shadow_results.c.candidate,
            shadow_results.c.verdict_differs,
            shadow_results.c.candidate_judged,
            inspections,
        )
        .join(inspections, shadow_results.c.inspection_id == inspections.c.id)
        .where(shadow_results.c.deployment_id == deployment_id)
        .order_by(shadow_results.c.id)
    ).all()
    reviews = reviews_by_inspection(connection, rows)
    reviewed = candidate_right = live_right = 0
    counted: set[tuple[str, str]] = set()
    for row in rows:
        standing = standing_of(reviews[row.id])
        if standing in {ReviewStanding.UNREVIEWED, ReviewStanding.UNRESOLVED}:
            continue
        reviewed += 1
        is_defective = _is_defective(standing, Verdict(row.verdict))
        candidate, live = _says_defective(row.candidate), _says_defective(row.live)
        part = (row.station, row.part_id)
        if None in {candidate, live} or candidate is live or part in counted:
            continue  # another attempt of a part says nothing new: the e-process takes each part once
        counted.add(part)
        candidate_right += candidate is is_defective
        live_right += live is is_defective
    return ComparisonOut(
        compared=counts.compared,
        agreements=counts.agreements,
        disagreements=counts.disagreements,
        verdict_differences=sum(row.verdict_differs for row in rows),
        dropped=counts.dropped,
        reviewed=reviewed,
        candidate_right=candidate_right,
        live_right=live_right,
        e_value=mixture_e_value(live_right, candidate_right),
        e_value_worse=mixture_e_value_worse(live_right, candidate_right),
        canary_parts=counts.canary_parts,
        canary_failures=counts.canary_failures,
    )


def disputed_under(connection: Connection, inspection_id: str) -> list[str]:
    """Deployments under which two releases see an inspection's part differently."""
    rows = connection.execute(
        select(shadow_results.c.deployment_id).where(shadow_results.c.inspection_id == inspection_id)
    )
    return list(rows.scalars())


def _is_defective(standing: ReviewStanding, verdict: Verdict) -> bool:
    known = _IS_DEFECTIVE.get(standing)
    return verdict is Verdict.NG if known is None else known


def _says_defective(findings: Mapping[str, Any]) -> bool | None:
    """What a release says of the part; None if it did not inspect it."""
    verdict = Verdict(findings["verdict"])
    return None if verdict is Verdict.NOT_INSPECTED else verdict is Verdict.NG
