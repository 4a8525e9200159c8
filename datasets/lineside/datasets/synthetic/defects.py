"""Drawing the six defect classes on copper, where and how each occurs, checked for what it does to the nets.

Sizes follow the drawn defects of the DeepPCB groups that the generator was tuned on: changed pixels of 5 to
40 px a side, freehand strokes and blobs, removed copper often leaving specks behind.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lineside.datasets.errors import NoRoomForDefect
from lineside.datasets.synthetic.design import DEFECT_CLASSES, BoxPx, DefectClass
from lineside.datasets.synthetic.surface import Mask, Pixel, Surface

PATCH_PX = 160
"""Side of the window in which a defect is drawn and its effect on the nets is counted."""

LEAST_CHANGE_PX = 14
"""Fewer changed pixels than this are no defect that an annotator marks."""

SPACING_PX = 6
"""Changed pixels of two defects keep at least this distance."""

_TRIES_PER_CLASS = 48
_USUAL_CUT_PX = 28  # most opens are of traces; through wide copper they are rare
_USUAL_GAP_PX = 26  # most shorts are between neighbours


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Defects of one tile.

    Attributes:
        removed: 1 where copper was taken away.
        added: 1 where copper was put.
        changes: class of each defect with its bounds (xyxy, half-open): of the changed pixels; for an open or a short
            of the strokes that made it, which reach a little past the edges as those of DeepPCB's annotators do.
    """

    removed: Mask
    added: Mask
    changes: tuple[tuple[DefectClass, BoxPx], ...]


def draw_defects(
    surface: Surface, count: int, rng: np.random.Generator, *, classes: Sequence[DefectClass] = DEFECT_CLASSES
) -> Drawn:
    """Draw `count` defects of random ones of these classes at random places.

    Raises:
        NoRoomForDefect: no place was left for one of them.
    """
    sheet = _Sheet(surface, rng)
    for _ in range(count):
        order = [classes[index] for index in rng.permutation(len(classes))]
        if not any(sheet.draw(defect_class) for defect_class in order):
            raise NoRoomForDefect(
                f"found no place for defect {len(sheet.changes) + 1} of {count} on a tile of "
                f"{surface.copper.shape[1]}x{surface.copper.shape[0]} px; ask for fewer or a larger board"
            )
    return Drawn(sheet.removed, sheet.added, tuple(sheet.changes))


