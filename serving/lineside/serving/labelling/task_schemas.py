"""The JSON of label tasks and their states."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from lineside.serving.fields import Instant, Name, Prose
from lineside.serving.labelling.project_schemas import Number, Shape
from lineside.serving.reviews.schemas import BoxEdges, ReviewKind

MOST_ITEMS = 500
"""Of one request; what is more comes in several."""

Uuid = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Side = Annotated[int, Field(ge=1, le=10_000_000)]
Corner = Annotated[int, Field(ge=0, le=10_000_000)]


class LabelTaskIn(Shape):
    """One task to be made: a view of a pick, or a tile of it."""

    id: Uuid = Field(
        description="Made from pick, view and tile (UUID version 5), so that a second push makes the same."
    )
    pick_id: Uuid
    view: Name
    tile_xyxy_px: tuple[Corner, Corner, Corner, Corner] | None = Field(
        default=None, description="In the frame's pixels; None for the whole frame."
    )
    frame_size_wh_px: tuple[Side, Side]

    @model_validator(mode="after")
    def _tile_lies_in_the_frame(self) -> Self:
        if self.tile_xyxy_px is not None:
            left, top, right, bottom = self.tile_xyxy_px
            width, height = self.frame_size_wh_px
            if not (left < right <= width and top < bottom <= height):
                raise ValueError(f"tile {self.tile_xyxy_px} is empty or reaches outside a frame of {width}x{height} px")
        return self


class LabelTasksIn(Shape):
    """Tasks to be made; all of a pick come in one request."""

    project: Name
    items: Annotated[tuple[LabelTaskIn, ...], Field(min_length=1, max_length=MOST_ITEMS)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        _check_unique([item.id for item in self.items])
        return self


class PushedTask(Shape):
    """That a task is in Label Studio, or no longer."""

    id: Uuid
    label_studio_task_id: Number | None = Field(
        description="None: it is gone there, and is to be pushed anew unless somebody has read it."
    )


class PushedTasksIn(Shape):
    """Which tasks are in Label Studio."""

    project: Name
    items: Annotated[tuple[PushedTask, ...], Field(min_length=1, max_length=MOST_ITEMS)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        _check_unique([item.id for item in self.items])
        return self


class DrawnBox(Shape):
    """One defect as a person drew it, in the frame's pixels."""

    class_name: Name
    box_xyxy_px: BoxEdges


class TaskReading(Shape):
    """What people say of one task: its annotations, resolved."""

    reviewer: Name
    at: Instant
    is_defective: bool
    boxes: Annotated[tuple[DrawnBox, ...], Field(max_length=1000)] = ()
    comment: Prose | None = None
    minutes: Annotated[float, Field(ge=0, le=1_000_000)] = 0.0


class TaskAnnotation(Shape):
    """One annotation as Label Studio has it, without its content."""

    id: Number
    updated_at: Instant
    annotator: Name | None = None
    skipped: bool = False
    ground_truth: bool = False
    lead_time_s: Annotated[float, Field(ge=0, le=1e9)] | None = None


class TaskAttention(Shape):
    """What about a task's state needs a person."""

    code: Name
    message: Prose


class TaskStateIn(Shape):
    """What Label Studio says of one task now."""

    id: Uuid
    label_studio_task_id: Number
    updated_at: Instant = Field(
        description="Label Studio's; an older state than the one that is known changes nothing."
    )
    annotations: Annotated[tuple[TaskAnnotation, ...], Field(max_length=1000)] = ()
    reading: TaskReading | None = None
    attention: Annotated[tuple[TaskAttention, ...], Field(max_length=100)] = ()


class TaskStatesIn(Shape):
    """States of tasks, each known state replaced by a newer one."""

    project: Name
    items: Annotated[tuple[TaskStateIn, ...], Field(max_length=MOST_ITEMS)]


class StateOutcome(StrEnum):
    """What became of a state that was handed in."""

    UNCHANGED = "unchanged"
    APPLIED = "applied"
    STALE = "stale"
    UNKNOWN = "unknown"
    DUPLICATE = "duplicate"


class TaskStateAnswer(Shape):
    """What became of one state."""

    id: str
    outcome: StateOutcome = Field(
        description="`unknown`: no task of ours; `duplicate`: a second copy of one of ours. Where people have worked "
        "on such a one, it is on the list of what needs a person."
    )
    pick_id: str | None
    review_id: str | None = Field(description="The review that was recorded with it, a withdrawing one too.")
    review_kind: ReviewKind | None


class TaskStateAnswers(Shape):
    """What became of the states, in the order in which they were handed in."""

    items: tuple[TaskStateAnswer, ...]


class LabelTaskOut(Shape):
    """One task, and its last known state."""

    id: str
    pick_id: str
    view: str
    tile_xyxy_px: tuple[int, int, int, int] | None
    frame_size_wh_px: tuple[int, int]
    label_studio_task_id: int | None
    pushed_at: datetime | None
    updated_at: datetime | None
    annotations: tuple[TaskAnnotation, ...]
    reading: TaskReading | None
    attention: tuple[TaskAttention, ...]
    minutes: float


class LabelTasksMade(Shape):
    """The tasks of a request as they stand."""

    items: tuple[LabelTaskOut, ...]


class LabelTaskPage(LabelTasksMade):
    """Some tasks and where to go on."""

    next_cursor: str | None = Field(description="None on the last page.")


def _check_unique(ids: Sequence[str]) -> None:
    if len(set(ids)) != len(ids):
        twice = next(each for each in ids if ids.count(each) > 1)
        raise ValueError(f"task {twice} comes twice; give each once")
