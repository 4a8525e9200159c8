"""What a synthetic board is: its records, and the seeds from which everything about it follows."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""uint8 (height, width) gray pixels."""

BoxPx = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels, half-open."""

TILE_PX = 640
"""Side of the unit in which a board is laid out and rendered; a strip is always cut from whole tiles."""

PX_PER_MM = 48.0
"""Scale of the scans that the boards imitate (the README of DeepPCB: about 48 px/mm)."""

LARGEST_SIDE_PX = 16_384
"""The longest side of a board; a 16k line-scan camera has this many pixels."""


class LayoutFamily(StrEnum):
    """The kinds of board that the generator draws."""

    BUS = "bus"
    SURFACE_MOUNT = "surface_mount"
    CONNECTOR = "connector"
    POWER = "power"
    SPARSE = "sparse"
    MESH = "mesh"


class Look(StrEnum):
    """How a board is seen.

    Copper is dark and bare board is bright in both, as a scanner with a light behind the board sees them.
    """

    BINARISED = "binarised"
    CAMERA = "camera"


class DefectClass(StrEnum):
    """The six classes of DeepPCB, in its order."""

    OPEN = "open"
    SHORT = "short"
    MOUSEBITE = "mousebite"
    SPUR = "spur"
    COPPER = "copper"
    PIN_HOLE = "pin-hole"


DEFECT_CLASSES = tuple(DefectClass)
"""Class names in index order."""


class DefectLook(StrEnum):
    """How defects come out; the same for all of a part."""

    SOLID = "solid"
    """Copper is gone or it is there."""
    FILM = "film"
    """A bath that etches too little: copper that should be gone stays as a thin, patchy film that lets light through.
    Only the classes that add copper occur, and only a camera sees it."""


FILM_CLASSES = (DefectClass.SHORT, DefectClass.SPUR, DefectClass.COPPER)
"""What a film of copper can be."""


class MarkKind(StrEnum):
    """What a part may bear and still be good: it takes light away and leaves the copper as it is."""

    DUST = "dust"
    INK = "ink"
    SCRATCH = "scratch"


@dataclass(frozen=True, slots=True)
class BoardDesign:
    """One board product: the same design always gives the same copper.

    Attributes:
        family: which kind of layout.
        seed: any integer >= 0; another seed is another board of the family.
        size_wh_px: width and height of the board's image, each 16 to 16,384 px.
    """

    family: LayoutFamily
    seed: int
    size_wh_px: tuple[int, int] = (TILE_PX, TILE_PX)

    def __post_init__(self) -> None:
        """Refuse a negative seed and sizes that no line scanner gives."""
        if self.seed < 0:
            raise ValueError(f"board seed {self.seed}: expected an integer >= 0")
        if not all(16 <= side <= LARGEST_SIDE_PX for side in self.size_wh_px):
            raise ValueError(f"board size {self.size_wh_px}: expected each side within 16..{LARGEST_SIDE_PX} px")

    @property
    def tiles_wh(self) -> tuple[int, int]:
        """Columns and rows of tiles that cover the board; the last of each may be cut."""
        width_px, height_px = self.size_wh_px
        return -(-width_px // TILE_PX), -(-height_px // TILE_PX)


@dataclass(frozen=True, slots=True)
class Defect:
    """One defect of the ground truth.

    Attributes:
        defect_class: what it is.
        box_xyxy_px: bounds of the drawn change, grown by `BOX_MARGIN_PX` and cut at the frame.
    """

    defect_class: DefectClass
    box_xyxy_px: BoxPx


@dataclass(frozen=True, slots=True)
class Mark:
    """One harmless mark: no defect, whatever a detector makes of it.

    Attributes:
        kind: what it is.
        box_xyxy_px: bounds of its shade, cut at the frame.
    """

    kind: MarkKind
    box_xyxy_px: BoxPx


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A part as it was seen, with the truth about it.

    Attributes:
        frame: uint8 (height, width).
        reference: the golden image of the same design and look, same size.
        defects: what is wrong with the part, empty for a good one.
        marks: what it bears that is not wrong with it.
    """

    frame: Image
    reference: Image
    defects: tuple[Defect, ...]
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """A horizontal cut of a sample that is too large to hold at once.

    Attributes:
        top_px: the strip's first row in the board's frame.
        frame: uint8 (rows, width).
        reference: the same rows of the golden image.
        defects: those whose box begins in these rows; boxes in the whole board's pixels.
        marks: likewise.
    """

    top_px: int
    frame: Image
    reference: Image
    defects: tuple[Defect, ...]
    marks: tuple[Mark, ...] = ()


class Purpose(IntEnum):
    """Keeps the random streams of one seed apart, so that a change in one leaves the others alone."""

    STYLE = 1
    LAYOUT = 2
    PORTS_RIGHT = 3
    PORTS_BELOW = 4
    DEFECT_SHARE = 5
    DEFECTS = 6
    POSE = 7
    NOISE = 8
    SENSOR = 9
    LINES = 10
    GOLDEN = 11
    STATION = 12
    MARK_SHARE = 13
    MARKS = 14
    FILM = 15


def generator_for(seed: int, purpose: Purpose, *where: int) -> np.random.Generator:
    """The random stream of one purpose at one place, whatever was drawn elsewhere before."""
    return np.random.default_rng([seed, int(purpose), *where])
