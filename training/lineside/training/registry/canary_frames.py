"""Canary frames from a run's own validation images: those on which the model sees exactly what is labelled."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lineside.inspection.detector import Detector
from lineside.inspection.release import CanaryDefect
from lineside.training.canaries import MOST_FRAMES, choose_canaries, surety
from lineside.training.errors import NoCanary
from lineside.training.frames import TrainingFrame
from lineside.training.release_folder import CanaryPicture
from lineside.training.validation import detector_image

_MARGIN = 0.3
"""A defect must lie by this share of the way from its threshold to 1: another engine's rounding must not lose it."""

_LEAST_CONFIDENCE = 0.4

_MOST_LOOKED_AT = 400  # the split may be large, and each look is an inference


@dataclass(frozen=True, slots=True, eq=False)
class ChosenCanaries:
    """The known defects of a release.

    Attributes:
        pictures: at least one.
        missing: classes that none of them shows: nothing tells at loading whether the model still finds these.
    """

    pictures: tuple[CanaryPicture, ...]
    missing: tuple[str, ...]


def validation_canaries(detector: Detector, frames: Iterable[TrainingFrame]) -> ChosenCanaries:
    """The surest frames that show every class, as far as there are any.

    Args:
        detector: the model, with the thresholds of the release.
        frames: of split val, labelled with the model's class ids.

    Raises:
        NoCanary: the model sees no frame exactly as it is labelled, surely enough.
    """
    release = detector.release
    noise = min(release.thresholds.values())
    sure: list[tuple[float, TrainingFrame]] = []
    for number, frame in enumerate(frames):
        if number == _MOST_LOOKED_AT:
            break
        found = detector.detect(detector_image(frame, release.input_kind))
        confidence = surety(found, frame.boxes_xyxy_px, frame.class_ids, noise=noise)
        threshold = max((release.thresholds[release.classes[class_id]] for class_id in frame.class_ids), default=1.0)
        if confidence >= max(_LEAST_CONFIDENCE, threshold + _MARGIN * (1 - threshold)):
            sure.append((confidence, frame))
    chosen = _few(sure)
    if not chosen:
        raise NoCanary(
            "of no validation frame does the model find every defect surely enough to tell a good copy of it from a "
            "broken one; train it longer, or take synthetic frames (--canary-from synthetic)"
        )
    shown = {release.classes[class_id] for frame in chosen for class_id in frame.class_ids.tolist()}
    missing = tuple(name for name in release.classes if name not in shown)
    return ChosenCanaries(tuple(_picture(frame, release.classes) for frame in chosen), missing)


def synthetic_canaries(detector: Detector, *, seed: int) -> ChosenCanaries:
    """Canary frames from synthetic boards, where the real images may not be shipped; for the classes of `pcb` only.

    Raises:
        NoCanary: the model finds too few of their defects surely.
    """
    kind = detector.release.input_kind
    samples = choose_canaries(detector, seed=seed)
    return ChosenCanaries(tuple(CanaryPicture.of_sample(sample, kind) for sample in samples), ())


def _few(sure: Sequence[tuple[float, TrainingFrame]]) -> list[TrainingFrame]:
    """The surest frames of which each shows a class that those before it do not."""
    chosen: list[TrainingFrame] = []
    shown: set[int] = set()
    for _, frame in sorted(sure, key=lambda one: one[0], reverse=True):
        classes = set(frame.class_ids.tolist())
        if not classes <= shown and len(chosen) < MOST_FRAMES:
            chosen.append(frame)
            shown |= classes
    return chosen


def _picture(frame: TrainingFrame, classes: Sequence[str]) -> CanaryPicture:
    expected = tuple(
        CanaryDefect(classes[class_id], (float(box[0]), float(box[1]), float(box[2]), float(box[3])))
        for class_id, box in zip(frame.class_ids.tolist(), frame.boxes_xyxy_px.tolist(), strict=True)
    )
    return CanaryPicture(frame.image, frame.reference, expected)
