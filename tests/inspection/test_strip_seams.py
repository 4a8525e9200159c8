"""Defects of a web do not depend on where its strips and lanes were cut."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.inspection.detections import Detections
from lineside.inspection.strips import SeamCarry, StripTiler, WebDefect, strip_tiles
from lineside.inspection.tiling import Tile
from web_scenes import CLASS_NAMES, MM_PER_PX, Box, EvenPlaces, TrueDefect, carried, placed, seen_exactly, true_places

MM_PER_LINE = 0.5


def new_carry(width_px: int) -> SeamCarry:
    return SeamCarry(
        width_px=width_px, class_names=CLASS_NAMES, mm_per_px_across=MM_PER_PX, places=EvenPlaces(MM_PER_LINE)
    )


@st.composite
def cuts(draw: st.DrawFn, width_px: int, lines: int) -> list[list[Tile]]:
    """Rows of windows of random heights and overlaps, in lanes of a random width."""
    lane_px = draw(st.integers(15, 90))
    lanes = strip_tiles(width_px, lane_px, draw(st.integers(1, min(lane_px, width_px) // 2)))
    rows, top = [], 0
    while True:
        bottom = min(lines, top + draw(st.integers(12, 200)))
        rows.append([Tile(left, top, right, bottom) for left, right in lanes])
        if bottom == lines:
            return rows
        top = bottom - draw(st.integers(1, (bottom - top) // 2))


@st.composite
def scenes(draw: st.DrawFn) -> tuple[int, int, list[TrueDefect]]:
    """A web with defects of any size; those of one class do not overlap, but may lie side by side."""
    width_px, lines = draw(st.integers(20, 200)), draw(st.integers(30, 600))
    truth: list[TrueDefect] = []
    for _ in range(draw(st.integers(0, 8))):
        left, top = draw(st.integers(0, width_px - 1)), draw(st.integers(0, lines - 1))
        right, bottom = draw(st.integers(left + 1, width_px)), draw(st.integers(top + 1, lines))
        class_id = draw(st.integers(0, 2))
        if not any(
            class_id == other.class_id and left < box[2] and box[0] < right and top < box[3] and box[1] < bottom
            for other in truth
            for box in [other.box]
        ):
            truth.append(TrueDefect(class_id, (left, top, right, bottom)))
    return width_px, lines, truth


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_the_set_of_defects_and_their_millimetres_do_not_depend_on_the_cuts(data: st.DataObject) -> None:
    width_px, lines, truth = data.draw(scenes())
    for _ in range(2):
        found = carried(new_carry(width_px), data.draw(cuts(width_px, lines)), truth)
        assert placed(found) == true_places(truth, MM_PER_LINE)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_windows_may_end_in_any_order(data: st.DataObject) -> None:
    """As threads finish them: a line settles only once no earlier window is outstanding."""
    width_px, lines, truth = data.draw(scenes())
    tiler = StripTiler(width_px=width_px, tile_wh_px=(60, 50), overlap_wh_px=(10, 10))
    chance = data.draw(st.randoms(use_true_random=False))
    carry = new_carry(width_px)
    finished: list[WebDefect] = []
    under_way: list[Tile] = []
    for newest_line in (*range(0, lines, 40), lines):
        under_way += tiler.due(newest_line) if newest_line < lines else tiler.finish(lines)
        chance.shuffle(under_way)
        for tile in [under_way.pop() for _ in range(chance.randint(0, len(under_way)))]:
            carry.add(tile, seen_exactly(tile, truth))
            tiler.done(tile)
        finished += carry.advance(tiler.settled_line)
    for tile in under_way:
        carry.add(tile, seen_exactly(tile, truth))
    assert placed([*finished, *carry.finish()]) == true_places(truth, MM_PER_LINE)


@given(
    st.data(),
    st.tuples(st.integers(0, 200), st.integers(0, 200), st.integers(0, 50), st.integers(400, 900), st.integers(3, 8)),
)
@settings(max_examples=100, deadline=None)
def test_a_slanting_scratch_over_strips_and_lanes_is_one_defect(
    data: st.DataObject, scratch: tuple[int, int, int, int, int]
) -> None:
    """Each window draws an upright box around what it sees of it, so that boxes of neighbours hardly overlap."""
    from_x, to_x, from_line, to_line, thick_px = scratch
    height = data.draw(st.integers(60, 160))
    overlap = data.draw(st.integers(height // 6, height // 2))
    tiler = StripTiler(width_px=256, tile_wh_px=(96, height), overlap_wh_px=(24, overlap))
    carry = new_carry(256)
    finished: list[WebDefect] = []
    lines = np.arange(from_line, to_line)
    lefts = np.round(from_x + (to_x - from_x) * (lines - from_line) / (to_line - from_line))
    for tile in tiler.finish(1000):
        inside = (
            (lines >= tile.top_px)
            & (lines < tile.bottom_px)
            & (lefts + thick_px > tile.left_px)
            & (lefts < tile.right_px)
        )
        finished += carry.advance(tile.top_px)
        if inside.any():
            box = (
                max(lefts[inside].min() - tile.left_px, 0),
                lines[inside].min() - tile.top_px,
                min(lefts[inside].max() + thick_px, tile.right_px) - tile.left_px,
                lines[inside].max() + 1 - tile.top_px,
            )
            carry.add(tile, Detections(np.array([box], np.float32), np.array([0.9], np.float32), np.array([1])))
    finished += carry.finish()
    (found,) = finished
    assert (found.from_mm, found.to_mm) == (from_line * MM_PER_LINE, to_line * MM_PER_LINE)
    assert (found.left_mm, found.right_mm) == (
        min(from_x, lefts[-1]) * MM_PER_PX,
        (max(from_x, lefts[-1]) + thick_px) * MM_PER_PX,
    )


def rows_of(width_px: int, lines: int) -> list[list[Tile]]:
    tiler = StripTiler(width_px=width_px, tile_wh_px=(64, 64), overlap_wh_px=(12, 12))
    tiles = tiler.finish(lines)
    return [list(tiles[at : at + len(tiler.lanes)]) for at in range(0, len(tiles), len(tiler.lanes))]


@pytest.mark.parametrize(
    "boxes",
    [
        pytest.param([(10, 40, 14, 300)], id="longer than three strips"),
        pytest.param([(10, 40, 14, 300), (15, 40, 19, 300)], id="two long ones a pixel apart"),
        pytest.param([(10, 20, 14, 120), (10, 121, 14, 300)], id="two long ones, one behind the other"),
        pytest.param([(2, 30, 98, 90)], id="across all lanes and two strips"),
        pytest.param([(2, 30, 98, 35), (2, 36, 98, 41)], id="two across all lanes"),
        pytest.param([(60, 60, 66, 66)], id="on the corner of four windows"),
        pytest.param([(0, 0, 100, 400)], id="the whole web"),
        pytest.param([(30, 50, 34, 54), (30, 56, 34, 60)], id="two small ones in the overlap"),
    ],
)
def test_each_defect_is_counted_once(boxes: list[Box]) -> None:
    truth = [TrueDefect(1, box) for box in boxes]
    assert placed(carried(new_carry(100), rows_of(100, 400), truth)) == true_places(truth, MM_PER_LINE)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("gap_px", [3, 8])
def test_a_model_that_places_roughly_keeps_near_defects_apart(seed: int, gap_px: int) -> None:
    chance = np.random.default_rng(seed)
    left, top = chance.integers((0, 0), (1000, 500)).tolist()
    right, low = left + 8 + gap_px, top + 1900 + 8 + gap_px
    boxes = [(left, top, left + 8, top + 1800), (right, top + 7, right + 8, top + 1700)]
    boxes += [(left, top + 1900, left + 8, top + 1908), (right, top + 1900, right + 8, top + 1908)]
    boxes += [(left, low, left + 8, low + 8)]
    carry, found = new_carry(1152), list[WebDefect]()
    tiler = StripTiler(width_px=1152, tile_wh_px=(640, 640), overlap_wh_px=(128, 128))
    for tile in tiler.finish(3000):
        found += carry.advance(tile.top_px)
        carry.add(tile, seen_roughly(tile, [TrueDefect(1, box) for box in boxes], chance))
    assert len([*found, *carry.finish()]) == len(boxes)


def test_defects_of_different_classes_on_one_seam_stay_two() -> None:
    truth = [TrueDefect(0, (10, 40, 30, 80)), TrueDefect(1, (10, 40, 30, 80))]
    assert len(carried(new_carry(100), rows_of(100, 400), truth)) == 2


def test_a_defect_as_long_as_the_roll_stays_one_in_bounded_memory() -> None:
    """Past the line at which float32 stops to tell one line from the next."""
    tiler = StripTiler(width_px=100, tile_wh_px=(100, 4096), overlap_wh_px=(1, 512))
    carry = new_carry(100)
    end = 2**24 + 4097
    truth = [TrueDefect(1, (10, 3, 14, end))]
    most = (0, 0)
    for newest_line in range(4096, end + 3584, 3584):
        for tile in tiler.due(newest_line) if newest_line < end else tiler.finish(end):
            carry.add(tile, seen_exactly(tile, truth))
            tiler.done(tile)
            assert not carry.advance(tiler.settled_line)
            most = max(most, carry.held)
    (found,) = carry.finish()
    assert (found.from_mm, found.to_mm) == (1.5, end * MM_PER_LINE)
    assert found.pieces > 4000
    assert most[0] <= 2
    assert most[1] <= 65


def test_a_defect_is_finished_with_the_first_row_that_shows_its_end() -> None:
    carry = new_carry(100)
    truth = [TrueDefect(1, (10, 20, 14, 40)), TrueDefect(1, (10, 45, 14, 63)), TrueDefect(2, (50, 55, 60, 62))]
    first, second, *_ = rows_of(100, 400)
    for tile in first:
        carry.add(tile, seen_exactly(tile, truth))
    assert placed(carry.advance(second[0].top_px)) == true_places(truth[:1], MM_PER_LINE)
    assert [each.is_open for each in carry.open_defects()] == [True, True]
    for tile in second:
        carry.add(tile, seen_exactly(tile, truth))
    assert placed(carry.advance(second[0].bottom_px - 12)) == true_places(truth[1:], MM_PER_LINE)
    assert carry.open_defects() == ()


def test_a_defect_is_as_sure_as_its_surest_piece() -> None:
    carry = new_carry(64)
    for top, confidence in ((0, 0.5), (52, 0.75), (104, 0.25)):
        box = np.array([[10, 0 if top else 20, 14, 64 if top < 104 else 30]], np.float32)
        carry.add(Tile(0, top, 64, top + 64), Detections(box, np.array([confidence], np.float32), np.array([1])))
    (found,) = carry.finish()
    assert found == WebDefect("scratch", 0.75, 2.5, 3.5, 10.0, 67.0, pieces=3)


def test_a_badly_placed_sliver_adds_nothing_to_a_defect_seen_whole() -> None:
    carry = new_carry(64)
    carry.add(
        Tile(0, 0, 64, 64), Detections(np.array([[12, 60, 20, 64]], np.float32), np.array([0.9], "f4"), np.array([1]))
    )
    carry.add(
        Tile(0, 52, 64, 116), Detections(np.array([[11, 8, 21, 40]], np.float32), np.array([0.8], "f4"), np.array([1]))
    )
    (found,) = carry.finish()
    assert (found.left_mm, found.right_mm, found.from_mm, found.to_mm) == (2.75, 5.25, 30.0, 46.0)


def test_a_window_behind_the_settled_line_is_refused() -> None:
    carry = new_carry(64)
    carry.advance(100)
    with pytest.raises(ValueError, match="after all before line 100 was settled"):
        carry.add(Tile(0, 99, 64, 163), Detections.empty())


def test_a_class_without_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="every class"):
        new_carry(64).add(
            Tile(0, 0, 64, 64), Detections(np.ones((1, 4), np.float32), np.array([0.5], "f4"), np.array([3]))
        )


@given(
    st.tuples(st.integers(1, 300), st.integers(8, 80), st.integers(8, 80)),
    st.lists(st.integers(0, 200), max_size=6),
    st.data(),
)
@settings(max_examples=40, deadline=None)
def test_every_pixel_is_looked_at_and_neighbours_overlap_however_lines_arrive(
    sizes: tuple[int, int, int], arrivals: list[int], data: st.DataObject
) -> None:
    width_px, wide, high = sizes
    overlap = (data.draw(st.integers(1, wide // 2)), data.draw(st.integers(1, high * 3 // 4)))
    tiler = StripTiler(width_px=width_px, tile_wh_px=(wide, high), overlap_wh_px=overlap)
    lines = 0
    tiles: list[Tile] = []
    for arrived in arrivals:
        lines += arrived
        tiles += tiler.due(lines)
    tiles += tiler.finish(lines)
    seen = np.zeros((lines, width_px), np.int32)
    for tile in tiles:
        seen[tile.top_px : tile.bottom_px, tile.left_px : tile.right_px] += 1
    assert not len(tiles) or seen.all()
    assert len(tiles) == len(set(tiles)) == tiler.outstanding
    assert all(tile.bottom_px <= lines for tile in tiles)
    tops = sorted({(tile.top_px, tile.bottom_px) for tile in tiles})
    assert all(second[0] == first[1] - overlap[1] for first, second in itertools.pairwise(tops))
    for tile in data.draw(st.permutations(tiles)):
        assert tiler.settled_line <= tile.top_px
        tiler.done(tile)
    assert tiler.settled_line <= lines


@pytest.mark.parametrize("overlap", [(0, 1), (1, 0), (1, 64)])
def test_windows_without_overlap_or_step_are_refused(overlap: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="expected at least 1 each"):
        StripTiler(width_px=100, tile_wh_px=(64, 64), overlap_wh_px=overlap)


def seen_roughly(tile: Tile, truth: list[TrueDefect], chance: np.random.Generator) -> Detections:
    """What a real model makes of it: sides off by 1.5 px (one standard deviation), ends short by up to 16 lines."""
    exact = seen_exactly(tile, truth)
    boxes = exact.boxes_xyxy_px + chance.normal(0.0, 1.5, exact.boxes_xyxy_px.shape)
    short = np.minimum(16.0, (exact.boxes_xyxy_px[:, 3] - exact.boxes_xyxy_px[:, 1]) / 4)
    boxes[:, 1] += chance.uniform(0.0, 1.0, len(boxes)) * short
    boxes[:, 3] -= chance.uniform(0.0, 1.0, len(boxes)) * short
    boxes = boxes.clip(0, [tile.right_px - tile.left_px, tile.bottom_px - tile.top_px] * 2)
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1.0)  # at least a pixel
    confidences = chance.uniform(0.5, 1.0, len(boxes))
    return Detections(boxes.astype(np.float32), confidences.astype(np.float32), exact.class_ids)


@pytest.mark.parametrize("seed", range(12))
def test_a_model_that_places_roughly_miscounts_no_defect_longer_than_three_strips(seed: int) -> None:
    chance = np.random.default_rng(seed)
    truth = []
    for column in range(8):
        left, top, wide, length = chance.integers((0, 0, 3, 1921), (90, 2000, 14, 4000)).tolist()
        truth.append(TrueDefect(1, (130 * column + left, top, 130 * column + left + wide, top + length)))
    tiler = StripTiler(width_px=1152, tile_wh_px=(640, 640), overlap_wh_px=(128, 128))
    carry = new_carry(1152)
    found: list[WebDefect] = []
    for tile in tiler.finish(6000):
        found += carry.advance(tile.top_px)
        carry.add(tile, seen_roughly(tile, truth, chance))
    found += carry.finish()
    lengths_mm = sorted(each.length_mm for each in found)
    true_mm = sorted((each.box[3] - each.box[1]) * MM_PER_LINE for each in truth)
    assert lengths_mm == pytest.approx(true_mm, abs=42 * MM_PER_LINE)  # two ends 16 lines short, 5 px of scatter each
