"""Storing a model's weights in half precision without changing how it computes, and the way back."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from lineside.training.errors import ExportRefused

_LEAST_ELEMENTS = 256
"""Smaller tensors (biases, shapes, strides) stay as they are: they save nothing and may need their range."""


def store_weights_as_fp16(model: onnx.ModelProto) -> onnx.ModelProto:
    """Halve a model's file: large float32 weights are stored as float16, with a Cast back to float32 before use.

    Engines fold the casts when they load the model, so it computes in float32 as before, with weights rounded to 11
    significant bits.

    Args:
        model: float32 model with its weights inside the file.

    Returns:
        Another model of the same inputs, outputs and metadata.

    Raises:
        ExportRefused: a weight is not finite or too large for float16.
    """
    slim = onnx.ModelProto()
    slim.CopyFrom(model)
    graph = slim.graph
    casts: list[onnx.NodeProto] = []
    kept: list[TensorProto] = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < _LEAST_ELEMENTS:
            kept.append(tensor)
            continue
        limit = float(np.finfo(np.float16).max)
        if not np.isfinite(values).all() or float(np.abs(values).max()) > limit:
            raise ExportRefused(f"weight {tensor.name} is not finite or beyond float16's {limit}; train again")
        stored = f"{tensor.name}.fp16"
        kept.append(numpy_helper.from_array(values.astype(np.float16), stored))
        casts.append(helper.make_node("Cast", [stored], [tensor.name], f"{tensor.name}.cast", to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)
    onnx.checker.check_model(slim)
    return slim


def restore_fp32_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with its half-precision weights as float32 weights again, for tools that want plain ones.

    Returns:
        Another model that computes exactly what the given one computes.
    """
    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    graph = plain.graph
    halves = {tensor.name: tensor for tensor in graph.initializer if tensor.data_type == TensorProto.FLOAT16}
    restored: dict[str, TensorProto] = {}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        half = halves.get(node.input[0]) if node.op_type == "Cast" else None
        if half is None:
            nodes.append(node)
            continue
        values = numpy_helper.to_array(half).astype(np.float32)
        restored[half.name] = numpy_helper.from_array(values, node.output[0])
    initializers = [restored.get(tensor.name, tensor) for tensor in graph.initializer]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(initializers)
    graph.node.extend(nodes)
    onnx.checker.check_model(plain)
    return plain
