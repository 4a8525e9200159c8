"""One annotation's regions and choices -> the boxes that were drawn, or what is wrong with them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from lineside.datasets.labelled import LabelledBox
from lineside.datasets.labelling.config import BOX, COMMENT, DEFECT, IMAGE, OK, VERDICT
from lineside.datasets.labelling.geometry import PercentBox, SizePx, clipped, overshoot_px, to_pixels
from lineside.datasets.labelling.records import Json

TOLERANCE_PX = 1.0
"""A box may reach this far outside its picture: its edge was drawn on the picture's, and rounded."""

_FAR_PERCENT = 1e6
"""No number of a rectangle comes near this; integers of JSON may be too large for a float."""

PLACES = 3
"""Decimals of a pixel that are kept; percent of 100,000 px with a browser's 15 digits carry more."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an annotation cannot be read.

    Attributes:
        code: an `AttentionCode`.
        message: what was found and what to do.
    """

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """What one person said.

    Attributes:
        is_defective: the verdict.
        boxes: the defects in pixels of the task's picture.
        comment: what the person wrote, None if nothing.
    """

    is_defective: bool
    boxes: tuple[LabelledBox, ...]
    comment: str | None


def read_annotation(
    result: Sequence[Any], *, classes: Collection[str], size_wh_px: SizePx
) -> Drawn | tuple[Problem, ...]:
    """Read one annotation's result; every problem of it is told at once.

    Args:
        result: as Label Studio keeps it.
        classes: the catalogue's class names.
        size_wh_px: the picture's size, as we pushed it.
    """
    problems: list[Problem] = []
    boxes: list[LabelledBox] = []
    verdict: str | None = None
    comments: list[str] = []
    for each in result:
        if not isinstance(each, dict):
            problems.append(_unknown_control(type(each).__name__, None))
            continue
        kind, control = each.get("type"), each.get("from_name")
        value = each.get("value")
        if not isinstance(value, dict) or each.get("to_name") not in (IMAGE, None) or kind == "relation":
            problems.append(_unknown_control(kind, control))
        elif (kind, control) == ("rectanglelabels", BOX):
            found = _box(each, value, classes=classes, size_wh_px=size_wh_px)
            if isinstance(found, Problem):
                problems.append(found)
            else:
                boxes.append(found)
        elif (kind, control) == ("choices", VERDICT):
            chosen = value.get("choices")
            if not isinstance(chosen, list) or len(chosen) != 1 or chosen[0] not in (OK, DEFECT):
                problems.append(Problem("unknown_class", f"the verdict is {chosen!r}; expected {OK!r} or {DEFECT!r}"))
            else:
                verdict = chosen[0]
        elif (kind, control) == ("textarea", COMMENT):
            comments += _texts(value.get("text"))
        elif control == BOX:
            problems.append(Problem("unknown_shape", f"a {kind!r} was drawn; expected rectangles"))
        else:
            problems.append(_unknown_control(kind, control))
    if verdict == OK and boxes:
        problems.append(
            _contradiction(f"the verdict is {OK!r} with {len(boxes)} boxes; delete them, or say {DEFECT!r}")
        )
    if verdict == DEFECT and not boxes and not problems:
        problems.append(_contradiction(f"the verdict is {DEFECT!r} without a box; draw it, or say {OK!r}"))
    if problems:
        return tuple(problems)
    return Drawn(bool(boxes), tuple(boxes), "\n".join(comments) or None)


def _box(region: Json, value: Json, *, classes: Collection[str], size_wh_px: SizePx) -> LabelledBox | Problem:
    names = value.get("rectanglelabels")
    if not isinstance(names, list) or len(names) != 1:
        return Problem("unknown_class", f"a box has the labels {names!r}; expected one; choose its class")
    name = names[0]
    if not isinstance(name, str) or name not in classes:
        return Problem(
            "unknown_class",
            f"a box has the class {name!r}, which the catalogue does not have; choose one that it has, or add it there",
        )
    size = (region.get("original_width"), region.get("original_height"))
    rotation = region.get("image_rotation") or 0
    if size != size_wh_px or rotation != 0:
        turned = f", turned by {rotation} degrees" if rotation else ""
        return Problem(
            "size_mismatch",
            f"a box was drawn on a picture of {size[0]}x{size[1]} px{turned}; ours has {size_wh_px[0]}x{size_wh_px[1]} "
            "px as it stands; reload the task and draw it again",
        )
    try:
        x, y, width, height = (_number(value, key) for key in ("x", "y", "width", "height"))
        percent = PercentBox(x, y, width, height, _turn(value))
    except ValueError as error:
        return Problem("box_outside", f"a box of {name!r} cannot be read: {error}; delete it and draw it again")
    edges = to_pixels(percent, size_wh_px)
    inside = clipped(edges, size_wh_px)
    if inside is None or overshoot_px(edges, size_wh_px) > TOLERANCE_PX:
        shown = ", ".join(f"{edge:.1f}" for edge in edges)
        return Problem(
            "box_outside",
            f"a box of {name!r} at ({shown}) px reaches outside its {size_wh_px[0]}x{size_wh_px[1]} px picture; "
            "move it onto the picture",
        )
    rounded = tuple(round(edge, PLACES) for edge in inside)
    try:
        return LabelledBox(name, (rounded[0], rounded[1], rounded[2], rounded[3]))
    except ValueError as error:
        return Problem("box_outside", f"{error}; delete it and draw it again")


def _number(value: Json, key: str) -> float:
    found: Any = value.get(key)
    if isinstance(found, bool) or not isinstance(found, int | float) or not abs(found) < _FAR_PERCENT:
        raise ValueError(f"its {key} is {found!r}")
    return float(found)


def _turn(value: Json) -> float:
    return _number(value, "rotation") if "rotation" in value else 0.0


def _texts(given: Any) -> list[str]:
    texts = given if isinstance(given, list) else [given]
    return [text.strip() for text in texts if isinstance(text, str) and text.strip()]


def _unknown_control(kind: Any, control: Any) -> Problem:
    return Problem(
        "unknown_control",
        f"there is a {kind!r} of the control {control!r}, which Lineside's configuration does not have; was the "
        "configuration edited? Restore it, or remove what was drawn with it",
    )


def _contradiction(message: str) -> Problem:
    return Problem("verdict_contradicts_boxes", message)
