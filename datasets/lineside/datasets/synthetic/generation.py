"""One-call forms of what a `Board` does, for callers that need a design once."""

from collections.abc import Iterator

from lineside.datasets.synthetic.board import Board
from lineside.datasets.synthetic.design import TILE_PX, BoardDesign, Image, Look, Sample, Strip


def golden(design: BoardDesign, *, look: Look = Look.BINARISED) -> Image:
    """The golden image of a design: uint8 (height, width)."""
    return Board(design).golden(look=look)


def generate(
    design: BoardDesign, *, look: Look, defects: int, seed: int, marks: int = 0, contrast: float = 1.0
) -> Sample:
    """One part of a design with its golden image and ground truth; see `Board.sample`."""
    return Board(design).sample(look=look, defects=defects, seed=seed, marks=marks, contrast=contrast)


def strips(design: BoardDesign, *, look: Look, defects: int, seed: int, rows_px: int = TILE_PX) -> Iterator[Strip]:
    """The same part as `generate` gives, in strips from top to bottom; see `Board.strips`."""
    return Board(design).strips(look=look, defects=defects, seed=seed, rows_px=rows_px)
