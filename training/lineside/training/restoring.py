"""Networks with learnt weights: from a checkpoint, or from the file that a release runs; within `ultralytics_in`."""

import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineside.training import ultralytics_adapter
from lineside.training.checkpoints import Checkpoint
from lineside.training.errors import CheckpointRefused
from lineside.training.plan import Architecture
from lineside.training.ultralytics_adapter import Network
from lineside.training.unfolding import folded_weights


def network_of_checkpoint(checkpoint: Checkpoint) -> Network:
    """The network of a checkpoint with its weights, in evaluation mode.

    Raises:
        CheckpointRefused: weights are missing or have another shape.
    """
    network = ultralytics_adapter.build_network(checkpoint.architecture, checkpoint.classes)
    _load(network, checkpoint.weights, described=f"checkpoint of a {checkpoint.architecture.value}")
    return network.eval()


def network_of_model(model: bytes, *, architecture: Architecture, classes: tuple[str, ...]) -> Network:
    """The network that an exported file was made from, its normalisations folded as they are in the file.

    It computes what the checkpoint's network computes but for the rounding of the stored weights. It cannot go on
    learning; `unfolding` is for that.

    Args:
        model: ONNX file as `export_checkpoint` writes it, of any precision of storage.
        architecture: of the network.
        classes: names in the order of the class ids.

    Raises:
        CheckpointRefused: the file is of another architecture.
    """
    network = ultralytics_adapter.build_network(architecture, classes).eval().fuse(verbose=False)
    _load(network, folded_weights(model), described=f"model, if it is a {architecture.value}")
    return network.eval()


def _load(network: Network, weights: Mapping[str, NDArray[np.float32]], *, described: str) -> None:
    torch: Any = importlib.import_module("torch")
    expected = {name: value for name, value in network.state_dict().items() if value.dtype.is_floating_point}
    unfit = sorted(
        name for name, value in expected.items() if name not in weights or weights[name].shape != tuple(value.shape)
    )
    if unfit:
        raise CheckpointRefused(
            f"{len(unfit)} of {len(expected)} weights are missing in the {described}, or have another shape; the first "
            f"is {unfit[0]}"
        )
    tensors = {name: torch.from_numpy(np.array(weights[name])) for name in expected}
    network.load_state_dict(tensors, strict=False)  # all but the normalisations' counters of batches
