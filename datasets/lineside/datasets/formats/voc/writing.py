"""Writing Pascal VOC's layout: edges from 0, as labelling programs read them, with all their digits."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath
from xml.etree import ElementTree as ET

from lineside.datasets.formats.class_lists import CLASSES_NAME, write_class_list
from lineside.datasets.formats.splits import written_split
from lineside.datasets.formats.target import ExportTarget, suffix_of
from lineside.datasets.formats.voc.reading import ANNOTATIONS, IMAGES, SETS
from lineside.datasets.labelled import LabelledBox, LabelledImage


def write_voc_layout(target: ExportTarget, classes: Sequence[str], images: Sequence[LabelledImage]) -> None:
    """Write pictures, annotations, lists of the splits, and `classes.txt` for the order of the classes.

    An annotation without an object is a part that was declared good.
    """
    lists: defaultdict[str, list[str]] = defaultdict(list)
    for image in images:
        target.picture(f"{IMAGES}/{image.name}{suffix_of(image.image)}", image.image)
        target.data(f"{ANNOTATIONS}/{image.name}.xml", _annotation(image))
        if image.split is not None:
            lists[written_split(image.split)].append(image.name)
    for split, names in lists.items():
        target.text(f"{SETS}/{split}.txt", "".join(f"{name}\n" for name in names))
    target.text(CLASSES_NAME, write_class_list(tuple(classes)))


def _annotation(image: LabelledImage) -> bytes:
    root = ET.Element("annotation")
    path = PurePosixPath(f"{image.name}{suffix_of(image.image)}")
    _text(root, "folder", IMAGES)
    _text(root, "filename", str(path))
    size = ET.SubElement(root, "size")
    _text(size, "width", str(image.image.width_px))
    _text(size, "height", str(image.image.height_px))
    for box in image.boxes:
        root.append(_object(box))
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8")) + b"\n"


def _object(box: LabelledBox) -> ET.Element:
    element = ET.Element("object")
    _text(element, "name", box.class_name)
    _text(element, "difficult", "0")
    edges = ET.SubElement(element, "bndbox")
    for tag, edge in zip(("xmin", "ymin", "xmax", "ymax"), box.box_xyxy_px, strict=True):
        _text(edges, tag, str(int(edge)) if edge.is_integer() else repr(edge))
    return element


def _text(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = text
