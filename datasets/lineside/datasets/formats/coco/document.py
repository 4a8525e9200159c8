"""The parts of a COCO JSON file that matter here, checked; everything else in it is left alone."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from lineside.datasets.errors import SampleUnreadable
from lineside.datasets.formats.source import Problems, read_text

_HUGE = 1e300


@dataclass(frozen=True, slots=True)
class CocoImage:
    """An entry of `images`.

    Attributes:
        id: its number.
        file_name: its path, relative to somewhere.
        size_wh_px: width and height, None if the entry does not have both.
        is_declared_good: our own key `is_declared_good`, which other programs ignore.
    """

    id: int
    file_name: str
    size_wh_px: tuple[int, int] | None
    is_declared_good: bool


@dataclass(frozen=True, slots=True)
class CocoAnnotation:
    """An entry of `annotations`.

    Attributes:
        id: its number.
        image_id: the image it is on.
        category_id: its class.
        box_xywh: left, top, width, height in pixels, finite.
        where: the entry, for messages.
    """

    id: int
    image_id: int
    category_id: int
    box_xywh: tuple[float, float, float, float]
    where: str


@dataclass(frozen=True, slots=True)
class CocoDocument:
    """A file.

    Attributes:
        categories: name by number, rising.
        images: in the file's order.
        annotations: rising by number, which is their order of making.
    """

    categories: dict[int, str]
    images: tuple[CocoImage, ...]
    annotations: tuple[CocoAnnotation, ...]


def read_document(path: Path) -> CocoDocument:
    """Read a file.

    Raises:
        SampleUnreadable: it is no JSON, or not COCO's; the message names the first few entries that are wrong.
    """
    try:
        content = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise SampleUnreadable(f"{path} is no JSON: {error}") from error
    lists = {key: content.get(key) if isinstance(content, dict) else None for key in ("categories", "images")}
    missing = [key for key, value in lists.items() if not isinstance(value, list)]
    if missing:
        raise SampleUnreadable(f"{path} has no list of {' and '.join(missing)}; expected COCO's object detection JSON")
    problems = Problems()
    categories = _categories(content["categories"], path, problems)
    images = [image for entry in content["images"] if (image := _image(entry, path, problems)) is not None]
    annotations = content.get("annotations", [])
    if not isinstance(annotations, list):
        raise SampleUnreadable(f"{path}: annotations is no list")
    boxes = [
        box
        for number, entry in enumerate(annotations)
        if (box := _annotation(entry, f"{path}: annotations[{number}]", problems)) is not None
    ]
    for kind, ids in (("image", [image.id for image in images]), ("annotation", [box.id for box in boxes])):
        if len(set(ids)) < len(ids):
            problems.add(f"{path}: {kind} ids are not unique: {sorted({key for key in ids if ids.count(key) > 1})[:5]}")
    problems.raise_if_any(SampleUnreadable)
    return CocoDocument(categories, tuple(images), tuple(sorted(boxes, key=lambda box: box.id)))


def _categories(entries: list[Any], path: Path, problems: Problems) -> dict[int, str]:
    found: dict[int, str] = {}
    for number, entry in enumerate(entries):
        values = entry if isinstance(entry, dict) else {}
        key, name = values.get("id"), values.get("name")
        if not _is_id(key) or not isinstance(name, str) or key in found:
            problems.add(f"{path}: categories[{number}]: expected an id of its own and a name, found {_shown(entry)}")
            continue
        found[key] = name
    return dict(sorted(found.items()))


def _image(entry: Any, path: Path, problems: Problems) -> CocoImage | None:
    values = entry if isinstance(entry, dict) else {}
    key, file_name = values.get("id"), values.get("file_name")
    width, height = values.get("width"), values.get("height")
    if not _is_id(key) or not isinstance(file_name, str):
        problems.add(f"{path}: images: expected an id and a file_name, found {_shown(entry)}")
        return None
    size = (width, height) if isinstance(width, int) and isinstance(height, int) else None
    return CocoImage(key, file_name, size, values.get("is_declared_good") is True)


def _annotation(entry: Any, where: str, problems: Problems) -> CocoAnnotation | None:
    values = entry if isinstance(entry, dict) else {}
    box = values.get("bbox")
    annotation_id, image_id, category_id = (values.get(key) for key in ("id", "image_id", "category_id"))
    if not _is_id(annotation_id) or not _is_id(image_id) or not _is_id(category_id):
        problems.add(f"{where}: expected id, image_id and category_id, found {_shown(entry)}")
    elif values.get("iscrowd") not in (None, 0, False):
        problems.add(f"{where} is a crowd (iscrowd); a box around several defects is not the box of one")
    elif not isinstance(box, list) or len(box) != 4 or not all(map(_is_number, box)):
        problems.add(f"{where}: bbox {_shown(box)}; expected four finite numbers: left, top, width, height")
    else:
        left, top, width, height = map(float, box)
        return CocoAnnotation(annotation_id, image_id, category_id, (left, top, width, height), where)
    return None


def _is_id(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    # An integer of JSON can be too large for a double, so it is compared before it is converted; NaN compares false.
    return isinstance(value, int | float) and not isinstance(value, bool) and -_HUGE < value < _HUGE


def _shown(value: Any) -> str:
    return repr(value)[:100]
