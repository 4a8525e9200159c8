"""Training images from synthetic boards: crops at the boards' own scale, in ultralytics' folder layout."""

import json
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lineside.datasets.synthetic import (
    DEFECT_CLASSES,
    TILE_PX,
    Board,
    BoardDesign,
    Defect,
    LayoutFamily,
    Look,
    Sample,
)
from lineside.inspection.release import InputKind

BOARDS_PER_SEED = 10_000_000
"""Board seeds between two run seeds; the upper half is for evaluation, so no board is trained on and judged."""

_BINARISED_SHARE = 0.65
_GOOD_SHARE = 0.08
_DEFECTS_PER_BOARD = (6, 22)  # more than real boards have: each crop should teach something
_LEAST_SHARE_INSIDE = 0.5  # of a box, for it to count in a crop


@dataclass(frozen=True, slots=True)
class TrainingImages:
    """What to generate.

    Attributes:
        kind: single gray images, or frame, reference and difference composed.
        boards: synthetic boards of 640 px, four crops each at 320 px.
        validation_boards: boards set aside for ultralytics' own closing figures.
        crop_px: side of a crop, a divisor of 640.
        seed: of everything.
    """

    kind: InputKind
    boards: int
    validation_boards: int = 16
    crop_px: int = 320
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be cut evenly."""
        if self.boards < 1 or self.validation_boards < 1:
            raise ValueError(f"{self.boards} boards and {self.validation_boards} for validation: each at least 1")
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


def write_training_images(images: TrainingImages, folder: Path, *, processes: int | None = None) -> Path:
    """Write images, labels and the data file.

    Args:
        images: what to generate.
        folder: made if missing.
        processes: how many generate at once; None takes all cores.

    Returns:
        The data file, YAML in ultralytics' form.
    """
    parts = {"train": range(images.boards), "val": range(images.boards, images.boards + images.validation_boards)}
    for part in parts:
        for kind in ("images", "labels"):
            (folder / kind / part).mkdir(parents=True, exist_ok=True)
    # New interpreters, not forks: a fork of a process in which OpenCV has threads stops at its first use of OpenCV.
    with ProcessPoolExecutor(processes or os.cpu_count(), get_context("spawn")) as pool:
        for part, indexes in parts.items():
            for _ in pool.map(partial(_write_board, images, folder, part), indexes, chunksize=8):
                pass
    data_file = folder / "data.yaml"
    description: dict[str, Any] = {
        "path": str(folder.resolve()),
        "train": "images/train",
        "val": "images/val",
        "names": {index: str(name) for index, name in enumerate(DEFECT_CLASSES)},
    }
    data_file.write_text(json.dumps(description, indent=1), "utf-8")  # JSON is YAML
    return data_file


def crop_boxes(
    defects: Sequence[Defect], *, left: int, top: int, side: int
) -> list[tuple[int, float, float, float, float]]:
    """Boxes as a crop sees them, in YOLO's form: class, then centre and size as shares of the side."""
    rows: list[tuple[int, float, float, float, float]] = []
    for defect in defects:
        x1, y1, x2, y2 = defect.box_xyxy_px
        inner = (max(x1, left), max(y1, top), min(x2, left + side), min(y2, top + side))
        width, height = inner[2] - inner[0], inner[3] - inner[1]
        if width <= 0 or height <= 0 or width * height < _LEAST_SHARE_INSIDE * (x2 - x1) * (y2 - y1):
            continue
        middle_x, middle_y = (inner[0] + inner[2]) / 2 - left, (inner[1] + inner[3]) / 2 - top
        class_id = DEFECT_CLASSES.index(defect.defect_class)
        rows.append((class_id, middle_x / side, middle_y / side, width / side, height / side))
    return rows


def _write_board(images: TrainingImages, folder: Path, part: str, index: int) -> None:
    cv2.setNumThreads(1)  # the processes share the cores already
    sample = training_sample(images.seed, index)
    pixels = network_image(sample, images.kind)
    side = images.crop_px
    for top in range(0, TILE_PX, side):
        for left in range(0, TILE_PX, side):
            stem = f"{index:07d}_{left:03d}_{top:03d}"
            crop = pixels[top : top + side, left : left + side]
            # ultralytics reads blue-green-red and turns it round: the file holds the channels in reverse.
            picture = crop[..., 0] if images.kind is InputKind.SINGLE else crop[..., ::-1]
            cv2.imwrite(str(folder / "images" / part / f"{stem}.png"), picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
            rows = crop_boxes(sample.defects, left=left, top=top, side=side)
            lines = [f"{row[0]} " + " ".join(f"{value:.6f}" for value in row[1:]) for row in rows]
            (folder / "labels" / part / f"{stem}.txt").write_text("\n".join(lines), "utf-8")
