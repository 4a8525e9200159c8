"""One door to every writer."""

from collections.abc import Sequence

from lineside.datasets.formats.coco import write_coco_layout
from lineside.datasets.formats.deeppcb import write_deeppcb_layout
from lineside.datasets.formats.masks import write_masks_layout
from lineside.datasets.formats.names import FormatName
from lineside.datasets.formats.target import ExportTarget
from lineside.datasets.formats.voc import write_voc_layout
from lineside.datasets.formats.yolo import write_yolo_layout
from lineside.datasets.labelled import LabelledImage


def write_layout(
    target: ExportTarget, format_name: FormatName, classes: Sequence[str], images: Sequence[LabelledImage]
) -> None:
    """Write pictures and labels.

    Raises:
        FormatCannotHold: the layout has no place for something.
        RevisionCorrupt: a picture is missing or was changed.
        OSError: the target cannot be written.
    """
    match format_name:
        case FormatName.YOLO:
            write_yolo_layout(target, classes, images)
        case FormatName.COCO:
            write_coco_layout(target, classes, images)
        case FormatName.VOC:
            write_voc_layout(target, classes, images)
        case FormatName.MASKS:
            write_masks_layout(target, classes, images)
        case FormatName.DEEPPCB:
            write_deeppcb_layout(target, images)
