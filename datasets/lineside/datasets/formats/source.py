"""What every reader gives: images with what was said about them, before a single picture was decoded.

Readers know their layout and nothing else. What holds for all of them (pictures that decode, boxes inside, names that
are unique, images that nobody labelled) is checked once, in `lineside.datasets.importing`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from lineside.datasets.errors import DatasetError, SampleUnreadable
from lineside.datasets.labelled import Split

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp"})
"""Endings of the pictures that can be imported, lower case."""

REFERENCES = "references"
"""The folder beside the images that holds their golden images, under the same names."""

MAX_PROBLEMS_SHOWN = 5
"""Problems in one message; the rest is counted."""


@dataclass(frozen=True, slots=True)
class SourceBox:
    """A box as a label file has it.

    Attributes:
        class_name: its class.
        box_xyxy: left, top, right, bottom: pixels, or shares of width and height if `is_relative`.
        is_relative: whether the edges are shares.
        where: the place in the label file, e.g. "labels/a.txt:3".
        tolerance: how far an edge may lie outside by the rounding of the numbers in the file, in the unit of the box.
    """

    class_name: str
    box_xyxy: tuple[float, float, float, float]
    where: str
    is_relative: bool = False
    tolerance: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceImage:
    """An image and its labels in a layout.

    Attributes:
        name: what it is called: its path without suffix, below its folder of images.
        path: the picture.
        reference: its golden image, None if it has none.
        boxes: in the file's order.
        is_labelled: somebody wrote a label for it. One without boxes then says that it has no defect.
        where: the label file or entry, for messages; the picture if there is none.
        split: what the layout says of its use.
        group: what the layout says of its board or lot.
        size_wh_px: what the label says of the picture's size, None if it says nothing.
    """

    name: str
    path: Path
    reference: Path | None = None
    boxes: tuple[SourceBox, ...] = ()
    is_labelled: bool
    where: str
    split: Split | None = None
    group: str | None = None
    size_wh_px: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class SourceDataset:
    """A folder as its reader understood it.

    Attributes:
        classes: in the order in which they are numbered.
        images: in any order.
        remarks: what the reader did that a person should know, by a word for it, e.g. {"boxed_polygons": 12}.
    """

    classes: tuple[str, ...]
    images: tuple[SourceImage, ...]
    remarks: dict[str, int] = field(default_factory=dict)


class Problems:
    """Collects what is wrong, so that one run names the first few of it and counts the rest."""

    def __init__(self) -> None:
        self._found: list[str] = []

    def add(self, problem: str) -> None:
        """Note one."""
        self._found.append(problem)

    def raise_if_any(self, error: type[DatasetError]) -> None:
        """End with all of them.

        Raises:
            DatasetError: of the given kind, if there is any problem.
        """
        if self._found:
            raise error(some_of(self._found))


def some_of(problems: Iterable[str]) -> str:
    """The first few in one line, and how many more there are."""
    found = list(problems)
    more = [f"and {len(found) - MAX_PROBLEMS_SHOWN} more"] if len(found) > MAX_PROBLEMS_SHOWN else []
    return "; ".join(found[:MAX_PROBLEMS_SHOWN] + more)


def is_picture(path: Path) -> bool:
    """Whether a file is a picture by its name; hidden files (`._a.jpg` of some archives) are none."""
    return path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")


def pictures_below(folder: Path) -> list[Path]:
    """Every picture in a folder and its subfolders, sorted."""
    return sorted(path for path in folder.rglob("*") if is_picture(path) and path.is_file())


def name_below(path: Path, folder: Path) -> str:
    """A picture's name: its path below a folder, with forward slashes and without suffix."""
    return path.relative_to(folder).with_suffix("").as_posix()


def path_inside(root: Path, named: str, *, where: str) -> Path:
    """The path that a file of the data set names, which must not lead out of the data set.

    Raises:
        SampleUnreadable: it is absolute or goes up.
    """
    path = PurePosixPath(named.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or named[1:2] == ":":  # a drive's letter
        raise SampleUnreadable(
            f"{where}: {named!r} leads out of the data set; expected a path below {root}, so move the file there or "
            "correct the path"
        )
    return root / path


def read_text(path: Path) -> str:
    """A label file's text in UTF-8, with or without a byte order mark.

    Raises:
        SampleUnreadable: it cannot be read, or is no text.
    """
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise SampleUnreadable(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SampleUnreadable(
            f"{path} is no text in UTF-8: byte {error.start} is {error.object[error.start]:#04x}"
        ) from error


def references_below(root: Path) -> dict[str, Path]:
    """The golden images of a data set by the name of their image; none if there is no such folder."""
    folder = root / REFERENCES
    found: dict[str, Path] = {}
    for path in pictures_below(folder) if folder.is_dir() else ():
        name = name_below(path, folder)
        if name in found:
            raise SampleUnreadable(f"{found[name]} and {path} are both the reference of {name!r}; keep one")
        found[name] = path
    return found
