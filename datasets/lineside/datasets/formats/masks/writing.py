"""Writing masks: `images/NAME`, and `masks/CLASS/NAME_mask.png` with the boxes filled in."""

from collections.abc import Sequence

import cv2
import numpy as np

from lineside.datasets.errors import FormatCannotHold
from lineside.datasets.formats.class_lists import CLASSES_NAME, write_class_list
from lineside.datasets.formats.masks.parts import connected_boxes
from lineside.datasets.formats.masks.reading import IMAGES, MASKS
from lineside.datasets.formats.target import ExportTarget, suffix_of
from lineside.datasets.labelled import LabelledImage
from lineside.inspection.frames import Image


def write_masks_layout(target: ExportTarget, classes: Sequence[str], images: Sequence[LabelledImage]) -> None:
    """Write pictures and masks. Edges are rounded to whole pixels, and a defect has at least one.

    A part that was declared good has an empty mask of the first class. Splits have no place in this layout.

    Raises:
        FormatCannotHold: two defects of one class touch, so that they would be read back as one; a class name that is
            no folder name.
    """
    for name in classes:
        if "/" in name or "\\" in name or name.startswith("."):
            raise FormatCannotHold(f"masks lie in folders named for classes, and {name!r} is no folder's name")
    target.text(CLASSES_NAME, write_class_list(tuple(classes)))
    for image in images:
        target.picture(f"{IMAGES}/{image.name}{suffix_of(image.image)}", image.image)
        for name in dict.fromkeys(box.class_name for box in image.boxes) or classes[:1]:
            png = cv2.imencode(".png", _mask(image, name))[1]
            target.data(f"{MASKS}/{name}/{image.name}_mask.png", png.tobytes())


def _mask(image: LabelledImage, class_name: str) -> Image:
    width, height = image.image.size_wh_px
    mask = np.zeros((height, width), np.uint8)
    boxes = [box for box in image.boxes if box.class_name == class_name]
    for box in boxes:
        left, top, right, bottom = (round(edge) for edge in box.box_xyxy_px)
        left, top = min(left, width - 1), min(top, height - 1)
        mask[top : max(bottom, top + 1), left : max(right, left + 1)] = 255
    parts = len(connected_boxes(mask > 0))
    if parts != len(boxes):
        raise FormatCannotHold(
            f"{image.name!r} has {len(boxes)} defects of {class_name!r}, of which some touch: as a mask they would be "
            f"{parts}; export in another layout"
        )
    return mask
