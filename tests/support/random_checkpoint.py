"""Checkpoints of untrained networks that find something, as small as the networks get."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from lineside.inspection.heads import Head
from lineside.inspection.release import InputKind
from lineside.training.checkpoints import Checkpoint, save_checkpoint
from lineside.training.plan import Architecture
from lineside.training.ultralytics_adapter import build_network, ultralytics_in
from random_yolo import CLASSES, RandomYolo, calibrate

SIZE_PX = 96


def write_random_checkpoint(folder: Path, architecture: Architecture = Architecture.YOLO11N, *, seed: int = 7) -> Path:
    """Write `checkpoint.safetensors` of a random network whose scores spread, and return it."""
    torch: Any = importlib.import_module("torch")
    head = Head.END_TO_END if architecture.is_end_to_end else Head.RAW
    with ultralytics_in(folder / "work"):
        torch.manual_seed(seed)
        network = build_network(architecture, CLASSES)
        calibrate(network, RandomYolo(architecture.value, head, size_px=SIZE_PX))
        weights = {
            name: value.detach().numpy().astype(np.float32)
            for name, value in network.state_dict().items()
            if value.dtype.is_floating_point
        }
    path = folder / "checkpoint.safetensors"
    save_checkpoint(Checkpoint(architecture, CLASSES, InputKind.SINGLE, SIZE_PX, weights), path)
    return path
