"""The frames of a revision, as parity and quantisation want them."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from lineside.datasets.labelled import Split
from lineside.datasets.revisions import Revision, RevisionStore
from lineside.inspection.frames import Image
from lineside.inspection.preparation import cut, network_channels, network_tiles
from lineside.inspection.release import InputKind
from lineside.training.errors import ParityRefused
from lineside.training.parity.measuring import ParityFrame
from lineside.training.revision_frames import RevisionFrames
from lineside.training.validation import detector_image

Item = TypeVar("Item")

DEFAULT_SPLITS = (Split.VAL, Split.CALIBRATION, Split.GOLDEN)
"""Comparing engines tells nothing about how good a model is, so that looking at golden images costs nothing; sealed
ones stay sealed, and training images would flatter int8, whose ranges are taken from them."""


def revision_frames(
    store: RevisionStore,
    revision: Revision,
    *,
    splits: Sequence[Split],
    kind: InputKind,
    classes: Sequence[str],
    most: int | None = None,
) -> list[ParityFrame]:
    """Labelled frames of a revision; those whose reference does not fit are left out, as serving would not judge them.

    Args:
        store: holds the pictures.
        revision: of which.
        splits: which of its images, in this order.
        kind: what the model's channels are.
        classes: of the model, by class id.
        most: spread evenly over the names if there are more; None takes all.

    Raises:
        ParityRefused: the revision has classes that the model does not know.
        DatasetError: a picture is missing or damaged.
    """
    strangers = sorted(set(revision.classes) - set(classes))
    if strangers:
        raise ParityRefused(
            f"revision {revision.id[:12]} has the classes {strangers}, which the model does not know; "
            "compare its engines on a revision of its own classes"
        )
    new_ids = np.array([classes.index(name) for name in revision.classes], np.int64)
    images = [(split, image) for split in splits for image in revision.of_split(split)]
    chosen = _spread(images, most)
    frames: list[ParityFrame] = []
    for split in dict.fromkeys(split for split, _ in chosen):
        wanted = {image.name for of_split, image in chosen if of_split is split}
        reader = RevisionFrames(store, revision, split, kind)
        frames += [
            ParityFrame(detector_image(frame, kind), frame.boxes_xyxy_px, new_ids[frame.class_ids])
            for frame in reader
            if frame.name in wanted
        ]
    return frames


def calibration_windows(
    images: Iterable[Image], kind: InputKind, *, size_wh_px: tuple[int, int], most: int
) -> list[NDArray[np.uint8]]:
    """Windows of frames as engines take them: uint8 (1, height, width, 3), one a frame.

    Args:
        images: as `Detector.detect` takes them.
        kind: what the channels are.
        size_wh_px: of the model's input.
        most: take no more.
    """
    windows: list[NDArray[np.uint8]] = []
    for index, image in enumerate(images):
        if len(windows) == most:
            break
        pixels, tiles = network_tiles(network_channels(image, kind), kind, input_wh_px=size_wh_px, overlap_px=0)
        windows.append(cut(pixels, tiles[index % len(tiles)]).copy())
    return windows


def _spread(items: Sequence[Item], most: int | None) -> list[Item]:
    """At most so many of the items, evenly spread over them."""
    if most is None or len(items) <= most:
        return list(items)
    return [items[index] for index in np.linspace(0, len(items) - 1, most).round().astype(int)]
