"""The JSON of reviews."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from lineside.inspection.verdict import Verdict
from lineside.serving.fields import Instant, Name, Prose


class ReviewKind(StrEnum):
    """What a human says of an inspection."""

    CONFIRMED = "confirmed"
    FALSE_CALL = "false_call"
    ESCAPE = "escape"
    CORRECTED = "corrected"
    WITHDRAWN = "withdrawn"
    """Takes back the review that it supersedes, as if it had not been said; counts nowhere itself."""


class ReviewSource(StrEnum):
    """Where a review comes from. Only audit draws estimate escapes."""

    OPERATOR = "operator"
    AUDIT = "audit"
    DOWNSTREAM = "downstream"
    LABEL_STUDIO = "label_studio"


class ReviewStanding(StrEnum):
    """What the reviews of an inspection amount to."""

    UNREVIEWED = "unreviewed"
    CONFIRMED = "confirmed"
    FALSE_CALL = "false_call"
    ESCAPE = "escape"
    CORRECTED = "corrected"
    UNRESOLVED = "unresolved"


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _right_way_round(edges: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    left, top, right, bottom = edges
    if not (left < right and top < bottom):
        raise ValueError(f"box {edges} is empty or inside out: left < right and top < bottom")
    return edges


Coordinate = Annotated[float, Field(ge=0, le=10_000_000)]
BoxEdges = Annotated[tuple[Coordinate, Coordinate, Coordinate, Coordinate], AfterValidator(_right_way_round)]
"""Left, top, right, bottom in pixels; encloses something."""


class ReviewBox(_Shape):
    """One defect as a human drew it."""

    view: Name = "default"
    class_name: Name
    box_xyxy_px: BoxEdges = Field(description="Left, top, right, bottom in the view's pixels.")


class ReviewIn(_Shape):
    """What a human says of an inspection."""

    kind: ReviewKind
    source: ReviewSource
    reviewer: Name
    at: Instant
    boxes: Annotated[tuple[ReviewBox, ...], Field(max_length=1000)] = ()
    reason: Prose | None = None
    supersedes: Name | None = Field(default=None, description="The review of the same inspection that this replaces.")
    blind: bool = Field(
        default=False, description="Said without knowing what others said: such second readings show how people err."
    )

    @model_validator(mode="after")
    def _boxes_fit(self) -> Self:
        if self.kind is ReviewKind.CORRECTED and not self.boxes:
            raise ValueError("a correction names every defect that is there: give boxes, or say false_call")
        if self.kind is ReviewKind.WITHDRAWN and self.supersedes is None:
            raise ValueError("a withdrawal takes a review back: name it in supersedes")
        if self.kind in {ReviewKind.CONFIRMED, ReviewKind.FALSE_CALL, ReviewKind.WITHDRAWN} and self.boxes:
            raise ValueError(f"boxes say something else than {self.kind.value!r}: use corrected or escape")
        return self


class ReviewOut(_Shape):
    """A recorded review. Also the data of the event `review.v1`, with where its inspection stands after it."""

    id: str
    inspection_id: str
    station: str
    part_id: str
    attempt: int
    verdict: Verdict
    kind: ReviewKind
    source: ReviewSource
    reviewer: str
    at: datetime
    boxes: tuple[ReviewBox, ...]
    reason: str | None
    supersedes: str | None
    blind: bool


class ReviewRecorded(ReviewOut):
    """A review just recorded, and where its inspection stands with it."""

    standing: ReviewStanding
    recorded_by: str


class ReviewList(_Shape):
    """An inspection's reviews, oldest first, and what they amount to."""

    items: tuple[ReviewOut, ...]
    standing: ReviewStanding
