"""Batches of crops, put together by threads while the network learns from the one before."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lineside.training.crops import Crop, CropSource

_AHEAD = 3  # batches in the making: enough that the network never waits, few enough for the memory


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What one step learns from.

    Attributes:
        pixels_nhwc_u8: uint8 (images, side, side, 3).
        image_index: float32 (boxes,), which image a box is in.
        class_ids: float32 (boxes,).
        boxes_cxcywh: float32 (boxes, 4): centre and size as shares of the side.
    """

    pixels_nhwc_u8: NDArray[np.uint8]
    image_index: NDArray[np.float32]
    class_ids: NDArray[np.float32]
    boxes_cxcywh: NDArray[np.float32]


def batches_of_epoch(
    source: CropSource, *, epoch: int, batch: int, seed: int, is_settling: bool, threads: int
) -> Iterator[Batch]:
    """All crops of an epoch once, in an order drawn from seed and epoch.

    Args:
        source: of the crops.
        epoch: from 0.
        batch: images in each; the last one takes what is left over too, so none is tiny.
        seed: of the order.
        is_settling: see `CropSource.crop`.
        threads: that cut crops.
    """
    order = np.random.default_rng([seed, epoch]).permutation(len(source))
    chunks = np.array_split(order, max(1, len(order) // batch))
    cut = partial(_cut, source, epoch=epoch, is_settling=is_settling)
    with ThreadPoolExecutor(threads, thread_name_prefix="crops") as pool:
        waiting: deque[list[Future[Crop]]] = deque()
        try:
            for chunk in chunks:
                waiting.append([pool.submit(cut, int(index)) for index in chunk])
                if len(waiting) > _AHEAD:
                    yield collate([future.result() for future in waiting.popleft()])
            while waiting:
                yield collate([future.result() for future in waiting.popleft()])
        finally:
            pool.shutdown(cancel_futures=True)


def steps_of_epoch(source: CropSource, batch: int) -> int:
    """How many batches an epoch has."""
    return max(1, len(source) // batch)


def collate(crops: list[Crop]) -> Batch:
    """Put crops of one size together."""
    counts = [len(crop.class_ids) for crop in crops]
    boxes = np.concatenate([crop.boxes_xyxy_px for crop in crops]) / np.float32(crops[0].pixels.shape[0])
    centres, sizes = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    return Batch(
        np.stack([crop.pixels for crop in crops]),
        np.repeat(np.arange(len(crops)), counts).astype(np.float32),
        np.concatenate([crop.class_ids for crop in crops]).astype(np.float32),
        np.concatenate([centres, sizes], axis=1).astype(np.float32),
    )


def _cut(source: CropSource, index: int, *, epoch: int, is_settling: bool) -> Crop:
    return source.crop(index, epoch=epoch, is_settling=is_settling)
