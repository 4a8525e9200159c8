"""A release that judges in well under a millisecond, and frames for it: for what is not about the network.

Its model takes the mean of each square of 16 px and calls a bright one a defect. Everything around it is as ever.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.boards import encode_jpeg

SIDE_PX = 160
RECIPE = f"""\
schema: lineside.recipe/1
id: bench-board
version: 1
product: bench-board
catalogue: {{id: pcb, version: 1}}
release: bright-squares
deadline_ms: 5000
views: {{default: {{size_wh_px: [{SIDE_PX}, {SIDE_PX}]}}}}
health: {{min_std: null, min_brightest: null, max_black_share: null, min_mean: null, min_sharpness: null}}
"""
_CLASSES = ("open", "short", "mousebite", "spur", "copper", "pin-hole")
_CELL_PX = 16
_DEFECT_EVERY = 20


def small_frames(count: int) -> list[bytes]:
    """Distinct JPEGs of noise; one in twenty has a bright square, which the release finds."""
    rng = np.random.default_rng(1)
    frames = []
    for index in range(count):
        frame = rng.integers(40, 90, (SIDE_PX, SIDE_PX)).astype(np.uint8)
        if index % _DEFECT_EVERY == 0:
            frame = bright_square(frame)
        frames.append(encode_jpeg(frame))
    return frames


def write_small_release(folder: Path) -> None:
    """Write the release's folder."""
    (folder / "canary").mkdir(parents=True)
    cv2.imwrite(str(folder / "canary/01_frame.png"), bright_square(np.full((SIDE_PX, SIDE_PX), 60, np.uint8)))
    (folder / "model.onnx").write_bytes(_model())
    (folder / "MODEL_CARD.md").write_text("# Bright squares\n\nFinds bright squares, for benchmarks.\n", "utf-8")
    (folder / "LICENSE").write_text("Apache-2.0\n", "utf-8")
    box_xyxy_px = [_CELL_PX * 2, _CELL_PX * 2, _CELL_PX * 3, _CELL_PX * 3]
    manifest = {
        "schema": "lineside.release/1",
        "name": "bright-squares",
        "version": "1.0.0",
        "task": "detect",
        "input": {"kind": "single", "size_wh_px": [SIDE_PX, SIDE_PX]},
        "head": "raw",
        "classes": list(_CLASSES),
        "catalogue": {"id": "pcb", "version": 1},
        "thresholds": dict.fromkeys(_CLASSES, 0.25),
        "files": _described(folder),
        "canary": [
            {
                "frame": "canary/01_frame.png",
                "reference": None,
                "expected": [{"class": _CLASSES[0], "box_xyxy_px": box_xyxy_px}],
            }
        ],
        "metrics": {},
        "training": {"command": "none", "seed": 1, "seconds": 0, "versions": {}, "data": "none"},
        "parity": {},
        "dataset_revision": None,
        "parent": None,
        "licence": "Apache-2.0",
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


def bright_square(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The frame with the one defect that the release finds."""
    changed = frame.copy()
    changed[_CELL_PX * 2 : _CELL_PX * 3, _CELL_PX * 2 : _CELL_PX * 3] = 250
    return changed


def _described(folder: Path) -> dict[str, dict[str, Any]]:
    return {
        path.relative_to(folder).as_posix(): {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "size_bytes": path.stat().st_size,
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _model() -> bytes:
    """The ONNX file, with the input, output and metadata of an ultralytics export."""
    import onnx
    from onnx import helper, numpy_helper

    cells = SIDE_PX // _CELL_PX
    count = len(_CLASSES)
    top, left = np.mgrid[0:cells, 0:cells] * _CELL_PX + _CELL_PX / 2
    extent = np.full(cells * cells, _CELL_PX, np.float32)
    weight = np.zeros((count, 3, 1, 1), np.float32)
    weight[0] = 40 / 3
    bias = np.full(count, -20.0, np.float32)
    bias[0] = -0.75 * 40  # a square brighter than three quarters scores above one half
    weights: dict[str, NDArray[Any]] = {
        "weight": weight,
        "bias": bias,
        "shape": np.array([1, count, -1], np.int64),
        "boxes": np.stack([left.ravel(), top.ravel(), extent, extent])[None].astype(np.float32),
    }
    nodes = [
        helper.make_node("AveragePool", ["images"], ["means"], kernel_shape=[_CELL_PX] * 2, strides=[_CELL_PX] * 2),
        helper.make_node("Conv", ["means", "weight", "bias"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["map"]),
        helper.make_node("Reshape", ["map", "shape"], ["scores"]),
        helper.make_node("Concat", ["boxes", "scores"], ["output0"], axis=1),
    ]
    number = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "bright-squares",
        [helper.make_tensor_value_info("images", number, [1, 3, SIDE_PX, SIDE_PX])],
        [helper.make_tensor_value_info("output0", number, [1, 4 + count, cells * cells])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    properties = {
        "description": "bright squares",
        "task": "detect",
        "stride": "32",
        "batch": "1",
        "imgsz": f"[{SIDE_PX}, {SIDE_PX}]",
        "names": str(dict(enumerate(_CLASSES))),
        "end2end": "False",
    }
    helper.set_model_props(model, properties)
    return bytes(model.SerializeToString())
