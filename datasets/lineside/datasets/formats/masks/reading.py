"""Reading masks in three arrangements.

- `images/NAME.png` and `masks/CLASS/NAME.png`: any value but 0 is a defect of the folder's class.
- `images/NAME.png` and `masks/NAME.png` with gray values that are said to be classes.
- MVTec's: `test/CLASS/NAME.png` with `ground_truth/CLASS/NAME_mask.png`, and good parts in folders named `good`.

A mask may be called NAME or NAME_mask. One without a defect says that somebody looked; a missing one says nothing.
"""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lineside.datasets.errors import LabelsRefused, SampleUnreadable
from lineside.datasets.formats.class_lists import read_class_list
from lineside.datasets.formats.masks.parts import connected_boxes, read_mask
from lineside.datasets.formats.source import (
    Problems,
    SourceBox,
    SourceDataset,
    SourceImage,
    name_below,
    pictures_below,
    references_below,
)
from lineside.datasets.formats.splits import SPLIT_NAMES
from lineside.datasets.labelled import Split

IMAGES, MASKS = "images", "masks"
_MVTEC_MASKS, _MVTEC_FOLDERS, _GOOD = "ground_truth", ("train", "validation", "test"), "good"
_ENDING = "_mask"


def read_masks_layout(
    root: Path, *, classes: tuple[str, ...] | None = None, mask_values: Mapping[int, str] | None = None
) -> SourceDataset:
    """Read labels and paths; the masks themselves are decoded.

    Args:
        root: the folder.
        classes: in order; without them and without a `classes.txt`, the folders' names, sorted, or the values' order.
        mask_values: the class of each gray value; None takes the class from the masks' folder.

    Raises:
        SampleUnreadable: a mask is missing, damaged, or has a value without a class.
        LabelsRefused: a mask without its image, or a class that is not among the given ones.
    """
    if (root / _MVTEC_MASKS).is_dir() and mask_values is None:
        return _read_mvtec(root, classes)
    if not (root / MASKS).is_dir() or not (root / IMAGES).is_dir():
        raise SampleUnreadable(f"{root} lacks {IMAGES}/ or {MASKS}/ (or MVTec's {_MVTEC_MASKS}/); expected both")
    if mask_values is None:
        masks = _masks_by_folder(root / MASKS)
        found = tuple(sorted({class_name for _, named in masks.items() for class_name in named}))
    else:
        masks = {name: {"": path} for name, path in _by_name(root / MASKS).items()}
        found = tuple(mask_values[value] for value in sorted(mask_values))
    listed = classes or read_class_list(root) or found
    references = references_below(root)
    unreadable, refused = Problems(), Problems()
    for name in sorted(set(found) - set(listed)):
        refused.add(f"masks of the class {name!r}; there are {', '.join(listed)}")
    images: list[SourceImage] = []
    for path in pictures_below(root / IMAGES):
        name = name_below(path, root / IMAGES)
        images.append(
            _image(name, path, masks.pop(name, {}), mask_values, references.pop(name, None), problems=unreadable)
        )
    for named in masks.values():
        for path in named.values():
            refused.add(f"{path} is the mask of no image; add the image or remove the mask")
    for name, path in references.items():
        refused.add(f"{path} is the reference of no image: there is no {name!r}")
    unreadable.raise_if_any(SampleUnreadable)
    refused.raise_if_any(LabelsRefused)
    return SourceDataset(listed, tuple(images))


def _read_mvtec(root: Path, classes: tuple[str, ...] | None) -> SourceDataset:
    masks = _masks_by_folder(root / _MVTEC_MASKS)
    found = tuple(sorted({class_name for named in masks.values() for class_name in named}))
    problems, refused = Problems(), Problems()
    images: list[SourceImage] = []
    for folder in _MVTEC_FOLDERS:
        for path in pictures_below(root / folder) if (root / folder).is_dir() else ():
            name = name_below(path, root)
            class_name, _, rest = name_below(path, root / folder).partition("/")
            named = masks.get(rest, {})
            mask = {class_name: named.pop(class_name)} if class_name in named and folder == "test" else {}
            is_good = class_name == _GOOD
            split = SPLIT_NAMES[folder]
            images.append(_image(name, path, mask, None, None, problems=problems, is_good=is_good, split=split))
    for path in sorted(path for named in masks.values() for path in named.values()):
        refused.add(f"{path} is the mask of no image; add the image or remove the mask")
    problems.raise_if_any(SampleUnreadable)
    refused.raise_if_any(LabelsRefused)
    return SourceDataset(classes or found, tuple(images))


def _image(
    name: str,
    path: Path,
    masks: Mapping[str, Path],
    mask_values: Mapping[int, str] | None,
    reference: Path | None,
    *,
    problems: Problems,
    is_good: bool = False,
    split: Split | None = None,
) -> SourceImage:
    boxes: list[SourceBox] = []
    size_wh_px: tuple[int, int] | None = None
    for class_name, mask_path in sorted(masks.items()):
        try:
            mask_boxes, mask_size = _boxes(mask_path, class_name, mask_values)
        except SampleUnreadable as error:
            problems.add(str(error))
            continue
        if size_wh_px not in (None, mask_size):
            problems.add(f"{mask_path} has another size than the other masks of {name!r}")
        size_wh_px = mask_size
        boxes += mask_boxes
    return SourceImage(
        name=name,
        path=path,
        reference=reference,
        boxes=tuple(boxes),
        is_labelled=bool(masks) or is_good,
        where=", ".join(str(mask) for mask in masks.values()) or str(path),
        split=split,
        size_wh_px=size_wh_px,
    )


def _boxes(
    path: Path, class_name: str, mask_values: Mapping[int, str] | None
) -> tuple[list[SourceBox], tuple[int, int]]:
    mask = read_mask(path)
    size_wh_px = (mask.shape[1], mask.shape[0])
    if mask_values is None:
        parts = [(class_name, box) for box in connected_boxes(mask > 0)]
    else:
        unknown = sorted({int(value) for value in np.unique(mask)} - {0, *mask_values})
        if unknown:
            raise SampleUnreadable(
                f"{path} has the gray values {unknown[:5]}; classes are known for {sorted(mask_values)} (--mask-values)"
            )
        parts = [(mask_values[value], box) for value in sorted(mask_values) for box in connected_boxes(mask == value)]
    return [SourceBox(name, box, f"{path}: part {number}") for number, (name, box) in enumerate(parts, 1)], size_wh_px


def _masks_by_folder(folder: Path) -> dict[str, dict[str, Path]]:
    """Masks by image name and class; the class is the first folder."""
    found: defaultdict[str, dict[str, Path]] = defaultdict(dict)
    loose = [path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")]
    if loose:
        raise SampleUnreadable(
            f"{loose[0]} lies in no folder that names its class; if gray values are classes say which: --mask-values"
        )
    for class_folder in sorted(path for path in folder.iterdir() if path.is_dir()):
        for name, path in _by_name(class_folder).items():
            found[name][class_folder.name] = path
    return dict(found)


def _by_name(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in pictures_below(folder):
        name = name_below(path, folder).removesuffix(_ENDING)
        if name in found:
            raise SampleUnreadable(f"{found[name]} and {path} are both masks of {name!r}; keep one")
        found[name] = path
    return found
