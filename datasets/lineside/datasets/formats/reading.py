"""One door to every reader."""

from dataclasses import dataclass
from pathlib import Path

from lineside.datasets.formats.deeppcb import read_deeppcb_layout
from lineside.datasets.formats.names import FormatName
from lineside.datasets.formats.source import SourceDataset
from lineside.datasets.formats.yolo import read_yolo_layout


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingOptions:
    """What a person must say where a layout does not.

    Attributes:
        classes: the class names in order, for layouts that do not list them.
    """

    classes: tuple[str, ...] | None = None


def read_layout(root: Path, format_name: FormatName, options: ReadingOptions) -> SourceDataset:
    """Read labels and paths; pictures are not opened.

    Raises:
        SampleUnreadable: a file is missing or not in this layout.
        LabelsRefused: labels and images do not fit each other.
    """
    match format_name:
        case FormatName.YOLO:
            return read_yolo_layout(root, classes=options.classes)
        case FormatName.DEEPPCB:
            return read_deeppcb_layout(root)
    raise NotImplementedError(format_name)
