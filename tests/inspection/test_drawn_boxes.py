"""Boxes that people drew on tiles: a defect on a seam is one, and the same drawing gives the same boxes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.inspection.drawn_boxes import ClassBox, Corners, DrawnTile, are_same_boxes, boxes_of_frame, covers_frame
from lineside.inspection.tiling import Tile, tile_grid

FRAME_WH_PX = (1000, 700)
TILES = tile_grid(FRAME_WH_PX, (400, 300), overlap_px=100)


def corners(largest_px: int = 90) -> st.SearchStrategy[Corners]:
    """A box on whole pixels, small enough to lie in the overlap of two tiles."""
    return st.tuples(
        st.integers(0, FRAME_WH_PX[0] - 8),
        st.integers(0, FRAME_WH_PX[1] - 8),
        st.integers(8, largest_px),
        st.integers(8, largest_px),
    ).map(lambda each: _within(*each))


def _within(left: int, top: int, width: int, height: int) -> Corners:
    return (
        float(left),
        float(top),
        float(min(left + width, FRAME_WH_PX[0])),
        float(min(top + height, FRAME_WH_PX[1])),
    )


def drawn_on(tiles: tuple[Tile, ...], boxes: tuple[ClassBox, ...], *, least_px: float = 4.0) -> list[DrawnTile]:
    """Each tile with what of the boxes a person sees on it; slivers at its edge are seen by nobody."""
    seen = []
    for tile in tiles:
        pieces = []
        for box in boxes:
            left, top, right, bottom = box.box_xyxy_px
            piece = (
                max(left, float(tile.left_px)),
                max(top, float(tile.top_px)),
                min(right, float(tile.right_px)),
                min(bottom, float(tile.bottom_px)),
            )
            if piece[2] - piece[0] >= least_px and piece[3] - piece[1] >= least_px:
                pieces.append(ClassBox(box.class_name, piece))
        seen.append(DrawnTile(tile, tuple(pieces)))
    return seen


@given(corners())
def test_a_defect_that_several_tiles_show_is_one_with_its_whole_box(box: Corners) -> None:
    (found,) = boxes_of_frame(drawn_on(TILES, (ClassBox("open", box),)), frame_wh_px=FRAME_WH_PX)
    assert found.class_name == "open"
    # Where a tile shows less than 4 px of it, its edge may be drawn that much short of the truth.
    assert all(abs(a - b) <= 4.0 for a, b in zip(found.box_xyxy_px, box, strict=True))


@given(st.integers(0, 4), st.integers(0, 400))
def test_a_scratch_across_several_tiles_is_one(row: int, start: int) -> None:
    scratch = (float(start), float(20 + row * 130), float(start + 590), float(20 + row * 130 + 12))
    (found,) = boxes_of_frame(drawn_on(TILES, (ClassBox("open", scratch),)), frame_wh_px=FRAME_WH_PX)
    assert are_same_boxes([found], [ClassBox("open", scratch)], min_iou=0.98)


@given(st.lists(corners(), max_size=6), st.randoms())
def test_the_order_of_tiles_and_boxes_does_not_matter_where_defects_lie_apart(
    boxes: list[Corners], random: object
) -> None:
    apart = _apart(boxes)
    drawn = drawn_on(TILES, tuple(ClassBox("open", box) for box in apart))
    shuffled = [
        DrawnTile(each.tile, tuple(sorted(each.boxes, key=lambda _: random.random())))  # type: ignore[attr-defined]  # hypothesis' own Random
        for each in drawn
    ]
    found = boxes_of_frame(drawn, frame_wh_px=FRAME_WH_PX)
    assert len(found) == len(apart)
    assert boxes_of_frame(shuffled, frame_wh_px=FRAME_WH_PX) == found


def _apart(boxes: list[Corners]) -> list[Corners]:
    kept: list[Corners] = []
    for box in boxes:
        left, top, right, bottom = box
        if all(right + 9 < x1 or x2 + 9 < left or bottom + 9 < y1 or y2 + 9 < top for x1, y1, x2, y2 in kept):
            kept.append(box)
    return kept


@given(st.lists(corners(600), max_size=8))
def test_a_frame_that_was_shown_whole_keeps_every_box_as_it_was_drawn(boxes: list[Corners]) -> None:
    drawn = tuple(ClassBox("open", box) for box in boxes)
    found = boxes_of_frame([DrawnTile(Tile(0, 0, *FRAME_WH_PX), drawn)], frame_wh_px=FRAME_WH_PX)
    assert sorted(found, key=repr) == sorted(drawn, key=repr)


def test_two_classes_at_one_place_stay_two() -> None:
    boxes = tuple(ClassBox(name, (310.0, 210.0, 370.0, 270.0)) for name in ("open", "short"))
    found = boxes_of_frame(drawn_on(TILES, boxes), frame_wh_px=FRAME_WH_PX)
    assert found == boxes


def test_nothing_drawn_is_nothing() -> None:
    assert boxes_of_frame(drawn_on(TILES, ()), frame_wh_px=FRAME_WH_PX) == ()


A, B = (0.0, 0.0, 100.0, 100.0), (200.0, 0.0, 300.0, 100.0)
NEAR_A = (0.0, 0.0, 100.0, 95.0)  # an overlap of 0.95
FAR_A = (0.0, 0.0, 100.0, 85.0)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param([], [], True, id="nothing and nothing"),
        pytest.param([("open", A)], [], False, id="something and nothing"),
        pytest.param([("open", A)], [("open", NEAR_A)], True, id="moved a little"),
        pytest.param([("open", A)], [("open", FAR_A)], False, id="moved too far"),
        pytest.param([("open", A)], [("short", A)], False, id="another class"),
        pytest.param([("open", A), ("open", B)], [("open", B), ("open", NEAR_A)], True, id="another order"),
        pytest.param([("open", A), ("open", A)], [("open", A), ("open", B)], False, id="one twice for two"),
        pytest.param([("open", A), ("open", NEAR_A)], [("open", NEAR_A), ("open", NEAR_A)], True, id="one to one"),
    ],
)
def test_whether_two_drawings_are_the_same(
    one: list[tuple[str, Corners]], other: list[tuple[str, Corners]], *, same: bool
) -> None:
    first, second = [ClassBox(*each) for each in one], [ClassBox(*each) for each in other]
    assert are_same_boxes(first, second, min_iou=0.9) is same
    assert are_same_boxes(second, first, min_iou=0.9) is same


@given(st.integers(400, 2000), st.integers(300, 1500), st.integers(0, 200))
def test_a_grid_of_tiles_covers_its_frame_and_misses_it_without_any_one_that_nothing_overlaps(
    width: int, height: int, overlap_px: int
) -> None:
    tiles = tile_grid((width, height), (400, 300), overlap_px=overlap_px)
    assert covers_frame(tiles, (width, height))
    corner = tiles[0]  # the first tile alone shows the frame's first pixel
    assert not covers_frame([tile for tile in tiles if tile is not corner], (width, height))


def test_no_tile_covers_nothing() -> None:
    assert not covers_frame([], FRAME_WH_PX)
