"""The virtual line: boards in panels and lots, a known share of them defective, as encoded frames.

It is as unkind to a detector as a line is: some good boards are dusty, marked or scratched, and some defects are faint.
How often that misleads the detector is not set anywhere; it comes out.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from lineside.datasets.synthetic import (
    PX_PER_MM,
    Board,
    BoardDesign,
    Defect,
    DefectLook,
    LayoutFamily,
    Look,
    Mark,
)
from lineside.workflows.demo.plan import BOARDS_PER_PANEL, PANELS_PER_LOT, DemoPlan

LOOK: Final = Look.CAMERA
MM_PER_PX: Final = 1 / PX_PER_MM

PRODUCTS: Final = MappingProxyType(
    {
        "controller-board": BoardDesign(LayoutFamily.SURFACE_MOUNT, seed=11),
        "backplane": BoardDesign(LayoutFamily.BUS, seed=12),
    }
)
"""The boards that the line makes, lot by lot in turn."""

_MOST_DEFECTS = 3
_MOST_MARKS = 2
_FAINT_CONTRAST = (0.1, 0.5)  # of a defect's own: most of the copper is left, or a thin film of it is too much
FILM_CONTRAST = (0.25, 0.45)  # the starter misses three of four such parts; good boards score far lower still
_PNG_LEVEL = 1  # a camera's frame is noise to a compressor: more effort gains nothing


@dataclass(frozen=True, slots=True)
class PartFate:
    """What becomes of a part, settled before it is drawn.

    Attributes:
        number: of the part.
        defects: how many it gets; 0 is a good part.
        seed: of its picture.
        marks: how many harmless marks it bears.
        contrast: of its defects, in (0, 1].
        is_faint: its defects are hard to see.
        is_film: its defects are thin films of copper.
    """

    number: int
    defects: int
    seed: int
    marks: int
    contrast: float
    is_faint: bool
    is_film: bool

    @property
    def is_defective(self) -> bool:
        """The truth in one word."""
        return self.defects > 0


@dataclass(frozen=True, slots=True, eq=False)
class VirtualPart:
    """A board that passes under the virtual camera, with the truth that the server is never told.

    Attributes:
        number: 0, 1, 2, ...; also what the encoder counts.
        part_id: unique over all runs.
        panel_id: the panel that it is on.
        lot: the lot that the panel belongs to.
        product: what it is; a key of `PRODUCTS`.
        starts_lot: whether it is the first of its lot.
        frame_png: the picture.
        defects: the truth; empty for a good board.
        marks: dust, ink and scratches that are none of the defects.
        is_faint: whether its defects are hard to see.
        is_film: whether its defects are thin films of copper, which a changed process makes.
    """

    number: int
    part_id: str
    panel_id: str
    lot: str
    product: str
    starts_lot: bool
    frame_png: bytes
    defects: tuple[Defect, ...]
    marks: tuple[Mark, ...] = ()
    is_faint: bool = False
    is_film: bool = False

    @property
    def is_defective(self) -> bool:
        """The truth in one word."""
        return bool(self.defects)


def golden_png(product: str) -> bytes:
    """The golden image of a product."""
    return _png(Board(PRODUCTS[product]).golden(look=LOOK))


def fate_of(plan: DemoPlan, number: int) -> PartFate:
    """What becomes of one part of a line; whatever other parts are made, it is the same."""
    rng = np.random.default_rng([plan.seed, number])
    defects = int(rng.integers(1, _MOST_DEFECTS + 1)) if rng.random() < plan.defect_rate else 0
    seed = int(rng.integers(2**31))
    marks = int(rng.integers(1, _MOST_MARKS + 1)) if rng.random() < plan.mark_share else 0
    is_faint = defects > 0 and bool(rng.random() < plan.faint_share)
    contrast = float(rng.uniform(*_FAINT_CONTRAST)) if is_faint else 1.0
    is_changed = plan.film_from is not None and number >= plan.film_from
    is_film = defects > 0 and is_changed and bool(rng.random() < plan.film_share)
    if is_film:
        contrast, is_faint = float(rng.uniform(*FILM_CONTRAST)), False
    return PartFate(number, defects, seed, marks, contrast, is_faint, is_film)


def virtual_parts(
    plan: DemoPlan, *, run_id: str, wanted: Callable[[PartFate], bool] = lambda _: True
) -> Iterator[VirtualPart]:
    """The parts of a run, each made when it is asked for; without end where the plan has none.

    Args:
        plan: defect rate, shares, seed and number of parts.
        run_id: what every identifier begins with, so that two runs on one ledger never share a part.
        wanted: parts of another fate pass undrawn: a study may look at the defective ones of a long run alone.
    """
    names = plan.products or tuple(PRODUCTS)
    boards = {name: Board(PRODUCTS[name]) for name in names}
    number = plan.first_part
    while plan.parts is None or number < plan.first_part + plan.parts:
        fate = fate_of(plan, number)
        if wanted(fate):
            yield _draw(fate, boards, names, run_id)
        number += 1


def _draw(fate: PartFate, boards: dict[str, Board], names: tuple[str, ...], run_id: str) -> VirtualPart:
    number = fate.number
    panel, place = divmod(number, BOARDS_PER_PANEL)
    lot = panel // PANELS_PER_LOT
    product = names[lot % len(names)]
    sample = boards[product].sample(
        look=LOOK,
        defects=fate.defects,
        seed=fate.seed,
        marks=fate.marks,
        contrast=fate.contrast,
        defect_look=DefectLook.FILM if fate.is_film else DefectLook.SOLID,
    )
    panel_id = f"{run_id}-N{panel + 1:04d}"
    return VirtualPart(
        number=number,
        part_id=f"{panel_id}-{place + 1}",
        panel_id=panel_id,
        lot=f"{run_id}-L{lot + 1:02d}",
        product=product,
        starts_lot=number % (BOARDS_PER_PANEL * PANELS_PER_LOT) == 0,
        frame_png=_png(sample.frame),
        defects=sample.defects,
        marks=sample.marks,
        is_faint=fate.is_faint,
        is_film=fate.is_film,
    )


def _png(image: NDArray[np.uint8]) -> bytes:
    _, encoded = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, _PNG_LEVEL])
    return encoded.tobytes()
