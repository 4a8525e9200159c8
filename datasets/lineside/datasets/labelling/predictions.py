"""Our task -> the JSON that Label Studio imports; checked here, since Label Studio takes any prediction."""

from collections.abc import Collection, Mapping

from lineside.datasets.labelling.config import BOX, DEFECT, FACTS, IMAGE, OK, REFERENCE, TASK_UUID, VERDICT
from lineside.datasets.labelling.errors import LabelTaskRefused
from lineside.datasets.labelling.geometry import SizePx, clipped, overshoot_px, to_percent
from lineside.datasets.labelling.records import Json, LabelTaskImage, PredictedBox

TOLERANCE_PX = 1.0
"""A box may reach this far outside its picture: a rounding, cut off in silence. Further, it belongs to another one."""


_DIGEST_SHOWN = 12  # characters: tells releases apart, and people can still compare it by eye


def suggestion_version(name: str, version: str, digest: str) -> str:
    """What Label Studio calls a release that suggests boxes: the same for the same bytes, whoever brings them.

    It asks a model for no second suggestion where a task has one of this very name.

    Args:
        name: of the release.
        version: of the release.
        digest: lowercase hex SHA-256 of its contents.
    """
    return f"{name} {version} ({digest[:_DIGEST_SHOWN]})"


def import_json(task: LabelTaskImage, *, image_path: str, reference_path: str | None) -> Json:
    """A task as `POST /api/projects/{id}/import` takes it.

    Args:
        task: what to import.
        image_path: where its uploaded picture lies on the server, from "/data/" on.
        reference_path: the same of the reference.

    Raises:
        LabelTaskRefused: a predicted box is not on the picture.
    """
    data: Json = {TASK_UUID: str(task.uuid), IMAGE: image_path, FACTS: _shown(task.data), **task.data}
    if reference_path is not None:
        data[REFERENCE] = [reference_path]
    if task.model_version is None:
        return {"data": data}
    return {"data": data, "predictions": [prediction_json(task.predictions, task.model_version, task.size_wh_px)]}


def prediction_json(boxes: Collection[PredictedBox], model_version: str, size_wh_px: SizePx) -> Json:
    """A model's suggestion: a region for each box, and the verdict that follows.

    Args:
        boxes: in pixels of the picture; none suggests "ok".
        model_version: whose suggestion it is.
        size_wh_px: the picture's.

    Raises:
        LabelTaskRefused: a box is not on the picture.
    """
    result = [_region(index, box, size_wh_px) for index, box in enumerate(boxes)]
    verdict = DEFECT if boxes else OK
    result.append(
        {"id": "verdict", "from_name": VERDICT, "to_name": IMAGE, "type": "choices", "value": {"choices": [verdict]}}
    )
    score = max((box.score for box in boxes), default=None)
    prediction: Json = {"model_version": model_version, "result": result}
    return prediction if score is None else prediction | {"score": score}


def _region(index: int, box: PredictedBox, size_wh_px: SizePx) -> Json:
    inside = clipped(box.box_xyxy_px, size_wh_px)
    if inside is None or overshoot_px(box.box_xyxy_px, size_wh_px) > TOLERANCE_PX:
        raise LabelTaskRefused(
            f"predicted box {box.box_xyxy_px} of {box.class_name!r} is not on its {size_wh_px[0]}x{size_wh_px[1]} px "
            "picture; is it in the tile's pixels?"
        )
    percent = to_percent(inside, size_wh_px)
    return {
        "id": f"box-{index}",
        "from_name": BOX,
        "to_name": IMAGE,
        "type": "rectanglelabels",
        "original_width": size_wh_px[0],
        "original_height": size_wh_px[1],
        "image_rotation": 0,
        "score": round(box.score, 6),
        "value": {
            "x": percent.x,
            "y": percent.y,
            "width": percent.width,
            "height": percent.height,
            "rotation": 0,
            "rectanglelabels": [box.class_name],
        },
    }


def _shown(data: Mapping[str, str]) -> str:
    return "  ·  ".join(f"{key}: {value}" for key, value in data.items()) or "-"
