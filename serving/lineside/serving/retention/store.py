"""Which frames' images have served their time. Rows stay; only their claim to an image ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, bindparam, exists, or_, select, update

from lineside.serving.ledger import Transaction
from lineside.serving.ledger.label_tables import label_picks, label_projects
from lineside.serving.ledger.tables import frames, inspections, reference_images, reviews, shadow_results


@dataclass(frozen=True, slots=True)
class HeldFrame:
    """A frame whose image is kept.

    Attributes:
        inspection_id: its inspection.
        view: its view.
        size_bytes: length of its image.
        received_at: when it came.
        is_expendable: an OK part's, neither audited nor reviewed nor picked for labelling nor disputed between two
            releases: the first to go when space runs out.
        is_needed: people are asked to label it, or its label is in no dataset revision yet: it does not go.
    """

    inspection_id: str
    view: str
    size_bytes: int
    received_at: datetime
    is_expendable: bool
    is_needed: bool = False


def held_frames(connection: Connection, plant: str, recipe_id: str | None) -> list[HeldFrame]:
    """Frames of a recipe's judged parts whose images are kept, oldest first; None is parts without a recipe."""
    is_reviewed = exists().where(reviews.c.inspection_id == inspections.c.id)
    is_disputed = exists().where(shadow_results.c.inspection_id == inspections.c.id)
    is_picked = exists().where(label_picks.c.inspection_id == inspections.c.id)
    rows = connection.execute(
        select(
            frames.c.inspection_id,
            frames.c.view,
            frames.c.size_bytes,
            frames.c.received_at,
            inspections.c.verdict,
            inspections.c.audit,
            is_reviewed.label("is_reviewed"),
            is_disputed.label("is_disputed"),
            is_picked.label("is_picked"),
            _is_being_labelled().label("is_needed"),
        )
        .join(inspections, frames.c.inspection_id == inspections.c.id)
        .where(
            inspections.c.plant == plant,
            inspections.c.recipe_id.is_(None) if recipe_id is None else inspections.c.recipe_id == recipe_id,
            inspections.c.verdict.is_not(None),
            frames.c.kept,
        )
        .order_by(frames.c.received_at, frames.c.inspection_id)
    )
    return [
        HeldFrame(
            inspection_id=row.inspection_id,
            view=row.view,
            size_bytes=row.size_bytes,
            received_at=row.received_at,
            is_expendable=row.verdict == "OK"
            and not (row.audit or row.is_reviewed or row.is_disputed or row.is_picked),
            is_needed=row.is_needed,
        )
        for row in rows
    ]


def _is_being_labelled() -> ColumnElement[bool]:
    """Whether an inspection is picked and not labelled yet, or its label is in no dataset revision yet."""
    pick, project = label_picks.c, label_projects.c
    return (
        exists()
        .where(
            pick.inspection_id == inspections.c.id,
            project.plant == pick.plant,
            project.name == pick.project,
            or_(
                pick.state.in_(("waiting", "pushed", "attention")),
                and_(pick.state == "labelled", pick.change > project.revision_change),
            ),
        )
        .correlate(inspections)
    )


def let_go(transaction: Transaction, held: Sequence[HeldFrame]) -> None:
    """End these frames' claim to their images."""
    transaction.connection.execute(
        update(frames)
        .where(frames.c.inspection_id == bindparam("of_inspection"), frames.c.view == bindparam("of_view"))
        .values(kept=False),
        [{"of_inspection": frame.inspection_id, "of_view": frame.view} for frame in held],
    )


def is_claimed(connection: Connection, digest: str) -> bool:
    """Whether a kept frame or a recipe's reference needs the image."""
    claims = select(
        or_(
            exists().where(frames.c.digest == digest, frames.c.kept),
            exists().where(reference_images.c.digest == digest),
        )
    )
    return bool(connection.execute(claims).scalar_one())
