"""Reading COCO's layout: JSON files in the folder or in `annotations/`, pictures where their names lead."""

from collections import defaultdict
from pathlib import Path

from lineside.datasets.errors import ClassesRefused, LabelsRefused, SampleUnreadable
from lineside.datasets.formats.coco.document import CocoAnnotation, CocoDocument, read_document
from lineside.datasets.formats.source import (
    Problems,
    SourceBox,
    SourceDataset,
    SourceImage,
    path_inside,
    references_below,
)
from lineside.datasets.formats.splits import SPLIT_NAMES
from lineside.datasets.labelled import Split

ANNOTATIONS = "annotations"
PREFIX = "instances_"
ROBOFLOW_NAME = "_annotations.coco.json"  # in a folder for each split, with the pictures


def read_coco_layout(root: Path) -> SourceDataset:
    """Read labels and paths.

    An image that is listed without an annotation counts as unlabelled: COCO has no way to say that somebody looked.

    Args:
        root: the folder, or one JSON file in it.

    Raises:
        SampleUnreadable: a file is missing or not in this layout.
        LabelsRefused: an annotation of an image or a class that is not there.
        ClassesRefused: two files give one class two numbers.
    """
    base, files = _find(root)
    documents = {path: read_document(path) for path in files}
    classes = _classes(documents)
    references = references_below(base)
    problems = Problems()
    images = [
        image
        for path, document in documents.items()
        for image in _images(document, path, base, classes, references, problems)
    ]
    for name in sorted(set(references) - {image.name for image in images}):
        problems.add(f"{references[name]} is the reference of no image: there is no {name!r}")
    problems.raise_if_any(LabelsRefused)
    return SourceDataset(tuple(classes.values()), tuple(images))


def _find(root: Path) -> tuple[Path, list[Path]]:
    """The data set's folder and its JSON files."""
    if root.is_file():
        is_below = root.parent.name == ANNOTATIONS or root.name == ROBOFLOW_NAME
        return (root.parent.parent if is_below else root.parent), [root]
    files = sorted({*root.glob("*.json"), *(root / ANNOTATIONS).glob("*.json"), *root.glob(f"*/{ROBOFLOW_NAME}")})
    named = [path for path in files if path.name.startswith(PREFIX)]
    if not files:
        raise SampleUnreadable(f"{root} has no JSON file, nor has {root / ANNOTATIONS}; expected COCO's there")
    return root, named or files  # the original data set has captions and key points beside its instances


def _classes(documents: dict[Path, CocoDocument]) -> dict[int, str]:
    merged: dict[int, str] = {}
    for path, document in documents.items():
        for number, name in document.categories.items():
            if merged.setdefault(number, name) != name:
                raise ClassesRefused(f"{path}: category {number} is {name!r}, but {merged[number]!r} in another file")
    return dict(sorted(merged.items()))


def _images(
    document: CocoDocument,
    path: Path,
    base: Path,
    classes: dict[int, str],
    references: dict[str, Path],
    problems: Problems,
) -> list[SourceImage]:
    by_image: defaultdict[int, list[CocoAnnotation]] = defaultdict(list)
    known = {image.id for image in document.images}
    for annotation in document.annotations:
        if annotation.image_id not in known:
            problems.add(f"{annotation.where} is on image {annotation.image_id}, which is not there")
        elif annotation.category_id not in document.categories:
            problems.add(
                f"{annotation.where} has the class id {annotation.category_id}; there are "
                f"{', '.join(f'{number} ({name})' for number, name in document.categories.items())}"
            )
        else:
            by_image[annotation.image_id].append(annotation)
    split_name = _split_name(path, base)
    images: list[SourceImage] = []
    for image in document.images:
        picture = _picture(image.file_name, path, base, split_name)
        name = str(Path(image.file_name.replace("\\", "/")).with_suffix("").as_posix())
        images.append(
            SourceImage(
                name=name,
                path=picture,
                reference=references.get(name),
                boxes=tuple(_box(annotation, classes) for annotation in by_image[image.id]),
                is_labelled=bool(by_image[image.id]) or image.is_declared_good,
                where=f"{path}: image {image.id}",
                split=_split(split_name),
                size_wh_px=image.size_wh_px,
            )
        )
    return images


def _box(annotation: CocoAnnotation, classes: dict[int, str]) -> SourceBox:
    left, top, width, height = annotation.box_xywh
    return SourceBox(
        classes[annotation.category_id],
        (left, top, left + width, top + height),
        annotation.where,
        tolerance=0.01,  # pixels: usual writers round left and width each to two decimals
    )


def _split_name(path: Path, base: Path) -> str:
    """What a file's name says: `instances_train2017.json`, `val.json`, `train/_annotations.coco.json`."""
    if path.name == ROBOFLOW_NAME:
        return path.parent.name if path.parent != base else ""
    return path.stem.removeprefix(PREFIX)


def _split(split_name: str) -> Split | None:
    return SPLIT_NAMES.get(split_name.rstrip("0123456789_- ").lower())


def _picture(file_name: str, path: Path, base: Path, split_name: str) -> Path:
    """The first place that has the file, the split's own folder first; where none has, that one, for the message."""
    folders = (base / "images" / split_name, base / split_name, path.parent, base / "images", base)
    places = [path_inside(folder, file_name, where=str(path)) for folder in folders]
    return next((place for place in places if place.is_file()), places[0])
