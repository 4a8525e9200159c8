"""What people said of one task -> one reading: own code, since Label Studio's YOLO export mixes classes with choices.

The rules, in order:

- A skipped annotation says nothing. If all are skipped, the task needs attention.
- An annotation that cannot be read (a class that the project does not have, a box outside, another picture's size, a
  shape that is no rectangle, a verdict that its boxes contradict) needs attention, and the task has no reading.
- Starred annotations ("ground truth") go before others.
- Several that agree (one verdict; boxes one to one, of one class, overlapping by at least half) give the latest one's
  boxes. Several that do not are a conflict.
- No box and no verdict is what "submit" on an untouched good part sends: declared free of defects.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from lineside.datasets.labelled import LabelledBox
from lineside.datasets.labelling.consensus import difference
from lineside.datasets.labelling.errors import LabelTaskRefused
from lineside.datasets.labelling.geometry import SizePx, moved
from lineside.datasets.labelling.records import StudioAnnotation, StudioTask
from lineside.datasets.labelling.regions import Drawn, Problem, read_annotation

Json = dict[str, Any]


class AttentionCode(StrEnum):
    """Why a person must look at a task."""

    SKIPPED = "skipped"
    CONFLICT = "conflict"
    UNKNOWN_CLASS = "unknown_class"
    UNKNOWN_CONTROL = "unknown_control"
    UNKNOWN_SHAPE = "unknown_shape"
    BOX_OUTSIDE = "box_outside"
    SIZE_MISMATCH = "size_mismatch"
    VERDICT_CONTRADICTS_BOXES = "verdict_contradicts_boxes"


@dataclass(frozen=True, slots=True)
class Attention:
    """Something about a task that a person must look at.

    Attributes:
        code: which kind.
        message: what was found, by whom, and what to do.
    """

    code: AttentionCode
    message: str


@dataclass(frozen=True, slots=True)
class AnnotationMark:
    """That an annotation exists, as it was read; a later look tells by it what changed.

    Attributes:
        id: Label Studio's.
        updated_at: aware UTC instant of its last change.
        annotator: who made it.
        is_skipped: the person skipped the task.
        is_ground_truth: somebody starred it.
        lead_time_s: seconds it took, None if unknown.
    """

    id: int
    updated_at: datetime
    annotator: str
    is_skipped: bool
    is_ground_truth: bool
    lead_time_s: float | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What is taken for what people said.

    Attributes:
        reviewer: whose annotation it is.
        at: aware UTC instant of its last change.
        is_defective: the verdict.
        boxes: the defects in pixels of the **frame**, inside the tile.
        comment: what the person wrote, None if nothing.
        minutes: of everybody's work on the task, skipped ones too.
    """

    reviewer: str
    at: datetime
    is_defective: bool
    boxes: tuple[LabelledBox, ...]
    comment: str | None
    minutes: float


@dataclass(frozen=True, slots=True)
class TaskState:
    """A label task as Label Studio has it.

    Attributes:
        id: our own id.
        label_studio_task_id: Label Studio's.
        updated_at: aware UTC instant of the task's last change.
        annotations: of everybody, in the order of their ids.
        reading: None where nobody said anything that counts.
        attention: what a person must look at; then there is no reading.
    """

    id: UUID
    label_studio_task_id: int
    updated_at: datetime
    annotations: tuple[AnnotationMark, ...]
    reading: Reading | None
    attention: tuple[Attention, ...]

    def to_json(self) -> Json:
        """As `POST /v1/label-tasks/states` takes it."""
        reading = self.reading
        return {
            "id": str(self.id),
            "label_studio_task_id": self.label_studio_task_id,
            "updated_at": self.updated_at.isoformat(),
            "annotations": [
                {
                    "id": mark.id,
                    "updated_at": mark.updated_at.isoformat(),
                    "annotator": mark.annotator,
                    "skipped": mark.is_skipped,
                    "ground_truth": mark.is_ground_truth,
                    "lead_time_s": mark.lead_time_s,
                }
                for mark in self.annotations
            ],
            "reading": None
            if reading is None
            else {
                "reviewer": reading.reviewer,
                "at": reading.at.isoformat(),
                "is_defective": reading.is_defective,
                "boxes": [
                    {"class_name": box.class_name, "box_xyxy_px": list(box.box_xyxy_px)} for box in reading.boxes
                ],
                "comment": reading.comment,
                "minutes": reading.minutes,
            },
            "attention": [{"code": each.code.value, "message": each.message} for each in self.attention],
        }


