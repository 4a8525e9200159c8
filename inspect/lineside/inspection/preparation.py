"""From a frame to the pixels that a model takes: channels in its order, at least its size, never rescaled."""

import cv2
import numpy as np

from lineside.inspection.errors import GeometryMismatch
from lineside.inspection.frames import Image
from lineside.inspection.release.record import InputKind
from lineside.inspection.tiling import Tile, tile_grid

_PADDING = 114  # the gray that ultralytics pads with in training
_PADDING_OF_DIFFERENCE = 0  # frame and reference are padded alike, so they do not differ there


def network_channels(image: Image, kind: InputKind) -> Image:
    """Three channels in the order in which networks are trained.

    Args:
        image: uint8, (height, width) gray or (height, width, 3): BGR for a single-image model, the composed
            (frame, reference, difference) for a reference model.
        kind: what the model's channels are.

    Returns:
        uint8 (height, width, 3): RGB, or the composed image itself without a copy.

    Raises:
        GeometryMismatch: another type or channel count.
    """
    is_gray = image.ndim == 2
    if image.dtype != np.uint8 or not (is_gray or image.shape[2:] == (3,)) or 0 in image.shape:
        raise GeometryMismatch(
            f"the image is {image.dtype} {image.shape}, expected uint8 (height, width) or (height, width, 3)"
        )
    if kind is InputKind.SINGLE:
        code = cv2.COLOR_GRAY2RGB if is_gray else cv2.COLOR_BGR2RGB
        return np.asarray(cv2.cvtColor(image, code), np.uint8)
    if is_gray:
        raise GeometryMismatch(
            "this release compares with a reference: it needs three composed channels "
            "(frame, reference, difference), got one gray image"
        )
    return image


def network_tiles(
    pixels: Image, kind: InputKind, *, input_wh_px: tuple[int, int], overlap_px: int
) -> tuple[Image, tuple[Tile, ...]]:
    """Pad a frame that is smaller than the input, at the right and at the bottom; tile one that is larger.

    Args:
        pixels: as `network_channels` gives them.
        kind: what the channels are; the difference channel is padded with 0, the others with gray.
        input_wh_px: the model's input.
        overlap_px: least overlap of neighbouring tiles.

    Returns:
        The frame, padded if need be, and the windows of it to judge; one window if it has the input's size.
    """
    height, width = pixels.shape[:2]
    right, bottom = max(0, input_wh_px[0] - width), max(0, input_wh_px[1] - height)
    if right or bottom:
        fill = (_PADDING, _PADDING, _PADDING_OF_DIFFERENCE if kind is InputKind.REFERENCE else _PADDING)
        padded = cv2.copyMakeBorder(pixels, 0, bottom, 0, right, cv2.BORDER_CONSTANT, value=fill)
        pixels = np.asarray(padded, np.uint8)
    return pixels, tile_grid((width + right, height + bottom), input_wh_px, overlap_px=overlap_px)


def cut(pixels: Image, tile: Tile) -> Image:
    """One window as the batch of one that engines take: uint8 (1, height, width, 3), contiguous.

    A window of the whole frame is not copied.
    """
    window = pixels[tile.top_px : tile.bottom_px, tile.left_px : tile.right_px]
    return np.ascontiguousarray(window)[None]
