"""The JSON of the review place."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from lineside.inspection.verdict import Verdict
from lineside.serving.dispositions import DispositionOut
from lineside.serving.fields import Name, Prose
from lineside.serving.inspections.schemas import DefectOut
from lineside.serving.reviews import ReviewBox, ReviewKind, ReviewOut, ReviewRecorded
from lineside.serving.verification.waiting import WaitKind

Reader = Annotated[Name, Field(max_length=80)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class QueueOut(_Shape):
    """What waits at the review place."""

    waiting: Mapping[WaitKind, int] = Field(description="Readings due, by kind. Parts of known truth are among them.")
    claimed: int = Field(description="Of these, held by a reader now.")
    without_image: int = Field(description="Of these, unreadable: retention has taken their images.")
    oldest_since: datetime | None
    second_share: float = Field(description="Share of readings that another reader makes again, blind.")


class ClaimIn(_Shape):
    """Who would read, and where."""

    reader: Reader | None = Field(
        default=None, description="Who reads, where several share one key; it is written beside the key's name."
    )
    holder: Annotated[Name, Field(max_length=80)] = Field(
        default="default", description="Which of the reader's windows: each holds a part of its own."
    )
    station: Name | None = Field(default=None, description="Only parts of this station.")


class ShownView(_Shape):
    """One view of the part to be read."""

    view: str
    size_wh_px: tuple[int, int]
    layers: tuple[Literal["image", "reference", "difference"], ...] = Field(
        description="What there is to see, by GET /v1/inspections/{id}/layers/{layer}."
    )


class ShownClass(_Shape):
    """A defect class that may be drawn."""

    name: str
    name_ko: str


class ClaimOut(_Shape):
    """A part that a reader holds, with all that he may know of it.

    A second reading looks like a first one here, and a part of known truth like any other.
    """

    id: str
    inspection_id: str
    kind: Literal["flagged", "audit", "conflict"]
    reader: str
    until: datetime = Field(description="Then somebody else may take it, if it was not read or held longer.")
    station: str
    part_id: str
    attempt: int
    product: str | None
    lot: str | None
    verdict: Verdict
    judged_at: datetime
    views: tuple[ShownView, ...]
    defects: tuple[DefectOut, ...] = Field(description="What the detector found; none on a passed part.")
    classes: tuple[ShownClass, ...]
    readings: tuple[ReviewOut, ...] = Field(description="Of a conflict: what was said. Else empty.")


class ReadingIn(_Shape):
    """What a reader says of the part that he holds, and what is to become of it."""

    kind: Literal[ReviewKind.CONFIRMED, ReviewKind.FALSE_CALL, ReviewKind.ESCAPE, ReviewKind.CORRECTED]
    boxes: Annotated[tuple[ReviewBox, ...], Field(max_length=1000)] = ()
    reason: Prose | None = None
    disposition: Literal["passed", "reworked", "scrapped"] | None = Field(
        default=None, description="Use, rework or scrap; null where somebody else decides."
    )


class ReadingOut(_Shape):
    """A reading as it was recorded."""

    claim_id: str
    review: ReviewRecorded
    disposition: DispositionOut | None


class IntervalOut(_Shape):
    """A share of readings that were wrong, with its Wilson interval."""

    wrong: int
    readings: int
    share: float | None
    lower: float
    upper: float


class ErrorsOut(_Shape):
    """How often defects were missed, and good parts called defective."""

    missed: IntervalOut = Field(description="Of readings of defective parts.")
    false_alarms: IntervalOut = Field(description="Of readings of good parts.")


class KappaOut(_Shape):
    """How far two readings of a part agree beyond chance (Cohen)."""

    value: float | None
    lower: float
    upper: float
    agreement: float = Field(description="Share of pairs that agree.")
    pairs: int


class ReaderFigures(_Shape):
    """How a reader reads, or all of them together."""

    readings: int
    known_parts: ErrorsOut = Field(description="Held against parts of known truth.")
    blind_seconds: ErrorsOut = Field(description="Second blind readings, held against where the part stands now.")
    kappa: KappaOut | None = Field(description="Of first and second readings, defective or good; null without any.")
    minutes: float = Field(description="From taking a part to its reading.")


class NamedReaderFigures(ReaderFigures):
    """One reader's figures."""

    reader: str


class ReviewersOut(_Shape):
    """How well people read: all of them, and each."""

    confidence: float
    total: ReaderFigures
    items: tuple[NamedReaderFigures, ...]
