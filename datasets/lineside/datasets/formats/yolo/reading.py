"""Reading YOLO's layout: with a `data.yaml`, or a folder of images and labels.

A line is `class x_centre y_centre width height`, in shares of the image. A line with a polygon (segmentation, oriented
boxes) is read as the box around it, and counted; lines with a confidence or key points are refused. A label file that
is there and empty says that the image has no defect (as training programs read it); one that is missing says nothing.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lineside.datasets.errors import LabelsRefused, SampleUnreadable
from lineside.datasets.formats.class_lists import CLASSES_NAME, read_class_list
from lineside.datasets.formats.source import (
    REFERENCES,
    Problems,
    SourceBox,
    SourceDataset,
    SourceImage,
    is_picture,
    name_below,
    path_inside,
    pictures_below,
    read_text,
    references_below,
)
from lineside.datasets.formats.splits import SPLIT_NAMES
from lineside.datasets.formats.yolo.data_yaml import DataYaml, find_data_yaml, read_data_yaml
from lineside.datasets.formats.yolo.places import label_folder, label_path
from lineside.datasets.labelled import Split

_NO_LABELS = frozenset({CLASSES_NAME, "obj.names", "readme.txt"})

BOXED_POLYGONS, OUTSIDE_SPLITS = "boxed_polygons", "pictures_outside_the_splits"


@dataclass(frozen=True, slots=True)
class _Place:
    """A picture, its name, its label file, and what it is for."""

    name: str
    path: Path
    label: Path
    split: Split | None


def read_yolo_layout(root: Path, *, classes: tuple[str, ...] | None = None) -> SourceDataset:
    """Read labels and paths.

    Args:
        root: the folder, or its `data.yaml`.
        classes: by their number, for a folder without `data.yaml` and `classes.txt`.

    Raises:
        SampleUnreadable: a file is missing or not in this layout; the message names the first few places.
        LabelsRefused: a class number without a class, or a label file without its image.
    """
    yaml_path = root if root.is_file() else find_data_yaml(root)
    base = root.parent if root.is_file() else root
    if yaml_path is None:
        described = DataYaml(classes or _classes_in(base), _folders_in(base), is_pose=False)
    else:
        described = read_data_yaml(yaml_path)
    if described.is_pose:
        raise SampleUnreadable(f"{yaml_path} describes key points (kpt_shape); boxes or polygons can be imported")
    places = [place for folder, split in described.folders for place in _places(folder, split, base)]
    _require_images_for_labels(described, places, base)
    references = references_below(base)
    problems, unknown = Problems(), Problems()
    boxed_polygons = 0
    images: list[SourceImage] = []
    for place in places:
        boxes: list[SourceBox] = []
        is_labelled = place.label.is_file()
        for number, line in enumerate(read_text(place.label).split("\n") if is_labelled else (), 1):
            where = f"{place.label}:{number}"
            if not line.strip():
                continue
            try:
                boxes.append(_box(line, described.classes, where))
            except SampleUnreadable as error:
                problems.add(str(error))
            except LabelsRefused as error:
                unknown.add(str(error))
            else:
                boxed_polygons += len(line.split()) != 5
        images.append(
            SourceImage(
                name=place.name,
                path=place.path,
                reference=references.pop(place.name, None),
                boxes=tuple(boxes),
                is_labelled=is_labelled,
                where=str(place.label if is_labelled else place.path),
                split=place.split,
            )
        )
    problems.raise_if_any(SampleUnreadable)
    for name, path in references.items():
        unknown.add(f"{path} is the reference of no image: there is no {name!r}")
    unknown.raise_if_any(LabelsRefused)
    remarks = {BOXED_POLYGONS: boxed_polygons, OUTSIDE_SPLITS: _count_outside(base, places)}
    return SourceDataset(described.classes, tuple(images), {key: count for key, count in remarks.items() if count})


def _box(line: str, classes: tuple[str, ...], where: str) -> SourceBox:
    fields = line.split()
    try:
        number, *shares = (float(field) for field in fields)
    except ValueError as error:
        raise SampleUnreadable(f"{where}: found {line.strip()!r}, expected numbers") from error
    if not all(math.isfinite(value) for value in (number, *shares)) or not number.is_integer():
        raise SampleUnreadable(f"{where}: found {line.strip()!r}, expected a class number and finite shares")
    if not 0 <= number < len(classes):
        raise LabelsRefused(
            f"{where}: class id {number:.0f}, but there are {len(classes)} classes (0 to {len(classes) - 1}): "
            f"{', '.join(classes)}"
        )
    decimals = max(len(field.partition(".")[2]) for field in fields[1:]) if shares else 0
    return SourceBox(
        classes[int(number)],
        _edges(shares, line, where),
        where,
        is_relative=True,
        # A centre and half a width, each rounded: three quarters of the last digit. Fewer than four digits are exact.
        tolerance=10.0 ** -max(decimals, 4),
    )


def _edges(shares: list[float], line: str, where: str) -> tuple[float, float, float, float]:
    if len(shares) == 4:
        centre_x, centre_y, width, height = shares
        return centre_x - width / 2, centre_y - height / 2, centre_x + width / 2, centre_y + height / 2
    if len(shares) >= 6 and len(shares) % 2 == 0:
        return min(shares[::2]), min(shares[1::2]), max(shares[::2]), max(shares[1::2])
    raise SampleUnreadable(
        f"{where}: {len(shares) + 1} numbers in {line.strip()[:80]!r}; expected `class x y width height` or a class "
        "and a polygon of at least three points (predictions with a confidence are no labels)"
    )


def _folders_in(base: Path) -> tuple[tuple[Path, Split | None], ...]:
    """The folders of images where no data.yaml names them: one for each split, or one for all."""
    found: list[tuple[Path, Split | None]] = []
    for name, split in SPLIT_NAMES.items():
        places = (base / "images" / name, base / name / "images", base / name)
        found += [(place, split) for place in places if place.is_dir()][:1]
    return tuple(found) or ((base / "images" if (base / "images").is_dir() else base, None),)


def _classes_in(base: Path) -> tuple[str, ...]:
    found = read_class_list(base, base / "labels")
    if found is None:
        raise SampleUnreadable(
            f"{base} has neither data.yaml nor {CLASSES_NAME}; expected one of them, or name the classes (--classes)"
        )
    return found


def _places(place: Path, split: Split | None, base: Path) -> Iterator[_Place]:
    if place.is_file():  # a list of pictures
        for number, line in enumerate(read_text(place).split("\n"), 1):
            if line.strip():
                where = f"{place}:{number}"
                paths = [path_inside(folder, line.strip(), where=where) for folder in (base, place.parent)]
                path = next((path for path in paths if path.is_file()), None)
                if path is None or not is_picture(path):
                    raise SampleUnreadable(
                        f"{where}: {line.strip()!r} is no picture that is there (looked for {paths[0]})"
                    )
                yield _Place(name_below(path, base), path, _label_of(path, base), split)
        return
    for path in pictures_below(place):
        if REFERENCES not in path.relative_to(base).parts[:1]:
            yield _Place(name_below(path, place), path, _label_of(path, base), split)


def _count_outside(base: Path, places: list[_Place]) -> int:
    """Pictures below `images` that no split names, so that nobody believes them imported."""
    known = {place.path for place in places}
    return len(set(pictures_below(base / "images")) - known) if (base / "images").is_dir() else 0


def _label_of(path: Path, base: Path) -> Path:
    return base / label_path(PurePosixPath(path.relative_to(base)))


def _require_images_for_labels(described: DataYaml, places: list[_Place], base: Path) -> None:
    known = {place.label for place in places}
    folders = {
        base / label_folder(PurePosixPath(folder.relative_to(base)))
        for folder, _ in described.folders
        if folder.is_dir()
    }
    problems = Problems()
    for label in sorted({label for folder in folders for label in folder.rglob("*.txt")} - known):
        if label.name.lower() not in _NO_LABELS and not label.name.startswith("."):
            problems.add(f"{label} is the label of no image; add the image or remove the label")
    problems.raise_if_any(LabelsRefused)
