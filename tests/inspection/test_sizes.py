import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.inspection.sizes import SizeDefinition, box_size_mm

CASES = {
    "width of a flat box": ((10, 10, 50, 14), SizeDefinition.WIDTH, 0.4),
    "width of a tall box": ((10, 10, 14, 50), SizeDefinition.WIDTH, 0.4),
    "length": ((10, 10, 50, 14), SizeDefinition.LENGTH, 4.0),
    "area": ((10, 10, 50, 14), SizeDefinition.AREA, 1.6),
    "an empty box": ((10, 10, 10, 14), SizeDefinition.AREA, 0.0),
}


@pytest.mark.parametrize(("box", "definition", "expected"), CASES.values(), ids=CASES)
def test_sizes_at_a_tenth_of_a_millimetre_per_pixel(
    box: tuple[float, float, float, float], definition: SizeDefinition, expected: float
) -> None:
    assert math.isclose(box_size_mm(box, 0.1, definition=definition), expected, abs_tol=1e-12)


@pytest.mark.parametrize("mm_per_px", [0.0, -0.1, math.nan, math.inf])
def test_a_scale_that_is_no_scale_is_refused(mm_per_px: float) -> None:
    with pytest.raises(ValueError, match="mm_per_px"):
        box_size_mm((0, 0, 1, 1), mm_per_px, definition=SizeDefinition.WIDTH)


@pytest.mark.parametrize("box", [(5, 0, 4, 1), (0, 5, 1, 4), (0, 0, math.nan, 1), (0, 0, math.inf, 1)])
def test_a_box_that_is_no_box_is_refused(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="inside out"):
        box_size_mm(box, 0.1, definition=SizeDefinition.AREA)


SIDES = st.floats(0, 1e4)
SCALES = st.floats(1e-4, 10)


@given(SIDES, SIDES, SCALES)
def test_width_times_length_is_area_and_turning_changes_nothing(across: float, down: float, scale: float) -> None:
    size = {each: box_size_mm((0, 0, across, down), scale, definition=each) for each in SizeDefinition}
    turned = {each: box_size_mm((0, 0, down, across), scale, definition=each) for each in SizeDefinition}
    assert size[SizeDefinition.WIDTH] <= size[SizeDefinition.LENGTH]
    area = size[SizeDefinition.WIDTH] * size[SizeDefinition.LENGTH]
    assert math.isclose(area, size[SizeDefinition.AREA], rel_tol=1e-9, abs_tol=1e-300)
    assert size == turned


@given(SIDES, SIDES, SCALES)
def test_twice_the_scale_doubles_lengths_and_quadruples_areas(across: float, down: float, scale: float) -> None:
    for definition, factor in ((SizeDefinition.LENGTH, 2), (SizeDefinition.AREA, 4)):
        once = box_size_mm((0, 0, across, down), scale, definition=definition)
        twice = box_size_mm((0, 0, across, down), 2 * scale, definition=definition)
        assert math.isclose(twice, factor * once, rel_tol=1e-9, abs_tol=1e-300)
