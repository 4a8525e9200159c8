"""The two files of a trained model: its checkpoint, to go on learning from, and its ONNX graph, to serve."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.release import InputKind
from lineside.training.checkpoints import Checkpoint, save_checkpoint
from lineside.training.export import export_checkpoint
from lineside.training.plan import TrainingPlan

CHECKPOINT_NAME = "checkpoint.safetensors"
MODEL_NAME = "model.onnx"


@dataclass(frozen=True, slots=True)
class ModelOutput:
    """What is written beside the weights.

    Attributes:
        plan: that they were trained by.
        kind: what the channels are.
        classes: names in the order of the class ids.
        input_size_wh_px: of the ONNX model.
    """

    plan: TrainingPlan
    kind: InputKind
    classes: tuple[str, ...]
    input_size_wh_px: tuple[int, int]


def write_model(weights: Mapping[str, NDArray[np.float32]], output: ModelOutput, folder: Path) -> dict[str, str]:
    """Write both files.

    Args:
        weights: by their names in the network.
        output: what they mean.
        folder: gets the files.

    Returns:
        Their SHA-256 as a run's record names them.

    Raises:
        ExportRefused: the graph is not what a release may hold.
    """
    plan = output.plan
    checkpoint = Checkpoint(plan.architecture, output.classes, output.kind, plan.image_px, weights)
    checkpoint_digest = save_checkpoint(checkpoint, folder / CHECKPOINT_NAME)
    model = export_checkpoint(folder / CHECKPOINT_NAME, folder / MODEL_NAME, size_wh_px=output.input_size_wh_px)
    return {"checkpoint_sha256": checkpoint_digest, "model_sha256": model.sha256}
