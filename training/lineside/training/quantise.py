"""Static quantisation to int8: a second model file whose layers multiply 8-bit integers.

It buys speed where a processor has integer dot products (AVX512-VNNI, ARM dotprod) and no bfloat16. What it costs in
accuracy is measured afterwards (`lineside.training.parity`), and decides whether the model may be served.
"""

import importlib
import logging
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from lineside.inspection.engines.without_telemetry import import_onnxruntime
from lineside.training.errors import ExportRefused
from lineside.training.onnx_weights import restore_fp32_weights

CALIBRATION_WINDOWS = 100
"""As many inputs as ranges are taken from; more change the outermost values little and cost time."""

_DFL = ".dfl."
"""In the name of the one convolution whose weights were not learnt: 0 to 15, for the expectation of a distance."""

_BOX_BRANCH = re.compile(r"\.(one2one_)?cv2\.\d+\.\d+\.(weight|bias)")
"""Ultralytics' name of the weights of a detection head's layer for boxes."""


def quantise_to_int8(model: bytes, windows_nhwc_u8: Sequence[NDArray[np.uint8]]) -> bytes:
    """Quantise a detector, except for the layers after its last convolutions, which turn numbers into boxes and scores.

    QuantizeLinear and DequantizeLinear stand around what is quantised, so that ONNX Runtime and OpenVINO both read the
    file. Weights are symmetric int8 with a scale for each output channel; activations are uint8 between the least and
    the greatest value seen. The last layers stay in float32: they work in pixels of the whole input, which 256 steps
    would round to 2.5 px; and so does the last convolution for boxes, which in end-to-end heads gives distances.

    Args:
        model: ONNX file as `export_checkpoint` writes it.
        windows_nhwc_u8: inputs as engines take them, uint8 (1, height, width, 3), from training images; about
            `CALIBRATION_WINDOWS` of them.

    Returns:
        The ONNX file of the quantised model, with the same input, output and metadata.

    Raises:
        ExportRefused: there is no window to take ranges from, or nothing in the model to quantise.
    """
    if not windows_nhwc_u8:
        raise ExportRefused("int8 needs images to take the ranges of its layers from, and there is none")
    plain = restore_fp32_weights(onnx.load_model_from_string(model))
    import_onnxruntime()  # before its tools import it, so that it stays silent
    tools: Any = importlib.import_module("onnxruntime.quantization")
    preparation: Any = importlib.import_module("onnxruntime.quantization.shape_inference")
    with tempfile.TemporaryDirectory(prefix="lineside-int8-") as folder, _without_advice():
        exported, prepared, target = (Path(folder, name) for name in ("exported.onnx", "prepared.onnx", "int8.onnx"))
        onnx.save(plain, exported)
        # Symbolic shape inference fails on the TopK of end-to-end heads; every size is known without it.
        preparation.quant_pre_process(str(exported), str(prepared), skip_symbolic_shape=True)
        quantised = nodes_before_tail(onnx.load(prepared))
        if not quantised:
            raise ExportRefused("the model has no convolution with learnt weights; there is nothing to quantise")
        tools.quantize_static(
            str(prepared),
            str(target),
            _Windows(plain.graph.input[0].name, windows_nhwc_u8),
            quant_format=tools.QuantFormat.QDQ,
            calibrate_method=tools.CalibrationMethod.MinMax,
            activation_type=tools.QuantType.QUInt8,
            weight_type=tools.QuantType.QInt8,
            per_channel=True,
            nodes_to_quantize=quantised,
        )
        result = onnx.load(target)
    return bytes(_tidied(result, like=plain).SerializeToString(deterministic=True))


def nodes_before_tail(model: onnx.ModelProto) -> list[str]:
    """Names of the nodes to quantise: all but those after the last convolutions, and those convolutions for boxes."""
    makers = {name: node for node in model.graph.node for name in node.output}
    tail: set[str] = set()
    waiting = [output.name for output in model.graph.output]
    while waiting:
        node = makers.get(waiting.pop())
        if node is None or node.name in tail:
            continue
        if not _is_learnt(node):
            tail.add(node.name)
            waiting.extend(node.input)
        elif _BOX_BRANCH.search(node.input[1]):
            tail.add(node.name)
    if not any(_is_learnt(node) for node in model.graph.node):
        return []
    return [node.name for node in model.graph.node if node.name not in tail]


def _is_learnt(node: onnx.NodeProto) -> bool:
    return node.op_type == "Conv" and _DFL not in node.input[1]


class _Windows:
    """The calibration inputs in the way in which ONNX Runtime's tools ask for them."""

    def __init__(self, input_name: str, windows_nhwc_u8: Sequence[NDArray[np.uint8]]) -> None:
        self._input_name = input_name
        self._waiting: Iterator[NDArray[np.uint8]] = iter(windows_nhwc_u8)

    def get_next(self) -> Mapping[str, NDArray[np.float32]] | None:
        """The next input as the exported graph takes it: float32 (1, 3, height, width), 0 to 1."""
        window = next(self._waiting, None)
        if window is None:
            return None
        return {self._input_name: window.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)}

    def __iter__(self) -> Iterator[Mapping[str, NDArray[np.float32]]]:
        """The same, one by one."""
        return iter(self.get_next, None)


def _tidied(quantised: onnx.ModelProto, *, like: onnx.ModelProto) -> onnx.ModelProto:
    """Drop what the tools add: operator sets that no node uses, and notes of their own in the metadata."""
    used = {node.domain for node in quantised.graph.node}
    opsets = [opset for opset in quantised.opset_import if opset.domain in used]
    del quantised.opset_import[:], quantised.metadata_props[:]
    quantised.opset_import.extend(opsets)
    quantised.metadata_props.extend(like.metadata_props)
    return quantised


@contextmanager
def _without_advice() -> Iterator[None]:
    """The tools advise on the root logger what was done already (shape inference) or does not concern CPUs."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
