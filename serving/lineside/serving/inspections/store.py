"""Reading and writing attempts in the ledger. Each function runs inside one transaction or one snapshot."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, insert, select, true, update
from sqlalchemy.exc import IntegrityError

from lineside.inspection.measures import FrameMeasures
from lineside.inspection.verdict import ViewFindings, ViewNotInspected
from lineside.serving.errors import AttemptClosed, AttemptOutOfOrder, IdempotencyConflict, ViewConflict
from lineside.serving.inspections.schemas import InspectionOut, MeasuresOut, ReasonOut, detection_rows
from lineside.serving.inspections.submission import Answer, Submission
from lineside.serving.known_parts.showings import note_showing
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.tables import defects, events, frames, idempotency, inspections
from lineside.serving.stations import BoundContext

EVENT_TYPE = "inspection.v1"

# Every frame asks these two: to build a statement costs as much as to run it.
_PROMISE = select(
    idempotency.c.request_digest,
    idempotency.c.status,
    idempotency.c.body,
    idempotency.c.inspection_id,
).where(idempotency.c.scope == bindparam("scope"), idempotency.c.key == bindparam("key"))
_LAST_ATTEMPT = (
    select(
        inspections.c.attempt,
        inspections.c.verdict,
        inspections.c.product,
        inspections.c.order_id,
        inspections.c.lot,
        inspections.c.recipe_id,
        inspections.c.recipe_version,
    )
    .where(
        inspections.c.plant == bindparam("plant"),
        inspections.c.station == bindparam("station"),
        inspections.c.part_id == bindparam("part_id"),
    )
    .order_by(inspections.c.attempt.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Earlier:
    """What the ledger knows of a part before a submission is looked at.

    Attributes:
        last_attempt: number of the newest attempt, 0 if there is none.
        last_is_closed: whether that attempt has its verdict.
        last_context: product, lot, order and recipe of that attempt.
    """

    last_attempt: int
    last_is_closed: bool
    last_context: BoundContext = field(default_factory=BoundContext)


@dataclass(frozen=True, slots=True)
class FrameRow:
    """One received view, as it is written down.

    Attributes:
        submission: what the station said of it.
        digest: lowercase hex SHA-256 of the body.
        size_bytes: length of the body.
        kept: whether the image store keeps it.
        received_at: aware UTC instant.
        detections: rows of class, confidence and box, None if the view was not inspected.
        failure: reason as JSON fields, None if the view was inspected.
        measures: of the picture and the model's scores as JSON fields; None where the server took none.
    """

    submission: Submission
    digest: str
    size_bytes: int
    kept: bool
    received_at: datetime
    detections: Sequence[Mapping[str, Any]] | None
    failure: Mapping[str, Any] | None
    measures: Mapping[str, Any] | None = None

    @classmethod
    def of(
        cls,
        submission: Submission,
        findings: ViewFindings | ViewNotInspected,
        *,
        digest: str,
        size_bytes: int,
        kept: bool,
        received_at: datetime,
        measures: FrameMeasures | None = None,
    ) -> "FrameRow":
        """The row of a view and what came of it."""
        detections, failure = None, None
        if isinstance(findings, ViewNotInspected):
            failure = ReasonOut.of(findings.reason).model_dump(mode="json")
        else:
            detections = detection_rows(findings)
        measured = None if measures is None else MeasuresOut.of(measures).model_dump(mode="json")
        return cls(submission, digest, size_bytes, kept, received_at, detections, failure, measured)


@dataclass(frozen=True, slots=True)
class Promise:
    """An answer to be stored under an idempotency key, so that a retry gets the same one.

    Attributes:
        scope: whose key it is.
        key: the key as the client chose it.
        request_digest: what the key stands for.
    """

    scope: str
    key: str
    request_digest: str


def find_earlier(
    connection: Connection, plant: str, submission: Submission, *, digest: str, promise: Promise | None
) -> Answer | Earlier:
    """The stored answer if this very request was answered before, else where the part stands.

    Raises:
        IdempotencyConflict: the idempotency key was used for another request.
        ViewConflict: this view of this attempt was received with another body.
    """
    if promise is not None:
        kept = connection.execute(_PROMISE, {"scope": promise.scope, "key": promise.key}).one_or_none()
        if kept is not None:
            if kept.request_digest != promise.request_digest:
                raise IdempotencyConflict(
                    f"Idempotency-Key {promise.key!r} was used for another request; use a new key for a new frame"
                )
            body = kept.body if kept.body is not None else answer_of(connection, plant, kept.inspection_id)
            return Answer(kept.status, body, replayed=True)
    return _standing(connection, plant, submission, digest)


def _standing(connection: Connection, plant: str, submission: Submission, digest: str) -> Answer | Earlier:
    last = connection.execute(
        _LAST_ATTEMPT, {"plant": plant, "station": submission.station, "part_id": submission.part_id}
    ).one_or_none()
    if last is None:
        return Earlier(0, last_is_closed=True)
    if submission.attempt <= last.attempt:
        replay = _same_frame(connection, plant, submission, digest)
        if replay is not None:
            return replay
    context = BoundContext(last.product, last.order_id, last.lot, last.recipe_id, last.recipe_version)
    return Earlier(last.attempt, last_is_closed=last.verdict is not None, last_context=context)


def _same_frame(connection: Connection, plant: str, submission: Submission, digest: str) -> Answer | None:
    """The stored answer if this view of this attempt is in the ledger with the same body and has its verdict."""
    row = connection.execute(
        select(frames.c.digest, inspections.c.id, inspections.c.verdict)
        .join(inspections, frames.c.inspection_id == inspections.c.id)
        .where(
            inspections.c.plant == plant,
            inspections.c.station == submission.station,
            inspections.c.part_id == submission.part_id,
            inspections.c.attempt == submission.attempt,
            frames.c.view == submission.view,
        )
    ).one_or_none()
    if row is None:
        return None
    if row.digest != digest:
        raise ViewConflict(
            f"view {submission.view!r} of part {submission.part_id!r}, attempt {submission.attempt} was received "
            f"with another body; a new try of the part is attempt {submission.attempt + 1} with its cause"
        )
    return None if row.verdict is None else Answer(200, answer_of(connection, plant, row.id), replayed=True)


def answer_of(connection: Connection, plant: str, inspection_id: str) -> Mapping[str, Any]:
    """The answer of a judged inspection, word for word as the station got it."""
    data: Mapping[str, Any] = connection.execute(
        select(events.c.data)
        .join(
            inspections,
            and_(events.c.plant == inspections.c.plant, events.c.sequence == inspections.c.event_sequence),
        )
        .where(inspections.c.plant == plant, inspections.c.id == inspection_id)
    ).scalar_one()
    return data


def closed_inspection(connection: Connection, plant: str, submission: Submission) -> str | None:
    """The inspection that stands for a submission's part and attempt; None without a verdict."""
    found: str | None = connection.execute(
        select(inspections.c.id).where(
            inspections.c.plant == plant,
            inspections.c.station == submission.station,
            inspections.c.part_id == submission.part_id,
            inspections.c.attempt == submission.attempt,
            inspections.c.verdict.is_not(None),
        )
    ).scalar_one_or_none()
    return found


