"""A small but real detector, and releases around it, for tests that must not wait for a trained one.

The "blob detector" finds 16x16 px squares of given gray levels, one level a class, with a few convolutions; it has
the input, outputs and metadata of an ultralytics export. Black, white and noisy backgrounds hold no defect for it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from lineside.inspection.detections import Detections

BLOB_CLASSES = ("open", "short", "mousebite", "spur", "copper", "pin-hole")
BLOB_PX = 16
_STEP_PX = 4
_SLOPE = 16.0  # a level that differs by 1/16 from the class's scores 0


def blob_level(class_id: int) -> int:
    """The gray value 0-255 that stands for a class."""
    return round(255 * (0.25 + 0.1 * class_id))


@dataclass(frozen=True)
class BlobModel:
    """How the model is built; each field is something a test may want to break."""

    size_wh_px: tuple[int, int] = (160, 160)
    head: Literal["raw", "end_to_end"] = "raw"
    kind: Literal["single", "reference"] = "single"
    classes: Sequence[str] = BLOB_CLASSES
    mixing: Sequence[float] | None = None
    levels: Sequence[int] = tuple(blob_level(index) for index in range(len(BLOB_CLASSES)))
    metadata: Mapping[str, str] | None = None

    def proto(self) -> onnx.ModelProto:
        """The ONNX graph."""
        width, height = self.size_wh_px
        count = len(self.classes)
        # in a reference model the defect shows in the third channel, the difference
        mixing = self.mixing or ([1 / 3] * 3 if self.kind == "single" else [0.0, 0.0, 1.0])
        weights: dict[str, NDArray[Any]] = {
            "mix_weight": np.tile(np.array(mixing, np.float32)[None, :, None, None], (count, 1, 1, 1)),
            "mix_bias": -np.array(self.levels, np.float32) / 255,
            "mean_weight": np.full((count, 1, BLOB_PX, BLOB_PX), _SLOPE / BLOB_PX**2, np.float32),
            "one": np.array(1, np.float32),
            "zero": np.array(0, np.float32),
        }
        rows, columns = ((side - BLOB_PX) // _STEP_PX + 1 for side in (height, width))
        top, left = np.mgrid[0:rows, 0:columns] * _STEP_PX + BLOB_PX / 2
        extent = np.full(rows * columns, BLOB_PX, np.float32)
        weights["boxes"] = np.stack([left.ravel(), top.ravel(), extent, extent])[None].astype(np.float32)
        weights["scores_shape"] = np.array([1, count, -1], np.int64)
        nodes = [
            helper.make_node("Conv", ["images", "mix_weight", "mix_bias"], ["offset"]),
            helper.make_node("Abs", ["offset"], ["distance"]),
            helper.make_node("Conv", ["distance", "mean_weight"], ["mean"], group=count, strides=[_STEP_PX, _STEP_PX]),
            helper.make_node("Sub", ["one", "mean"], ["closeness"]),
            helper.make_node("Clip", ["closeness", "zero", "one"], ["score_map"]),
            helper.make_node("Reshape", ["score_map", "scores_shape"], ["scores"]),
        ]
        if self.head == "raw":
            nodes.append(helper.make_node("Concat", ["boxes", "scores"], ["output0"], axis=1))
            output_shape = [1, 4 + count, rows * columns]
        else:
            nodes += self._end_to_end_nodes(weights)
            output_shape = [1, 300, 6]
        graph = helper.make_graph(
            nodes,
            "blobs",
            [helper.make_tensor_value_info("images", onnx.TensorProto.FLOAT, [1, 3, height, width])],
            [helper.make_tensor_value_info("output0", onnx.TensorProto.FLOAT, output_shape)],
            [numpy_helper.from_array(value, name) for name, value in weights.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        helper.set_model_props(model, dict(self.metadata if self.metadata is not None else self._metadata()))
        return model

    def to_bytes(self) -> bytes:
        """The ONNX file."""
        return bytes(self.proto().SerializeToString())

    def _metadata(self) -> dict[str, str]:
        """The properties that ultralytics 8.4 writes."""
        width, height = self.size_wh_px
        return {
            "description": "blob detector of the tests",
            "task": "detect",
            "stride": "32",
            "batch": "1",
            "imgsz": f"[{height}, {width}]",
            "names": str(dict(enumerate(self.classes))),
            "end2end": str(self.head == "end_to_end"),
        }

    def _end_to_end_nodes(self, weights: dict[str, NDArray[Any]]) -> list[onnx.NodeProto]:
        """Keep the 300 best anchors as rows left, top, right, bottom, confidence, class."""
        centre, extent = weights["boxes"][0, :2], weights["boxes"][0, 2:]
        weights["corners"] = np.concatenate([centre - extent / 2, centre + extent / 2]).T[None].astype(np.float32)
        weights["class_axis"] = np.array([1], np.int64)
        weights["last_axis"] = np.array([2], np.int64)
        weights["keep"] = np.array([300], np.int64)
        weights["corner_columns"] = np.array([1, 1, 4], np.int64)
        del weights["boxes"]
        return [
            helper.make_node("ReduceMax", ["scores", "class_axis"], ["best"], keepdims=0),
            helper.make_node("ArgMax", ["scores"], ["best_class"], axis=1, keepdims=0),
            helper.make_node("TopK", ["best", "keep"], ["confidence", "anchor"], axis=1),
            helper.make_node("GatherElements", ["best_class", "anchor"], ["class_id"], axis=1),
            helper.make_node("Cast", ["class_id"], ["class_float"], to=onnx.TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["anchor", "last_axis"], ["anchor_column"]),
            helper.make_node("Tile", ["anchor_column", "corner_columns"], ["anchor_columns"]),
            helper.make_node("GatherElements", ["corners", "anchor_columns"], ["box_columns"], axis=1),
            helper.make_node("Unsqueeze", ["confidence", "last_axis"], ["confidence_column"]),
            helper.make_node("Unsqueeze", ["class_float", "last_axis"], ["class_column"]),
            helper.make_node("Concat", ["box_columns", "confidence_column", "class_column"], ["output0"], axis=2),
        ]


@dataclass(frozen=True)
class Blob:
    """A defect that the blob model finds; corners on multiples of 4 px are found exactly."""

    class_id: int
    left_px: int
    top_px: int

    @property
    def box_xyxy_px(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom."""
        return self.left_px, self.top_px, self.left_px + BLOB_PX, self.top_px + BLOB_PX


