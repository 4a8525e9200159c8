"""Writing YOLO's layout: `data.yaml`, `images/SPLIT/`, `labels/SPLIT/`."""

from collections.abc import Sequence
from pathlib import PurePosixPath

import yaml

from lineside.datasets.formats.splits import written_split
from lineside.datasets.formats.target import ExportTarget, suffix_of
from lineside.datasets.formats.yolo.places import label_path
from lineside.datasets.labelled import LabelledImage


def write_yolo_layout(target: ExportTarget, classes: Sequence[str], images: Sequence[LabelledImage]) -> None:
    """Write pictures and labels; an empty label file is a part that was declared good.

    Edges are rounded to ten decimals of the picture's side: less than a millionth of a pixel.
    """
    for image in images:
        picture = f"images/{written_split(image.split)}/{image.name}{suffix_of(image.image)}"
        target.picture(picture, image.image)
        target.text(str(label_path(PurePosixPath(picture))), _lines(image, classes))
    splits = dict.fromkeys(written_split(image.split) for image in images)
    content = {
        **{split: f"images/{split}" for split in splits},
        "nc": len(classes),
        "names": dict(enumerate(classes)),
    }
    target.text("data.yaml", yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def _lines(image: LabelledImage, classes: Sequence[str]) -> str:
    width, height = image.image.size_wh_px
    lines: list[str] = []
    for box in image.boxes:
        left, top, right, bottom = box.box_xyxy_px
        shares = (
            (left + right) / 2 / width,
            (top + bottom) / 2 / height,
            (right - left) / width,
            (bottom - top) / height,
        )
        lines.append(" ".join((str(classes.index(box.class_name)), *(f"{share:.10f}" for share in shares))) + "\n")
    return "".join(lines)