def check_order(submission: Submission, earlier: Earlier) -> None:
    """Refuse an attempt that does not follow from what is known of the part.

    Raises:
        AttemptOutOfOrder: it skips one, or comes while the one before has no verdict.
        AttemptClosed: its attempt has its verdict, or a later one exists.
    """
    part = f"part {submission.part_id!r} at station {submission.station!r}"
    if submission.attempt < earlier.last_attempt or (
        submission.attempt == earlier.last_attempt and earlier.last_is_closed
    ):
        raise AttemptClosed(
            f"attempt {submission.attempt} of {part} has its verdict; "
            f"the next is attempt {earlier.last_attempt + 1} with its cause"
        )
    if submission.attempt > earlier.last_attempt + 1:
        raise AttemptOutOfOrder(
            f"attempt {submission.attempt} of {part} skips one: the last is {earlier.last_attempt}, "
            f"send attempt {earlier.last_attempt + 1}"
        )
    if submission.attempt == earlier.last_attempt + 1 and not earlier.last_is_closed:
        raise AttemptOutOfOrder(
            f"attempt {submission.attempt} of {part} came while attempt {earlier.last_attempt} waits for views"
        )


def open_attempt(transaction: Transaction, values: Mapping[str, Any]) -> None:
    """Insert an attempt whose views are not all there yet.

    Raises:
        AttemptClosed: another request recorded it meanwhile.
    """
    _insert_attempt(transaction, values)


def _insert_attempt(transaction: Transaction, values: Mapping[str, Any]) -> None:
    try:
        transaction.connection.execute(insert(inspections), dict(values))
    except IntegrityError as error:
        raise AttemptClosed(
            f"attempt {values['attempt']} of part {values['part_id']!r} at station {values['station']!r} was recorded "
            "by another request at the same time; send the request again to see what stands"
        ) from error
    note_showing(transaction, values["part_id"])


