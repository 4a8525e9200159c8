"""A loaded model that finds defects in frames of any size, at their own scale."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.detections import Detections
from lineside.inspection.engines.base import Engine, EngineChoice
from lineside.inspection.engines.offering import load_release_engine
from lineside.inspection.frames import Image
from lineside.inspection.heads import NMS_IOU, decode_output, threshold_vector
from lineside.inspection.preparation import cut, network_channels, network_tiles
from lineside.inspection.release.record import Release
from lineside.inspection.tiling import Tile, merge_tiles

TILE_OVERLAP_SHARE = 0.2
"""Of the input's shorter side: 128 px at 640, several times the largest defect of a bare board."""


class Detector:
    """Finds defects with one release on one engine. Several threads may call `detect` at once.

    The scale is never changed: a frame smaller than the model's input is padded at the right and at the bottom, a
    larger one is cut into overlapping tiles, and a defect keeps the size in pixels that the model was trained on.

    Args:
        release: says what the engine's output means.
        engine: runs the release's model; closed with the detector.
        tile_overlap_px: least overlap of neighbouring tiles, at least the largest expected defect; None is
            `TILE_OVERLAP_SHARE` of the input.
        nms_iou: overlap above which two boxes of a class are one defect.
    """

    def __init__(
        self,
        release: Release,
        engine: Engine,
        *,
        tile_overlap_px: int | None = None,
        nms_iou: float = NMS_IOU,
    ) -> None:
        if tile_overlap_px is None:
            tile_overlap_px = round(min(release.input_size_wh_px) * TILE_OVERLAP_SHARE)
        self._release = release
        self._engine = engine
        self._tile_overlap_px = tile_overlap_px
        self._nms_iou = nms_iou
        # Threads start with the first frame that needs tiles; as many as the engine runs at once.
        self._tile_workers = ThreadPoolExecutor(engine.streams, thread_name_prefix="tile")

    @property
    def engine_name(self) -> str:
        """Engine and precision as the verdict states them, e.g. "openvino-bf16"."""
        return self._engine.name

    @property
    def release(self) -> Release:
        """The release that it runs."""
        return self._release

    @property
    def streams(self) -> int:
        """How many calls of `detect` at once make sense."""
        return self._engine.streams

    def detect(self, image: Image, *, thresholds: Mapping[str, float] | None = None) -> Detections:
        """Find the defects in a frame.

        Args:
            image: uint8, (height, width) gray or (height, width, 3): BGR for a single-image release, the composed
                (frame, reference, difference) for a reference release. It is not changed.
            thresholds: confidence from which a detection counts, by class name; the release's for the classes
                that are not named, or for all if None.

        Returns:
            In frame pixels, by falling confidence; the peak score is the highest of all tiles.

        Raises:
            GeometryMismatch: the image is of another type or channel count.
            NonFiniteOutput: the model's output holds NaN or infinity.
            EngineError: the engine failed.
            ValueError: a threshold is outside (0, 1] or names no class.
        """
        height, width = image.shape[:2]
        tiles, found = self.detect_by_tile(image, thresholds=thresholds)
        if len(tiles) == 1:
            return _within(found[0], width, height)
        frame_wh_px = max(tile.right_px for tile in tiles), max(tile.bottom_px for tile in tiles)
        merged = merge_tiles(tiles, found, frame_wh_px=frame_wh_px)
        peaks = [tile.peak_score for tile in found if tile.peak_score is not None]
        return replace(_within(merged, width, height), peak_score=max(peaks, default=None))

    def detect_by_tile(
        self, image: Image, *, thresholds: Mapping[str, float] | None = None
    ) -> tuple[tuple[Tile, ...], list[Detections]]:
        """What each tile says by itself, as `detect` puts it together; arguments and errors as there.

        Returns:
            The tiles, of the frame padded at the right and at the bottom where it is smaller than the input, and what
            was found in each, in frame pixels.
        """
        release = self._release
        limits = threshold_vector(release.classes, {**release.thresholds, **(thresholds or {})})
        pixels, tiles = network_tiles(
            network_channels(image, release.input_kind),
            release.input_kind,
            input_wh_px=release.input_size_wh_px,
            overlap_px=self._tile_overlap_px,
        )
        if len(tiles) == 1:
            return tiles, [self._detect_in(pixels, tiles[0], limits)]
        return tiles, list(self._tile_workers.map(lambda tile: self._detect_in(pixels, tile, limits), tiles))

    def close(self) -> None:
        """Free the engine and the threads; calls under way end first."""
        self._tile_workers.shutdown()
        self._engine.close()

    def _detect_in(self, pixels: Image, tile: Tile, limits: NDArray[np.float32]) -> Detections:
        """Judge one window; boxes in frame pixels."""
        found = decode_output(
            self._engine.infer(cut(pixels, tile)),
            self._release.head,
            thresholds=limits,
            size_wh_px=self._release.input_size_wh_px,
            nms_iou=self._nms_iou,
        )
        offset = np.array([tile.left_px, tile.top_px, tile.left_px, tile.top_px], np.float32)
        return replace(found, boxes_xyxy_px=found.boxes_xyxy_px + offset)


def open_detector(release: Release, choice: EngineChoice) -> Detector:
    """Load a release into the engine that was chosen for it.

    Raises:
        EngineError: the engine cannot load it.
    """
    return Detector(release, load_release_engine(release, choice.name, threads=choice.threads))


def _within(found: Detections, width: int, height: int) -> Detections:
    """What of the detections lies in the frame itself, not in its padding."""
    high = np.array([width, height, width, height], np.float32)
    boxes = np.minimum(found.boxes_xyxy_px, high)
    has_area = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    return replace(found, boxes_xyxy_px=boxes).select(has_area)
