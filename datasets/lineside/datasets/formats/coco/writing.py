"""Writing COCO's layout: `annotations/instances_SPLIT.json` and `images/SPLIT/`."""

import json
from collections import defaultdict
from collections.abc import Sequence
from itertools import count

from lineside.datasets.formats.coco.reading import ANNOTATIONS, PREFIX
from lineside.datasets.formats.splits import written_split
from lineside.datasets.formats.target import ExportTarget, suffix_of
from lineside.datasets.labelled import LabelledBox, LabelledImage


def write_coco_layout(target: ExportTarget, classes: Sequence[str], images: Sequence[LabelledImage]) -> None:
    """Write pictures and one JSON file for each split; ids count on over the files, so that they can be merged.

    A part that was declared good has `"is_declared_good": true` in its entry, which other programs ignore. Left plus
    width is the right edge but for the last bits of a double.
    """
    numbers = {name: number for number, name in enumerate(classes, 1)}
    categories = [{"id": number, "name": name} for name, number in numbers.items()]
    by_split: defaultdict[str, list[LabelledImage]] = defaultdict(list)
    for image in images:
        by_split[written_split(image.split)].append(image)
    image_ids, annotation_ids = count(1), count(1)
    for split, members in by_split.items():
        entries: list[dict[str, object]] = []
        annotations: list[dict[str, object]] = []
        for image in members:
            file_name = f"{image.name}{suffix_of(image.image)}"
            target.picture(f"images/{split}/{file_name}", image.image)
            image_id = next(image_ids)
            width, height = image.image.size_wh_px
            entry: dict[str, object] = {"id": image_id, "file_name": file_name, "width": width, "height": height}
            entries.append(entry | ({"is_declared_good": True} if image.is_declared_good else {}))
            annotations += [
                _annotation(box, next(annotation_ids), image_id, numbers[box.class_name]) for box in image.boxes
            ]
        content = {"images": entries, "annotations": annotations, "categories": categories}
        target.text(f"{ANNOTATIONS}/{PREFIX}{split}.json", json.dumps(content, ensure_ascii=False, indent=1))


def _annotation(box: LabelledBox, annotation_id: int, image_id: int, category_id: int) -> dict[str, object]:
    left, top, right, bottom = box.box_xyxy_px
    return {
        "id": annotation_id,
        "image_id": image_id,
        "category_id": category_id,
        "bbox": [left, top, right - left, bottom - top],
        "area": box.area_px,
        "iscrowd": 0,
    }
