"""Synthetic boards: determinism, ground truth, strips, and what each defect class does to copper."""

import hashlib
import re
import tracemalloc

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lineside.datasets.synthetic as synthetic
from lineside.datasets.errors import NoRoomForDefect
from lineside.datasets.synthetic import (
    BOX_MARGIN_PX,
    DEFECT_CLASSES,
    Board,
    BoardDesign,
    DefectClass,
    LayoutFamily,
    Look,
    Sample,
    generate,
    golden,
    strips,
)
from lineside.datasets.synthetic.families import lay_out

FAMILIES = tuple(LayoutFamily)
LOOKS = tuple(Look)


def test_every_exported_name_exists() -> None:
    assert all(hasattr(synthetic, name) for name in synthetic.__all__)


def test_the_classes_are_those_of_deeppcb_in_its_order() -> None:
    assert [str(name) for name in DEFECT_CLASSES] == [
        "open",
        "short",
        "mousebite",
        "spur",
        "copper",
        "pin-hole",
    ]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_seeds_give_the_same_part_and_others_do_not(family: LayoutFamily, look: Look) -> None:
    design = BoardDesign(family, seed=3)
    first, again = (generate(design, look=look, defects=4, seed=9) for _ in range(2))
    other_part = generate(design, look=look, defects=4, seed=10)
    other_board = generate(BoardDesign(family, seed=4), look=look, defects=4, seed=9)
    assert np.array_equal(first.frame, again.frame)
    assert first.defects == again.defects
    assert not np.array_equal(first.frame, other_part.frame)
    assert not np.array_equal(first.reference, other_board.reference)


@pytest.mark.parametrize("look", LOOKS)
def test_parts_of_one_design_share_their_golden_image(look: Look) -> None:
    board = Board(BoardDesign(LayoutFamily.CONNECTOR, seed=5))
    references = [board.sample(look=look, defects=count, seed=count).reference for count in (0, 1, 7)]
    assert all(np.array_equal(reference, board.golden(look=look)) for reference in references)
    assert np.array_equal(golden(board.design, look=look), references[0])


@pytest.mark.parametrize("count", [0, 1, 5, 12])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_part_has_exactly_the_defects_asked_for(family: LayoutFamily, count: int) -> None:
    sample = generate(BoardDesign(family, seed=11), look=Look.BINARISED, defects=count, seed=2)
    assert len(sample.defects) == count
    height, width = sample.frame.shape
    for defect in sample.defects:
        left, top, right, bottom = defect.box_xyxy_px
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height


def test_every_class_occurs_on_every_family() -> None:
    for family in FAMILIES:
        found: set[DefectClass] = set()
        for seed in range(6):
            sample = generate(BoardDesign(family, seed), look=Look.BINARISED, defects=10, seed=seed)
            found |= {defect.defect_class for defect in sample.defects}
        assert found == set(DEFECT_CLASSES), family


def _inner(sample: Sample, box: tuple[int, int, int, int]) -> tuple[slice, slice]:
    """The changed pixels' bounds: a box that the frame does not cut, without the annotators' margin."""
    left, top, right, bottom = BOX_MARGIN_PX
    return slice(box[1] + top, box[3] - bottom), slice(box[0] + left, box[2] - right)


@pytest.mark.parametrize("family", FAMILIES)
def test_boxes_hold_the_change_and_its_direction_fits_the_class(family: LayoutFamily) -> None:
    """Added copper darkens the frame, removed copper brightens it, and little differs elsewhere."""
    darkens = {DefectClass.SHORT, DefectClass.SPUR, DefectClass.COPPER}
    for seed in range(3):
        sample = generate(BoardDesign(family, seed), look=Look.BINARISED, defects=8, seed=seed)
        difference = sample.frame.astype(np.int64) - sample.reference
        for defect in sample.defects:
            box = defect.box_xyxy_px
            if box[0] == 0 or box[1] == 0 or box[2] == 640 or box[3] == 640:
                continue
            change = difference[_inner(sample, box)]
            sign = -1 if defect.defect_class in darkens else 1
            assert (np.sign(change) == sign).sum() >= 10, defect
            assert (np.sign(change) == sign).sum() > (np.sign(change) == -sign).sum(), defect


def test_a_good_part_differs_from_its_golden_image_at_edges_alone() -> None:
    for family in FAMILIES:
        sample = generate(BoardDesign(family, 1), look=Look.BINARISED, defects=0, seed=77)
        copper = (sample.reference < 128).astype(np.uint8)
        kernel = np.ones((13, 13), np.uint8)
        is_plain = (cv2.erode(copper, kernel) == 1) | (cv2.dilate(copper, kernel) == 0)
        is_plain[:8] = is_plain[-8:] = is_plain[:, :8] = is_plain[:, -8:] = False  # copper may end just outside
        assert sample.defects == ()
        assert not ((sample.frame != sample.reference) & is_plain).any()


