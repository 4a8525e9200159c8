"""The two files of a trained model: its checkpoint, to go on learning from, and its ONNX graph, to serve."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from lineside.inspection.release import InputKind
from lineside.training import ultralytics_adapter
from lineside.training.checkpoints import Checkpoint, save_checkpoint, write_whole
from lineside.training.onnx_weights import store_weights_as_fp16
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


def write_model(
    weights: Mapping[str, NDArray[np.float32]], output: ModelOutput, *, folder: Path, work: Path
) -> dict[str, str]:
    """Write both files; use it within `ultralytics_in`.

    Args:
        weights: by their names in the network.
        output: what they mean.
        folder: gets the two files.
        work: for what the export leaves behind.

    Returns:
        Their SHA-256 as a run's record names them.
    """
    import torch

    plan = output.plan
    checkpoint = Checkpoint(plan.architecture, output.classes, output.kind, plan.image_px, weights)
    checkpoint_digest = save_checkpoint(checkpoint, folder / CHECKPOINT_NAME)
    network = ultralytics_adapter.build_network(plan.architecture, output.classes)
    network.load_state_dict({name: torch.from_numpy(np.array(v)) for name, v in weights.items()}, strict=False)
    exported = work / "exported.onnx"
    ultralytics_adapter.export_onnx(network, exported, size_wh_px=output.input_size_wh_px)
    model = store_weights_as_fp16(onnx.load(exported)).SerializeToString()
    exported.unlink()
    write_whole(folder / MODEL_NAME, model)
    return {"checkpoint_sha256": checkpoint_digest, "model_sha256": hashlib.sha256(model).hexdigest()}
