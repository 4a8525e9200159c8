"""Out of the detections of a web's windows, defects: each once and in its true length, however the web was cut.

Only what may still grow is held: windows that the next ones overlap, and the defects that reach into them. A defect as
long as the roll stays one, in the memory of its last pieces.
"""

from dataclasses import dataclass, field

import numpy as np

from lineside.inspection.detections import Detections
from lineside.inspection.strips.places import AlongPlaces
from lineside.inspection.strips.seams import PLACEMENT_PX, SeenWindow, same_defects
from lineside.inspection.strips.web_defects import WebDefect
from lineside.inspection.tiling import CONTAINED, CUT_MARGIN_PX, Tile

MOST_PIECES_KEPT = 64
"""A defect of more pieces is seen whole by no window; they are folded into one."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """What one window, or several, showed of a defect, in pixels and lines of the web and in mm along it."""

    left_px: float
    top_line: float
    right_px: float
    bottom_line: float
    from_mm: float
    to_mm: float
    confidence: float
    is_cut: bool

    @property
    def rank(self) -> tuple[float, float, float]:
        """The surest first; between equals the same one whatever order they came in."""
        return -self.confidence, self.top_line, self.left_px

    def adds_to(self, other: "_Piece") -> bool:
        """Whether it shows that the other one is larger; a sliver placed a little off does not."""
        stands_out = max(
            other.left_px - self.left_px,
            other.top_line - self.top_line,
            self.right_px - other.right_px,
            self.bottom_line - other.bottom_line,
        )
        return stands_out > PLACEMENT_PX or self._share_within(other) < CONTAINED

    def _share_within(self, other: "_Piece") -> float:
        """How much of its area lies within another one."""
        wide = min(self.right_px, other.right_px) - max(self.left_px, other.left_px)
        high = min(self.bottom_line, other.bottom_line) - max(self.top_line, other.top_line)
        area = (self.right_px - self.left_px) * (self.bottom_line - self.top_line)
        return max(wide, 0.0) * max(high, 0.0) / area if area > 0 else 1.0


@dataclass(slots=True, eq=False)
class _Growing:
    """A defect that may still grow; `into` is the one that it turned out to be a piece of."""

    class_id: int
    kept: list[_Piece]
    pieces: int = 1
    into: "_Growing | None" = None

    def root(self) -> "_Growing":
        root = self
        while root.into is not None:
            root = root.into
        if root is not self:
            self.into = root
        return root

    def reaches(self) -> float:
        """The last line that a piece of it may still be found at."""
        return max(piece.bottom_line for piece in self.kept) + CUT_MARGIN_PX

    def merged(self) -> _Piece:
        """One piece out of all: the surest whole one with those others that add to it, or all cut ones."""
        whole = [piece for piece in self.kept if not piece.is_cut]
        used = self.kept
        if whole:
            best = min(whole, key=lambda piece: piece.rank)
            used = [best, *(piece for piece in self.kept if piece.adds_to(best))]
        return _united(used, confidence=max(piece.confidence for piece in self.kept))


def _united(pieces: list[_Piece], *, confidence: float) -> _Piece:
    return _Piece(
        left_px=min(piece.left_px for piece in pieces),
        top_line=min(piece.top_line for piece in pieces),
        right_px=max(piece.right_px for piece in pieces),
        bottom_line=max(piece.bottom_line for piece in pieces),
        from_mm=min(piece.from_mm for piece in pieces),
        to_mm=max(piece.to_mm for piece in pieces),
        confidence=confidence,
        is_cut=True,
    )


@dataclass(slots=True, eq=False)
class _Carried:
    """A window that others may still overlap, with the defect that each of its detections belongs to."""

    seen: SeenWindow
    owners: list[_Growing] = field(default_factory=list)


class SeamCarry:
    """Carries what is cut at a seam on to the next window.

    With a detector that finds in each window what lies in it, the defects do not depend on where the web was cut.
    Windows may be added in any order, as threads finish them, between two calls of `advance`.

    Args:
        width_px: of the web.
        class_names: `Detections.class_ids` index into them.
        mm_per_px_across: width of a pixel on the web.
        places: where lines lie along it.
    """

    def __init__(
        self, *, width_px: int, class_names: tuple[str, ...], mm_per_px_across: float, places: AlongPlaces
    ) -> None:
        self._width_px = width_px
        self._class_names = class_names
        self._mm_per_px = mm_per_px_across
        self._places = places
        self._settled_line = 0
        self._windows: list[_Carried] = []
        self._growing: list[_Growing] = []

    @property
    def held(self) -> tuple[int, int]:
        """Windows and pieces of defects in memory."""
        return len(self._windows), sum(len(defect.kept) for defect in self._growing)

    def add(self, tile: Tile, found: Detections) -> None:
        """Take in what one window shows.

        Args:
            tile: the window, in lines of the web; each once.
            found: boxes in the **window's own pixels**, within it, without duplicates. (In lines of the web float32
                would lose whole lines after half an hour at 10 kHz.)

        Raises:
            ValueError: the window begins before the line through which everything was settled, or a class is unknown.
            LinesOverwritten: where its lines lie is no longer known.
        """
        if tile.top_px < self._settled_line:
            raise ValueError(
                f"a window from line {tile.top_px} on came after all before line {self._settled_line} was settled; "
                "advance only when no earlier window is outstanding"
            )
        if len(found) and not 0 <= found.class_ids.min() <= found.class_ids.max() < len(self._class_names):
            raise ValueError(
                f"class ids {found.class_ids.min()}..{found.class_ids.max()} do not fit {len(self._class_names)} class "
                "names; does the release's manifest name every class?"
            )
        if not len(found):
            return
        carried = _Carried(SeenWindow.of(tile, found, width_px=self._width_px))
        carried.owners = [
            _Growing(int(class_id), [piece])
            for class_id, piece in zip(found.class_ids, self._pieces(carried.seen), strict=True)
        ]
        self._growing += carried.owners
        for earlier in self._windows:
            for one, other in same_defects(earlier.seen, carried.seen):
                _unite(earlier.owners[one], carried.owners[other])
        self._windows.append(carried)

    def advance(self, settled_line: int) -> tuple[WebDefect, ...]:
        """Finish what no further window can show a piece of.

        Args:
            settled_line: every window that begins before it has been added or is lost (`StripTiler.settled_line`).

        Returns:
            Defects that ended, in order along the roll; each is returned once.
        """
        self._settled_line = max(self._settled_line, settled_line)
        self._windows = [each for each in self._windows if each.seen.tile.bottom_px > self._settled_line]
        roots = [defect for defect in self._growing if defect.into is None]
        self._growing = [defect for defect in roots if defect.reaches() > self._settled_line]
        for defect in self._growing:
            if len(defect.kept) > MOST_PIECES_KEPT:
                defect.kept = [_united(defect.kept, confidence=max(piece.confidence for piece in defect.kept))]
        return self._in_order([defect for defect in roots if defect.reaches() <= self._settled_line], is_open=False)

    def finish(self) -> tuple[WebDefect, ...]:
        """Finish everything: the roll has ended and every window was added."""
        ended = [defect for defect in self._growing if defect.into is None]
        self._windows, self._growing = [], []
        return self._in_order(ended, is_open=False)

    def open_defects(self) -> tuple[WebDefect, ...]:
        """What may still grow, as far as it is known."""
        return self._in_order([defect for defect in self._growing if defect.into is None], is_open=True)

    def _pieces(self, seen: SeenWindow) -> list[_Piece]:
        tile, found = seen.tile, seen.found
        boxes = found.boxes_xyxy_px.astype(np.float64) + np.array([tile.left_px, tile.top_px] * 2)
        from_mm, to_mm = self._places.at_mm(boxes[:, 1]), self._places.at_mm(boxes[:, 3])
        return [
            _Piece(left, top, right, bottom, from_mm=start, to_mm=end, confidence=confidence, is_cut=is_cut)
            for (left, top, right, bottom), start, end, confidence, is_cut in zip(
                boxes.tolist(),
                from_mm.tolist(),
                to_mm.tolist(),
                found.confidences.tolist(),
                seen.is_cut.tolist(),
                strict=True,
            )
        ]

    def _in_order(self, defects: list[_Growing], *, is_open: bool) -> tuple[WebDefect, ...]:
        placed = []
        for defect in defects:
            whole = defect.merged()
            placed.append(
                WebDefect(
                    class_name=self._class_names[defect.class_id],
                    confidence=whole.confidence,
                    left_mm=whole.left_px * self._mm_per_px,
                    right_mm=whole.right_px * self._mm_per_px,
                    from_mm=whole.from_mm,
                    to_mm=whole.to_mm,
                    pieces=defect.pieces,
                    is_open=is_open,
                )
            )
        return tuple(sorted(placed, key=lambda each: (each.from_mm, each.left_mm, each.to_mm, each.class_name)))


def _unite(one: _Growing, other: _Growing) -> None:
    one, other = one.root(), other.root()
    if one is other:
        return
    if len(one.kept) < len(other.kept):
        one, other = other, one
    one.kept += other.kept
    one.pieces += other.pieces
    other.kept = []
    other.into = one
