"""DeepPCB's layout: pairs of a tested image and its defect-free template, with boxes (Tang et al., 2019).

A list file names image and annotation (`group20085/20085/20085000.jpg group20085/20085_not/20085000.txt`); the
images themselves end in `_test.jpg` and `_temp.jpg`. An annotation line is `x1 y1 x2 y2 type` in pixels.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from lineside.datasets.errors import SampleUnreadable
from lineside.datasets.synthetic import DEFECT_CLASSES, Defect
from lineside.inspection.frames import Image

LIST_NAME = "trainval.txt"


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


def deeppcb_groups(root: Path) -> tuple[str, ...]:
    """The groups that the list file of a DeepPCB folder names, sorted."""
    return tuple(sorted({_group(image) for image, _ in _entries(root)}))


def read_deeppcb(root: Path, *, groups: Collection[str] | None = None) -> Iterator[LabelledPair]:
    """Read pairs one by one, in the list file's order.

    Args:
        root: the folder that holds `trainval.txt`.
        groups: only these; None reads all.

    Raises:
        SampleUnreadable: a file is missing, no image, or not in this layout; a group is not there.
    """
    unknown = set(groups or ()) - set(deeppcb_groups(root))
    if unknown:
        raise SampleUnreadable(f"{root / LIST_NAME} names no group {sorted(unknown)}; it has {deeppcb_groups(root)}")
    for image, annotation in _entries(root):
        if groups is not None and _group(image) not in groups:
            continue
        stem = image.removesuffix(".jpg")
        yield LabelledPair(
            name=Path(stem).name,
            group=_group(image),
            frame=_read_gray(root / f"{stem}_test.jpg"),
            reference=_read_gray(root / f"{stem}_temp.jpg"),
            defects=_read_annotation(root / annotation),
        )


def _entries(root: Path) -> list[tuple[str, str]]:
    path = root / LIST_NAME
    try:
        lines = path.read_text("utf-8").split("\n")
    except OSError as error:
        raise SampleUnreadable(f"{path} cannot be read: {error.strerror}; expected DeepPCB's list there") from error
    entries: list[tuple[str, str]] = []
    for number, line in enumerate(lines, 1):
        fields = line.split()
        if len(fields) not in (0, 2):
            raise SampleUnreadable(f"{path}:{number}: found {line!r}, expected an image and an annotation path")
        if fields:
            entries.append((fields[0], fields[1]))
    return entries


def _group(image: str) -> str:
    return Path(image).parts[0].removeprefix("group")


def _read_gray(path: Path) -> Image:
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise SampleUnreadable(f"{path} is missing or no image")
    return np.asarray(picture, np.uint8)


def _read_annotation(path: Path) -> tuple[Defect, ...]:
    try:
        lines = path.read_text("utf-8").split("\n")
    except OSError as error:
        raise SampleUnreadable(f"{path} cannot be read: {error.strerror}") from error
    defects: list[Defect] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            left, top, right, bottom, kind = (int(field) for field in line.split())
        except ValueError as error:
            raise SampleUnreadable(f"{path}:{number}: found {line!r}, expected x1 y1 x2 y2 type") from error
        if not (1 <= kind <= len(DEFECT_CLASSES) and left < right and top < bottom):
            raise SampleUnreadable(f"{path}:{number}: {line!r} is no box of a type from 1 to {len(DEFECT_CLASSES)}")
        defects.append(Defect(DEFECT_CLASSES[kind - 1], (left, top, right, bottom)))
    return tuple(defects)
