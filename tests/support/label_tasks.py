"""Label tasks and annotations of one small picture, for tests of the labelling adapter."""

from typing import Any
from uuid import UUID, uuid4

import numpy as np

from lineside.datasets.labelling import LabelTaskImage, PredictedBox, label_png

CLASSES = ("scratch", "dent")
SIZE_WH_PX = (200, 100)

Json = dict[str, Any]


def label_task(uuid: UUID | None = None, *, look: int = 7, **changes: object) -> LabelTaskImage:
    """A task of 200x100 px with one predicted dent.

    Args:
        uuid: its id; a new one if None.
        look: seed of the picture.
        **changes: fields to set otherwise.
    """
    wanted: dict[str, object] = {
        "uuid": uuid or uuid4(),
        "image_png": noise_png(look),
        "size_wh_px": SIZE_WH_PX,
        "data": {"part": "부품-1", "station": "s1"},
        "predictions": (PredictedBox("dent", 0.83, (20.0, 20.0, 80.0, 60.0)),),
        "model_version": "board 1.0.0",
    }
    return LabelTaskImage(**(wanted | changes))  # type: ignore[arg-type]  # fields by name


def noise_png(look: int) -> bytes:
    """A picture of 200x100 px."""
    width, height = SIZE_WH_PX
    return label_png(np.random.default_rng(look).integers(0, 255, (height, width, 3), np.uint8))


def drawn_box(
    class_name: str = "dent",
    *,
    x: float = 10.0,
    y: float = 20.0,
    width: float = 30.0,
    height: float = 40.0,
    **changes: object,
) -> Json:
    """A rectangle as the labelling page sends it, in percent."""
    value = {"x": x, "y": y, "width": width, "height": height, "rotation": 0, "rectanglelabels": [class_name]}
    region = {
        "id": uuid4().hex[:10],
        "from_name": "box",
        "to_name": "image",
        "type": "rectanglelabels",
        "original_width": SIZE_WH_PX[0],
        "original_height": SIZE_WH_PX[1],
        "image_rotation": 0,
        "value": value,
    }
    rotation = changes.pop("rotation", None)
    if rotation is not None:
        value["rotation"] = rotation
    return region | changes


def chosen_verdict(verdict: str) -> Json:
    """The verdict as the labelling page sends it."""
    return {
        "id": uuid4().hex[:10],
        "from_name": "verdict",
        "to_name": "image",
        "type": "choices",
        "value": {"choices": [verdict]},
    }


def comment(text: str) -> Json:
    """A comment as the labelling page sends it."""
    return {
        "id": uuid4().hex[:10],
        "from_name": "comment",
        "to_name": "image",
        "type": "textarea",
        "value": {"text": [text]},
    }
