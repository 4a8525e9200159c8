"""Percent of an image <-> pixels, tiles of a frame <-> the frame."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.datasets.labelling import PercentBox, tiles_of, to_percent, to_pixels
from lineside.datasets.labelling.geometry import clipped, moved, overshoot_px

sizes = st.tuples(st.integers(1, 100_000), st.integers(1, 100_000))
shares = st.floats(0, 1)


@st.composite
def boxes_in(draw: st.DrawFn, size_wh_px: tuple[int, int]) -> tuple[float, float, float, float]:
    width, height = size_wh_px
    xs = sorted((draw(shares) * width, draw(shares) * width))
    ys = sorted((draw(shares) * height, draw(shares) * height))
    return xs[0], ys[0], max(xs[1], xs[0] + 1e-3), max(ys[1], ys[0] + 1e-3)


@given(data=st.data(), size=sizes)
def test_a_box_survives_the_way_there_and_back_within_a_hundredth_of_a_pixel(
    data: st.DataObject, size: tuple[int, int]
) -> None:
    box = data.draw(boxes_in(size))

    back = to_pixels(to_percent(box, size), size)

    assert back == pytest.approx(box, abs=0.01)


@given(data=st.data(), size=sizes, angle=st.floats(-720, 720))
def test_an_upright_box_around_a_turned_one_holds_its_corners_and_touches_each_side(
    data: st.DataObject, size: tuple[int, int], angle: float
) -> None:
    box = data.draw(boxes_in(size))
    upright = to_percent(box, size)
    turned = PercentBox(upright.x, upright.y, upright.width, upright.height, angle)

    left, top, right, bottom = to_pixels(turned, size)

    width, height = box[2] - box[0], box[3] - box[1]
    turn = complex(math.cos(math.radians(angle)), math.sin(math.radians(angle)))
    corners = [complex(box[0], box[1]) + turn * complex(u, v) for u in (0, width) for v in (0, height)]
    near = pytest.approx
    reach = max(size) * 1e-9 + 1e-6
    assert left == near(min(corner.real for corner in corners), abs=reach)
    assert right == near(max(corner.real for corner in corners), abs=reach)
    assert top == near(min(corner.imag for corner in corners), abs=reach)
    assert bottom == near(max(corner.imag for corner in corners), abs=reach)


def test_a_quarter_turn_is_clockwise_about_the_top_left_corner() -> None:
    """A box of 40x20 px at (100, 50), turned by 90 degrees, hangs down to the left of that corner."""
    turned = to_pixels(PercentBox(50, 50, 20, 20, rotation_deg=90), (200, 100))

    assert turned == pytest.approx((80, 50, 100, 90))


@given(data=st.data(), size=st.tuples(st.integers(1, 9000), st.integers(1, 9000)))
def test_a_box_of_any_tile_lies_where_the_frame_has_it(data: st.DataObject, size: tuple[int, int]) -> None:
    tiles = tiles_of(size)
    tile = data.draw(st.sampled_from(tiles))
    tile_size = (tile.right_px - tile.left_px, tile.bottom_px - tile.top_px)
    box = data.draw(boxes_in(tile_size))

    in_frame = moved(to_pixels(to_percent(box, tile_size), tile_size), (tile.left_px, tile.top_px))

    assert moved(in_frame, (-tile.left_px, -tile.top_px)) == pytest.approx(box, abs=0.01)
    assert 0 <= tile.left_px < tile.right_px <= size[0]
    assert 0 <= tile.top_px < tile.bottom_px <= size[1]
    assert max(tile_size) <= 1600


@given(size=st.tuples(st.integers(1, 6000), st.integers(1, 6000)), point=st.tuples(shares, shares))
def test_every_pixel_of_a_frame_is_in_a_tile(size: tuple[int, int], point: tuple[float, float]) -> None:
    x, y = int(point[0] * (size[0] - 1)), int(point[1] * (size[1] - 1))

    assert any(tile.left_px <= x < tile.right_px and tile.top_px <= y < tile.bottom_px for tile in tiles_of(size))


@pytest.mark.parametrize(
    ("size", "count"),
    [((1600, 1600), 1), ((1, 1), 1), ((1601, 1600), 2), ((8192, 1000), 6), ((4096, 3000), 6)],
)
def test_a_frame_up_to_a_tile_is_one_task(size: tuple[int, int], count: int) -> None:
    assert len(tiles_of(size)) == count


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (-1, 5)])
def test_a_frame_without_pixels_has_no_tiles(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="at least 1 px"):
        tiles_of(size)


@pytest.mark.parametrize(
    ("box", "outside", "inside"),
    [
        pytest.param((10, 10, 20, 20), 0, (10, 10, 20, 20), id="within"),
        pytest.param((-3, 10, 20, 20), 3, (0, 10, 20, 20), id="over the left edge"),
        pytest.param((90, 40, 104, 57), 7, (90, 40, 100, 50), id="over the far corner"),
        pytest.param((100, 0, 110, 5), 10, None, id="beside"),
    ],
)
def test_what_reaches_outside_is_measured_and_cut(
    box: tuple[float, float, float, float], outside: float, inside: tuple[float, float, float, float] | None
) -> None:
    assert overshoot_px(box, (100, 50)) == outside
    assert clipped(box, (100, 50)) == inside


@pytest.mark.parametrize("box", [(math.nan, 0, 1, 1), (0, 0, math.inf, 1), (0, 0, 0, 1), (0, 0, 1, -1)], ids=repr)
def test_what_is_no_rectangle_is_refused(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="rectangle"):
        PercentBox(*box)
