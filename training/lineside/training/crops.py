"""Training images: crops of frames at the frames' own scale, cut anew in every epoch.

Shrinking a frame to the network's size loses the smallest defects; cutting it keeps them. A crop's cutting is decided
by seed, epoch and index alone, so a resumed run sees what an uninterrupted one would have seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from lineside.inspection.frames import Image
from lineside.inspection.preparation import network_channels
from lineside.inspection.release import InputKind
from lineside.training.errors import PlanRefused
from lineside.training.frames import TrainingFrame
from lineside.training.plan import STRIDE_PX, Orientation

LEAST_SHARE_INSIDE = 0.5
"""Of a box, for it to count in a crop."""

_PADDING = 114  # as serving pads a frame that is smaller than the network's input
_DEFECT_MARGIN_SHARE = 0.125  # of the crop's side: how near its edge the middle of the defect it is cut around may lie
_SHIFTED_SHARE = 0.5  # of the crops have their reference shifted


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """A training image.

    Attributes:
        pixels: uint8 (side, side, 3), channels in the network's order.
        boxes_xyxy_px: float32 (n, 4).
        class_ids: int64 (n,).
    """

    pixels: NDArray[np.uint8]
    boxes_xyxy_px: NDArray[np.float32]
    class_ids: NDArray[np.int64]


class CropSource(Protocol):
    """Where a training run takes its images from. Several threads may call `crop` at once."""

    def __len__(self) -> int:
        """How many crops an epoch has."""
        ...

    def crop(self, index: int, *, epoch: int, is_settling: bool) -> Crop:
        """One of an epoch's crops.

        Args:
            index: from 0 to the length.
            epoch: from 0; another epoch may give another crop.
            is_settling: the run is in its last part, where images are shown as they come.
        """
        ...


class Augmentation(Protocol):
    """Changes what a camera might have seen otherwise. Several threads may call it at once."""

    def photometric(self, frame: Image, rng: np.random.Generator) -> Image:
        """The frame in another light, sharpness or noise; never the reference."""
        ...


@dataclass(frozen=True, slots=True)
class CropPlan:
    """How crops are cut.

    Attributes:
        crop_px: side, a multiple of 32.
        crops_per_image: in every epoch.
        random_share: of an image's crops are cut anywhere, the others around a defect; an image without defects gives
            only such.
        orientation: in which ways a crop is shown.
        reference_jitter_px: how far the reference may be shifted, in whole pixels, as registration is off in serving.
        seed: of everything.
    """

    crop_px: int = 320
    crops_per_image: int = 4
    random_share: float = 0.25
    orientation: Orientation = Orientation.ALL
    reference_jitter_px: int = 1
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be cut."""
        if self.crop_px < STRIDE_PX or self.crop_px % STRIDE_PX:
            raise PlanRefused(f"crops of {self.crop_px} px: expected a multiple of {STRIDE_PX}")
        if self.crops_per_image < 1 or self.reference_jitter_px < 0 or not 0 <= self.random_share <= 1:
            raise PlanRefused(
                f"{self.crops_per_image} crops an image, a jitter of {self.reference_jitter_px} px and a random share "
                f"of {self.random_share}: expected at least 1, at least 0, and 0 to 1"
            )


