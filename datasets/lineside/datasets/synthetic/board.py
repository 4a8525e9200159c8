"""A board: its copper tile by tile, its golden image, parts with defects, strips of boards of any size."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from lineside.datasets.synthetic.defects import Drawn, draw_defects
from lineside.datasets.synthetic.design import (
    DEFECT_CLASSES,
    FILM_CLASSES,
    TILE_PX,
    BoardDesign,
    BoxPx,
    Defect,
    DefectClass,
    DefectLook,
    Image,
    Look,
    Mark,
    Purpose,
    Sample,
    Strip,
    generator_for,
)
from lineside.datasets.synthetic.families import lay_out
from lineside.datasets.synthetic.looks import MARGIN_PX, Exposure, expose_tile, exposure, film_thickness
from lineside.datasets.synthetic.marks import Shade, draw_marks
from lineside.datasets.synthetic.shapes import Shape, rasterise
from lineside.datasets.synthetic.surface import Mask, Surface

BOX_MARGIN_PX = (10, 10, 9, 9)
"""How far the boxes of DeepPCB's annotators reach past what was drawn: left, top, right, bottom, half-open.

Ten pixels from the first and the last drawn pixel: the median, and at least the middle half, of the margins around
the changed pixels of copper and pin-holes (whose changes touch no ragged edge) on the three tuning groups.
"""

Key = TypeVar("Key")
Value = TypeVar("Value")

_OUTER_LANE_PX = 6
_INNER_LANE_PX = 16  # a neighbour must not see a defect through its margin, however the part lies
_SMALLEST_TILE_PX = 64  # a tile cut narrower than this gets no defects while others can have them


class Board:
    """A board product that parts are made of.

    What belongs to the design alone (layout, golden image, where defects can sit) is kept between calls,
    within a bound, so that making another part of the same design is quick.
    """

    def __init__(self, design: BoardDesign) -> None:
        self.design = design
        columns, _ = design.tiles_wh
        self._shapes = _Recent[tuple[int, int], list[Shape]](3 * columns + 6)
        self._copper = _Recent[tuple[int, int], Mask](4)
        self._surfaces = _Recent[tuple[int, int], Surface](4)
        self._golden = _Recent[tuple[Look, int, int], Image](4)

    def golden(self, *, look: Look) -> Image:
        """The image of a good part lying exactly in place: uint8 (height, width)."""
        width, height = self.design.size_wh_px
        image = np.empty((height, width), np.uint8)
        for column, row in self._tiles():
            self._put(image, self._golden_tile(look, column, row), column, row)
        return image

    def sample(
        self,
        *,
        look: Look,
        defects: int,
        seed: int,
        marks: int = 0,
        contrast: float = 1.0,
        defect_look: DefectLook = DefectLook.SOLID,
    ) -> Sample:
        """One part of the product.

        Args:
            look: how it is seen.
            defects: how many defects it has; 0 is a good part.
            seed: of the part: place, noise, defects and marks follow from it, each on its own.
            marks: how many harmless marks it bears.
            contrast: of its defects, in (0, 1]; a low one makes them hard to see. Only a camera sees less than all.
            defect_look: how its defects come out; a film only in the camera's look.

        Raises:
            NoRoomForDefect: the board has no place for so many.
            ValueError: a negative number, or a contrast that the look cannot show.
        """
        width, height = self.design.size_wh_px
        frame, reference = np.empty((height, width), np.uint8), np.empty((height, width), np.uint8)
        found: list[Defect] = []
        borne: list[Mark] = []
        strips = self.strips(
            look=look, defects=defects, seed=seed, marks=marks, contrast=contrast, defect_look=defect_look
        )
        for strip in strips:
            rows = slice(strip.top_px, strip.top_px + len(strip.frame))
            frame[rows], reference[rows] = strip.frame, strip.reference
            found.extend(strip.defects)
            borne.extend(strip.marks)
        return Sample(frame, reference, tuple(found), tuple(borne))

    def strips(
        self,
        *,
        look: Look,
        defects: int,
        seed: int,
        rows_px: int = TILE_PX,
        marks: int = 0,
        contrast: float = 1.0,
        defect_look: DefectLook = DefectLook.SOLID,
    ) -> Iterator[Strip]:
        """The same part as `sample` gives, from top to bottom, in strips of `rows_px` rows (the last: fewer).

        No more than one row of tiles is held at a time, and where the strips are cut changes nothing.
        """
        if rows_px < 1:
            raise ValueError(f"strips of {rows_px} rows: expected at least 1")
        if not 0.0 < contrast <= 1.0 or (contrast < 1.0 and look is Look.BINARISED):
            raise ValueError(
                f"a contrast of {contrast} in the {look.value} look: expected more than 0 and at most 1, and 1 in a "
                "binarised one, which has no grays"
            )
        if defect_look is DefectLook.FILM and look is Look.BINARISED:
            raise ValueError("a film in the binarised look: it has no grays to show it; expected the camera's look")
        held: list[Strip] = []
        damage = _Damage(defects, seed, contrast, defect_look)
        for tile_row in self._tile_rows(look, damage, marks=marks):
            held.append(tile_row)
            while sum(len(part.frame) for part in held) >= rows_px:
                strip, held = _take(held, rows_px)
                yield strip
        if held:
            yield _take(held, sum(len(part.frame) for part in held))[0]

    def _tile_rows(self, look: Look, damage: "_Damage", *, marks: int) -> Iterator[Strip]:
        seed = damage.seed
        width, height = self.design.size_wh_px
        columns, rows = self.design.tiles_wh
        counts = self._share(damage.count, generator_for(seed, Purpose.DEFECT_SHARE), what="defects")
        mark_counts = self._share(marks, generator_for(seed, Purpose.MARK_SHARE), what="marks")
        golden_pass, pass_ = self._golden_exposure(look), exposure(self.design, look, seed, is_golden=False)
        for row in range(rows):
            band = min(TILE_PX, height - row * TILE_PX)
            frame, reference = np.empty((band, width), np.uint8), np.empty((band, width), np.uint8)
            found: list[Defect] = []
            borne: list[Mark] = []
            for column in range(columns):
                drawn = self._drawn(column, row, int(counts[row, column]), damage)
                shade = None
                if mark_counts[row, column]:
                    rng = generator_for(seed, Purpose.MARKS, column, row)
                    shade, marked = draw_marks(self._surface(column, row), int(mark_counts[row, column]), rng)
                    borne.extend(
                        Mark(kind, self._box(bounds, pass_, column, row, margin_px=(0, 0, 0, 0)))
                        for kind, bounds in marked
                    )
                image = self._expose(pass_, drawn, column, row, contrast=damage.contrast_in(column, row), shade=shade)
                across = slice(column * TILE_PX, column * TILE_PX + TILE_PX)
                frame[:, across] = image[:band, : width - across.start]
                reference[:, across] = self._golden_tile(look, column, row, golden_pass)[:band, : width - across.start]
                found.extend(
                    Defect(defect_class, self._box(change, pass_, column, row))
                    for defect_class, change in drawn.changes
                )
            yield Strip(row * TILE_PX, frame, reference, tuple(found), tuple(borne))

    def _golden_exposure(self, look: Look) -> Exposure:
        seed = int(generator_for(self.design.seed, Purpose.GOLDEN).integers(2**32))
        return exposure(self.design, look, seed, is_golden=True)

    def _golden_tile(self, look: Look, column: int, row: int, pass_: Exposure | None = None) -> Image:
        return self._golden.get(
            (look, column, row),
            lambda: self._expose(pass_ or self._golden_exposure(look), None, column, row),
        )

    def _expose(
        self,
        pass_: Exposure,
        drawn: Drawn | None,
        column: int,
        row: int,
        *,
        contrast: float | NDArray[np.float32] = 1.0,
        shade: Shade | None = None,
    ) -> Image:
        copper = self._copper_of(column, row)
        nothing = np.zeros_like(copper)
        removed, added = nothing, nothing
        if drawn is not None and drawn.changes:
            removed, added = _with_margin(drawn.removed), _with_margin(drawn.added)
        return expose_tile(
            copper,
            removed,
            added,
            pass_,
            design=self.design,
            column=column,
            row=row,
            contrast=contrast,
            shade=None if shade is None else np.pad(shade, MARGIN_PX),
        )

    def _drawn(self, column: int, row: int, count: int, damage: "_Damage") -> Drawn:
        if count == 0:
            nothing = np.zeros((TILE_PX, TILE_PX), np.uint8)
            return Drawn(nothing, nothing, ())
        rng = generator_for(damage.seed, Purpose.DEFECTS, column, row)
        return draw_defects(self._surface(column, row), count, rng, classes=damage.classes)

    def _surface(self, column: int, row: int) -> Surface:
        return self._surfaces.get((column, row), lambda: self._surface_of(column, row))

    def _surface_of(self, column: int, row: int) -> Surface:
        width, height = self.design.size_wh_px
        columns, rows = self.design.tiles_wh
        beyond_right = max(0, (column + 1) * TILE_PX - width)
        beyond_bottom = max(0, (row + 1) * TILE_PX - height)
        inside = slice(MARGIN_PX, MARGIN_PX + TILE_PX)
        return Surface(
            np.ascontiguousarray(self._copper_of(column, row)[inside, inside]),
            margin_px=(
                _INNER_LANE_PX if column > 0 else _OUTER_LANE_PX,
                _INNER_LANE_PX if row > 0 else _OUTER_LANE_PX,
                beyond_right + (_INNER_LANE_PX if column < columns - 1 else _OUTER_LANE_PX),
                beyond_bottom + (_INNER_LANE_PX if row < rows - 1 else _OUTER_LANE_PX),
            ),
        )

    def _copper_of(self, column: int, row: int) -> Mask:
        return self._copper.get((column, row), lambda: self._draw_copper(column, row))

    def _draw_copper(self, column: int, row: int) -> Mask:
        """The tile's copper with its margin; where there is a neighbour, the margin is the neighbour's."""
        columns, rows = self.design.tiles_wh
        side = TILE_PX + 2 * MARGIN_PX
        copper = np.zeros((side, side), np.uint8)
        rasterise(self._shapes_of(column, row), copper, origin=(-MARGIN_PX, -MARGIN_PX))
        for step_x, step_y in product((-1, 0, 1), repeat=2):
            other = (column + step_x, row + step_y)
            if (step_x, step_y) == (0, 0) or not (0 <= other[0] < columns and 0 <= other[1] < rows):
                continue
            window = np.s_[_margin_span(step_y), _margin_span(step_x)]
            part = np.zeros_like(copper)
            origin = (-MARGIN_PX - step_x * TILE_PX, -MARGIN_PX - step_y * TILE_PX)
            rasterise(self._shapes_of(*other), part, origin=origin)
            copper[window] = part[window]
        return copper

    def _shapes_of(self, column: int, row: int) -> list[Shape]:
        return self._shapes.get((column, row), lambda: lay_out(self.design, column, row))

    def _share(
        self, count: int, rng: np.random.Generator, *, what: str
    ) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
        """How many of them each tile gets, by its area: int64 (rows, columns)."""
        if count < 0:
            raise ValueError(f"{count} {what}: expected 0 or more")
        width, height = self.design.size_wh_px
        columns, rows = self.design.tiles_wh
        wide = np.minimum(TILE_PX, width - np.arange(columns) * TILE_PX)
        high = np.minimum(TILE_PX, height - np.arange(rows) * TILE_PX)
        areas = np.outer(high, wide).astype(np.float64)
        is_large = np.minimum.outer(high, wide) >= _SMALLEST_TILE_PX
        weights = np.where(is_large, areas, 0.0) if is_large.any() else areas
        return rng.multinomial(count, (weights / weights.sum()).ravel()).reshape(rows, columns)

    def _box(
        self,
        change: BoxPx,
        pass_: Exposure,
        column: int,
        row: int,
        *,
        margin_px: tuple[int, int, int, int] = BOX_MARGIN_PX,
    ) -> BoxPx:
        width, height = self.design.size_wh_px
        left, top = (
            column * TILE_PX + round(pass_.shift_xy_px[0]),
            row * TILE_PX + round(pass_.shift_xy_px[1]),
        )
        return (
            max(0, change[0] + left - margin_px[0]),
            max(0, change[1] + top - margin_px[1]),
            min(width, change[2] + left + margin_px[2]),
            min(height, change[3] + top + margin_px[3]),
        )

    def _put(self, image: Image, tile: Image, column: int, row: int) -> None:
        target = image[row * TILE_PX : (row + 1) * TILE_PX, column * TILE_PX : (column + 1) * TILE_PX]
        target[:] = tile[: target.shape[0], : target.shape[1]]

    def _tiles(self) -> Iterator[tuple[int, int]]:
        columns, rows = self.design.tiles_wh
        return ((column, row) for row in range(rows) for column in range(columns))


@dataclass(frozen=True, slots=True)
class _Damage:
    """What is wrong with a part, before it is drawn."""

    count: int
    seed: int
    contrast: float
    look: DefectLook

    @property
    def classes(self) -> tuple[DefectClass, ...]:
        return FILM_CLASSES if self.look is DefectLook.FILM else DEFECT_CLASSES

    def contrast_in(self, column: int, row: int) -> float | NDArray[np.float32]:
        if self.look is DefectLook.SOLID:
            return self.contrast
        return film_thickness(self.seed, column, row, contrast=self.contrast)


class _Recent(Generic[Key, Value]):
    """A bounded memory of what was computed last."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: OrderedDict[Key, Value] = OrderedDict()

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        if key in self._held:
            self._held.move_to_end(key)
            return self._held[key]
        value = make()
        self._held[key] = value
        if len(self._held) > self._limit:
            self._held.popitem(last=False)
        return value


