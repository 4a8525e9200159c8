"""What a release's own network sees in a picture, as one point.

The graph is cut at the tensors that a YOLO head takes from its backbone, found by structure, not by name: the head
begins where the last feature map is scaled up (the first `Resize`), and joins two finer maps to it (the `Concat`s that
take what was scaled up). Of each map the largest value of every channel is taken, over all places, tiles and views, and
each map's part of the point has the length 1.

Why the largest value and why three maps: on generated boards under the camera look, with 30 good ones known, this is
how often a board lay farther from the nearest known one than another good board did (.5 is chance), by `pcb-single`:

| | good, 2 marks | 2 defects | 2 faint defects | other product | darker by 40 % |
|---|---|---|---|---|---|
| mean over the last map | .79 | .75 | .55 | 1 | 1 |
| largest over the last map | .80 | .69 | .70 | 1 | 1 |
| mean over three maps | .57 | .68 | .56 | 1 | 1 |
| **largest over three maps** | **.99** | **.97** | **.74** | **1** | **1** |

A mean over the picture drowns what is small, and a defect is.
"""

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray

from lineside.datasets.sampling.comparing import compared
from lineside.inspection.engines.without_telemetry import import_onnxruntime
from lineside.inspection.frames import Image
from lineside.inspection.grayscale import to_gray
from lineside.inspection.model_graph import INPUT_NAME
from lineside.inspection.preparation import cut, network_channels, network_tiles
from lineside.inspection.reference import Registration, compose
from lineside.inspection.release import InputKind, Release
from lineside.inspection.tiling import Tile

_MAPS = 3
"""A head of three strides, as of all YOLO detectors from v5 on; a graph with fewer is described by what it has."""
_LEAST_LENGTH = 1e-12


class Backbone:
    """The part of a release's network that describes pictures; runs on ONNX Runtime."""

    def __init__(self, release: Release, *, threads: int = 1) -> None:
        """Cut the graph and load it.

        Args:
            release: whose network.
            threads: cores to use, at least 1.

        Raises:
            LookupError: the graph has no such tensors.
        """
        model, outputs = _cut_at_backbone(release.served_model)
        runtime = import_onnxruntime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors only: ONNX Runtime says of the part cut off that nobody uses it
        self._session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._release = release
        self._outputs = outputs
        self.kind = f"backbone of {release.name} {release.version}"
        self.is_comparing = release.input_kind is InputKind.REFERENCE

    def describe(self, views: Sequence[Image], *, references: Sequence[Image | None] = ()) -> NDArray[np.float32]:
        """The point of a part.

        Args:
            views: its pictures, at least one: uint8 gray or blue-green-red.
            references: for a release that compares, the golden picture of each view where there is one; a view
                without one is compared with itself, so that only what the board looks like is seen.

        Returns:
            float32 (d,): a vector of length 1 for each map, one behind the other.
        """
        golden = references or [None] * len(views)
        maxima = [
            self._maxima(cut(pixels, tile))
            for view, reference in zip(views, golden, strict=True)
            for pixels, tiles in [self._tiles(view, reference)]
            for tile in tiles
        ]
        largest = [np.max(np.stack(channels), axis=0) for channels in zip(*maxima, strict=True)]
        return np.concatenate([part / max(float(np.linalg.norm(part)), _LEAST_LENGTH) for part in largest])

    def _tiles(self, view: Image, reference: Image | None) -> tuple[Image, tuple[Tile, ...]]:
        kind = self._release.input_kind
        picture = view if kind is InputKind.SINGLE else _compared_or_alone(to_gray(view), reference)
        size_wh_px = self._release.input_size_wh_px
        return network_tiles(network_channels(picture, kind), kind, input_wh_px=size_wh_px, overlap_px=0)

    def _maxima(self, batch_nhwc_u8: NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        """Of each map the largest value by channel."""
        found = self._session.run(list(self._outputs), {INPUT_NAME: batch_nhwc_u8})
        return tuple(np.asarray(feature_map, np.float32).max(axis=(0, 2, 3)) for feature_map in found)


def _compared_or_alone(gray: Image, reference: Image | None) -> Image:
    """Frame, reference and difference; a reference that does not fit is as good as none."""
    composed = None if reference is None else compared(gray, reference)
    return compose(gray, Registration("itself", gray, (0.0, 0.0), 0.0, 0.0, 0.0)) if composed is None else composed


def _cut_at_backbone(model: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The graph up to the maps that its head starts from, coarsest first, and their names.

    Raises:
        LookupError: nothing in it is scaled up and joined.
    """
    proto = onnx.load_model_from_string(model)
    scaled_up = {node.output[0]: node.input[0] for node in proto.graph.node if node.op_type in ("Resize", "Upsample")}
    joints = [
        node for node in proto.graph.node if node.op_type == "Concat" and any(name in scaled_up for name in node.input)
    ]
    if not joints:
        raise LookupError("the graph scales no feature map up to join a finer one")
    finer = [name for node in joints for name in node.input if name not in scaled_up]
    outputs = tuple(dict.fromkeys([next(iter(scaled_up.values())), *finer]))[:_MAPS]
    del proto.graph.output[:]
    proto.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in outputs
    )
    return proto.SerializeToString(), outputs