class FrameCrops:
    """Crops of frames; see `CropPlan`.

    Args:
        frames: what is cut.
        kind: what the network's channels are; every frame has a reference if it needs one.
        plan: how.
        augmentation: of the frames; None shows them as they are.
    """

    def __init__(
        self,
        frames: Sequence[TrainingFrame],
        kind: InputKind,
        *,
        plan: CropPlan,
        augmentation: Augmentation | None = None,
    ) -> None:
        self._frames = frames
        self._kind = kind
        self._plan = plan
        self._augmentation = augmentation

    def __len__(self) -> int:
        """Frames times crops of each."""
        return len(self._frames) * self._plan.crops_per_image

    def crop(self, index: int, *, epoch: int, is_settling: bool) -> Crop:
        """See `CropSource.crop`."""
        plan = self._plan
        number, turn = divmod(index, plan.crops_per_image)
        frame = self._frames[number]
        left, top = self._corner(frame, number, turn, epoch)
        rng = np.random.default_rng([plan.seed, epoch, number, turn, 1])
        pixels = self._pixels(frame, left, top, rng, is_settling=is_settling)
        boxes, kept = boxes_in_crop(frame.boxes_xyxy_px, left=left, top=top, side=plan.crop_px)
        if plan.orientation is Orientation.ALL and not is_settling:
            pixels, boxes = turned(pixels, boxes, int(rng.integers(8)))
        return Crop(np.ascontiguousarray(pixels), boxes, frame.class_ids[kept])

    def _corner(self, frame: TrainingFrame, number: int, turn: int, epoch: int) -> tuple[int, int]:
        """Where a crop starts: around a defect, each turn another one, or anywhere."""
        plan = self._plan
        side = plan.crop_px
        height, width = frame.size_hw_px
        rng = np.random.default_rng([plan.seed, epoch, number, turn, 0])
        around = round(plan.crops_per_image * (1 - plan.random_share))
        if turn >= around or not len(frame.class_ids):
            return int(rng.integers(max(1, width - side + 1))), int(rng.integers(max(1, height - side + 1)))
        order = np.random.default_rng([plan.seed, epoch, number]).permutation(len(frame.class_ids))
        box = frame.boxes_xyxy_px[order[turn % len(order)]]
        margin = side * _DEFECT_MARGIN_SHARE
        offset = rng.uniform(margin, side - margin, 2)
        left, top = np.clip((box[:2] + box[2:]) / 2 - offset, 0, [max(0, width - side), max(0, height - side)])
        return int(left), int(top)

    def _pixels(
        self, frame: TrainingFrame, left: int, top: int, rng: np.random.Generator, *, is_settling: bool
    ) -> Image:
        """The network's channels of a window."""
        side = self._plan.crop_px
        shown = window(frame.image, left, top, side, side)
        if self._augmentation is not None and not is_settling:
            shown = self._augmentation.photometric(shown, rng)
        if frame.reference is None or self._kind is InputKind.SINGLE:
            channels = network_channels(shown, InputKind.SINGLE)
            fill = (_PADDING,) * 3
        else:
            reach = self._plan.reference_jitter_px
            by = rng.integers(-reach, reach + 1, 2) if rng.random() < _SHIFTED_SHARE else np.zeros(2, np.int64)
            reference = window(frame.reference, left + int(by[0]), top + int(by[1]), *shown.shape[1::-1])
            channels = cv2.merge([shown, reference, cv2.absdiff(shown, reference)]).astype(np.uint8, copy=False)
            fill = (_PADDING, _PADDING, 0)  # the padding of frame and reference does not differ
        below, right = side - channels.shape[0], side - channels.shape[1]
        if below or right:
            padded = cv2.copyMakeBorder(channels, 0, below, 0, right, cv2.BORDER_CONSTANT, value=fill)
            return np.asarray(padded, np.uint8)
        return channels


def window(image: Image, left: int, top: int, width: int, height: int) -> Image:
    """A part of an image, no larger than the image; where it starts outside, edge pixels are repeated.

    Args:
        image: uint8 (h, w) or (h, w, 3).
        left: may be negative, or so far right that the part does not fit.
        top: likewise.
        width: wanted.
        height: wanted.
    """
    width, height = min(width, image.shape[1]), min(height, image.shape[0])
    x_from, y_from = max(0, left), max(0, top)
    x_to, y_to = min(image.shape[1], left + width), min(image.shape[0], top + height)
    part = image[y_from:y_to, x_from:x_to]
    if part.shape[:2] == (height, width):
        return part
    before_x, before_y = x_from - left, y_from - top
    return np.asarray(
        cv2.copyMakeBorder(
            part,
            before_y,
            height - part.shape[0] - before_y,
            before_x,
            width - part.shape[1] - before_x,
            cv2.BORDER_REPLICATE,
        ),
        np.uint8,
    )


def boxes_in_crop(
    boxes_xyxy_px: NDArray[np.float32], *, left: int, top: int, side: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Boxes as a crop sees them.

    Args:
        boxes_xyxy_px: float32 (n, 4), in frame pixels.
        left: of the crop.
        top: of the crop.
        side: of the crop, square.

    Returns:
        Boxes float32 (m, 4) in crop pixels of those that lie in it by `LEAST_SHARE_INSIDE`, cut at its edge, and which
        ones they are, int64 (m,).
    """
    corner = np.array([left, top, left, top], np.float32)
    inside = np.clip(boxes_xyxy_px - corner, 0, side).astype(np.float32)
    areas = (boxes_xyxy_px[:, 2] - boxes_xyxy_px[:, 0]) * (boxes_xyxy_px[:, 3] - boxes_xyxy_px[:, 1])
    seen = (inside[:, 2] - inside[:, 0]) * (inside[:, 3] - inside[:, 1])
    kept = np.flatnonzero((seen > 0) & (seen >= LEAST_SHARE_INSIDE * areas)).astype(np.int64)
    return inside[kept], kept


def turned(pixels: Image, boxes_xyxy_px: NDArray[np.float32], way: int) -> tuple[Image, NDArray[np.float32]]:
    """A square image in one of its eight orientations, with its boxes.

    Args:
        pixels: (side, side, channels).
        boxes_xyxy_px: float32 (n, 4).
        way: 0 to 7: quarter turns counterclockwise, plus 4 for mirrored first.
    """
    side = pixels.shape[0]
    boxes = boxes_xyxy_px
    if way >= 4:
        pixels = pixels[:, ::-1]
        boxes = np.stack([side - boxes[:, 2], boxes[:, 1], side - boxes[:, 0], boxes[:, 3]], axis=1)
    for _ in range(way % 4):  # (x, y) comes to (y, side - x)
        pixels = np.rot90(pixels)
        boxes = np.stack([boxes[:, 1], side - boxes[:, 2], boxes[:, 3], side - boxes[:, 0]], axis=1)
    return pixels, boxes
