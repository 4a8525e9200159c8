"""The frames of a training run: decoded and registered once, kept in one file that is mapped into memory.

A data set may be larger than the memory; the operating system keeps of a mapped file what is in use, and several
threads read it at once.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.frames import Image


@dataclass(frozen=True, slots=True, eq=False)
class TrainingFrame:
    """One labelled frame.

    Attributes:
        name: in its data set.
        image: uint8 (h, w) gray or (h, w, 3) BGR.
        reference: uint8 (h, w), the golden image laid on this frame as in serving; None for a single-image network.
        boxes_xyxy_px: float32 (n, 4).
        class_ids: int64 (n,).
    """

    name: str
    image: Image
    reference: Image | None
    boxes_xyxy_px: NDArray[np.float32]
    class_ids: NDArray[np.int64]

    @property
    def size_hw_px(self) -> tuple[int, int]:
        """Height and width."""
        return self.image.shape[0], self.image.shape[1]


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    name: str
    offset: int
    shape: tuple[int, ...]
    has_reference: bool
    boxes_xyxy_px: NDArray[np.float32]
    class_ids: NDArray[np.int64]


class StoredFrames(Sequence[TrainingFrame]):
    """Frames in a file; made by `store_frames`."""

    def __init__(self, pixels: NDArray[np.uint8], entries: Sequence[_Entry]) -> None:
        self._pixels = pixels
        self._entries = entries

    def __len__(self) -> int:
        """How many frames."""
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> TrainingFrame: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[TrainingFrame]: ...
    def __getitem__(self, index: int | slice) -> TrainingFrame | Sequence[TrainingFrame]:
        """A frame whose pixels are read when they are used, or some of the frames."""
        if isinstance(index, slice):
            return StoredFrames(self._pixels, self._entries[index])
        entry = self._entries[index]
        end = entry.offset + int(np.prod(entry.shape))
        image = self._pixels[entry.offset : end].reshape(entry.shape)
        reference = None
        if entry.has_reference:
            height, width = entry.shape[:2]
            reference = self._pixels[end : end + height * width].reshape(height, width)
        return TrainingFrame(entry.name, image, reference, entry.boxes_xyxy_px, entry.class_ids)


def store_frames(frames: Iterable[TrainingFrame], path: Path) -> StoredFrames:
    """Write the frames' pixels one after another into a file, and map it.

    Args:
        frames: taken one by one; their order is kept.
        path: written anew.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    entries: list[_Entry] = []
    with path.open("wb") as file:
        for frame in frames:
            entries.append(
                _Entry(
                    frame.name,
                    file.tell(),
                    frame.image.shape,
                    frame.reference is not None,
                    frame.boxes_xyxy_px,
                    frame.class_ids,
                )
            )
            for pixels in _planes(frame):
                file.write(np.ascontiguousarray(pixels).data)
    if not entries or not path.stat().st_size:
        return StoredFrames(np.empty(0, np.uint8), entries)
    return StoredFrames(np.memmap(path, np.uint8, mode="r"), entries)


def _planes(frame: TrainingFrame) -> Iterator[Image]:
    yield frame.image
    if frame.reference is not None:
        yield frame.reference