def add_frame(transaction: Transaction, inspection_id: str, row: FrameRow) -> None:
    """Insert one received view."""
    submission = row.submission
    transaction.connection.execute(
        insert(frames),
        {
            "inspection_id": inspection_id,
            "view": submission.view,
            "digest": row.digest,
            "media_type": submission.media_type.value,
            "raw_geometry": None if submission.raw is None else asdict(submission.raw),
            "captured_at": submission.captured_at,
            "sequence": submission.sequence,
            "encoder": submission.encoder,
            "size_bytes": row.size_bytes,
            "kept": row.kept,
            "received_at": row.received_at,
            "detections": row.detections,
            "failure": row.failure,
            "measures": row.measures,
        },
    )


def close_attempt(
    transaction: Transaction, answer: InspectionOut, *, values: Mapping[str, Any], is_open: bool
) -> Mapping[str, Any]:
    """Write the verdict, its defects and its event.

    Args:
        transaction: the transaction that makes them all durable together.
        answer: what the station gets.
        values: the columns of the attempt's row.
        is_open: whether the row was inserted before, by `open_attempt`.

    Returns:
        The answer as stored JSON.
    """
    body: dict[str, Any] = json.loads(answer.model_dump_json())
    event = transaction.append_event(EVENT_TYPE, station=answer.station, occurred_at=answer.judged_at, data=body)
    final = {**values, "event_sequence": event.sequence}
    if is_open:
        found = transaction.connection.execute(
            update(inspections)
            .where(and_(inspections.c.id == answer.id, inspections.c.verdict.is_(None)))
            .values(**final)
        )
        if found.rowcount != 1:
            raise AttemptClosed(f"inspection {answer.id} has its verdict already")
    else:
        _insert_attempt(transaction, final)
    if answer.defects:
        transaction.connection.execute(
            insert(defects),
            [
                {
                    "inspection_id": answer.id,
                    "ordinal": ordinal,
                    "view": defect.view,
                    "class_name": defect.class_name,
                    "confidence": defect.confidence,
                    "x1_px": defect.box_xyxy_px[0],
                    "y1_px": defect.box_xyxy_px[1],
                    "x2_px": defect.box_xyxy_px[2],
                    "y2_px": defect.box_xyxy_px[3],
                    "size_mm": defect.size_mm,
                    "size_definition": defect.size_definition,
                    "zone": defect.zone,
                    "severity": defect.severity,
                }
                for ordinal, defect in enumerate(answer.defects)
            ],
        )
    return body


def keep_promise(
    transaction: Transaction, promise: Promise, *, answer: Answer, inspection_id: str, now: datetime
) -> None:
    """Store an answer under its idempotency key; a verdict's body is not copied, its event has it.

    Raises:
        IdempotencyConflict: the key was used meanwhile for another request.
    """
    values = {
        "scope": promise.scope,
        "key": promise.key,
        "request_digest": promise.request_digest,
        "status": answer.status,
        "body": None if answer.status == 200 else dict(answer.body),
        "inspection_id": inspection_id,
        "created_at": now,
    }
    try:
        transaction.connection.execute(insert(idempotency), values)
    except IntegrityError as error:
        raise IdempotencyConflict(
            f"Idempotency-Key {promise.key!r} was used for another request at the same time; use one key a frame"
        ) from error


def let_go_of_images(transaction: Transaction, inspection_id: str) -> None:
    """End the claims of an attempt's frames to their images, now that the verdict does not need them."""
    transaction.connection.execute(update(frames).where(frames.c.inspection_id == inspection_id).values(kept=False))


def pending_attempts(
    connection: Connection, plant: str, *, station: str | None = None, part_id: str | None = None
) -> Sequence[Mapping[str, Any]]:
    """Attempts without a verdict, oldest first; of one station or part where that is said."""
    rows = connection.execute(
        select(inspections)
        .where(
            inspections.c.plant == plant,
            inspections.c.verdict.is_(None),
            true() if station is None else inspections.c.station == station,
            true() if part_id is None else inspections.c.part_id == part_id,
        )
        .order_by(inspections.c.opened_at)
    )
    return [dict(row) for row in rows.mappings()]


def received_views(connection: Connection, inspection_id: str) -> Sequence[Mapping[str, Any]]:
    """View, digest and kept of each frame of an attempt."""
    rows = connection.execute(
        select(frames.c.view, frames.c.digest, frames.c.kept).where(frames.c.inspection_id == inspection_id)
    )
    return [dict(row) for row in rows.mappings()]
