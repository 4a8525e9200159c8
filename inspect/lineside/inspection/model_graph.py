"""What an ONNX file is, found out before any inference engine sees it.

The bytes are parsed in memory, so nothing that the file names is ever opened. Refused are: tensors kept outside
the file, operators that the ONNX standard does not define, control flow and local functions (a graph could
then run for ever), random operators (the same part would get two verdicts), weights that are not finite, and any
value whose size cannot be worked out beforehand or passes the limit (a model of 66 bytes can ask for 40 GB).
What is left is checked to be a detector, and gets a uint8 input: engines are handed pixels as they are.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # ships no type information
from onnx import numpy_helper
from onnx.onnx_cpp2py_export.checker import ValidationError

from lineside.inspection.errors import NotADetector, ReleaseUnverified
from lineside.inspection.heads import Head

INPUT_NAME = "frames_nhwc_u8"
"""Name of the uint8 input (1, height, width, 3) that `served_model` puts in front."""

_STANDARD_DOMAINS = ("", "ai.onnx")
_RANDOM_OPERATORS = frozenset(
    {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"}
)
_FLOAT_TYPES = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)
_WEIGHT_TYPES = (
    *_FLOAT_TYPES,
    onnx.TensorProto.INT64,
    onnx.TensorProto.INT32,
    onnx.TensorProto.INT8,
    onnx.TensorProto.UINT8,
    onnx.TensorProto.BOOL,
)


@dataclass(frozen=True, slots=True)
class GraphLimits:
    """How large a model may be.

    Attributes:
        file_bytes: of the ONNX file; YOLO11x in float32 has 230 MB.
        value_elements: of any one tensor in the graph; YOLO11x at 1280x1280 needs 39 million.
        total_elements: of all computed tensors together.
        side_px: of the input, each way.
    """

    file_bytes: int = 512 * 2**20
    value_elements: int = 2**26
    total_elements: int = 2**32
    side_px: int = 4096


@dataclass(frozen=True, slots=True)
class ModelGraph:
    """A checked detector, ready for an engine.

    Attributes:
        classes: names in the order of the class ids.
        input_size_wh_px: width and height of the input.
        head: how its output is read.
        served_model: ONNX bytes with the input `INPUT_NAME`: uint8 (1, height, width, 3), channels in the order in
            which the network was trained (red, green, blue for colour).
    """

    classes: tuple[str, ...]
    input_size_wh_px: tuple[int, int]
    head: Head
    served_model: bytes


def read_model_graph(model: bytes, *, limits: GraphLimits | None = None) -> ModelGraph:
    """Check the bytes of an ONNX file and prepare them for the engines.

    Args:
        model: the whole file.
        limits: sizes past which it is refused; the default ones if None.

    Raises:
        ReleaseUnverified: it keeps tensors outside the file.
        NotADetector: it is no ONNX model, unsafe, too large, or no detector with a known head.
    """
    limits = limits or GraphLimits()
    proto = _parse(model, limits)
    _refuse_foreign_parts(proto)
    _refuse_unusable_tensors(proto)
    if len(proto.graph.output) != 1:
        raise NotADetector(f"the model has {len(proto.graph.output)} outputs, expected one")
    classes = _class_names(proto)
    size_wh_px = _fix_input(proto, limits)
    _limit_computed_values(proto, limits)
    head = _head(proto, len(classes))
    _put_uint8_input_in_front(proto, size_wh_px)
    return ModelGraph(classes, size_wh_px, head, proto.SerializeToString())


def looks_pickled(content: bytes) -> bool:
    """Whether bytes start as the files of torch.save do, now (a zip archive) and before version 1.6; no ONNX does."""
    return content.startswith((b"PK\x03\x04", b"\x80"))


def _parse(model: bytes, limits: GraphLimits) -> onnx.ModelProto:
    if len(model) > limits.file_bytes:
        raise NotADetector(f"the model has {len(model)} bytes, more than the limit of {limits.file_bytes}")
    if looks_pickled(model):
        raise NotADetector(
            f"these {len(model)} bytes are a file of PyTorch (.pt), a pickle: opening one runs whatever code it holds, "
            "so none is opened. Give the ONNX file that `lineside export` writes"
        )
    try:
        proto = onnx.load_model_from_string(model)
    except DecodeError as error:
        raise NotADetector(f"these {len(model)} bytes are no ONNX model ({error}); export the model again") from error
    if not proto.graph.node:
        raise NotADetector(f"these {len(model)} bytes hold an ONNX model without a single operator")
    return proto


def _refuse_foreign_parts(proto: onnx.ModelProto) -> None:
    """Allow standard operators only, without control flow or local functions."""
    domains = {opset.domain for opset in proto.opset_import} | {node.domain for node in proto.graph.node}
    foreign = sorted(domains.difference(_STANDARD_DOMAINS))
    if foreign:
        raise NotADetector(f"the model needs operators of {foreign}; only standard ONNX operators are run")
    if len(proto.functions) or len(proto.training_info):
        raise NotADetector("the model carries local functions or training information; export plain inference")
    for node in proto.graph.node:
        if any(attribute.HasField("g") or len(attribute.graphs) for attribute in node.attribute):
            raise NotADetector(f"operator {node.op_type} {node.name!r} is control flow, which a detector does not need")
        if node.op_type in _RANDOM_OPERATORS:
            raise NotADetector(
                f"operator {node.op_type} {node.name!r} is random: a part must get the same verdict twice"
            )


def _tensors(proto: onnx.ModelProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    for tensor in proto.graph.initializer:
        yield f"weight {tensor.name!r}", tensor
    for node in proto.graph.node:
        for attribute in node.attribute:
            where = f"attribute {attribute.name!r} of {node.op_type} {node.name!r}"
            if attribute.HasField("t"):
                yield where, attribute.t
            for tensor in attribute.tensors:
                yield where, tensor


def _refuse_unusable_tensors(proto: onnx.ModelProto) -> None:
    """Every tensor lies in the file, has the size that its shape says, and is finite."""
    has_sparse = len(proto.graph.sparse_initializer) or any(
        attribute.HasField("sparse_tensor") or len(attribute.sparse_tensors)
        for node in proto.graph.node
        for attribute in node.attribute
    )
    if has_sparse:
        raise NotADetector("the model has sparse weights, which a YOLO export does not; export it again")
    for where, tensor in _tensors(proto):
        if len(tensor.external_data) or tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise ReleaseUnverified(
                f"{where} is kept outside the ONNX file, where nothing vouches for it; "
                "export the model with its weights inside"
            )
        if tensor.data_type not in _WEIGHT_TYPES:
            raise NotADetector(
                f"{where} has the ONNX data type number {tensor.data_type}, which no supported detector uses"
            )
        if any(side < 0 for side in tensor.dims):
            raise NotADetector(f"{where} has the impossible shape {list(tensor.dims)}")
        try:
            values = numpy_helper.to_array(tensor)
        except (ValueError, TypeError) as error:
            raise NotADetector(f"{where} does not hold what its shape says: {error}") from error
        if tensor.data_type in _FLOAT_TYPES and not np.isfinite(values).all():
            raise NotADetector(
                f"{where} holds NaN or infinity; such a model finds nothing and would pass every part. "
                "Export it again from a good checkpoint"
            )


def _metadata(proto: onnx.ModelProto) -> dict[str, str]:
    return {entry.key: entry.value for entry in proto.metadata_props}


def _class_names(proto: onnx.ModelProto) -> tuple[str, ...]:
    """The metadata property `names`, a Python dict in text as ultralytics writes it."""
    text = _metadata(proto).get("names")
    if text is None:
        raise NotADetector("the model's metadata has no class names ('names'); export it with ultralytics")
    try:
        names = ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise NotADetector(f"the model's class names cannot be read: {text[:80]!r}") from error
    if isinstance(names, dict):
        if sorted(names, key=repr) != sorted(range(len(names)), key=repr):
            raise NotADetector(f"the model's class ids are {list(names)[:10]}, expected 0, 1, 2, ...")
        names = [names[index] for index in range(len(names))]
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) and name for name in names):
        raise NotADetector(f"the model's class names are {text[:80]!r}, expected a name for each class id")
    if not names or len(set(names)) != len(names):
        raise NotADetector(f"the model's class names are {text[:80]!r}, expected at least one and no name twice")
    return tuple(names)


def _fix_input(proto: onnx.ModelProto, limits: GraphLimits) -> tuple[int, int]:
    """Check the one input, pin its open sides to one image of the trained size, and return that size."""
    weights = {tensor.name for tensor in proto.graph.initializer}
    inputs = [value for value in proto.graph.input if value.name not in weights]
    if len(inputs) != 1:
        raise NotADetector(f"the model has {len(inputs)} inputs, expected one image")
    tensor_type = inputs[0].type.tensor_type
    dims = tensor_type.shape.dim
    if tensor_type.elem_type != onnx.TensorProto.FLOAT or len(dims) != 4:
        raise NotADetector(
            f"the model's input {inputs[0].name!r} is no float32 (1, 3, height, width); "
            "export it in float32 (weights may be stored as float16)"
        )
    batch, channels, height, width = (dim.dim_value for dim in dims)  # 0 where the side is left open
    if height == 0 or width == 0:
        height, width = _exported_size_hw(proto)
    if batch not in (0, 1) or channels not in (0, 3):
        raise NotADetector(f"the model's input is ({batch}, {channels}, ...), expected one image of 3 channels")
    if not (0 < height <= limits.side_px and 0 < width <= limits.side_px):
        raise NotADetector(f"the model's input is {width}x{height} px, expected 1 to {limits.side_px} each way")
    for dim, side in zip(dims, (1, 3, height, width), strict=True):
        dim.dim_value = side
    return width, height


def _exported_size_hw(proto: onnx.ModelProto) -> tuple[int, int]:
    text = _metadata(proto).get("imgsz", "")
    try:
        size = ast.literal_eval(text)
        height, width = (int(side) for side in size)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        raise NotADetector(
            f"the model's input has an open size and its metadata 'imgsz' is {text[:40]!r}, expected [height, width]"
        ) from error
    return height, width


def _limit_computed_values(proto: onnx.ModelProto, limits: GraphLimits) -> None:
    """Infer every shape; refuse what stays open or is too large, so that nothing can ask for memory later."""
    try:
        onnx.checker.check_model(proto)
        del proto.graph.value_info[:]  # what the file claims about its own values is no evidence
        for output in proto.graph.output:
            output.type.tensor_type.ClearField("shape")
        inferred = onnx.shape_inference.infer_shapes(proto, data_prop=True, strict_mode=True)
    except (ValidationError, onnx.shape_inference.InferenceError, ValueError, RuntimeError) as error:
        # ValueError: text in the file that is no UTF-8; RuntimeError: what the C++ side has no name for
        raise NotADetector(f"the ONNX graph is not valid: {str(error).strip().splitlines()[0]}") from error
    shapes = {
        value.name: _shape(value)
        for value in (*inferred.graph.input, *inferred.graph.value_info, *inferred.graph.output)
    }
    total = 0
    for node in inferred.graph.node:
        for name in filter(None, node.output):
            shape = shapes.get(name)
            if shape is None or None in shape:
                raise NotADetector(
                    f"operator {node.op_type} {node.name!r} gives a value of unknown size {shape}; "
                    "export the model with a fixed input size"
                )
            elements = int(np.prod([side or 0 for side in shape], dtype=object))
            total += elements
            if elements > limits.value_elements or total > limits.total_elements:
                raise NotADetector(
                    f"operator {node.op_type} {node.name!r} asks for {elements} values of shape {shape}; "
                    f"the limit is {limits.value_elements} for one and {limits.total_elements} in all"
                )
    for output in proto.graph.output:
        for side in shapes[output.name] or ():
            output.type.tensor_type.shape.dim.add().dim_value = side or 0


def _shape(value: onnx.ValueInfoProto) -> tuple[int | None, ...] | None:
    if not value.type.HasField("tensor_type") or not value.type.tensor_type.HasField("shape"):
        return None
    return tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in value.type.tensor_type.shape.dim)


def _head(proto: onnx.ModelProto, class_count: int) -> Head:
    output = proto.graph.output[0]
    shape = _shape(output)
    if output.type.tensor_type.elem_type == onnx.TensorProto.FLOAT and shape is not None and len(shape) == 3:
        is_end_to_end = shape[0] == 1 and shape[2] == 6
        is_raw = shape[:2] == (1, 4 + class_count)
        if is_raw and not is_end_to_end:
            return Head.RAW
        if is_end_to_end and not is_raw:
            return Head.END_TO_END
    raise NotADetector(
        f"the model's output has shape {shape}, expected float32 (1, {4 + class_count}, anchors) as YOLO v8 and 11 "
        f"give for {class_count} classes, or (1, detections, 6) as v10 and 26 give (ultralytics: nms=False)"
    )


def _put_uint8_input_in_front(proto: onnx.ModelProto, size_wh_px: tuple[int, int]) -> None:
    """Move transposing and scaling into the graph: 2 to 4 ms a frame less than doing them in numpy."""
    graph = proto.graph
    weights = {tensor.name for tensor in graph.initializer}
    old = next(value for value in graph.input if value.name not in weights)
    width, height = size_wh_px
    new = onnx.helper.make_tensor_value_info(INPUT_NAME, onnx.TensorProto.UINT8, [1, height, width, 3])
    scale = numpy_helper.from_array(np.array(1 / 255, np.float32), "lineside_scale")
    prelude = [
        onnx.helper.make_node("Transpose", [INPUT_NAME], ["lineside_nchw"], perm=[0, 3, 1, 2]),
        onnx.helper.make_node("Cast", ["lineside_nchw"], ["lineside_float"], to=onnx.TensorProto.FLOAT),
        onnx.helper.make_node("Mul", ["lineside_float", "lineside_scale"], [old.name]),
    ]
    taken = {name for node in graph.node for name in (*node.input, *node.output)} | weights
    clashes = taken & {INPUT_NAME, "lineside_nchw", "lineside_float", "lineside_scale"}
    if clashes:
        raise NotADetector(f"the model already uses the names {sorted(clashes)}; rename them")
    nodes = [*prelude, *graph.node]
    inputs = [new if value.name == old.name else value for value in graph.input]
    del graph.node[:], graph.input[:]
    graph.node.extend(nodes)
    graph.input.extend(inputs)
    graph.initializer.append(scale)
