"""One door to every reader."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lineside.datasets.formats.coco import read_coco_layout
from lineside.datasets.formats.deeppcb import read_deeppcb_layout
from lineside.datasets.formats.masks import read_masks_layout
from lineside.datasets.formats.names import FormatName
from lineside.datasets.formats.source import SourceDataset
from lineside.datasets.formats.voc import read_voc_layout
from lineside.datasets.formats.yolo import read_yolo_layout


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingOptions:
    """What a person must say where a layout does not.

    Attributes:
        classes: the class names in order, for layouts that do not list them.
        mask_values: the class of each gray value of a mask, where folders do not name the classes.
        is_one_based: Pascal VOC boxes count pixels from 1 and mean the last one inclusively.
    """

    classes: tuple[str, ...] | None = None
    mask_values: Mapping[int, str] | None = None
    is_one_based: bool = False


def read_layout(root: Path, format_name: FormatName, options: ReadingOptions) -> SourceDataset:
    """Read labels and paths; pictures are not opened, masks are.

    Raises:
        SampleUnreadable: a file is missing or not in this layout.
        LabelsRefused: labels and images do not fit each other.
        ClassesRefused: files of one data set number the classes differently.
    """
    match format_name:
        case FormatName.YOLO:
            return read_yolo_layout(root, classes=options.classes)
        case FormatName.COCO:
            return read_coco_layout(root)
        case FormatName.VOC:
            return read_voc_layout(root, classes=options.classes, is_one_based=options.is_one_based)
        case FormatName.MASKS:
            return read_masks_layout(root, classes=options.classes, mask_values=options.mask_values)
        case FormatName.DEEPPCB:
            return read_deeppcb_layout(root)