class _Sheet:
    """A tile being damaged."""

    def __init__(self, surface: Surface, rng: np.random.Generator) -> None:
        self.surface = surface
        self.rng = rng
        self.now = surface.copper.copy()
        self.removed = np.zeros_like(self.now)
        self.added = np.zeros_like(self.now)
        self.changes: list[tuple[DefectClass, BoxPx]] = []

    def draw(self, defect_class: DefectClass) -> bool:
        """Try a few places for one class; True where one was good."""
        places = _PLACES[defect_class](self.surface)
        if not len(places):
            return False
        return any(
            self._draw_at(defect_class, (int(x), int(y)))
            for x, y in places[self.rng.integers(len(places), size=_TRIES_PER_CLASS)]
        )

    def _draw_at(self, defect_class: DefectClass, at: Pixel) -> bool:
        height, width = self.now.shape
        left = int(np.clip(at[0] - PATCH_PX // 2, 0, max(width - PATCH_PX, 0)))
        top = int(np.clip(at[1] - PATCH_PX // 2, 0, max(height - PATCH_PX, 0)))
        window = np.s_[top : top + PATCH_PX, left : left + PATCH_PX]
        before = self.now[window]
        pen = _Pen(np.zeros_like(before), (left, top), self.rng)
        if not _DRAWERS[defect_class](self.surface, at, pen):
            return False
        adds = defect_class in (DefectClass.SHORT, DefectClass.SPUR, DefectClass.COPPER)
        changed = pen.ink & ((1 - before) if adds else before)
        after = before | changed if adds else before & (1 - changed)
        bounds = _bounds(changed)
        if bounds is None or int(changed.sum()) < LEAST_CHANGE_PX:
            return False
        if not _has_effect(defect_class, before, after, bounds):
            return False
        if defect_class in (DefectClass.OPEN, DefectClass.SHORT):
            bounds = _bounds(pen.ink) or bounds
        box = (bounds[0] + left, bounds[1] + top, bounds[2] + left, bounds[3] + top)
        if any(_gap_px(box, other) < SPACING_PX for _, other in self.changes):
            return False
        self.now[window] = after
        layer = self.added if adds else self.removed
        layer[window] |= changed
        self.changes.append((defect_class, box))
        return True


class _Pen:
    """Freehand drawing on a patch; positions are the tile's."""

    def __init__(self, ink: Mask, origin: Pixel, rng: np.random.Generator) -> None:
        self.ink = ink
        self.rng = rng
        self._origin = origin

    def stroke(self, start: tuple[float, float], end: tuple[float, float], thickness_px: int, wobble_px: float) -> None:
        """A line that strays sideways by about `wobble_px`."""
        steps = max(2, int(np.hypot(end[0] - start[0], end[1] - start[1]) / 7) + 1)
        share = np.linspace(0, 1, steps + 1)[:, None]
        points = np.array(start) * (1 - share) + np.array(end) * share - self._origin
        points[1:-1] += self.rng.normal(0, wobble_px, (steps - 1, 2))
        fixed = np.round(points * 8).astype(np.int32)
        cv2.polylines(self.ink, [fixed], isClosed=False, color=(1,), thickness=thickness_px, shift=3)

    def ellipse(self, center: tuple[float, float], radii_px: tuple[float, float], angle_deg: float) -> None:
        """A filled ellipse."""
        middle = (round((center[0] - self._origin[0]) * 8), round((center[1] - self._origin[1]) * 8))
        axes = (max(8, round(radii_px[0] * 8)), max(8, round(radii_px[1] * 8)))
        cv2.ellipse(self.ink, middle, axes, angle_deg, 0, 360, (1,), -1, 8, 3)

    def blob(self, center: tuple[float, float], radius_px: float) -> None:
        """A lump of one to four short thick strokes or an ellipse, within a radius."""
        rng = self.rng
        if rng.random() < 0.3:
            radii = (radius_px, radius_px * rng.uniform(0.55, 1.0))
            self.ellipse(center, radii, float(rng.uniform(0, 180)))
            return
        thickness = int(np.clip(rng.integers(4, 10), 3, max(3, radius_px)))
        reach = max(radius_px - thickness / 2, 1.0)
        at = self._around(center, reach)
        for _ in range(int(rng.integers(1, 5))):
            to = self._around(center, reach)
            self.stroke(at, to, thickness, 0.4)
            at = to

    def arc(self, center: tuple[float, float], length_px: float, thickness_px: int) -> None:
        """One sweep of the hand: a straight to half-round stroke in any direction."""
        rng = self.rng
        angle, bend = rng.uniform(0, 2 * np.pi), rng.uniform(-0.6, 0.6) * length_px
        along = np.linspace(-0.5, 0.5, 7)
        x, y = along * length_px, bend * (0.25 - along**2)
        turned = np.stack([x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)], axis=1)
        fixed = np.round((turned + center - np.array(self._origin)) * 8).astype(np.int32)
        cv2.polylines(self.ink, [fixed], isClosed=False, color=(1,), thickness=thickness_px, shift=3)

    def leave_specks(self, share: float) -> None:
        """Take back some of the ink in small clumps, as scraping leaves copper behind."""
        noise = cv2.blur(self.rng.random(self.ink.shape, np.float32), (2, 2) if self.rng.random() < 0.6 else (3, 2))
        self.ink &= (noise > 0.5 - 0.144 * 2.2 * (0.5 - share)).astype(np.uint8)

    def _around(self, center: tuple[float, float], radius_px: float) -> tuple[float, float]:
        angle, distance = self.rng.uniform(0, 2 * np.pi), radius_px * np.sqrt(self.rng.random())
        return center[0] + float(np.cos(angle) * distance), center[1] + float(np.sin(angle) * distance)


def _draw_open(surface: Surface, at: Pixel, pen: _Pen) -> bool:
    crossing = surface.crossing(at)
    if crossing is None or crossing.length_px > 66 or surface.is_in_hole(crossing.start, crossing.end):
        return False
    rng = pen.rng
    if crossing.length_px > _USUAL_CUT_PX and rng.random() < 0.6:
        return False
    start, end = np.array(crossing.start, float), np.array(crossing.end, float)
    along = (end - start) / max(crossing.length_px, 1.0)
    side = np.array([-along[1], along[0]])
    lean = side * rng.normal(0, 0.3) * crossing.length_px
    start, end = start - along * rng.uniform(0, 4) - lean / 2, end + along * rng.uniform(0, 4) + lean / 2
    strokes = int(rng.choice([1, 1, 2, 3, 4]))
    thickness = int(rng.integers(4, 12)) if strokes == 1 else int(rng.integers(3, 6))
    spread = rng.uniform(0.8, 1.8)
    for index in range(strokes):
        shift = side * (index - (strokes - 1) / 2) * spread * thickness
        tilt = side * rng.normal(0, 1.0)
        pen.stroke(tuple(start + shift - tilt), tuple(end + shift + tilt), thickness, 0.8)
    if rng.random() < 0.5:
        pen.leave_specks(float(rng.uniform(0.0, 0.25)))
    return True


def _draw_short(surface: Surface, at: Pixel, pen: _Pen) -> bool:
    crossing = surface.crossing(at)
    if crossing is None or crossing.length_px < 4:
        return False
    rng = pen.rng
    if crossing.length_px > _USUAL_GAP_PX and rng.random() < 0.75:
        return False
    start, end = np.array(crossing.start, float), np.array(crossing.end, float)
    along = (end - start) / crossing.length_px
    lean = rng.normal(0, 0.15) * crossing.length_px * np.array([-along[1], along[0]])
    # Some reach across the traces on both sides and join more than two.
    beyond = rng.uniform(1, 4, 2) if rng.random() < 0.8 else rng.uniform(6, 34, 2)
    start, end = start - along * beyond[0] - lean, end + along * beyond[1] + lean
    kind = rng.random()
    if kind < 0.4:
        pen.stroke(tuple(start), tuple(end), int(rng.integers(4, 12)), 0.0)
    elif kind < 0.75:
        pen.stroke(tuple(start), tuple(end), int(rng.integers(3, 8)), float(rng.uniform(0.5, 2.0)))
    else:
        pen.stroke(tuple(start), tuple(end), int(np.clip(rng.uniform(0.6, 1.6) * crossing.length_px, 6, 26)), 1.0)
    if rng.random() < 0.15:
        pen.leave_specks(0.05)
    return True


def _draw_mousebite(surface: Surface, at: Pixel, pen: _Pen) -> bool:
    inward = np.array(surface.inward(at))
    if not inward.any():
        return False
    rng = pen.rng
    width = surface.depth_px(at, (float(inward[0]), float(inward[1])))
    if width < 5:
        return False
    depth = float(np.clip(rng.uniform(0.25, 0.85) * width, 3.5, rng.uniform(6, 28)))
    side = np.array([-inward[1], inward[0]])
    if rng.random() < 0.4:
        angle = float(np.degrees(np.arctan2(side[1], side[0])))
        pen.ellipse(at, (float(rng.uniform(3.5, 12)), depth), angle)
    else:
        thickness = int(np.clip(rng.integers(3, 8), 3, max(3, depth)))
        slant = rng.uniform(-1.3, 1.3) * depth
        for _ in range(int(rng.choice([1, 1, 2, 3]))):
            reach = inward * max(depth * rng.uniform(0.7, 1) - thickness / 2, 1.5)
            tip = np.array(at) + reach + side * (slant + rng.normal(0, 0.2) * depth)
            root = np.array(at) - inward * rng.uniform(0, 2) + side * rng.uniform(-3, 3)
            pen.stroke(tuple(root), tuple(tip), thickness, 0.7)
    if rng.random() < 0.4:
        pen.leave_specks(float(rng.uniform(0.0, 0.25)))
    return True


def _draw_spur(surface: Surface, at: Pixel, pen: _Pen) -> bool:
    outward = -np.array(surface.inward(at))
    if not outward.any():
        return False
    rng = pen.rng
    beyond = (round(at[0] + 2 * outward[0]), round(at[1] + 2 * outward[1]))
    room = surface.depth_px(beyond, (float(outward[0]), float(outward[1])))
    if room < 7:
        return False
    length = float(min(rng.uniform(6, 19), 0.75 * room))
    side = np.array([-outward[1], outward[0]])
    thickness = int(rng.integers(3, 8))
    tip = np.array(at) + outward * length + side * rng.uniform(-0.8, 0.8) * length
    pen.stroke(at, tuple(tip), thickness, 0.6)
    kind = rng.random()
    if kind < 0.3:
        hook = tip + side * rng.uniform(-8, 8)
        pen.stroke(tuple(tip), tuple(hook), thickness, 0.5)
    elif kind < 0.5:
        pen.ellipse(
            tuple(np.array(at) + outward * length * 0.4),
            (length * 0.6, length * 0.5),
            float(rng.uniform(0, 180)),
        )
    return True


def _draw_copper(surface: Surface, at: Pixel, pen: _Pen) -> bool:
    rng = pen.rng
    if rng.random() < 0.4:
        pen.arc(at, float(rng.uniform(10, 38)), int(rng.integers(3, 9)))
    else:
        room = float(surface.outside_px[at[1], at[0]]) - 3.0
        pen.blob(at, min(float(rng.uniform(6, 17)), room))
    return True


def _draw_pin_hole(surface: Surface, at: Pixel, pen: _Pen) -> bool:
    rng = pen.rng
    room = float(surface.inside_px[at[1], at[0]]) - 2.5
    radius = min(float(rng.uniform(4.5, 13)), room)
    kind = rng.random()
    if kind < 0.12:
        pen.ellipse(at, (radius, radius), 0)
    elif kind < 0.5:
        pen.arc(at, float(rng.uniform(7, 32)), int(np.clip(rng.integers(3, 8), 3, max(3, room))))
    else:
        pen.blob(at, radius)
    if rng.random() < 0.3:
        pen.leave_specks(float(rng.uniform(0.0, 0.3)))
    return True


def _has_effect(defect_class: DefectClass, before: Mask, after: Mask, bounds: BoxPx) -> bool:
    """Whether the change does to the copper of the patch what its class means.

    Pieces smaller than a speck are not counted. The count is taken around the change: nets that meet
    elsewhere still part here.
    """
    around = np.s_[max(bounds[1] - 12, 0) : bounds[3] + 12, max(bounds[0] - 12, 0) : bounds[2] + 12]
    nets = _pieces(after[around]) - _pieces(before[around])
    match defect_class:
        case DefectClass.OPEN:
            return nets >= 1
        case DefectClass.SHORT:
            return nets <= -1
        case DefectClass.COPPER:
            return nets == 1
        case DefectClass.MOUSEBITE | DefectClass.SPUR:
            return nets == 0 and _pieces(1 - after[around]) == _pieces(1 - before[around])
        case DefectClass.PIN_HOLE:
            return nets == 0 and _pieces(1 - after[around]) > _pieces(1 - before[around])


def _pieces(mask: Mask) -> int:
    """Connected pieces of at least a speck's area."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    return int((stats[1:, cv2.CC_STAT_AREA] >= 10).sum())


def _bounds(mask: Mask) -> BoxPx | None:
    left, top, width, height = cv2.boundingRect(mask)
    return None if width == 0 else (left, top, left + width, top + height)


def _gap_px(box: BoxPx, other: BoxPx) -> int:
    """Distance of two boxes along the axis on which they are farther apart; negative where they overlap."""
    across = max(box[0] - other[2], other[0] - box[2])
    down = max(box[1] - other[3], other[1] - box[3])
    return max(across, down)


_PLACES: dict[DefectClass, Callable[[Surface], NDArray[np.int64]]] = {
    DefectClass.OPEN: lambda surface: surface.trace_middles,
    DefectClass.SHORT: lambda surface: surface.gap_middles,
    DefectClass.MOUSEBITE: lambda surface: surface.copper_edges,
    DefectClass.SPUR: lambda surface: surface.copper_edges,
    DefectClass.COPPER: lambda surface: surface.bare_interior,
    DefectClass.PIN_HOLE: lambda surface: surface.copper_interior,
}

_DRAWERS: dict[DefectClass, Callable[[Surface, Pixel, _Pen], bool]] = {
    DefectClass.OPEN: _draw_open,
    DefectClass.SHORT: _draw_short,
    DefectClass.MOUSEBITE: _draw_mousebite,
    DefectClass.SPUR: _draw_spur,
    DefectClass.COPPER: _draw_copper,
    DefectClass.PIN_HOLE: _draw_pin_hole,
}
