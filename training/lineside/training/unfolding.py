"""From a release's ONNX file back to a network that can go on learning.

An export folds each batch normalisation into the convolution before it: the weights are there under their names, the
normalisation is not. Without one, training drifts apart in a few steps. So it is put back: the convolution's outputs on
some training crops say what mean and variance they have, and the normalisation gets exactly these as its running
figures, with a gain and an offset that undo them. The network then computes what it computed before, and learns on.
"""

import importlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from lineside.training.errors import CheckpointRefused
from lineside.training.ultralytics_adapter import Network

_STORED_AS_HALF = ".fp16"
_LEAST_VARIANCE = 1e-6
_BATCH = 16
_WITH_BIAS = 3  # inputs of a convolution: pixels, weights, bias

_ONE_TO_MANY = re.compile(r"^(model\.\d+\.)(cv[23]\.)")
"""An end-to-end export leaves out the branch that only training uses; it starts as a copy of the other, as at first."""


def folded_weights(model: bytes) -> dict[str, NDArray[np.float32]]:
    """The weights of an exported network by their names in it, whichever precision they are stored in."""
    graph = onnx.load_model_from_string(model).graph
    weights = {
        tensor.name.removesuffix(_STORED_AS_HALF): numpy_helper.to_array(tensor).astype(np.float32)
        for tensor in graph.initializer
        if tensor.name.startswith("model.")
    }
    for node in graph.node:  # equal tensors are stored once: a layer may use the bias of another
        if node.op_type == "Conv" and len(node.input) == _WITH_BIAS and node.input[2] in weights:
            weights.setdefault(node.input[1].removesuffix(".weight") + ".bias", weights[node.input[2]])
    return weights


def unfold(
    network: Network, weights: Mapping[str, NDArray[np.float32]], *, pixels: Sequence[NDArray[np.uint8]]
) -> None:
    """Put folded weights into a network and give its normalisations the figures of some crops.

    Args:
        network: of the same architecture; changed in place, on the CPU.
        weights: of `folded_weights`.
        pixels: crops uint8 (h, w, 3) in the network's channels, all of one size; a few hundred of what it will see.

    Raises:
        CheckpointRefused: a weight is missing or has another shape: it is another architecture.
    """
    torch: Any = importlib.import_module("torch")
    network.eval()
    normalisations: list[Any] = []
    with torch.no_grad():
        for name, module in network.named_modules():
            convolution, normalisation = getattr(module, "conv", None), getattr(module, "bn", None)
            if isinstance(convolution, torch.nn.Conv2d) and isinstance(normalisation, torch.nn.BatchNorm2d):
                _put(convolution.weight, weights, f"{name}.conv.weight")
                _put(normalisation.bias, weights, f"{name}.conv.bias")
                normalisation.weight.fill_(1.0)
                normalisation.running_mean.zero_()
                normalisation.running_var.fill_(1.0 - normalisation.eps)
                normalisations.append(normalisation)
            elif isinstance(module, torch.nn.Conv2d) and module.bias is not None:
                _put(module.weight, weights, f"{name}.weight")
                _put(module.bias, weights, f"{name}.bias")
        _give_figures(network, normalisations, pixels, torch)


def _put(parameter: Any, weights: Mapping[str, NDArray[np.float32]], name: str) -> None:
    found = weights.get(name)
    if found is None:
        found = weights.get(_ONE_TO_MANY.sub(r"\1one2one_\2", name))
    if found is None or tuple(found.shape) != tuple(parameter.shape):
        raise CheckpointRefused(
            f"the release has {'no weight' if found is None else f'weights of shape {found.shape} as'} {name}, this "
            f"network has {tuple(parameter.shape)} there: it is of another architecture; give its own with --model"
        )
    parameter.copy_(parameter.new_tensor(found))


def _give_figures(
    network: Network, normalisations: Sequence[Any], pixels: Sequence[NDArray[np.uint8]], torch: Any
) -> None:
    """Measure the input of every normalisation, all at once: the network computes as folded meanwhile."""
    sums: dict[int, tuple[int, Any, Any]] = {}

    def measure(module: Any, inputs: Any) -> None:
        values = inputs[0].double()
        count, total, squares = sums.get(id(module), (0, 0.0, 0.0))
        sums[id(module)] = (
            count + values.numel() // values.shape[1],
            total + values.sum((0, 2, 3)),
            squares + (values**2).sum((0, 2, 3)),
        )

    hooks = [module.register_forward_pre_hook(measure) for module in normalisations]
    for start in range(0, len(pixels), _BATCH):
        batch = torch.from_numpy(np.stack(pixels[start : start + _BATCH])).permute(0, 3, 1, 2)
        network(batch.float() / 255)
    for hook in hooks:
        hook.remove()
    for module in normalisations:
        if id(module) not in sums:  # a branch that inference does not use
            continue
        count, total, squares = sums[id(module)]
        mean = total / count
        variance = (squares / count - mean**2).clamp_min(_LEAST_VARIANCE)
        offset = module.bias.clone()
        module.running_mean.copy_(mean)
        module.running_var.copy_(variance)
        module.weight.copy_(torch.sqrt(module.running_var + module.eps))
        module.bias.copy_(offset + module.running_mean)
