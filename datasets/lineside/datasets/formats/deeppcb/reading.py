"""DeepPCB's layout: pairs of a tested image and its defect-free template, with boxes (Tang et al., 2019).

A list file names image and annotation (`group20085/20085/20085000.jpg group20085/20085_not/20085000.txt`); the
images themselves end in `_test.jpg` and `_temp.jpg`. An annotation line is `x1 y1 x2 y2 type` in pixels.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

from lineside.datasets.errors import SampleUnreadable
from lineside.datasets.formats.source import (
    Problems,
    SourceBox,
    SourceDataset,
    SourceImage,
    path_inside,
    read_text,
)
from lineside.datasets.labelled import Split
from lineside.datasets.synthetic import DEFECT_CLASSES, Defect
from lineside.inspection.frames import Image

LIST_NAME = "trainval.txt"
TEST_LIST_NAME = "test.txt"
TEST_ENDING, TEMPLATE_ENDING = "_test", "_temp"

_LARGEST_PX = 2**31
"""Edges beyond it are no pixels, and would not fit a double."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPair:
    """A labelled part with its golden image.

    Attributes:
        name: the pair's stem, e.g. "20085000".
        group: the board it was cut from, e.g. "20085"; neighbouring pairs of a group overlap in content.
        frame: uint8 (height, width), the tested image.
        reference: uint8 (height, width), the template.
        defects: the annotated ones, in file order.
    """

    name: str
    group: str
    frame: Image
    reference: Image
    defects: tuple[Defect, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of the list: the image's path without its ending, its suffix, and the annotation's path."""

    root: Path
    image: PurePosixPath
    annotation: str
    where: str

    @property
    def group(self) -> str:
        return self.image.parts[0].removeprefix("group")

    def picture(self, ending: str) -> Path:
        named = self.image.with_name(f"{self.image.stem}{ending}{self.image.suffix}")
        return path_inside(self.root, str(named), where=self.where)


def deeppcb_groups(root: Path) -> tuple[str, ...]:
    """The groups that the list file of a DeepPCB folder names, sorted."""
    return tuple(sorted({entry.group for entry in _entries(root, LIST_NAME)}))


def read_deeppcb(root: Path, *, groups: Collection[str] | None = None) -> Iterator[LabelledPair]:
    """Read pairs with their pixels one by one, in the list file's order.

    Args:
        root: the folder that holds `trainval.txt`.
        groups: only these; None reads all.

    Raises:
        SampleUnreadable: a file is missing, no image, or not in this layout; a group is not there.
    """
    unknown = set(groups or ()) - set(deeppcb_groups(root))
    if unknown:
        raise SampleUnreadable(f"{root / LIST_NAME} names no group {sorted(unknown)}; it has {deeppcb_groups(root)}")
    for entry in _entries(root, LIST_NAME):
        if groups is not None and entry.group not in groups:
            continue
        yield LabelledPair(
            name=entry.image.stem,
            group=entry.group,
            frame=_read_gray(entry.picture(TEST_ENDING)),
            reference=_read_gray(entry.picture(TEMPLATE_ENDING)),
            defects=tuple(
                defect for defect, _ in _read_annotation(path_inside(root, entry.annotation, where=entry.where))
            ),
        )


def read_deeppcb_layout(root: Path) -> SourceDataset:
    """Read the pairs' labels and paths; a `test.txt` beside `trainval.txt` is the golden split.

    Raises:
        SampleUnreadable: a list or annotation is missing, or not in this layout; the message names the first few.
    """
    entries: list[tuple[_Entry, Split | None]] = [(entry, None) for entry in _entries(root, LIST_NAME)]
    if (root / TEST_LIST_NAME).is_file():
        entries += [(entry, Split.GOLDEN) for entry in _entries(root, TEST_LIST_NAME)]
    problems = Problems()
    images: list[SourceImage] = []
    for entry, split in entries:
        annotation = path_inside(root, entry.annotation, where=entry.where)
        try:
            defects = _read_annotation(annotation)
        except SampleUnreadable as error:
            problems.add(str(error))
            continue
        images.append(
            SourceImage(
                name=entry.image.stem,
                path=entry.picture(TEST_ENDING),
                reference=entry.picture(TEMPLATE_ENDING),
                boxes=tuple(SourceBox(defect.defect_class.value, _floats(defect), where) for defect, where in defects),
                is_labelled=True,
                where=str(annotation),
                split=split,
                group=entry.group,
            )
        )
    problems.raise_if_any(SampleUnreadable)
    return SourceDataset(tuple(kind.value for kind in DEFECT_CLASSES), tuple(images))


def _entries(root: Path, list_name: str) -> list[_Entry]:
    path = root / list_name
    try:
        lines = path.read_text("utf-8").split("\n")
    except OSError as error:
        raise SampleUnreadable(f"{path} cannot be read: {error.strerror}; expected DeepPCB's list there") from error
    entries: list[_Entry] = []
    for number, line in enumerate(lines, 1):
        fields = line.split()
        if len(fields) not in (0, 2):
            raise SampleUnreadable(f"{path}:{number}: found {line!r}, expected an image and an annotation path")
        if fields:
            entries.append(_Entry(root, PurePosixPath(fields[0]), fields[1], f"{path}:{number}"))
    return entries


def _read_gray(path: Path) -> Image:
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise SampleUnreadable(f"{path} is missing or no image")
    return np.asarray(picture, np.uint8)


def _read_annotation(path: Path) -> list[tuple[Defect, str]]:
    """The defects, each with its place in the file."""
    defects: list[tuple[Defect, str]] = []
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            left, top, right, bottom, kind = (int(field) for field in line.split())
        except ValueError as error:
            raise SampleUnreadable(f"{path}:{number}: found {line!r}, expected x1 y1 x2 y2 type") from error
        is_box = -_LARGEST_PX < left < right < _LARGEST_PX and -_LARGEST_PX < top < bottom < _LARGEST_PX
        if not (1 <= kind <= len(DEFECT_CLASSES) and is_box):
            raise SampleUnreadable(f"{path}:{number}: {line!r} is no box of a type from 1 to {len(DEFECT_CLASSES)}")
        defects.append((Defect(DEFECT_CLASSES[kind - 1], (left, top, right, bottom)), f"{path}:{number}"))
    return defects


def _floats(defect: Defect) -> tuple[float, float, float, float]:
    left, top, right, bottom = defect.box_xyxy_px
    return float(left), float(top), float(right), float(bottom)
