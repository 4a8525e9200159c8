"""Harmless marks and faint defects: what they do to a picture, and that they leave everything else alone."""

import numpy as np
import pytest

from lineside.datasets.synthetic import Board, BoardDesign, LayoutFamily, Look, MarkKind

FAMILIES = tuple(LayoutFamily)
SHADE_REACH_PX = 8  # blur, line jitter and rounding of the pose, beyond a mark's bounds


@pytest.mark.parametrize("family", FAMILIES)
def test_a_mark_takes_light_away_within_its_box_and_nowhere_else(family: LayoutFamily) -> None:
    board = Board(BoardDesign(family, seed=11))
    clean = board.sample(look=Look.CAMERA, defects=2, seed=4)
    marked = board.sample(look=Look.CAMERA, defects=2, seed=4, marks=3)
    assert clean.marks == ()
    assert len(marked.marks) == 3
    assert marked.defects == clean.defects
    assert np.array_equal(marked.reference, clean.reference)
    assert (marked.frame <= clean.frame).all()
    is_near = np.zeros(clean.frame.shape, bool)
    for mark in marked.marks:
        left, top, right, bottom = mark.box_xyxy_px
        assert 0 <= left < right <= clean.frame.shape[1]
        assert 0 <= top < bottom <= clean.frame.shape[0]
        darker = clean.frame[top:bottom, left:right].astype(int) - marked.frame[top:bottom, left:right]
        assert darker.max() > 15
        is_near[
            max(0, top - SHADE_REACH_PX) : bottom + SHADE_REACH_PX,
            max(0, left - SHADE_REACH_PX) : right + SHADE_REACH_PX,
        ] = True
    assert np.array_equal(marked.frame[~is_near], clean.frame[~is_near])


def test_every_kind_of_mark_occurs() -> None:
    sample = Board(BoardDesign(LayoutFamily.SPARSE, seed=2)).sample(look=Look.CAMERA, defects=0, seed=1, marks=24)
    assert {mark.kind for mark in sample.marks} == set(MarkKind)
    assert sample.defects == ()


def test_dust_is_copper_to_a_binarised_scan() -> None:
    board = Board(BoardDesign(LayoutFamily.SPARSE, seed=2))
    clean = board.sample(look=Look.BINARISED, defects=0, seed=1)
    marked = board.sample(look=Look.BINARISED, defects=0, seed=1, marks=12)
    assert set(np.unique(marked.frame)) == {0, 255}
    assert (marked.frame < clean.frame).any()
    assert not (marked.frame > clean.frame).any()


def test_where_strips_are_cut_changes_no_mark() -> None:
    board = Board(BoardDesign(LayoutFamily.BUS, seed=5, size_wh_px=(900, 1500)))
    whole = board.sample(look=Look.CAMERA, defects=3, seed=7, marks=9)
    cut = list(board.strips(look=Look.CAMERA, defects=3, seed=7, marks=9, rows_px=333))
    assert np.array_equal(np.concatenate([strip.frame for strip in cut]), whole.frame)
    assert sorted((m for strip in cut for m in strip.marks), key=repr) == sorted(whole.marks, key=repr)
    assert len(whole.marks) == 9


@pytest.mark.parametrize("family", FAMILIES)
def test_a_faint_defect_is_the_same_defect_with_less_contrast(family: LayoutFamily) -> None:
    board = Board(BoardDesign(family, seed=11))
    good, full, faint = (
        board.sample(look=Look.CAMERA, defects=count, seed=6, contrast=contrast)
        for count, contrast in ((0, 1.0), (2, 1.0), (2, 0.25))
    )
    assert faint.defects == full.defects

    def change(frame: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> float:
        return float(np.abs(frame.astype(float) - good.frame).sum())

    assert change(faint.frame) == pytest.approx(0.25 * change(full.frame), rel=0.1)


@pytest.mark.parametrize("contrast", [0.0, -1.0, 1.5, float("nan")])
def test_a_contrast_that_is_none_is_refused(contrast: float) -> None:
    board = Board(BoardDesign(LayoutFamily.BUS, seed=1))
    with pytest.raises(ValueError, match="expected more than 0 and at most 1"):
        board.sample(look=Look.CAMERA, defects=1, seed=1, contrast=contrast)


def test_a_binarised_scan_has_no_faint_defects() -> None:
    with pytest.raises(ValueError, match="has no grays"):
        Board(BoardDesign(LayoutFamily.BUS, seed=1)).sample(look=Look.BINARISED, defects=1, seed=1, contrast=0.5)


def test_a_negative_number_of_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="-1 marks"):
        Board(BoardDesign(LayoutFamily.BUS, seed=1)).sample(look=Look.CAMERA, defects=0, seed=1, marks=-1)
