"""A contact sheet: samples of a revision with their boxes, on one picture."""

from collections import deque

import cv2
import numpy as np

from lineside.datasets.checking.drawing import draw, whole
from lineside.datasets.labelled import LabelledImage
from lineside.datasets.revisions import Revision, RevisionStore
from lineside.inspection.frames import Image

_TILE_PX = 300
_CAPTION_PX = 22
_GAP_PX = 8
_PAPER = 245
_INK_BGR = (60, 60, 60)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_LONGEST_CAPTION = 42


def contact_sheet(
    store: RevisionStore, revision: Revision, *, count: int = 24, columns: int = 6, seed: int = 0
) -> Image:
    """Draw samples: of every class and of good parts in turn, so that a rare class is seen too.

    Args:
        store: where the pictures are.
        revision: what is shown.
        count: how many images at most.
        columns: how many in a row.
        seed: which ones.

    Returns:
        uint8 (h, w, 3) BGR.

    Raises:
        RevisionCorrupt: a picture is missing or was changed.
    """
    tiles = [_tile(image, store.pixels(image.image), revision.classes) for image in _sample(revision, count, seed)]
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    step_x, step_y = _TILE_PX + _GAP_PX, _TILE_PX + _CAPTION_PX + _GAP_PX
    sheet = np.full((rows * step_y + _GAP_PX, columns * step_x + _GAP_PX, 3), _PAPER, np.uint8)
    for at, tile in enumerate(tiles):
        top, left = at // columns * step_y + _GAP_PX, at % columns * step_x + _GAP_PX
        sheet[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return sheet


def _sample(revision: Revision, count: int, seed: int) -> list[LabelledImage]:
    shuffled = [revision.images[at] for at in np.random.default_rng(seed).permutation(len(revision.images))]
    queues = [deque(image for image in shuffled if not image.boxes)]
    queues += [
        deque(image for image in shuffled if name in {box.class_name for box in image.boxes})
        for name in revision.classes
    ]
    chosen: dict[str, LabelledImage] = {}
    while len(chosen) < count and any(queues):
        for queue in queues:
            while queue and queue[0].name in chosen:
                queue.popleft()
            if queue and len(chosen) < count:
                image = queue.popleft()
                chosen[image.name] = image
    return sorted(chosen.values(), key=lambda image: image.name)


def _tile(image: LabelledImage, picture: Image, classes: tuple[str, ...]) -> Image:
    shown = draw(picture, image.boxes, classes, window_px=whole(picture), side_px=_TILE_PX)
    tile = np.full((_TILE_PX + _CAPTION_PX, _TILE_PX, 3), _PAPER, np.uint8)
    tile[: shown.shape[0], : shown.shape[1]] = shown
    facts = f"{image.split or 'no split'}{'' if image.boxes else ', good'}"
    name = image.name if len(image.name) + len(facts) < _LONGEST_CAPTION else f"...{image.name[len(facts) - 36 :]}"
    caption = f"{name}  {facts}".encode("ascii", "replace").decode()
    cv2.putText(tile, caption, (1, _TILE_PX + 15), _FONT, 0.4, _INK_BGR, 1, cv2.LINE_AA)
    return tile
