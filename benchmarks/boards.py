"""The frames that the benchmarks send: synthetic boards as a camera sees them, encoded once."""

from dataclasses import dataclass

import cv2

from lineside.datasets.synthetic import Board, BoardDesign, LayoutFamily, Look
from lineside.inspection.frames import Image

_FIRST_SEED = 700_000  # boards that no starter release was trained on


@dataclass(frozen=True, slots=True, eq=False)
class BoardFrame:
    """One frame, and what it should be compared with.

    Attributes:
        image: uint8 (640, 640) gray.
        reference: the golden image of its design.
        jpeg: `image` as JPEG, quality 90: what a station sends.
    """

    image: Image
    reference: Image
    jpeg: bytes


def board_frames(count: int) -> list[BoardFrame]:
    """Distinct frames, all layout families in turn, 0 to 3 defects each."""
    families = tuple(LayoutFamily)
    frames = []
    for index in range(count):
        seed = _FIRST_SEED + index
        board = Board(BoardDesign(families[index % len(families)], seed))
        sample = board.sample(look=Look.CAMERA, defects=index % 4, seed=seed)
        frames.append(BoardFrame(sample.frame, sample.reference, encode_jpeg(sample.frame)))
    return frames


def encode_jpeg(image: Image) -> bytes:
    """A JPEG of quality 90."""
    is_encoded, body = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])
    if not is_encoded:
        raise RuntimeError("OpenCV could not encode a JPEG")
    return bytes(body.tobytes())
