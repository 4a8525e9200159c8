"""The int8 form of a model: what is quantised, what stays, and that both engines read it."""

import numpy as np
import onnx
import pytest

from blob_detector import BlobModel
from lineside.inspection.engines import load_engine
from lineside.inspection.model_graph import ModelGraph, read_model_graph
from lineside.training.errors import ExportRefused
from lineside.training.export import check_exported, read_metadata
from lineside.training.onnx_weights import restore_fp32_weights
from lineside.training.quantise import nodes_before_tail, quantise_to_int8
from small_checkpoints import ExportedFiles, small_window

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def int8_model(exported_files: ExportedFiles) -> bytes:
    return quantise_to_int8(exported_files.model.read_bytes(), [small_window(seed) for seed in range(6)])


def test_it_is_a_file_that_a_line_may_be_given(int8_model: bytes, exported_files: ExportedFiles) -> None:
    graph: ModelGraph = check_exported(int8_model)
    exported = read_model_graph(exported_files.model.read_bytes())
    assert (graph.classes, graph.head, graph.input_size_wh_px) == (
        exported.classes,
        exported.head,
        exported.input_size_wh_px,
    )
    assert read_metadata(int8_model) == read_metadata(exported_files.model.read_bytes())
    assert len(int8_model) < 0.7 * exported_files.model.stat().st_size


def test_weights_are_int8_with_a_scale_for_each_channel(int8_model: bytes) -> None:
    graph = onnx.load_model_from_string(int8_model).graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    weights = [name for name, tensor in tensors.items() if tensor.data_type == onnx.TensorProto.INT8 and tensor.dims]
    kernels = [name for name in weights if len(tensors[name].dims) == 4]
    assert len(kernels) > 60
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in kernels:
            assert list(tensors[node.input[1]].dims) == [tensors[node.input[0]].dims[0]]


def test_what_makes_boxes_stays_in_float32(int8_model: bytes) -> None:
    graph = onnx.load_model_from_string(int8_model).graph
    makers = {name: node for node in graph.node for name in node.output}
    in_float = {
        node.name
        for node in graph.node
        if node.op_type == "Conv" and makers.get(node.input[1], node).op_type != "DequantizeLinear"
    }
    assert in_float == {"/model.23/dfl/conv/Conv", *(f"/model.23/cv2.{scale}/cv2.{scale}.2/Conv" for scale in range(3))}
    after = [node for node in graph.node if node.op_type in ("Softmax", "Sub", "Div") and "model.23" in node.name]
    assert len(after) >= 4
    assert not any(
        makers[name].op_type == "DequantizeLinear" for node in after for name in node.input if name in makers
    )


@pytest.mark.parametrize("name", ["onnxruntime-int8", "openvino-int8"])
def test_both_engines_compute_nearly_what_float32_computes(
    name: str, int8_model: bytes, exported_files: ExportedFiles
) -> None:
    """Scores of pictures that the ranges were not taken from; a wrong scale or sign would be far outside."""
    exact = load_engine("onnxruntime-fp32", read_model_graph(exported_files.model.read_bytes()).served_model, threads=1)
    engine = load_engine(name, read_model_graph(int8_model).served_model, threads=1)
    for batch in [small_window(seed) for seed in range(6, 9)]:
        expected, found = exact.infer(batch)[:, 4:], engine.infer(batch)[:, 4:]
        assert expected.max() > 0.3
        assert float(np.abs(found - expected).max()) < 0.3
        assert np.corrcoef(expected.ravel(), found.ravel())[0, 1] > 0.95
    assert engine.name == name
    exact.close()
    engine.close()


def test_without_a_picture_there_are_no_ranges(exported_files: ExportedFiles) -> None:
    with pytest.raises(ExportRefused, match="there is none"):
        quantise_to_int8(exported_files.model.read_bytes(), [])


def test_a_model_without_learnt_convolutions_before_its_output_has_nothing_to_quantise() -> None:
    graph = onnx.load_model_from_string(BlobModel().to_bytes())
    del graph.graph.node[:-1]
    assert nodes_before_tail(graph) == []


def test_half_precision_weights_come_back_as_they_compute(exported_files: ExportedFiles) -> None:
    halves = onnx.load(exported_files.model)
    plain = restore_fp32_weights(halves)
    assert not any(tensor.data_type == onnx.TensorProto.FLOAT16 for tensor in plain.graph.initializer)
    assert not any(node.op_type == "Cast" and node.name.endswith(".cast") for node in plain.graph.node)
    outputs = []
    for model in (halves, plain):
        engine = load_engine("onnxruntime-fp32", read_model_graph(model.SerializeToString()).served_model, threads=1)
        outputs.append(engine.infer(small_window(0)))
        engine.close()
    np.testing.assert_array_equal(outputs[0], outputs[1])
