"""The JSON of candidates, picks and what needs a person."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lineside.datasets.sampling import PickReason
from lineside.inspection.verdict import Verdict
from lineside.serving.fields import Name, Prose
from lineside.serving.labelling.project_schemas import Number, Shape
from lineside.serving.labelling.task_schemas import MOST_ITEMS, LabelTaskOut, Uuid
from lineside.serving.reviews.schemas import ReviewBox, ReviewStanding


class PickState(StrEnum):
    """How far a pick is."""

    WAITING = "waiting"
    PUSHED = "pushed"
    LABELLED = "labelled"
    ATTENTION = "attention"
    WITHDRAWN = "withdrawn"


class ViewOut(Shape):
    """One image of an inspection."""

    view: str
    digest: str
    media_type: str
    kept: bool
    width_px: int | None = Field(description="Of raw frames only; others say it themselves.")
    height_px: int | None
    peak_score: float | None = Field(description="The highest score that the model gave on it, below a threshold too.")


class FoundDefect(Shape):
    """A defect as the model found it."""

    view: str
    class_name: str
    confidence: float
    box_xyxy_px: tuple[float, float, float, float]


class VersionedRef(Shape):
    """A recipe."""

    name: str
    version: str


class ReleaseRef(VersionedRef):
    """A release; its digest tells it from another of the same name and version."""

    digest: str


class DisagreementRef(Shape):
    """That another release saw the part differently."""

    deployment_id: str
    verdict_differs: bool


class InspectionFacts(Shape):
    """What is known of an inspection that is, or may be, picked."""

    inspection_id: str
    part_id: str
    attempt: int
    station: str
    line: str | None = Field(description="Of its station now.")
    lot: str | None
    product: str | None
    parent_id: str | None
    verdict: Verdict
    judged_at: datetime
    recipe: VersionedRef | None
    release: ReleaseRef | None
    audit: bool = Field(description="Drawn at random for review: such a part is never picked for its score.")
    audit_probability: float | None
    standing: ReviewStanding
    operator_report: bool = Field(description="Somebody at the line or downstream says that the verdict is wrong.")
    views: tuple[ViewOut, ...]
    defects: tuple[FoundDefect, ...]
    thresholds: Mapping[str, float]
    disagreement: DisagreementRef | None
    kept_probability: float | None = Field(
        description="The chance with which its images were kept; None where no draw kept them."
    )


class CandidatePage(Shape):
    """Some inspections that may be picked, oldest verdict first, and where to go on."""

    items: tuple[InspectionFacts, ...]
    next_cursor: str | None = Field(description="None on the last page.")


class PickIn(Shape):
    """An inspection to be labelled, and why."""

    inspection_id: Name
    reason: PickReason
    probability: Annotated[float, Field(gt=0, le=1)] | None = Field(
        default=None, description="Of its being picked; None where it cannot be known."
    )
    score: float | None = None


class PicksIn(Shape):
    """Inspections to be labelled; one that is picked for the project already stays as it is."""

    project: Name
    seed: Annotated[int, Field(ge=-(2**62), le=2**62)]
    picked_by: Name | None = Field(default=None, description="By default the name of the key.")
    items: Annotated[tuple[PickIn, ...], Field(min_length=1, max_length=MOST_ITEMS)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        ids = [item.inspection_id for item in self.items]
        if len(set(ids)) != len(ids):
            twice = next(each for each in ids if ids.count(each) > 1)
            raise ValueError(f"inspection {twice} comes twice; give each once")
        return self


class PickMade(Shape):
    """The pick of an inspection."""

    id: str
    inspection_id: str
    is_new: bool


class PicksMade(Shape):
    """The picks of a request, in its order."""

    items: tuple[PickMade, ...]


class LabelOut(Shape):
    """What people say of a whole part: its tasks' readings put together, a defect on a seam of tiles once."""

    is_defective: bool
    boxes: tuple[ReviewBox, ...] = Field(description="In the pixels of their view's frame.")
    reviewer: str
    at: datetime
    comment: str | None
    minutes: float


class PickOut(InspectionFacts):
    """A pick with its inspection's facts, its tasks and what people say of it."""

    id: str
    project: str
    reason: PickReason
    probability: float | None
    score: float | None
    seed: int
    picked_at: datetime
    picked_by: str
    state: PickState
    change: int = Field(description="Rises each time its label changes; 0 before it has one.")
    review_id: str | None = Field(description="The review that its label was made into; None without one.")
    label: LabelOut | None = Field(description="None while a task is unread, or a reading needs a person.")
    tasks: tuple[LabelTaskOut, ...]


class PickPage(Shape):
    """Some picks and where to go on."""

    items: tuple[PickOut, ...]
    next_cursor: str | None = Field(description="None on the last page.")


class PickWithdrawalIn(Shape):
    """Why a pick is taken back."""

    by: Name
    reason: Prose


class LabelPickChanged(Shape):
    """A pick was made or taken back. The data of the event `label_pick.v1`."""

    change: Literal["picked", "withdrawn"]
    id: str
    project: str
    inspection_id: str
    station: str
    part_id: str
    reason: PickReason
    probability: float | None
    score: float | None
    seed: int
    changed_by: str
    withdrawal_reason: str | None = None


class AttentionIn(Shape):
    """Something that needs a person."""

    code: Name
    message: Prose
    inspection_id: Name | None = None
    pick_id: Uuid | None = None
    task_id: Uuid | None = None
    label_studio_task_id: Number | None = None
    occurrence: Name | None = Field(
        default=None,
        description="Tells one time from another, such as an annotation's time: the same one is raised once, settled "
        "or not. Without it, the same thing is raised anew once it was settled.",
    )


class AttentionsIn(Shape):
    """Things that need a person; what is on the list already is not put there twice."""

    project: Name
    items: Annotated[tuple[AttentionIn, ...], Field(min_length=1, max_length=MOST_ITEMS)]


class AttentionShown(StrEnum):
    """Which entries of the list are wanted."""

    OPEN = "open"
    SETTLED = "settled"
    ALL = "all"


class AttentionOut(Shape):
    """Something that needs a person, or needed one. Also the data of the event `label_attention.v1`."""

    id: str
    project: str
    code: str
    message: str
    inspection_id: str | None
    pick_id: str | None
    task_id: str | None
    label_studio_task_id: int | None
    occurrence: str | None
    raised_at: datetime
    raised_by: str
    settled_at: datetime | None
    settled_by: str | None
    settled_note: str | None


class AttentionsMade(Shape):
    """Entries of the list, in the request's order."""

    items: tuple[AttentionOut, ...]


class AttentionPage(AttentionsMade):
    """Some entries of the list, oldest first, and where to go on."""

    next_cursor: str | None = Field(description="None on the last page.")


class SettlementIn(Shape):
    """Who settled it and how."""

    by: Name
    note: Prose
