"""Inspections that may be picked for labelling, a page at a time."""

import base64
import binascii
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, and_, exists, or_, select

from lineside.inspection.verdict import Verdict
from lineside.serving.errors import CursorUnreadable
from lineside.serving.labelling.facts import facts_by_id
from lineside.serving.labelling.schemas import CandidatePage
from lineside.serving.ledger.label_tables import label_picks
from lineside.serving.ledger.rate_tables import known_parts
from lineside.serving.ledger.tables import frames, inspections
from lineside.serving.ledger.types import timestamp_text


@dataclass(frozen=True, slots=True)
class CandidateFilter:
    """Which candidates are wanted; None does not filter.

    Attributes:
        project: for which they are not picked yet.
        judged_from: judged at this instant or later.
        judged_to: judged before this instant.
        station: where.
        product: what.
    """

    project: str
    judged_from: datetime | None = None
    judged_to: datetime | None = None
    station: str | None = None
    product: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ends: its last inspection.

    Attributes:
        judged_at: aware UTC.
        inspection_id: settles the order of those judged at one instant.
    """

    judged_at: datetime
    inspection_id: str

    def as_cursor(self) -> str:
        """The cursor of the page that follows."""
        text = f"{timestamp_text(self.judged_at)} {self.inspection_id}"
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()

    @classmethod
    def of_cursor(cls, cursor: str) -> "Place":
        """Read a cursor.

        Raises:
            CursorUnreadable: this server gave out no such cursor.
        """
        try:
            padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
            instant, inspection_id = base64.b64decode(padded, altchars=b"-_", validate=True).decode().split(" ")
            judged_at = datetime.strptime(instant, "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(UTC)
            identifier = str(uuid.UUID(inspection_id))
        except (ValueError, OverflowError, binascii.Error) as error:
            raise CursorUnreadable(
                f"cursor {cursor[:40]!r} was not given out here; start without one, then take next_cursor"
            ) from error
        return cls(judged_at, identifier)


def read_page(
    connection: Connection, plant: str, wanted: CandidateFilter, *, after: Place | None, limit: int
) -> CandidatePage:
    """Candidates, oldest verdict first.

    An inspection may be picked if it was judged OK or NG, all of its images are kept, its truth is not known
    beforehand, and it is not picked for the project.

    Args:
        connection: where to read.
        plant: the plant.
        wanted: which of them.
        after: the last one of the page before; None for the first page.
        limit: how many.
    """
    row = inspections.c
    has_image = exists().where(frames.c.inspection_id == row.id)
    lacks_image = exists().where(frames.c.inspection_id == row.id, ~frames.c.kept)
    is_known = exists().where(
        known_parts.c.plant == row.plant,
        known_parts.c.part_id == row.part_id,
        or_(known_parts.c.valid_until.is_(None), row.opened_at < known_parts.c.valid_until),
    )
    is_picked = exists().where(
        label_picks.c.plant == row.plant,
        label_picks.c.project == wanted.project,
        label_picks.c.inspection_id == row.id,
    )
    query = select(row.id, row.judged_at).where(
        row.plant == plant,
        row.verdict.in_((Verdict.OK.value, Verdict.NG.value)),
        has_image,
        ~lacks_image,
        ~is_known,
        ~is_picked,
    )
    if wanted.judged_from is not None:
        query = query.where(row.judged_at >= wanted.judged_from)
    if wanted.judged_to is not None:
        query = query.where(row.judged_at < wanted.judged_to)
    if wanted.station is not None:
        query = query.where(row.station == wanted.station)
    if wanted.product is not None:
        query = query.where(row.product == wanted.product)
    if after is not None:
        query = query.where(
            row.judged_at >= after.judged_at,
            or_(row.judged_at > after.judged_at, and_(row.judged_at == after.judged_at, row.id > after.inspection_id)),
        )
    rows = connection.execute(query.order_by(row.judged_at, row.id).limit(limit + 1)).all()
    page = rows[:limit]
    facts = facts_by_id(connection, [each.id for each in page])
    more = Place(page[-1].judged_at, page[-1].id).as_cursor() if len(rows) > limit else None
    return CandidatePage(items=tuple(facts[each.id] for each in page), next_cursor=more)
