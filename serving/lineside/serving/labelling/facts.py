"""What the ledger knows of inspections, some at a time: for candidates and for picks."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from lineside.inspection.verdict import Verdict
from lineside.serving.labelling.kept_chances import kept_chances
from lineside.serving.labelling.schemas import (
    DisagreementRef,
    FoundDefect,
    InspectionFacts,
    ReleaseRef,
    VersionedRef,
    ViewOut,
)
from lineside.serving.ledger.tables import defects, frames, inspections, shadow_results, stations
from lineside.serving.reviews import ReviewKind, ReviewOut, ReviewSource, standing_of
from lineside.serving.reviews.standing import in_force
from lineside.serving.reviews.store import reviews_by_inspection

_AT_THE_LINE: Final = frozenset({ReviewSource.OPERATOR, ReviewSource.DOWNSTREAM})
_SAYS_WRONG: Final = frozenset({ReviewKind.ESCAPE, ReviewKind.FALSE_CALL, ReviewKind.CORRECTED})


def facts_by_id(connection: Connection, inspection_ids: Sequence[str]) -> Mapping[str, InspectionFacts]:
    """The facts of some judged inspections, by id: a page of them, never a whole ledger."""
    rows = connection.execute(
        select(inspections, stations.c.line)
        .outerjoin(stations, (stations.c.plant == inspections.c.plant) & (stations.c.id == inspections.c.station))
        .where(inspections.c.id.in_(inspection_ids))
    ).all()
    views = _views(connection, inspection_ids)
    found = defects_by_id(connection, inspection_ids)
    said = reviews_by_inspection(connection, rows)
    disputed = _disagreements(connection, inspection_ids)
    kept = kept_chances(connection, rows, views)
    return {
        row.id: InspectionFacts(
            inspection_id=row.id,
            part_id=row.part_id,
            attempt=row.attempt,
            station=row.station,
            line=row.line,
            lot=row.lot,
            product=row.product,
            parent_id=row.parent_id,
            verdict=Verdict(row.verdict),
            judged_at=row.judged_at,
            recipe=_versioned(row.recipe_id, row.recipe_version),
            release=_release(row),
            audit=row.audit,
            audit_probability=row.audit_probability,
            standing=standing_of(said[row.id]),
            operator_report=_is_reported(said[row.id]),
            views=tuple(views.get(row.id, ())),
            defects=tuple(found.get(row.id, ())),
            thresholds=row.thresholds,
            disagreement=disputed.get(row.id),
            kept_probability=kept[row.id],
        )
        for row in rows
    }


def defects_by_id(connection: Connection, inspection_ids: Sequence[str]) -> Mapping[str, list[FoundDefect]]:
    """The defects of some inspections as the model found them, by inspection."""
    found: dict[str, list[FoundDefect]] = {}
    rows = connection.execute(
        select(defects)
        .where(defects.c.inspection_id.in_(inspection_ids))
        .order_by(defects.c.inspection_id, defects.c.ordinal)
    )
    for row in rows:
        found.setdefault(row.inspection_id, []).append(
            FoundDefect(
                view=row.view,
                class_name=row.class_name,
                confidence=row.confidence,
                box_xyxy_px=(row.x1_px, row.y1_px, row.x2_px, row.y2_px),
            )
        )
    return found


def _views(connection: Connection, inspection_ids: Sequence[str]) -> Mapping[str, list[ViewOut]]:
    views: dict[str, list[ViewOut]] = {}
    rows = connection.execute(
        select(frames).where(frames.c.inspection_id.in_(inspection_ids)).order_by(frames.c.inspection_id, frames.c.view)
    )
    for row in rows:
        raw: Mapping[str, Any] = row.raw_geometry or {}
        views.setdefault(row.inspection_id, []).append(
            ViewOut(
                view=row.view,
                digest=row.digest,
                media_type=row.media_type,
                kept=row.kept,
                width_px=raw.get("width_px"),
                height_px=raw.get("height_px"),
                peak_score=(row.measures or {}).get("peak_score"),
            )
        )
    return views


def _disagreements(connection: Connection, inspection_ids: Sequence[str]) -> Mapping[str, DisagreementRef]:
    """The latest disagreement of each."""
    rows = connection.execute(
        select(shadow_results.c.inspection_id, shadow_results.c.deployment_id, shadow_results.c.verdict_differs)
        .where(shadow_results.c.inspection_id.in_(inspection_ids))
        .order_by(shadow_results.c.id)
    )
    return {
        row.inspection_id: DisagreementRef(deployment_id=row.deployment_id, verdict_differs=row.verdict_differs)
        for row in rows
    }


def _is_reported(reviews: Sequence[ReviewOut]) -> bool:
    return any(review.source in _AT_THE_LINE and review.kind in _SAYS_WRONG for review in in_force(reviews))


def _release(row: Row[Any]) -> ReleaseRef | None:
    if row.release_name is None:
        return None
    return ReleaseRef(name=row.release_name, version=row.release_version, digest=row.release_digest)


def _versioned(name: str | None, version: Any) -> VersionedRef | None:
    return None if name is None else VersionedRef(name=name, version=str(version))


def inspection_rows(connection: Connection, inspection_ids: Sequence[str]) -> Mapping[str, Row[Any]]:
    """The rows of some inspections, by id."""
    rows = connection.execute(select(inspections).where(inspections.c.id.in_(inspection_ids)))
    return {row.id: row for row in rows}