def read_task(
    task: StudioTask,
    *,
    classes: Collection[str],
    offset_xy_px: tuple[int, int],
    size_wh_px: SizePx,
    frame_size_wh_px: SizePx,
) -> TaskState:
    """Resolve the annotations of a task.

    Args:
        task: one of ours.
        classes: the catalogue's class names today.
        offset_xy_px: where the tile's corner lies in the frame.
        size_wh_px: the tile's size.
        frame_size_wh_px: the frame's size.

    Raises:
        LabelTaskRefused: the task is none of ours, or the tile is not in the frame.
    """
    if task.uuid is None:
        raise LabelTaskRefused(f"Label Studio's task {task.id} has no id of ours: it was not pushed by Lineside")
    far = (offset_xy_px[0] + size_wh_px[0], offset_xy_px[1] + size_wh_px[1])
    if min(offset_xy_px) < 0 or far[0] > frame_size_wh_px[0] or far[1] > frame_size_wh_px[1]:
        raise LabelTaskRefused(
            f"label task {task.uuid}: a tile of {size_wh_px} px at {offset_xy_px} is not in a frame of "
            f"{frame_size_wh_px} px"
        )
    annotations = sorted(task.annotations, key=lambda each: each.id)
    submitted = [each for each in annotations if not each.is_skipped]
    attention: list[Attention] = []
    read: list[tuple[StudioAnnotation, Drawn]] = []
    for annotation in submitted:
        drawn = read_annotation(annotation.result, classes=classes, size_wh_px=size_wh_px)
        if isinstance(drawn, Drawn):
            read.append((annotation, drawn))
        else:
            attention += [_attention(problem, annotation) for problem in drawn]
    if annotations and not submitted:
        who = ", ".join(sorted({each.annotator for each in annotations}))
        attention.append(Attention(AttentionCode.SKIPPED, f"skipped by {who}; label it, or withdraw the pick"))
    chosen = None if attention or not read else _resolved(read)
    if isinstance(chosen, Attention):
        attention.append(chosen)
        chosen = None
    return TaskState(
        id=task.uuid,
        label_studio_task_id=task.id,
        updated_at=task.updated_at,
        annotations=tuple(_mark(each) for each in annotations),
        reading=None if chosen is None else _reading(*chosen, annotations=annotations, offset_xy_px=offset_xy_px),
        attention=tuple(attention),
    )


def _resolved(read: Sequence[tuple[StudioAnnotation, Drawn]]) -> tuple[StudioAnnotation, Drawn] | Attention:
    starred = [each for each in read if each[0].is_ground_truth]
    counting = sorted(starred or read, key=lambda each: (each[0].updated_at, each[0].id))
    latest = counting[-1]
    for annotation, drawn in counting[:-1]:
        contrast = difference(drawn, latest[1])
        if contrast is not None:
            return Attention(
                AttentionCode.CONFLICT,
                f"{annotation.annotator} and {latest[0].annotator} disagree: {contrast}; star the one that is right, "
                "or delete the other",
            )
    return latest


def _reading(
    annotation: StudioAnnotation,
    drawn: Drawn,
    *,
    annotations: Sequence[StudioAnnotation],
    offset_xy_px: tuple[int, int],
) -> Reading:
    return Reading(
        reviewer=annotation.annotator,
        at=annotation.updated_at,
        is_defective=drawn.is_defective,
        boxes=tuple(LabelledBox(box.class_name, moved(box.box_xyxy_px, offset_xy_px)) for box in drawn.boxes),
        comment=drawn.comment,
        minutes=sum(each.lead_time_s or 0.0 for each in annotations) / 60.0,
    )


def _attention(problem: Problem, annotation: StudioAnnotation) -> Attention:
    return Attention(
        AttentionCode(problem.code), f"annotation {annotation.id} of {annotation.annotator}: {problem.message}"
    )


def _mark(annotation: StudioAnnotation) -> AnnotationMark:
    return AnnotationMark(
        annotation.id,
        annotation.updated_at,
        annotation.annotator,
        annotation.is_skipped,
        annotation.is_ground_truth,
        annotation.lead_time_s,
    )
