"""What an exported file must be before anybody gets it."""

import re

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # ships no type information
from onnx.onnx_cpp2py_export.checker import ValidationError

from lineside.inspection.errors import ReleaseError
from lineside.inspection.model_graph import ModelGraph, looks_pickled, read_model_graph
from lineside.training.errors import ExportRefused

_STANDARD_DOMAINS = ("", "ai.onnx")
_PATH = re.compile(r"(?:^|[\s'\"=(])(?:/[\w.-]+/[\w.-]+|[A-Za-z]:\\|\\\\[\w.-]+)")
"""An absolute path of any system; names within the graph ("/model.0/conv/Conv") are not looked at."""


def check_exported(model: bytes) -> ModelGraph:
    """Check an exported detector by the rules that a line applies, and by some that only its maker can mend.

    Args:
        model: the whole ONNX file.

    Returns:
        What the serving side makes of it.

    Raises:
        ExportRefused: onnx's checker or strict shape inference finds a fault; weights lie outside the file; an
            operator is of no standard domain; the metadata is not complete or names a path; or serving would refuse it.
    """
    proto = _parsed(model)
    _refuse_external_data(proto)
    _refuse_foreign_domains(proto)
    _refuse_invalid(proto)
    try:
        graph = read_model_graph(model)
    except ReleaseError as error:
        raise ExportRefused(f"no line would load this model: {error}") from error
    _compare_metadata(proto, graph)
    return graph


def _parsed(model: bytes) -> onnx.ModelProto:
    """The graph of an ONNX file.

    Raises:
        ExportRefused: these bytes are no ONNX model; a pickle is named as one.
    """
    if looks_pickled(model):
        raise ExportRefused("the model is a file of PyTorch (.pt), a pickle, which is never opened; give an ONNX file")
    try:
        return onnx.load_model_from_string(model)
    except DecodeError as error:
        raise ExportRefused(f"these {len(model)} bytes are no ONNX model: {error}") from error


def _refuse_external_data(proto: onnx.ModelProto) -> None:
    for tensor in proto.graph.initializer:
        if len(tensor.external_data) or tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise ExportRefused(f"weight {tensor.name!r} is kept in another file; export with the weights inside")


def _refuse_foreign_domains(proto: onnx.ModelProto) -> None:
    domains = {opset.domain for opset in proto.opset_import} | {node.domain for node in proto.graph.node}
    foreign = sorted(domains.difference(_STANDARD_DOMAINS))
    if foreign:
        raise ExportRefused(f"the model asks for operators of {foreign}; only the standard ones run everywhere")
    if len(proto.functions):
        raise ExportRefused("the model has local functions; export it with its operators written out")


def _refuse_invalid(proto: onnx.ModelProto) -> None:
    try:
        onnx.checker.check_model(proto, full_check=True)
        onnx.shape_inference.infer_shapes(proto, check_type=True, strict_mode=True, data_prop=True)
    except (ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportRefused(f"the exported graph is not valid: {str(error).strip().splitlines()[0]}") from error


def _compare_metadata(proto: onnx.ModelProto, graph: ModelGraph) -> None:
    """Every key is there, says what the graph says, and nothing names a place on the machine that exported it."""
    found = {entry.key: entry.value for entry in proto.metadata_props}
    width, height = graph.input_size_wh_px
    expected = {"task": "detect", "head": graph.head.value, "imgsz": str([height, width])}
    for key, value in expected.items():
        if found.get(key) != value:
            raise ExportRefused(
                f"the model's metadata {key!r} is {found.get(key)!r}, expected {value!r}; export its checkpoint again"
            )
    if not found.get("stride", "").isdecimal() or width % int(found["stride"]) or height % int(found["stride"]):
        raise ExportRefused(
            f"the model's metadata 'stride' is {found.get('stride')!r}, expected a divisor of {width} and {height}"
        )
    for key, value in {**found, "doc_string": proto.doc_string}.items():
        if _PATH.search(value):
            raise ExportRefused(f"the model's {key!r} names a path of the machine that exported it: {value[:80]!r}")


def read_metadata(model: bytes) -> dict[str, str]:
    """The metadata of an ONNX file, as text by key.

    Raises:
        ExportRefused: these bytes are no ONNX model.
    """
    return {entry.key: entry.value for entry in _parsed(model).metadata_props}
