"""Which windows of a running web a detector looks at, and when all of a line's windows have been looked at."""

from lineside.inspection.tiling import Tile, tile_grid


def strip_tiles(width_px: int, tile_px: int, overlap_px: int) -> tuple[tuple[int, int], ...]:
    """Cover the web's width with lanes of one width.

    Args:
        width_px: of the web.
        tile_px: of a lane; a narrower web is one lane.
        overlap_px: least overlap of neighbours.

    Returns:
        (left, right) of each lane, from left to right; the last ends with the web.

    Raises:
        ValueError: the overlap leaves no step.
    """
    lane_px = min(width_px, tile_px)
    grid = tile_grid((width_px, lane_px), (lane_px, lane_px), overlap_px=0 if lane_px == width_px else overlap_px)
    return tuple((tile.left_px, tile.right_px) for tile in grid)


class StripTiler:
    """Lays rows of overlapping windows over a web as its lines arrive.

    Every line lies in at least one row, each row overlaps the one before it, and each window is given out once. What
    was given out is outstanding until it is `done`, whether it was examined or lost.

    Args:
        width_px: of the web.
        tile_wh_px: the model's input; a narrower web is one lane, of its own width.
        overlap_wh_px: least overlap of neighbours across, overlap of rows along; at least 1 each.
    """

    def __init__(self, *, width_px: int, tile_wh_px: tuple[int, int], overlap_wh_px: tuple[int, int]) -> None:
        tile_lines, overlap_lines = tile_wh_px[1], overlap_wh_px[1]
        if overlap_wh_px[0] < 1 or not 1 <= overlap_lines < tile_lines:
            raise ValueError(
                f"windows {tile_wh_px[0]}x{tile_lines} px that overlap by {overlap_wh_px[0]} px across and "
                f"{overlap_lines} lines along; expected at least 1 each, and fewer lines than a window has"
            )
        self._lanes = strip_tiles(width_px, tile_wh_px[0], overlap_wh_px[0])
        self._tile_lines = tile_lines
        self._overlap_lines = overlap_lines
        self._next_line = 0
        self._covered_to = 0
        self._outstanding: set[Tile] = set()

    @property
    def lanes(self) -> tuple[tuple[int, int], ...]:
        """(left, right) of each lane."""
        return self._lanes

    @property
    def settled_line(self) -> int:
        """No window that begins before this line is outstanding, or will be given out."""
        return min((tile.top_px for tile in self._outstanding), default=self._next_line)

    @property
    def outstanding(self) -> int:
        """Windows given out and not done."""
        return len(self._outstanding)

    def due(self, newest_line: int) -> tuple[Tile, ...]:
        """The windows that can now be looked at.

        Args:
            newest_line: one past the newest line of the web.

        Returns:
            In lines of the web; row by row, from left to right.
        """
        rows = []
        while self._next_line + self._tile_lines <= newest_line:
            rows += self._row(self._next_line + self._tile_lines)
            self._next_line = self._covered_to - self._overlap_lines
        return tuple(rows)

    def finish(self, end_line: int) -> tuple[Tile, ...]:
        """The same at the roll's end; the last row may be shorter than a window: pad it at the bottom."""
        rows = list(self.due(end_line))
        if end_line > self._covered_to:
            rows += self._row(end_line)
            self._next_line = end_line
        return tuple(rows)

    def done(self, tile: Tile) -> None:
        """A window was examined, and what was found in it carried on; or it is lost.

        Raises:
            KeyError: it is not outstanding.
        """
        self._outstanding.remove(tile)

    def _row(self, bottom_px: int) -> list[Tile]:
        row = [Tile(left, self._next_line, right, bottom_px) for left, right in self._lanes]
        self._outstanding.update(row)
        self._covered_to = bottom_px
        return row
