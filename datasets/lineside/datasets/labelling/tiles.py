"""Which windows of a frame become label tasks."""

from lineside.inspection.tiling import Tile, tile_grid

TILE_PX = 1600
"""A frame up to this, each way, is one task: on a full-HD screen Label Studio then shows about half its pixels,
and a person zooms in once, not five times."""

OVERLAP_PX = 200
"""Neighbouring tiles share at least this, so that most defects are whole in one of them."""


def tiles_of(
    frame_size_wh_px: tuple[int, int], *, tile_px: int = TILE_PX, overlap_px: int = OVERLAP_PX
) -> tuple[Tile, ...]:
    """Cover a frame with tiles that a person can look at, row by row; a frame no larger than a tile is one tile.

    Raises:
        ValueError: the frame or a tile has no size, or the overlap leaves no step.
    """
    width, height = frame_size_wh_px
    if min(width, height, tile_px) < 1:
        raise ValueError(f"a frame of {width}x{height} px in tiles of {tile_px} px: every side must be at least 1 px")
    columns, rows = (_starts_px(side, tile_px, overlap_px) for side in (width, height))
    across, down = min(width, tile_px), min(height, tile_px)
    return tuple(Tile(left, top, left + across, top + down) for top in rows for left in columns)


def _starts_px(side_px: int, tile_px: int, overlap_px: int) -> tuple[int, ...]:
    """Where tiles begin along one side; each side for itself, since a strip may be narrower than the overlap."""
    if side_px <= tile_px:
        return (0,)
    along = tile_grid((side_px, tile_px), (tile_px, tile_px), overlap_px=overlap_px)
    return tuple(tile.left_px for tile in along)
