import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lineside.inspection.zones import MAX_CORNERS, PointPx, Polygon

SQUARE = Polygon(((10, 10), (20, 10), (20, 20), (10, 20)))
HORSESHOE = Polygon(((0, 0), (30, 0), (30, 30), (20, 30), (20, 10), (10, 10), (10, 30), (0, 30)))

REFUSED = {
    "two corners": ((0, 0), (1, 1)),
    "too many corners": tuple((float(x), float(x * x)) for x in range(MAX_CORNERS + 1)),
    "NaN": ((0, 0), (1, float("nan")), (1, 0)),
    "infinity": ((0, 0), (1, float("inf")), (1, 0)),
    "a bow tie": ((0, 0), (9, 9), (9, 0), (0, 9)),
    "a corner given twice in a row": ((0, 0), (0, 0), (9, 0), (9, 9)),
    "closed by hand": ((0, 0), (9, 0), (9, 9), (0, 0)),
    "all on one line": ((0, 0), (5, 5), (9, 9)),
    "an edge that folds back": ((0, 0), (9, 0), (4, 0), (4, 9)),
    "a corner on a far edge": ((0, 0), (9, 0), (9, 9), (4, 0), (0, 9)),
}


@pytest.mark.parametrize("corners", REFUSED.values(), ids=REFUSED)
def test_what_is_no_simple_polygon_is_refused(corners: tuple[PointPx, ...]) -> None:
    with pytest.raises(ValueError, match="polygon"):
        Polygon(corners)


def test_straight_corners_are_allowed() -> None:
    Polygon(((0, 0), (5, 0), (9, 0), (9, 9)))


BOXES = {
    "inside": (SQUARE, (12, 12, 18, 18), True, True),
    "equal": (SQUARE, (10, 10, 20, 20), True, True),
    "outside": (SQUARE, (30, 30, 40, 40), False, False),
    "sharing a border only": (SQUARE, (20, 10, 30, 20), False, False),
    "over the edge": (SQUARE, (15, 15, 25, 18), False, True),
    "around it": (SQUARE, (0, 0, 30, 30), False, True),
    "touching a corner only": (SQUARE, (20, 20, 30, 30), False, False),
    "in the horseshoe's gap": (HORSESHOE, (12, 15, 18, 25), False, False),
    "filling the gap": (HORSESHOE, (10, 10, 20, 30), False, False),
    "across both arms": (HORSESHOE, (5, 15, 25, 25), False, True),
    "in one arm": (HORSESHOE, (2, 15, 9, 25), True, True),
}


@pytest.mark.parametrize(("polygon", "box", "is_enclosed", "is_touched"), BOXES.values(), ids=BOXES)
def test_boxes_against_polygons(
    polygon: Polygon, box: tuple[float, float, float, float], *, is_enclosed: bool, is_touched: bool
) -> None:
    assert polygon.encloses(box) is is_enclosed
    assert polygon.touches(box) is is_touched
    turned = Polygon(polygon.corners_px[::-1])
    assert turned.encloses(box) is is_enclosed
    assert turned.touches(box) is is_touched


COVERS = {
    "itself": (SQUARE, SQUARE, True),
    "smaller": (SQUARE, Polygon(((12, 12), (18, 12), (15, 18))), True),
    "sharing borders": (SQUARE, Polygon(((10, 10), (20, 10), (20, 15), (10, 15))), True),
    "larger": (SQUARE, Polygon(((9, 9), (21, 9), (21, 21), (9, 21))), False),
    "apart": (SQUARE, Polygon(((30, 30), (40, 30), (35, 40))), False),
    "a bar across the horseshoe's gap": (HORSESHOE, Polygon(((5, 15), (25, 15), (25, 20), (5, 20))), False),
    "the hull of the horseshoe": (HORSESHOE, Polygon(((0, 0), (30, 0), (30, 30), (0, 30))), False),
    "corners inside, edge out by a notch": (
        Polygon(((0, 0), (10, 0), (10, 10), (5, 2), (0, 10))),
        Polygon(((1, 1), (9, 1), (9, 6), (1, 6))),
        False,
    ),
}


@pytest.mark.parametrize(("polygon", "other", "is_covered"), COVERS.values(), ids=COVERS)
def test_covering(polygon: Polygon, other: Polygon, *, is_covered: bool) -> None:
    assert polygon.covers(other) is is_covered


def test_a_polygon_fits_up_to_the_views_border() -> None:
    assert SQUARE.fits((20, 20))
    assert not SQUARE.fits((19, 20))


SIDE = 64
COORDINATES = st.integers(0, SIDE)


@st.composite
def star_polygons(draw: st.DrawFn) -> Polygon:
    """Corners around a middle at rising angles: simple, mostly not convex."""
    count = draw(st.integers(3, 12))
    radii = draw(st.lists(st.floats(6, 30), min_size=count, max_size=count))
    turn = draw(st.floats(0, 1))
    angles = 2 * np.pi * (np.arange(count) + turn) / count
    corners = tuple((32 + r * float(np.cos(a)), 32 + r * float(np.sin(a))) for r, a in zip(radii, angles, strict=True))
    return Polygon(corners)


@st.composite
def boxes(draw: st.DrawFn) -> tuple[float, float, float, float]:
    left, right = sorted(draw(st.lists(COORDINATES, min_size=2, max_size=2, unique=True)))
    top, bottom = sorted(draw(st.lists(COORDINATES, min_size=2, max_size=2, unique=True)))
    return float(left), float(top), float(right), float(bottom)


def cells_inside(polygon: Polygon, box: tuple[float, float, float, float]) -> NDArray[np.bool_]:
    """Which cells of a fine grid over the box have their middle inside, by OpenCV's own point-in-polygon test."""
    contour = np.array(polygon.corners_px, np.float32)
    left, top, right, bottom = box
    xs, ys = (np.linspace(low, high, 33)[:-1] + (high - low) / 64 for low, high in ((left, right), (top, bottom)))
    return np.array(
        [cv2.pointPolygonTest(contour, (float(x), float(y)), measureDist=False) >= 0 for x in xs for y in ys]
    )


@given(star_polygons(), boxes())
@settings(max_examples=150, deadline=None)
def test_enclosing_and_touching_agree_with_a_grid_of_points(
    polygon: Polygon, box: tuple[float, float, float, float]
) -> None:
    inside = cells_inside(polygon, box)
    if polygon.encloses(box):
        assert inside.all()
        assert polygon.touches(box)
    if not polygon.touches(box):
        assert not inside.any()


@given(star_polygons(), star_polygons(), boxes())
@settings(max_examples=150, deadline=None)
def test_what_a_covered_polygon_encloses_the_covering_one_encloses(
    outer: Polygon, inner: Polygon, box: tuple[float, float, float, float]
) -> None:
    if outer.covers(inner):
        assert all(outer.holds(corner) for corner in inner.corners_px)
        assert outer.encloses(box) or not inner.encloses(box)


@given(star_polygons(), st.floats(0.05, 0.99))
@settings(max_examples=50, deadline=None)
def test_a_star_covers_itself_shrunk_towards_its_middle_and_not_the_reverse(polygon: Polygon, share: float) -> None:
    shrunk = Polygon(tuple((32 + share * (x - 32), 32 + share * (y - 32)) for x, y in polygon.corners_px))
    assert polygon.covers(shrunk)
    assert not shrunk.covers(polygon)