def _with_margin(mask: Mask) -> Mask:
    padded: Mask = np.pad(mask, MARGIN_PX)
    return padded


def _margin_span(step: int) -> slice:
    if step < 0:
        return slice(0, MARGIN_PX)
    return slice(MARGIN_PX + TILE_PX, None) if step > 0 else slice(MARGIN_PX, MARGIN_PX + TILE_PX)


def _take(parts: list[Strip], rows: int) -> tuple[Strip, list[Strip]]:
    """The first `rows` rows of consecutive strips as one, and the rest; a defect is where its box begins."""
    top = parts[0].top_px
    frame = np.concatenate([part.frame for part in parts])
    reference = np.concatenate([part.reference for part in parts])
    defects = [defect for part in parts for defect in part.defects]
    marks = [mark for part in parts for mark in part.marks]

    def is_taken(placed: Defect | Mark) -> bool:
        return placed.box_xyxy_px[1] < top + rows

    taken = Strip(top, frame[:rows], reference[:rows], tuple(filter(is_taken, defects)), tuple(filter(is_taken, marks)))
    if rows == len(frame):
        return taken, []
    later = tuple(d for d in defects if not is_taken(d))
    left = tuple(m for m in marks if not is_taken(m))
    return taken, [Strip(top + rows, frame[rows:], reference[rows:], later, left)]