def draw_blobs(blobs: Sequence[Blob], size_wh_px: tuple[int, int], *, background: int = 0) -> NDArray[np.uint8]:
    """A gray frame (height, width) with blobs on it."""
    image = np.full((size_wh_px[1], size_wh_px[0]), background, np.uint8)
    for blob in blobs:
        left, top, right, bottom = blob.box_xyxy_px
        image[top:bottom, left:right] = blob_level(blob.class_id)
    return image


def found_blobs(detections: Detections) -> set[tuple[int, tuple[int, ...]]]:
    """(class id, rounded box) of each detection, to compare with what was drawn."""
    boxes = np.rint(detections.boxes_xyxy_px).astype(int).tolist()
    return {(int(class_id), tuple(box)) for class_id, box in zip(detections.class_ids, boxes, strict=True)}


def drawn_blobs(blobs: Sequence[Blob]) -> set[tuple[int, tuple[int, ...]]]:
    """The same of the blobs themselves."""
    return {(blob.class_id, blob.box_xyxy_px) for blob in blobs}


@dataclass(frozen=True)
class TinyRelease:
    """How a release folder is written."""

    model: BlobModel = field(default_factory=BlobModel)
    model_bytes: bytes | None = None
    int8_model_bytes: bytes | None = None
    name: str = "blobs"
    canary_blobs: Sequence[Blob] = tuple(Blob(index, 8 + 24 * index, 64) for index in range(len(BLOB_CLASSES)))
    changes: Mapping[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """Write the folder and return it; `changes` replaces keys of the manifest."""
        (folder / "canary").mkdir(parents=True)
        frame = draw_blobs(self.canary_blobs, self.model.size_wh_px)
        cv2.imwrite(str(folder / "canary/01_frame.png"), frame)
        is_reference = self.model.kind == "reference"
        if is_reference:
            cv2.imwrite(str(folder / "canary/01_reference.png"), np.zeros_like(frame))
        model_bytes = self.model_bytes if self.model_bytes is not None else self.model.to_bytes()
        (folder / "model.onnx").write_bytes(model_bytes)
        if self.int8_model_bytes is not None:
            (folder / "model.int8.onnx").write_bytes(self.int8_model_bytes)
        (folder / "MODEL_CARD.md").write_text("# Blob detector\n\nFinds gray squares, for tests.\n")
        (folder / "LICENSE").write_text("Apache-2.0\n")
        expected = [
            {"class": BLOB_CLASSES[blob.class_id], "box_xyxy_px": list(blob.box_xyxy_px)} for blob in self.canary_blobs
        ]
        manifest = {
            "schema": "lineside.release/1",
            "name": self.name,
            "version": "1.0.0",
            "task": "detect",
            "input": {"kind": self.model.kind, "size_wh_px": list(self.model.size_wh_px)},
            "head": self.model.head,
            "classes": list(self.model.classes),
            "catalogue": {"id": "pcb", "version": 1},
            "thresholds": dict.fromkeys(self.model.classes, 0.25),
            "files": describe_files(folder),
            "canary": [
                {
                    "frame": "canary/01_frame.png",
                    "reference": "canary/01_reference.png" if is_reference else None,
                    "expected": expected,
                }
            ],
            "metrics": {},
            "training": {"command": "none", "seed": 1, "seconds": 0, "versions": {}, "data": "none"},
            "parity": {},
            "dataset_revision": None,
            "parent": None,
            "licence": "Apache-2.0",
        }
        (folder / "manifest.json").write_text(json.dumps({**manifest, **self.changes}))
        return folder


def describe_files(folder: Path) -> dict[str, dict[str, Any]]:
    """The manifest's `files` for what lies in a folder."""
    return {
        path.relative_to(folder).as_posix(): {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "size_bytes": path.stat().st_size,
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }


class WriteRelease(Protocol):
    """The fixture that writes a release folder: its arguments are the fields of `TinyRelease`."""

    def __call__(self, **fields: Any) -> Path:
        """Write the folder and return it."""
        ...
