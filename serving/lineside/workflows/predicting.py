"""Writing what a release finds as text files, for scoring by others."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from lineside.inspection.detections import Detections
from lineside.inspection.errors import FrameError
from lineside.inspection.frames import Image
from lineside.inspection.reference import RegistrationLimits, compose, register, to_gray
from lineside.workflows.errors import NameTaken, Unpaired
from lineside.workflows.judging import Judge, read_image
from lineside.workflows.ordered_work import in_order
from lineside.workflows.pictures import PartPicture


def prediction_text(detections: Detections, class_names: Sequence[str]) -> str:
    r"""One line a detection, by falling confidence: `x1,y1,x2,y2,confidence,class`, coordinates in whole pixels.

    The form that DeepPCB's published scoring script reads; it relies on the order.

    >>> import numpy as np
    >>> found = Detections(np.array([[1.4, 2.6, 30, 40]], np.float32), np.array([0.5], np.float32), np.array([1]))
    >>> prediction_text(found, ("open", "short"))
    '1,3,30,40,0.500000,short\n'
    """
    return "".join(
        f"{','.join(str(round(float(side))) for side in box)},{confidence:.6f},{class_names[int(class_id)]}\n"
        for box, confidence, class_id in zip(
            detections.boxes_xyxy_px, detections.confidences, detections.class_ids, strict=True
        )
    )


def predict_all(
    judge: Judge, parts: Sequence[PartPicture], *, confidence: float, out: Path
) -> Iterator[tuple[PartPicture, int]]:
    """Write one `NAME.txt` for each part and give the part with its number of detections, in order.

    Args:
        judge: the loaded release.
        parts: what to look at.
        confidence: least confidence written, the same for all classes, in (0, 1].
        out: folder for the files; made if it is not there.

    Raises:
        NameTaken: two parts have one name.
        Unpaired: the release compares with a reference, and a part has none.
        FrameError: a picture cannot be looked at. An absent or empty file would read as "no defect".
    """
    repeated = [name for name, count in Counter(part.name for part in parts).items() if count > 1]
    if repeated:
        raise NameTaken(
            f"{len(repeated)} names are there twice, the first is {repeated[0]!r}: predict folder by folder"
        )
    judge.require_references(parts)
    out.mkdir(parents=True, exist_ok=True)
    thresholds = dict.fromkeys(judge.release.classes, confidence)

    def predict(part: PartPicture) -> tuple[PartPicture, int]:
        try:
            found = judge.inspector.detector.detect(_network_image(judge, part), thresholds=thresholds)
        except FrameError as error:
            raise type(error)(f"{part.path}: {error}") from error
        text = prediction_text(found, judge.release.classes)
        (out / f"{part.name}.txt").write_text(text, encoding="utf-8")
        return part, len(found)

    return in_order(predict, parts, workers=judge.streams)


def _network_image(judge: Judge, part: PartPicture) -> Image:
    """The picture that the release looks at: the part's own, or the part with its reference and their difference."""
    image = read_image(part.path)
    if not judge.compares:
        return image
    if part.reference is None:
        raise Unpaired(f"{part.path} has no reference")
    gray = to_gray(image)
    registration = register(gray, [judge.prepared(part.reference)], limits=RegistrationLimits(), now=datetime.now(UTC))
    return compose(gray, registration)
