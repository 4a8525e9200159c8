"""What an exported model says of itself."""

from collections.abc import Sequence

import onnx

from lineside.inspection.heads import Head
from lineside.inspection.release import InputKind

STRIDE_PX = 32
LICENCE = "AGPL-3.0-only"


def describe(
    model: onnx.ModelProto,
    *,
    architecture: str,
    classes: Sequence[str],
    kind: InputKind,
    head: Head,
    size_wh_px: tuple[int, int],
) -> None:
    """Replace a model's metadata, in place, and drop remarks that were made while it was traced.

    The keys that ultralytics writes keep its spelling, so that its own tools can read the file too. What depends on
    the machine or the day (paths, date, remarks on source lines) goes: the same weights give the same file.

    Args:
        model: as exported.
        architecture: e.g. "yolo11n".
        classes: names in the order of the class ids.
        kind: what the channels are.
        head: how the output is read.
        size_wh_px: of the input.
    """
    width, height = size_wh_px
    entries = {
        "description": f"{architecture} detector, {kind.value} input",
        "license": LICENCE,
        "task": "detect",
        "head": head.value,
        "end2end": str(head is Head.END_TO_END),
        "names": str(dict(enumerate(classes))),
        "imgsz": str([height, width]),
        "stride": str(STRIDE_PX),
        "batch": "1",
        "channels": "3",
        "architecture": architecture,
        "input": kind.value,
    }
    del model.metadata_props[:]
    for key, value in entries.items():
        model.metadata_props.add(key=key, value=value)
    model.doc_string = ""
    model.graph.doc_string = ""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        value.doc_string = ""
        del value.metadata_props[:]
    for tensor in model.graph.initializer:
        tensor.doc_string = ""
