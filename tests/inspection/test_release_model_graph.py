"""ONNX files that must not reach an engine, each made for real."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from blob_detector import BLOB_CLASSES, BlobModel
from lineside.inspection.errors import NotADetector, ReleaseError, ReleaseUnverified
from lineside.inspection.heads import Head
from lineside.inspection.model_graph import INPUT_NAME, GraphLimits, read_model_graph

GOOD_MODEL = BlobModel().to_bytes()
SMALL_MODEL = BlobModel(size_wh_px=(24, 24), classes=("only",), levels=(80,)).to_bytes()  # little but structure


def weight(proto: onnx.ModelProto, name: str) -> onnx.TensorProto:
    found: onnx.TensorProto = next(tensor for tensor in proto.graph.initializer if tensor.name == name)
    return found


def replace_weight(proto: onnx.ModelProto, name: str, values: NDArray[Any]) -> None:
    weight(proto, name).CopyFrom(numpy_helper.from_array(values, name))


@pytest.mark.parametrize(
    ("model", "head"),
    [
        pytest.param(BlobModel(size_wh_px=(320, 160)), Head.RAW, id="raw, wider than high"),
        pytest.param(BlobModel(head="end_to_end"), Head.END_TO_END, id="end-to-end"),
        pytest.param(BlobModel(classes=("only",), levels=(80,)), Head.RAW, id="one class"),
    ],
)
def test_a_detector_says_what_it_is(model: BlobModel, head: Head) -> None:
    graph = read_model_graph(model.to_bytes())
    assert graph.classes == tuple(model.classes)
    assert graph.input_size_wh_px == model.size_wh_px
    assert graph.head is head


def test_the_served_model_takes_pixels_as_they_are() -> None:
    served = onnx.load_model_from_string(read_model_graph(BlobModel(size_wh_px=(320, 160)).to_bytes()).served_model)
    onnx.checker.check_model(served, full_check=True)
    (entry,) = served.graph.input
    assert entry.name == INPUT_NAME
    assert entry.type.tensor_type.elem_type == TensorProto.UINT8
    assert [side.dim_value for side in entry.type.tensor_type.shape.dim] == [1, 160, 320, 3]


def test_open_sides_of_the_input_are_pinned_to_one_image_of_the_exported_size() -> None:
    proto = BlobModel(size_wh_px=(320, 160)).proto()
    dims = proto.graph.input[0].type.tensor_type.shape.dim
    dims[0].dim_param, dims[2].dim_param, dims[3].dim_param = "batch", "height", "width"
    proto.graph.output[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    graph = read_model_graph(proto.SerializeToString())
    assert graph.input_size_wh_px == (320, 160)


def test_weights_stored_as_float16_and_cast_are_fine() -> None:
    proto = BlobModel().proto()
    replace_weight(proto, "mean_weight", numpy_helper.to_array(weight(proto, "mean_weight")).astype(np.float16))
    weight(proto, "mean_weight").name = "stored"
    proto.graph.node.insert(0, helper.make_node("Cast", ["stored"], ["mean_weight"], to=TensorProto.FLOAT))
    assert read_model_graph(proto.SerializeToString()).classes == BLOB_CLASSES


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"this is no model", id="text"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(200), id="a picture"),
        pytest.param(GOOD_MODEL[: len(GOOD_MODEL) // 2], id="half a file"),
        pytest.param(GOOD_MODEL[:-1], id="one byte short"),
        pytest.param(onnx.ModelProto().SerializeToString(), id="an empty model"),
    ],
)
def test_bytes_that_are_no_whole_model_are_refused(model: bytes) -> None:
    with pytest.raises(NotADetector):
        read_model_graph(model)


@pytest.mark.parametrize("location", ["weights.bin", "../weights.bin", "/etc/passwd"])
def test_weights_outside_the_file_are_refused(location: str) -> None:
    proto = BlobModel().proto()
    tensor = weight(proto, "mean_weight")
    onnx.external_data_helper.set_external_data(tensor, location, offset=0, length=len(tensor.raw_data))
    tensor.ClearField("raw_data")
    with pytest.raises(ReleaseUnverified, match="outside the ONNX file"):
        read_model_graph(proto.SerializeToString())


def test_weights_behind_a_hard_link_beside_the_file_are_refused(tmp_path: Path) -> None:
    """ONNX Runtime follows such a link: the file lies in the folder, its content is somebody else's."""
    secret = tmp_path / "elsewhere" / "secret.bin"
    secret.parent.mkdir()
    proto = BlobModel().proto()
    secret.write_bytes(weight(proto, "mean_weight").raw_data)
    folder = tmp_path / "model"
    folder.mkdir()
    os.link(secret, folder / "weights.bin")
    tensor = weight(proto, "mean_weight")
    onnx.external_data_helper.set_external_data(tensor, "weights.bin", offset=0, length=len(tensor.raw_data))
    tensor.ClearField("raw_data")
    (folder / "model.onnx").write_bytes(proto.SerializeToString())
    with pytest.raises(ReleaseUnverified, match="outside the ONNX file"):
        read_model_graph((folder / "model.onnx").read_bytes())


