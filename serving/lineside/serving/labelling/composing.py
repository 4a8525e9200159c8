"""From readings of tasks to what is said of a part: pure functions."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from lineside.inspection.drawn_boxes import ClassBox, DrawnTile, are_same_boxes, boxes_of_frame
from lineside.inspection.tiling import Tile
from lineside.inspection.verdict import Verdict
from lineside.serving.labelling.schemas import FoundDefect, LabelOut
from lineside.serving.labelling.task_schemas import LabelTaskOut, TaskReading, TaskStateIn
from lineside.serving.reviews.schemas import ReviewBox, ReviewKind

SAME_BOX_IOU: Final = 0.9
"""Drawn boxes this near to the model's are the model's: somebody accepted the prediction."""

MOST_BOXES: Final = 1000
"""Of one review."""

LONGEST_PROSE: Final = 4000
"""Characters of a field of free text."""

_SHOWN: Final = 8  # names of up to 200 characters, twice in one message


def label_of(tasks: Sequence[LabelTaskOut]) -> LabelOut | None:
    """Put the readings of a part's tasks together.

    Args:
        tasks: all of one pick.

    Returns:
        None without tasks, and while one of them has no reading.
    """
    readings = [task.reading for task in tasks if task.reading is not None]
    if not readings or len(readings) < len(tasks):
        return None
    boxes: list[ReviewBox] = []
    for view, of_view in groupby(sorted(tasks, key=_place), key=_view):
        boxes += _boxes_of_view(view, list(of_view))
    comments = dict.fromkeys(reading.comment for reading in readings if reading.comment)
    return LabelOut(
        is_defective=any(reading.is_defective for reading in readings),
        boxes=tuple(boxes),
        reviewer=_joined(reading.reviewer for reading in readings),
        at=max(reading.at for reading in readings),
        comment=shortened("\n".join(comments)) or None,
        minutes=sum(task.minutes for task in tasks),
    )


def kind_of(verdict: Verdict, defects: Sequence[FoundDefect], label: LabelOut) -> ReviewKind:
    """What a label says of a verdict.

    Args:
        verdict: OK or NG.
        defects: as the model found them.
        label: as people drew them.
    """
    if verdict is Verdict.OK:
        return ReviewKind.ESCAPE if label.is_defective else ReviewKind.CONFIRMED
    if not label.is_defective:
        return ReviewKind.FALSE_CALL
    return ReviewKind.CONFIRMED if _is_as_found(defects, label.boxes) else ReviewKind.CORRECTED


def fault_of(state: TaskStateIn, task: LabelTaskOut, classes: Sequence[str]) -> tuple[str, str] | None:
    """Why a reading cannot count: a code and what to do; None if it can, or if there is none.

    The converter on the other side checks the same; a label that neither checks would end in a model.

    Args:
        state: as handed in.
        task: as it is known.
        classes: those that may be drawn; any where empty.
    """
    reading = state.reading
    if reading is None:
        return None
    unknown = sorted({box.class_name for box in reading.boxes} - set(classes)) if classes else []
    if unknown:
        return "unknown_class", (
            f"{listed(unknown)} drawn; the project has: {listed(classes)}. Draw it as one of these, or give the "
            "project the catalogue's new classes"
        )
    left, top, right, bottom = task.tile_xyxy_px or (0, 0, *task.frame_size_wh_px)
    for box in reading.boxes:
        x1, y1, x2, y2 = box.box_xyxy_px
        if x1 < left or y1 < top or x2 > right or y2 > bottom:
            return "box_outside", (
                f"box {box.box_xyxy_px} reaches outside the picture {(left, top, right, bottom)}; draw it within"
            )
    if reading.is_defective != bool(reading.boxes):
        said = "defect, and draws none" if reading.is_defective else f"ok, and draws {len(reading.boxes)}"
        return "verdict_contradicts_boxes", f"{reading.reviewer} says {said}: make verdict and boxes agree"
    return None


def shortened(text: str) -> str:
    """A text that a field of free text can hold, with a sign where something is left out."""
    return text if len(text) <= LONGEST_PROSE else text[: LONGEST_PROSE - 2] + " …"


def minutes_of(state: TaskStateIn) -> float:
    """Minutes that people spent on a task: those that Label Studio measured, else those that its reading says."""
    measured_s = [each.lead_time_s for each in state.annotations if each.lead_time_s is not None]
    if measured_s:
        return sum(measured_s) / 60.0
    return 0.0 if state.reading is None else state.reading.minutes


def _view(task: LabelTaskOut) -> str:
    return task.view


def listed(names: Sequence[str]) -> str:
    """Some names, and how many more there are."""
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"


def _place(task: LabelTaskOut) -> tuple[str, tuple[int, ...]]:
    return task.view, task.tile_xyxy_px or ()


def _boxes_of_view(view: str, tasks: Sequence[LabelTaskOut]) -> list[ReviewBox]:
    drawn = [
        DrawnTile(Tile(*(task.tile_xyxy_px or (0, 0, *task.frame_size_wh_px))), _drawn_boxes(task.reading))
        for task in tasks
    ]
    return [
        ReviewBox(view=view, class_name=box.class_name, box_xyxy_px=box.box_xyxy_px)
        for box in boxes_of_frame(drawn, frame_wh_px=tasks[0].frame_size_wh_px)
    ]


def _drawn_boxes(reading: TaskReading | None) -> tuple[ClassBox, ...]:
    return () if reading is None else tuple(ClassBox(box.class_name, box.box_xyxy_px) for box in reading.boxes)


def _is_as_found(defects: Sequence[FoundDefect], boxes: Sequence[ReviewBox]) -> bool:
    views = {each.view for each in defects} | {each.view for each in boxes}
    return all(
        are_same_boxes(
            [ClassBox(each.class_name, each.box_xyxy_px) for each in defects if each.view == view],
            [ClassBox(each.class_name, each.box_xyxy_px) for each in boxes if each.view == view],
            min_iou=SAME_BOX_IOU,
        )
        for view in views
    )


def _joined(reviewers: Iterable[str]) -> str:
    names = sorted(set(reviewers))
    joined = " + ".join(names)
    return joined if len(joined) <= 200 else f"{names[0][:180]} + {len(names) - 1} more"
