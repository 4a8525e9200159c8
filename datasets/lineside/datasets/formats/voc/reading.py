"""Reading Pascal VOC's layout.

The original data set counts pixels from 1 and means the last pixel inclusively; today's labelling programs write edges
from 0. Nothing in a file tells which, so edges are the default and the original has to be said.
"""

import math
from pathlib import Path
from xml.etree.ElementTree import Element

from lineside.datasets.errors import LabelsRefused, SampleUnreadable
from lineside.datasets.formats.class_lists import read_class_list
from lineside.datasets.formats.source import (
    REFERENCES,
    Problems,
    SourceBox,
    SourceDataset,
    SourceImage,
    name_below,
    pictures_below,
    read_text,
    references_below,
)
from lineside.datasets.formats.splits import SPLIT_NAMES
from lineside.datasets.formats.voc.safe_xml import read_xml
from lineside.datasets.labelled import Split

ANNOTATIONS, IMAGES, SETS = "Annotations", "JPEGImages", "ImageSets/Main"


def read_voc_layout(root: Path, *, classes: tuple[str, ...] | None = None, is_one_based: bool = False) -> SourceDataset:
    """Read labels and paths: the original folders, or pictures and XML files beside each other.

    Args:
        root: the folder.
        classes: in order; without them and without a `classes.txt`, the names in the files, sorted.
        is_one_based: the boxes count pixels from 1.

    Raises:
        SampleUnreadable: a file is missing or not in this layout; the message names the first few.
        LabelsRefused: a class that is not among the given ones, or an XML file without its image.
    """
    annotations = root / ANNOTATIONS if (root / ANNOTATIONS).is_dir() else root
    pictures = root / IMAGES if (root / IMAGES).is_dir() else root
    if not pictures.is_dir():
        raise SampleUnreadable(f"{root} is no folder; expected Pascal VOC's, with {ANNOTATIONS} and {IMAGES}")
    splits = _splits(root / SETS)
    references = references_below(root)
    unreadable, refused = Problems(), Problems()
    images: list[SourceImage] = []
    labels = {name_below(path, annotations): path for path in sorted(annotations.rglob("*.xml")) if path.name[0] != "."}
    for path in pictures_below(pictures):
        name = name_below(path, pictures)
        if pictures == root and REFERENCES in path.relative_to(root).parts[:1]:
            continue
        label = labels.pop(name, None)
        boxes: tuple[SourceBox, ...] = ()
        size = None
        if label is not None:
            try:
                boxes, size = _read_annotation(label, is_one_based=is_one_based)
            except SampleUnreadable as error:
                unreadable.add(str(error))
        images.append(
            SourceImage(
                name=name,
                path=path,
                reference=references.pop(name, None),
                boxes=boxes,
                is_labelled=label is not None,
                where=str(label or path),
                split=splits.get(name),
                size_wh_px=size,
            )
        )
    unreadable.raise_if_any(SampleUnreadable)
    for label in labels.values():
        refused.add(f"{label} is the label of no image; add the image or remove the label")
    for name, path in references.items():
        refused.add(f"{path} is the reference of no image: there is no {name!r}")
    for name in sorted(set(splits) - {image.name for image in images}):
        refused.add(f"{root / SETS} names the image {name!r}, which is not there")
    listed = (
        classes or read_class_list(root) or tuple(sorted({box.class_name for image in images for box in image.boxes}))
    )
    for image in images:
        for box in image.boxes:
            if box.class_name not in listed:
                refused.add(f"{box.where}: class {box.class_name!r}; there are {', '.join(listed)}")
    refused.raise_if_any(LabelsRefused)
    return SourceDataset(listed, tuple(images))


def _splits(folder: Path) -> dict[str, Split]:
    """What `train.txt` and the like name. Lists of one class (`dog_train.txt`) and `trainval.txt` are left alone."""
    found: dict[str, Split] = {}
    for path in sorted(folder.glob("*.txt")):
        split = SPLIT_NAMES.get(path.stem)
        if split is None:
            continue
        for number, line in enumerate(read_text(path).split("\n"), 1):
            name = line.strip()
            if name and found.setdefault(name, split) is not split:
                raise SampleUnreadable(f"{path}:{number}: {name!r} is in {split} and in {found[name]}; it has one use")
    return found


def _read_annotation(path: Path, *, is_one_based: bool) -> tuple[tuple[SourceBox, ...], tuple[int, int] | None]:
    """The boxes, and the picture's size if the file tells it."""
    root = read_xml(path)
    if root.tag != "annotation":
        raise SampleUnreadable(f"{path}: the root is <{root.tag}>; expected <annotation>")
    size = root.find("size")
    size_wh_px = None if size is None else (_whole(size, "width", path), _whole(size, "height", path))
    boxes = tuple(
        _box(element, f"{path}: object {number}", is_one_based=is_one_based)
        for number, element in enumerate(root.findall("object"), 1)
    )
    return boxes, None if size_wh_px is None or 0 in size_wh_px else size_wh_px  # some programs write 0 for unknown


def _box(element: Element, where: str, *, is_one_based: bool) -> SourceBox:
    name = (element.findtext("name") or "").strip()
    box = element.find("bndbox")
    if not name or box is None:
        raise SampleUnreadable(f"{where}: expected a <name> and a <bndbox>")
    first = 1.0 if is_one_based else 0.0
    left, top = _number(box, "xmin", where) - first, _number(box, "ymin", where) - first
    edges = (left, top, _number(box, "xmax", where), _number(box, "ymax", where))
    return SourceBox(name, edges, where)


def _number(element: Element, tag: str, where: str) -> float:
    text = element.findtext(tag)
    try:
        value = float(text or "")
    except ValueError as error:
        raise SampleUnreadable(f"{where}: <{tag}> is {text!r}; expected a number") from error
    if not math.isfinite(value):
        raise SampleUnreadable(f"{where}: <{tag}> is {text!r}; expected a finite number")
    return value


def _whole(element: Element, tag: str, path: Path) -> int:
    value = _number(element, tag, f"{path}: size")
    if value < 0 or not value.is_integer():
        raise SampleUnreadable(f"{path}: size: <{tag}> is {value}; expected whole pixels")
    return int(value)