@pytest.mark.parametrize("look", LOOKS)
@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    width=st.integers(100, 1400),
    height=st.integers(700, 1500),
    rows_px=st.integers(1, 1600),
    seed=st.integers(0, 2**31),
    family=st.sampled_from(FAMILIES),
)
def test_where_strips_are_cut_changes_nothing(
    look: Look, width: int, height: int, rows_px: int, seed: int, family: LayoutFamily
) -> None:
    design = BoardDesign(family, seed, (width, height))
    whole = generate(design, look=look, defects=6, seed=seed)
    parts = list(strips(design, look=look, defects=6, seed=seed, rows_px=rows_px))
    assert [part.top_px for part in parts] == list(range(0, height, rows_px))
    assert np.array_equal(np.concatenate([part.frame for part in parts]), whole.frame)
    assert np.array_equal(np.concatenate([part.reference for part in parts]), whole.reference)
    assert sorted(d.box_xyxy_px for part in parts for d in part.defects) == sorted(d.box_xyxy_px for d in whole.defects)
    for part in parts:
        assert all(part.top_px <= d.box_xyxy_px[1] < part.top_px + rows_px for d in part.defects)


def test_a_wide_board_is_made_in_bounded_memory() -> None:
    """16,384 px across: three rows of tiles need less than 1.5 times the peak memory of one row."""

    def peak_bytes(height_px: int) -> int:
        tracemalloc.start()
        design = BoardDesign(LayoutFamily.SPARSE, 2, (16_384, height_px))
        for part in strips(design, look=Look.BINARISED, defects=3, seed=1, rows_px=256):
            assert part.frame.shape[1] == 16_384
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    assert peak_bytes(640 * 3) < 1.5 * peak_bytes(640)


def test_traces_run_on_across_tiles() -> None:
    """At the seam of two tiles copper meets copper: a column of pixels hardly differs from the next one."""
    image = golden(BoardDesign(LayoutFamily.BUS, 4, (1280, 1280))) < 128
    for seam in (image[:, 639] ^ image[:, 640], image[639, :] ^ image[640, :]):
        assert seam.mean() < 0.02
    assert image[:, 639].any()
    assert image[639, :].any()


def test_a_camera_sees_gray_where_a_binarised_scan_sees_two_levels() -> None:
    design = BoardDesign(LayoutFamily.POWER, 8)
    scan = generate(design, look=Look.BINARISED, defects=2, seed=3).frame
    gray = generate(design, look=Look.CAMERA, defects=2, seed=3).frame
    assert set(np.unique(scan)) == {0, 255}
    assert len(np.unique(gray)) > 60
    assert gray[scan == 0].mean() + 60 < gray[scan == 255].mean()


@pytest.mark.parametrize(
    ("seed", "size_wh_px", "message"),
    [
        pytest.param(-1, (640, 640), "seed -1", id="negative seed"),
        pytest.param(1, (8, 640), "16..16384", id="too narrow"),
        pytest.param(1, (640, 20_000), "16..16384", id="longer than any line scanner"),
    ],
)
def test_an_impossible_design_is_refused(seed: int, size_wh_px: tuple[int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BoardDesign(LayoutFamily.BUS, seed, size_wh_px)


def test_a_board_without_room_says_so() -> None:
    with pytest.raises(NoRoomForDefect, match="ask for fewer"):
        generate(BoardDesign(LayoutFamily.SPARSE, 1, (64, 64)), look=Look.BINARISED, defects=60, seed=1)


def test_a_negative_number_of_defects_is_refused() -> None:
    with pytest.raises(ValueError, match="-1 defects"):
        generate(BoardDesign(LayoutFamily.SPARSE, 1), look=Look.BINARISED, defects=-1, seed=1)


def test_layouts_are_the_ones_that_the_starter_models_were_trained_on() -> None:
    """A model card names boards by seed alone: whoever changes the generator trains again, then renews this digest."""
    digest = hashlib.sha256()
    for family in FAMILIES:
        for shape in lay_out(BoardDesign(family, 7), 0, 0):
            numbers = re.sub(r"np\.float64\(([^)]*)\)", r"\1", repr(shape))
            digest.update(re.sub(r"\d+\.\d+(e-?\d+)?", lambda match: f"{float(match[0]):.1f}", numbers).encode())
    assert digest.hexdigest()[:16] == "22ce71e7c97d6bae"
