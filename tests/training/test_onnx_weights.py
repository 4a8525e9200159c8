"""Weights stored in half precision: a smaller file that computes nearly the same."""

import importlib
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from lineside.training.errors import ExportRefused
from lineside.training.onnx_weights import store_weights_as_fp16


def small_model(weights: NDArray[np.float32]) -> onnx.ModelProto:
    bias = np.linspace(-1, 1, weights.shape[1], dtype=np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"]), helper.make_node("Add", ["y", "b"], ["z"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, weights.shape[0]])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [2, weights.shape[1]])],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(bias, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
    helper.set_model_props(model, {"names": "{0: 'open'}"})
    return model


def run(model: onnx.ModelProto, x: NDArray[np.float32]) -> NDArray[np.float32]:
    onnxruntime: Any = importlib.import_module("onnxruntime")  # it has no types
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0], np.float32)


def test_the_file_halves_and_the_result_stays() -> None:
    rng = np.random.default_rng(0)
    model = small_model(rng.normal(0, 0.1, (64, 32)).astype(np.float32))
    slim = store_weights_as_fp16(model)
    x = rng.normal(0, 1, (2, 64)).astype(np.float32)
    np.testing.assert_allclose(run(slim, x), run(model, x), atol=5e-3)
    assert len(slim.SerializeToString()) < 0.6 * len(model.SerializeToString())
    stored = {tensor.name: tensor.data_type for tensor in slim.graph.initializer}
    assert stored == {"w.fp16": TensorProto.FLOAT16, "b": TensorProto.FLOAT}


def test_metadata_and_the_original_stay_as_they_are() -> None:
    model = small_model(np.ones((64, 32), np.float32))
    before = model.SerializeToString()
    slim = store_weights_as_fp16(model)
    assert [(entry.key, entry.value) for entry in slim.metadata_props] == [("names", "{0: 'open'}")]
    assert model.SerializeToString() == before


@pytest.mark.parametrize("value", [1e6, np.inf, np.nan])
def test_a_weight_that_half_precision_cannot_hold_is_refused(value: float) -> None:
    weights = np.ones((64, 32), np.float32)
    weights[3, 3] = value
    with pytest.raises(ExportRefused, match="weight w is not finite or beyond"):
        store_weights_as_fp16(small_model(weights))
