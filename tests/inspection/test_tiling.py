import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lineside.inspection.boxes import area_px2, clip
from lineside.inspection.detections import Detections
from lineside.inspection.tiling import Tile, merge_tiles, tile_grid

IntBox = tuple[int, int, int, int]


def detections(boxes: list[IntBox], classes: list[int], confidences: list[float] | None = None) -> Detections:
    scores = confidences if confidences is not None else [0.5] * len(boxes)
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32), np.array(classes, np.int64)
    )


def seen_in(tile: Tile, truth: Detections) -> Detections:
    """What a perfect model finds in a tile: the part of each defect that lies in it."""
    clipped = clip(truth.boxes_xyxy_px, tile.xyxy_px)
    visible = area_px2(clipped) > 0
    return Detections(clipped[visible], truth.confidences[visible], truth.class_ids[visible])


def as_set(found: Detections) -> list[tuple[int, tuple[float, ...]]]:
    boxes = found.boxes_xyxy_px.tolist()
    return sorted((int(class_id), tuple(box)) for class_id, box in zip(found.class_ids, boxes, strict=True))


@st.composite
def layouts(draw: st.DrawFn) -> tuple[tuple[int, int], tuple[int, int], int]:
    """Frame size, tile size, overlap."""
    tile = draw(st.tuples(st.integers(20, 60), st.integers(20, 60)))
    overlap = draw(st.integers(1, min(tile) - 1))
    frame = (draw(st.integers(tile[0], 240)), draw(st.integers(tile[1], 240)))
    return frame, tile, overlap


@st.composite
def scenes(draw: st.DrawFn) -> tuple[tuple[int, int], tuple[Tile, ...], Detections]:
    """A tiled frame with defects of any size; those of one class do not overlap."""
    frame, tile, overlap = draw(layouts())
    tiles = tile_grid(frame, tile, overlap_px=overlap)
    assume(len(tiles) <= 80)
    truth: list[tuple[int, IntBox]] = []
    for _ in range(draw(st.integers(0, 8))):
        left = draw(st.integers(0, frame[0] - 1))
        top = draw(st.integers(0, frame[1] - 1))
        right = draw(st.integers(left + 1, frame[0]))
        bottom = draw(st.integers(top + 1, frame[1]))
        class_id = draw(st.integers(0, 2))
        is_free = all(
            class_id != other_class or left >= box[2] or right <= box[0] or top >= box[3] or bottom <= box[1]
            for other_class, box in truth
        )
        if is_free:
            truth.append((class_id, (left, top, right, bottom)))
    return frame, tiles, detections([box for _, box in truth], [class_id for class_id, _ in truth])


@given(layouts())
def test_tiles_cover_the_frame_overlap_enough_and_stay_inside(
    layout: tuple[tuple[int, int], tuple[int, int], int],
) -> None:
    frame, tile, overlap = layout
    tiles = tile_grid(frame, tile, overlap_px=overlap)
    for axis, side in enumerate(frame):
        starts = sorted({each.xyxy_px[axis] for each in tiles})
        assert starts[0] == 0
        assert starts[-1] + tile[axis] == side
        assert all(second - first <= tile[axis] - overlap for first, second in itertools.pairwise(starts))
    assert len(set(tiles)) == len(tiles)


@given(scenes())
@settings(max_examples=300, deadline=None)
def test_each_defect_comes_out_once_and_whole_however_the_tiles_cut_it(
    scene: tuple[tuple[int, int], tuple[Tile, ...], Detections],
) -> None:
    frame, tiles, truth = scene
    merged = merge_tiles(tiles, [seen_in(tile, truth) for tile in tiles], frame_wh_px=frame)
    assert as_set(merged) == as_set(truth)


TILES = tile_grid((180, 100), (100, 100), overlap_px=20)


def test_the_grid_of_the_cases_below() -> None:
    assert [tile.xyxy_px for tile in TILES] == [(0, 0, 100, 100), (80, 0, 180, 100)]


@pytest.mark.parametrize(
    ("left_tile", "right_tile", "expected"),
    [
        pytest.param([(82, 40, 98, 50)], [(83, 41, 97, 50)], [(82, 40, 98, 50)], id="seen whole by both: the surer"),
        pytest.param([(60, 40, 100, 50)], [(80, 40, 130, 50)], [(60, 40, 130, 50)], id="cut in two: united"),
        pytest.param([(60, 40, 100, 50)], [(80, 41, 129, 51)], [(60, 40, 129, 51)], id="cut, placed 1 px apart"),
        pytest.param([(85, 40, 99, 50)], [(86, 40, 102, 50)], [(86, 40, 102, 50)], id="a cut piece inside a whole one"),
        pytest.param([(95, 42, 100, 46)], [(85, 40, 110, 50)], [(85, 40, 110, 50)], id="a sliver badly placed"),
        pytest.param(
            [(60, 40, 95, 50)], [(97, 40, 130, 50)], [(60, 40, 95, 50), (97, 40, 130, 50)], id="two neighbours"
        ),
        pytest.param(
            [(60, 10, 100, 20)], [(80, 30, 130, 40)], [(60, 10, 100, 20), (80, 30, 130, 40)], id="one above the other"
        ),
        pytest.param([], [(80, 40, 130, 50)], [(80, 40, 130, 50)], id="seen by one tile only"),
    ],
)
def test_pieces_at_a_seam(left_tile: list[IntBox], right_tile: list[IntBox], expected: list[IntBox]) -> None:
    views = [
        detections(left_tile, [0] * len(left_tile), [0.6] * len(left_tile)),
        detections(right_tile, [0] * len(right_tile), [0.5] * len(right_tile)),
    ]
    merged = merge_tiles(TILES, views, frame_wh_px=(180, 100))
    assert [box for _, box in as_set(merged)] == sorted(expected)


def test_pieces_of_different_classes_stay_two() -> None:
    views = [detections([(60, 40, 100, 50)], [0]), detections([(80, 40, 130, 50)], [1])]
    assert len(merge_tiles(TILES, views, frame_wh_px=(180, 100))) == 2


def test_a_merged_defect_is_as_sure_as_its_surest_piece_and_the_surest_comes_first() -> None:
    views = [
        detections([(60, 40, 100, 50), (5, 5, 9, 9)], [0, 0], [0.4, 0.8]),
        detections([(80, 40, 130, 50)], [0], [0.9]),
    ]
    merged = merge_tiles(TILES, views, frame_wh_px=(180, 100))
    np.testing.assert_allclose(merged.confidences, [0.9, 0.8])


def test_no_tile_with_a_defect_gives_no_defect() -> None:
    assert len(merge_tiles(TILES, [Detections.empty()] * 2, frame_wh_px=(180, 100))) == 0


@pytest.mark.parametrize(
    ("frame", "overlap"),
    [
        pytest.param((90, 100), 20, id="frame smaller than a tile"),
        pytest.param((180, 100), 100, id="overlap as large as a tile"),
        pytest.param((180, 100), -1, id="gaps"),
    ],
)
def test_a_grid_that_cannot_cover_is_refused(frame: tuple[int, int], overlap: int) -> None:
    with pytest.raises(ValueError, match="cannot cover"):
        tile_grid(frame, (100, 100), overlap_px=overlap)
