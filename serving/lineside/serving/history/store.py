"""Reading past inspections from the ledger."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, exists, select

from lineside.inspection.verdict import Verdict
from lineside.serving.certificates import ThresholdStatus
from lineside.serving.dispositions.store import dispositions_of
from lineside.serving.errors import ImageGone
from lineside.serving.history.cursor import cursor_after
from lineside.serving.history.lookup import inspection_row
from lineside.serving.history.schemas import (
    InspectionPage,
    InspectionSummary,
    PendingInspection,
    StoredFrame,
    StoredInspection,
    VersionedName,
)
from lineside.serving.inspections.schemas import ReasonOut
from lineside.serving.inspections.store import answer_of
from lineside.serving.inspections.submission import Cause
from lineside.serving.ledger.tables import defects, frames, inspections
from lineside.serving.reviews import ReviewOut, standing_of
from lineside.serving.reviews.store import reviews_by_inspection, reviews_of


@dataclass(frozen=True, slots=True)
class InspectionFilter:
    """Which inspections are wanted; None does not filter.

    Attributes:
        opened_from: opened at this instant or later.
        opened_to: opened before this instant.
        class_name: with at least one defect of this class.
        audit: drawn for review, or not.
    """

    station: str | None = None
    lot: str | None = None
    part_id: str | None = None
    parent_id: str | None = None
    verdict: Verdict | None = None
    product: str | None = None
    class_name: str | None = None
    audit: bool | None = None
    opened_from: datetime | None = None
    opened_to: datetime | None = None

    def narrow(self, query: Select[Any]) -> Select[Any]:
        """The query with these conditions."""
        columns = inspections.c
        equal = {
            columns.station: self.station,
            columns.lot: self.lot,
            columns.part_id: self.part_id,
            columns.parent_id: self.parent_id,
            columns.verdict: None if self.verdict is None else self.verdict.value,
            columns.product: self.product,
            columns.audit: self.audit,
        }
        for column, value in equal.items():
            if value is not None:
                query = query.where(column == value)
        if self.opened_from is not None:
            query = query.where(columns.opened_at >= self.opened_from)
        if self.opened_to is not None:
            query = query.where(columns.opened_at < self.opened_to)
        if self.class_name is not None:
            query = query.where(
                exists().where(defects.c.inspection_id == columns.id, defects.c.class_name == self.class_name)
            )
        return query


def read_page(
    connection: Connection, plant: str, wanted: InspectionFilter, *, after_id: str | None, limit: int
) -> InspectionPage:
    """Inspections, newest first.

    Args:
        connection: where to read.
        plant: the plant.
        wanted: which of them.
        after_id: the last inspection of the page before; None for the first page.
        limit: how many.
    """
    query = wanted.narrow(select(inspections).where(inspections.c.plant == plant))
    if after_id is not None:
        query = query.where(inspections.c.id < after_id)
    rows = connection.execute(query.order_by(inspections.c.id.desc()).limit(limit + 1)).all()
    page = rows[:limit]
    counts = _defect_counts(connection, [row.id for row in page])
    said = reviews_by_inspection(connection, page)
    return InspectionPage(
        items=tuple(InspectionSummary(**_summary(row, counts, said[row.id])) for row in page),
        next_cursor=cursor_after(page[-1].id) if len(rows) > limit else None,
    )


def read_one(connection: Connection, plant: str, inspection_id: str) -> StoredInspection | PendingInspection:
    """One inspection with all that came of it.

    Raises:
        UnknownInspection: there is none.
    """
    row = inspection_row(connection, plant, inspection_id)
    frame_rows = connection.execute(
        select(frames).where(frames.c.inspection_id == row.id).order_by(frames.c.received_at, frames.c.view)
    ).all()
    if row.verdict is None:
        return PendingInspection(
            **_summary(row, {}, []),
            deadline_at=row.deadline_at,
            frames=tuple(_frame(frame, {}) for frame in frame_rows),
        )
    answer = dict(answer_of(connection, plant, row.id))
    notes = {frame["view"]: tuple(frame.get("notes", ())) for frame in answer["frames"]}
    said = reviews_of(connection, row)
    return StoredInspection.model_validate(
        {
            **answer,
            "frames": [_frame(frame, notes) for frame in frame_rows],
            "dispositions": dispositions_of(connection, row),
            "reviews": said,
            "standing": standing_of(said),
        }
    )


def find_frame(connection: Connection, plant: str, inspection_id: str, *, view: str | None) -> Row[Any]:
    """The frame of one view; of the only one if none is named.

    Raises:
        UnknownInspection: there is no such inspection.
        ImageGone: it has no such view, or the view's image is not kept.
    """
    row = inspection_row(connection, plant, inspection_id)
    found = {frame.view: frame for frame in connection.execute(select(frames).where(frames.c.inspection_id == row.id))}
    wanted = next(iter(found)) if view is None and len(found) == 1 else view or "default"
    frame = found.get(wanted)
    if frame is None:
        known = ", ".join(sorted(found)) or "none"
        raise ImageGone(f"inspection {inspection_id} has no view {wanted!r}; it has: {known}. Name one with ?view=")
    if not frame.kept:
        raise ImageGone(
            f"the image of inspection {inspection_id}, view {wanted!r} is not kept: OK parts are kept by the recipe's "
            "share, and retention ends"
        )
    return frame


def defect_rows(connection: Connection, inspection_id: str, *, view: str) -> Sequence[Row[Any]]:
    """The defects of one view in the order of the verdict's answer."""
    return connection.execute(
        select(defects)
        .where(defects.c.inspection_id == inspection_id, defects.c.view == view)
        .order_by(defects.c.ordinal)
    ).all()


