"""Training images from synthetic boards: crops at the boards' own scale, written once because drawing them is slow."""

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lineside.datasets.synthetic import (
    DEFECT_CLASSES,
    TILE_PX,
    Board,
    BoardDesign,
    LayoutFamily,
    Look,
    Sample,
)
from lineside.inspection.release import InputKind
from lineside.training.crops import Crop, boxes_in_crop
from lineside.training.errors import TrainingDataRefused

BOARDS_PER_SEED = 10_000_000
"""Board seeds between two run seeds; the upper half is for evaluation, so no board is trained on and judged."""

_BINARISED_SHARE = 0.65
_GOOD_SHARE = 0.08
_DEFECTS_PER_BOARD = (6, 22)  # more than real boards have: each crop should teach something


@dataclass(frozen=True, slots=True)
class TrainingImages:
    """What to generate.

    Attributes:
        kind: single gray images, or frame, reference and difference composed.
        boards: synthetic boards of 640 px, four crops each at 320 px.
        crop_px: side of a crop, a divisor of 640.
        seed: of everything.
    """

    kind: InputKind
    boards: int
    crop_px: int = 320
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be cut evenly."""
        if self.boards < 1:
            raise ValueError(f"{self.boards} boards: expected at least 1")
        if TILE_PX % self.crop_px or self.crop_px % 32:
            raise ValueError(f"crops of {self.crop_px} px: expected a multiple of 32 that divides {TILE_PX}")


def network_image(sample: Sample, kind: InputKind) -> NDArray[np.uint8]:
    """The three channels that a network of this kind is trained on: uint8 (height, width, 3), in its order."""
    if kind is InputKind.SINGLE:
        return cv2.merge([sample.frame] * 3).astype(np.uint8, copy=False)
    difference = cv2.absdiff(sample.frame, sample.reference)
    return cv2.merge([sample.frame, sample.reference, difference]).astype(np.uint8, copy=False)


def training_sample(seed: int, index: int) -> Sample:
    """Board number `index` of a run: its family goes round, the rest is drawn."""
    board_seed = seed * BOARDS_PER_SEED + index
    rng = np.random.default_rng([board_seed, 0])
    families = tuple(LayoutFamily)
    look = Look.BINARISED if rng.random() < _BINARISED_SHARE else Look.CAMERA
    count = 0 if rng.random() < _GOOD_SHARE else int(rng.integers(*_DEFECTS_PER_BOARD))
    design = BoardDesign(families[index % len(families)], board_seed)
    return Board(design).sample(look=look, defects=count, seed=board_seed)


def write_training_images(images: TrainingImages, folder: Path, *, processes: int | None = None) -> "WrittenCrops":
    """Write crops and their boxes.

    Args:
        images: what to generate.
        folder: made if missing.
        processes: how many generate at once; None takes all cores.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # New interpreters, not forks: a fork of a process in which OpenCV has threads stops at its first use of OpenCV.
    with ProcessPoolExecutor(processes or os.cpu_count(), get_context("spawn")) as pool:
        for _ in pool.map(partial(_write_board, images, folder), range(images.boards), chunksize=8):
            pass
    return WrittenCrops(folder)


class WrittenCrops:
    """The crops that `write_training_images` wrote, the same in every epoch: a `CropSource`."""

    def __init__(self, folder: Path) -> None:
        self._paths = sorted(folder.glob("*.png"))

    def __len__(self) -> int:
        """How many."""
        return len(self._paths)

    def crop(self, index: int, *, epoch: int, is_settling: bool) -> Crop:  # noqa: ARG002  # of the Protocol
        """See `CropSource.crop`."""
        path = self._paths[index]
        pixels = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
        if pixels is None:
            raise TrainingDataRefused(f"{path} is no image any more; write the training images again")
        rows = np.loadtxt(path.with_suffix(".txt"), np.float32, ndmin=2).reshape(-1, 5)
        return Crop(np.asarray(pixels, np.uint8), rows[:, 1:], rows[:, 0].astype(np.int64))


def _write_board(images: TrainingImages, folder: Path, index: int) -> None:
    cv2.setNumThreads(1)  # the processes share the cores already
    sample = training_sample(images.seed, index)
    pixels = network_image(sample, images.kind)
    boxes = np.array([defect.box_xyxy_px for defect in sample.defects], np.float32).reshape(-1, 4)
    class_ids = np.array([DEFECT_CLASSES.index(defect.defect_class) for defect in sample.defects], np.int64)
    side = images.crop_px
    for top in range(0, TILE_PX, side):
        for left in range(0, TILE_PX, side):
            stem = f"{index:07d}_{left:03d}_{top:03d}"
            crop = cv2.cvtColor(pixels[top : top + side, left : left + side], cv2.COLOR_RGB2BGR)  # as OpenCV writes
            cv2.imwrite(str(folder / f"{stem}.png"), crop, [cv2.IMWRITE_PNG_COMPRESSION, 1])
            inside, kept = boxes_in_crop(boxes, left=left, top=top, side=side)
            rows = np.concatenate([class_ids[kept, None], inside], axis=1)
            np.savetxt(folder / f"{stem}.txt", rows, "%.6g")