def test_external_data_in_a_constant_is_refused_too() -> None:
    proto = BlobModel().proto()
    tensor = TensorProto(name="hidden", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="../secret")
    proto.graph.node.insert(0, helper.make_node("Constant", [], ["unused"], value=tensor))
    with pytest.raises(ReleaseUnverified, match="attribute 'value' of Constant"):
        read_model_graph(proto.SerializeToString())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_one_weight_that_is_not_finite_is_refused(value: float, dtype: type[np.floating[Any]]) -> None:
    """Such a model finds nothing, and every part would pass."""
    proto = BlobModel().proto()
    values: NDArray[Any] = numpy_helper.to_array(weight(proto, "mean_weight")).astype(dtype)
    values[3, 0, 5, 5] = value
    replace_weight(proto, "mean_weight", values)
    with pytest.raises(NotADetector, match="NaN or infinity"):
        read_model_graph(proto.SerializeToString())


def test_a_few_bytes_that_ask_for_forty_gigabytes_are_refused() -> None:
    shape = helper.make_node("Constant", [], ["shape"], value_ints=[10_000_000_000])
    bomb = helper.make_node("ConstantOfShape", ["shape"], ["output0"])
    graph = helper.make_graph([shape, bomb], "bomb", [], [helper.make_tensor_value_info("output0", 1, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()
    assert len(model) < 150
    with pytest.raises(NotADetector):
        read_model_graph(model)


def test_a_detector_with_such_a_bomb_inside_is_refused() -> None:
    proto = BlobModel().proto()
    proto.graph.initializer.append(numpy_helper.from_array(np.array([100_000, 100_000], np.int64), "bomb_shape"))
    proto.graph.node.insert(0, helper.make_node("ConstantOfShape", ["bomb_shape"], ["bomb"]))
    with pytest.raises(NotADetector, match="asks for 10000000000 values"):
        read_model_graph(proto.SerializeToString())


def test_a_value_whose_size_only_running_tells_is_refused() -> None:
    proto = BlobModel().proto()
    proto.graph.node.insert(0, helper.make_node("NonZero", ["images"], ["positions"]))
    with pytest.raises(NotADetector, match="unknown size"):
        read_model_graph(proto.SerializeToString())


def test_many_values_that_are_large_only_together_are_refused() -> None:
    limits = GraphLimits(total_elements=10_000)
    with pytest.raises(NotADetector, match="10000 in all"):
        read_model_graph(GOOD_MODEL, limits=limits)


def test_a_weight_with_a_shape_but_no_data_is_refused() -> None:
    proto = BlobModel().proto()
    tensor = weight(proto, "mean_weight")
    tensor.ClearField("raw_data")
    tensor.dims[:] = [1_000_000, 1_000_000]
    with pytest.raises(NotADetector, match="does not hold what its shape says"):
        read_model_graph(proto.SerializeToString())


def test_operators_that_onnx_does_not_define_are_refused() -> None:
    proto = BlobModel().proto()
    proto.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    proto.graph.node.insert(0, helper.make_node("Gelu", ["images"], ["x"], domain="com.microsoft"))
    with pytest.raises(NotADetector, match=r"com\.microsoft"):
        read_model_graph(proto.SerializeToString())


def test_an_endless_loop_is_refused() -> None:
    body = helper.make_graph(
        [helper.make_node("Identity", ["go_in"], ["go_out"])],
        "body",
        [
            helper.make_tensor_value_info("round", TensorProto.INT64, []),
            helper.make_tensor_value_info("go_in", TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info("go_out", TensorProto.BOOL, [])],
    )
    proto = BlobModel().proto()
    proto.graph.initializer.append(numpy_helper.from_array(np.array(2**62, np.int64), "rounds"))
    proto.graph.initializer.append(numpy_helper.from_array(np.ones((), np.bool_), "go"))
    proto.graph.node.append(helper.make_node("Loop", ["rounds", "go"], [], body=body))
    with pytest.raises(NotADetector, match="control flow"):
        read_model_graph(proto.SerializeToString())


def test_a_random_operator_is_refused() -> None:
    proto = BlobModel().proto()
    proto.graph.node.insert(0, helper.make_node("RandomNormalLike", ["images"], ["noise"]))
    with pytest.raises(NotADetector, match="same verdict twice"):
        read_model_graph(proto.SerializeToString())


def test_local_functions_are_refused() -> None:
    proto = BlobModel().proto()
    function = helper.make_function(
        "", "Twice", ["x"], ["y"], [helper.make_node("Add", ["x", "x"], ["y"])], [helper.make_opsetid("", 18)]
    )
    proto.functions.append(function)
    with pytest.raises(NotADetector, match="local functions"):
        read_model_graph(proto.SerializeToString())


def test_sparse_weights_are_refused() -> None:
    proto = BlobModel().proto()
    proto.graph.sparse_initializer.add().dims[:] = [4]
    with pytest.raises(NotADetector, match="sparse"):
        read_model_graph(proto.SerializeToString())


@pytest.mark.parametrize(
    ("names", "message"),
    [
        pytest.param(None, "no class names", id="none"),
        pytest.param("{0: 'open', 2: 'short'}", "expected 0, 1, 2", id="a class id left out"),
        pytest.param("{0: 'open', 1: 'open'}", "no name twice", id="a name twice"),
        pytest.param("{}", "at least one", id="no class"),
        pytest.param("{0: 5}", "a name for each class id", id="a number for a name"),
        pytest.param("__import__('os').system('true')", "cannot be read", id="a program"),
        pytest.param("(" * 10_000, "cannot be read", id="deeply nested"),
        pytest.param("17", "a name for each class id", id="a number"),
    ],
)
def test_class_names_that_cannot_be_meant_are_refused(names: str | None, message: str) -> None:
    metadata = {"imgsz": "[160, 160]"} if names is None else {"imgsz": "[160, 160]", "names": names}
    with pytest.raises(NotADetector, match=message):
        read_model_graph(BlobModel(metadata=metadata).to_bytes())


def classifier() -> onnx.ModelProto:
    proto = BlobModel().proto()
    proto.graph.node.append(helper.make_node("ReduceMax", ["output0", "axis"], ["classes"], keepdims=0))
    proto.graph.initializer.append(numpy_helper.from_array(np.array([2], np.int64), "axis"))
    del proto.graph.output[:]
    proto.graph.output.append(helper.make_tensor_value_info("classes", TensorProto.FLOAT, [1, 10]))
    return proto


def two_outputs() -> onnx.ModelProto:
    proto = BlobModel().proto()
    proto.graph.output.append(helper.make_tensor_value_info("scores", TensorProto.FLOAT, None))
    return proto


def two_inputs() -> onnx.ModelProto:
    proto = BlobModel().proto()
    proto.graph.input.append(helper.make_tensor_value_info("extra", TensorProto.FLOAT, [1]))
    return proto


def gray_input() -> onnx.ModelProto:
    proto = BlobModel().proto()
    proto.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 1
    return proto


def batch_of_four() -> onnx.ModelProto:
    proto = BlobModel().proto()
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 4
    return proto


def half_input() -> onnx.ModelProto:
    proto = BlobModel().proto()
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT16
    return proto


def names_of_another_model() -> onnx.ModelProto:
    return BlobModel(metadata={"names": "{0: 'open'}"}).proto()


def false_claim() -> onnx.ModelProto:
    """Declares the output of a detector and computes something else."""
    proto = classifier()
    proto.graph.output[0].CopyFrom(helper.make_tensor_value_info("classes", TensorProto.FLOAT, [1, 10, 1369]))
    return proto


def giant_input() -> onnx.ModelProto:
    proto = BlobModel().proto()
    for side in (2, 3):
        proto.graph.input[0].type.tensor_type.shape.dim[side].dim_value = 100_000
    return proto


def undefined_value() -> onnx.ModelProto:
    proto = BlobModel().proto()
    proto.graph.node[0].input[0] = "nowhere"
    return proto


@pytest.mark.parametrize(
    ("proto", "message"),
    [
        pytest.param(classifier(), "expected float32", id="a classifier"),
        pytest.param(two_outputs(), "2 outputs", id="two outputs"),
        pytest.param(two_inputs(), "2 inputs", id="two inputs"),
        pytest.param(gray_input(), "3 channels", id="one channel"),
        pytest.param(batch_of_four(), "one image", id="a batch of four"),
        pytest.param(half_input(), "float32", id="float16 input"),
        pytest.param(names_of_another_model(), r"\(1, 5, anchors\)", id="other classes than the output has"),
        pytest.param(false_claim(), "expected float32|not valid", id="an output that is not as declared"),
        pytest.param(giant_input(), "1 to 4096", id="a giant input"),
        pytest.param(undefined_value(), "not valid", id="a value that nothing computes"),
    ],
)
def test_a_graph_that_is_no_detector_is_refused(proto: onnx.ModelProto, message: str) -> None:
    with pytest.raises(NotADetector, match=message):
        read_model_graph(proto.SerializeToString())


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_bytes_are_refused_or_read_but_never_anything_else(data: st.DataObject) -> None:
    """Whatever bit rot or an attacker makes of a file, reading it ends with a graph or a ReleaseError."""
    model = bytearray(SMALL_MODEL)
    for _ in range(data.draw(st.integers(1, 4))):
        model[data.draw(st.integers(0, len(model) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        model = model[: data.draw(st.integers(0, len(model)))]
    try:
        graph = read_model_graph(bytes(model))
    except ReleaseError:
        return
    assert graph.served_model
