"""Writing DeepPCB's layout, for programs and scoring scripts that read it."""

from collections.abc import Sequence

from lineside.datasets.errors import FormatCannotHold
from lineside.datasets.formats.deeppcb.reading import LIST_NAME, TEMPLATE_ENDING, TEST_ENDING, TEST_LIST_NAME
from lineside.datasets.formats.target import ExportTarget, suffix_of
from lineside.datasets.labelled import LabelledBox, LabelledImage, Split
from lineside.datasets.synthetic import DEFECT_CLASSES

_NUMBERS = {kind.value: number for number, kind in enumerate(DEFECT_CLASSES, 1)}


def write_deeppcb_layout(target: ExportTarget, images: Sequence[LabelledImage]) -> None:
    """Write pairs, annotations and lists; golden parts are listed in `test.txt`. Edges are rounded to whole pixels.

    Raises:
        FormatCannotHold: an image without a reference, a class that is none of the six, a name or group that is no
            single word, a box without a whole pixel.
    """
    lists: dict[str, list[str]] = {LIST_NAME: []}
    for image in images:
        _require_one_word("name", image.name)
        _require_one_word("group", image.group)
        if image.reference is None or image.reference.media_type is not image.image.media_type:
            raise FormatCannotHold(
                f"{image.name!r} has no reference in its own encoding; DeepPCB's layout holds pairs of one kind of file"
            )
        folder, suffix = f"group{image.group}", suffix_of(image.image)
        stem, annotation = f"{folder}/{image.group}/{image.name}", f"{folder}/{image.group}_not/{image.name}.txt"
        target.picture(f"{stem}{TEST_ENDING}{suffix}", image.image)
        target.picture(f"{stem}{TEMPLATE_ENDING}{suffix}", image.reference)
        target.text(annotation, "".join(_line(box, image) for box in image.boxes))
        list_name = TEST_LIST_NAME if image.split is Split.GOLDEN else LIST_NAME
        lists.setdefault(list_name, []).append(f"{stem}{suffix} {annotation}\n")
    for list_name, lines in lists.items():
        target.text(list_name, "".join(lines))


def _line(box: LabelledBox, image: LabelledImage) -> str:
    if box.class_name not in _NUMBERS:
        raise FormatCannotHold(f"{image.name!r}: {box.class_name!r} is no class of DeepPCB: {', '.join(_NUMBERS)}")
    left, top, right, bottom = (round(edge) for edge in box.box_xyxy_px)
    if left >= right or top >= bottom:
        raise FormatCannotHold(f"{image.name!r}: box {box.box_xyxy_px} has no whole pixel, as DeepPCB's boxes have")
    return f"{left} {top} {right} {bottom} {_NUMBERS[box.class_name]}\n"


def _require_one_word(kind: str, value: str) -> None:
    if "/" in value or len(value.split()) != 1 or value != value.strip() or value.startswith("."):
        raise FormatCannotHold(f"the {kind} {value!r} is no single word, as DeepPCB's lists need it")
