"""Checkpoints without a training run: of a network that finds defects, and of one that only has a shape."""

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineside.datasets.synthetic import DEFECT_CLASSES, Board, BoardDesign, LayoutFamily, Look, Sample
from lineside.inspection.release import MODEL_NAME, InputKind, starter_release_folder
from lineside.training.checkpoints import Checkpoint, save_checkpoint
from lineside.training.plan import Architecture
from lineside.training.training_data import network_image
from lineside.training.ultralytics_adapter import Network, build_network, ultralytics_in
from lineside.training.unfolding import folded_weights, unfold

CLASSES = tuple(str(name) for name in DEFECT_CLASSES)
SIDE_PX = 160


@dataclass(frozen=True)
class ExportedFiles:
    """A checkpoint and the model exported from it.

    Attributes:
        checkpoint: safetensors.
        model: ONNX with an input of `side_px` each way.
        side_px: a multiple of 32.
    """

    checkpoint: Path
    model: Path
    side_px: int


def small_board(seed: int) -> Sample:
    """A synthetic board of `SIDE_PX` with two defects."""
    design = BoardDesign(tuple(LayoutFamily)[seed % len(LayoutFamily)], 900_000 + seed, (SIDE_PX, SIDE_PX))
    return Board(design).sample(look=Look.BINARISED, defects=2, seed=900_000 + seed)


def small_window(seed: int) -> NDArray[np.uint8]:
    """The same as a single-image network takes it: uint8 (1, side, side, 3)."""
    return np.ascontiguousarray(network_image(small_board(seed), InputKind.SINGLE))[None]


def write_starter_checkpoint(folder: Path) -> Path:
    """Write `checkpoint.safetensors` of the single-image starter: it finds the defects of `small_board`."""
    model = (starter_release_folder("pcb-single") / MODEL_NAME).read_bytes()
    with ultralytics_in(folder / "work"):
        network = build_network(Architecture.YOLO11N, CLASSES)
        unfold(network, folded_weights(model), pixels=[small_window(seed)[0] for seed in range(100, 104)])
        return _write(network, Architecture.YOLO11N, folder)


def write_random_checkpoint(folder: Path, architecture: Architecture) -> Path:
    """Write `checkpoint.safetensors` of a network with random weights."""
    with ultralytics_in(folder / "work"):
        return _write(build_network(architecture, CLASSES), architecture, folder)


def _write(network: Network, architecture: Architecture, folder: Path) -> Path:
    torch: Any = importlib.import_module("torch")
    weights = {
        name: value.detach().numpy().astype(np.float32)
        for name, value in network.state_dict().items()
        if value.dtype is torch.float32
    }
    path = folder / "checkpoint.safetensors"
    save_checkpoint(Checkpoint(architecture, CLASSES, InputKind.SINGLE, SIDE_PX, weights), path)
    return path