def _defect_counts(connection: Connection, inspection_ids: Sequence[str]) -> Mapping[str, Counter[str]]:
    counts: dict[str, Counter[str]] = {}
    rows = connection.execute(
        select(defects.c.inspection_id, defects.c.class_name).where(defects.c.inspection_id.in_(inspection_ids))
    )
    for row in rows:
        counts.setdefault(row.inspection_id, Counter())[row.class_name] += 1
    return counts


def _summary(row: Row[Any], counts: Mapping[str, Counter[str]], said: Sequence[ReviewOut]) -> dict[str, Any]:
    recipe, release = None, None
    if row.recipe_id is not None:
        recipe = VersionedName(name=row.recipe_id, version=str(row.recipe_version))
    if row.release_name is not None:
        release = VersionedName(name=row.release_name, version=row.release_version)
    return {
        "id": row.id,
        "station": row.station,
        "part_id": row.part_id,
        "attempt": row.attempt,
        "cause": Cause(row.cause),
        "parent_id": row.parent_id,
        "product": row.product,
        "lot": row.lot,
        "order_id": row.order_id,
        "verdict": None if row.verdict is None else Verdict(row.verdict),
        "reasons": tuple(ReasonOut.model_validate(reason) for reason in row.reasons),
        "defect_counts": dict(counts.get(row.id, {})),
        "audit": row.audit,
        "recipe": recipe,
        "release": release,
        "judged_by": row.judged_by,
        "is_simulated": row.is_simulated,
        "opened_at": row.opened_at,
        "judged_at": row.judged_at,
        "standing": standing_of(said),
        "threshold_status": ThresholdStatus(row.threshold_status or ThresholdStatus.UNCERTIFIED),
    }


def _frame(row: Row[Any], notes: Mapping[str, tuple[str, ...]]) -> StoredFrame:
    return StoredFrame(
        view=row.view,
        digest=row.digest,
        kept=row.kept,
        notes=notes.get(row.view, ()),
        media_type=row.media_type,
        size_bytes=row.size_bytes,
        captured_at=row.captured_at,
        received_at=row.received_at,
        sequence=row.sequence,
        encoder=row.encoder,
        detections=None if row.detections is None else tuple(row.detections),
        failure=None if row.failure is None else ReasonOut.model_validate(row.failure),
    )
