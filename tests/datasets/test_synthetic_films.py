"""Films of copper: what a bath that etches too little leaves, and that it leaves everything else alone."""

import numpy as np
import pytest
from numpy.typing import NDArray

from lineside.datasets.synthetic import Board, BoardDesign, DefectClass, DefectLook, LayoutFamily, Look

FAMILIES = tuple(LayoutFamily)
REACH_PX = 8  # blur, line jitter and rounding of the pose, beyond a defect's bounds


@pytest.mark.parametrize("family", FAMILIES)
def test_a_film_adds_a_little_copper_within_its_boxes_and_changes_nothing_else(family: LayoutFamily) -> None:
    board = Board(BoardDesign(family, seed=11))
    good = board.sample(look=Look.CAMERA, defects=0, seed=4)
    filmed = board.sample(look=Look.CAMERA, defects=3, seed=4, contrast=0.35, defect_look=DefectLook.FILM)
    assert len(filmed.defects) == 3
    assert np.array_equal(filmed.reference, good.reference)
    assert (filmed.frame <= good.frame).all()
    is_near = np.zeros(good.frame.shape, bool)
    for defect in filmed.defects:
        assert defect.defect_class in (DefectClass.SHORT, DefectClass.SPUR, DefectClass.COPPER)
        left, top, right, bottom = defect.box_xyxy_px
        assert (good.frame[top:bottom, left:right].astype(int) - filmed.frame[top:bottom, left:right]).max() > 15
        is_near[max(0, top - REACH_PX) : bottom + REACH_PX, max(0, left - REACH_PX) : right + REACH_PX] = True
    assert np.array_equal(filmed.frame[~is_near], good.frame[~is_near])


def test_a_film_takes_less_light_than_copper_would_and_unevenly() -> None:
    board = Board(BoardDesign(LayoutFamily.BUS, seed=3))

    def darkening(contrast: float) -> NDArray[np.int64]:
        damaged = board.sample(look=Look.CAMERA, defects=4, seed=5, contrast=contrast, defect_look=DefectLook.FILM)
        return good.astype(np.int64) - damaged.frame

    good = board.sample(look=Look.CAMERA, defects=0, seed=5).frame
    film, thicker = darkening(0.35), darkening(0.6)
    film, thicker = film[thicker > 40], thicker[thicker > 40]
    assert (film < thicker).all()
    assert film.std() / film.mean() > 0.1


def test_where_strips_are_cut_changes_no_film() -> None:
    board = Board(BoardDesign(LayoutFamily.BUS, seed=5, size_wh_px=(900, 1500)))
    whole = board.sample(look=Look.CAMERA, defects=4, seed=7, contrast=0.4, defect_look=DefectLook.FILM)
    cut = list(
        board.strips(look=Look.CAMERA, defects=4, seed=7, contrast=0.4, defect_look=DefectLook.FILM, rows_px=333)
    )
    assert np.array_equal(np.concatenate([strip.frame for strip in cut]), whole.frame)


def test_a_binarised_scan_has_no_films() -> None:
    board = Board(BoardDesign(LayoutFamily.BUS, seed=5))
    with pytest.raises(ValueError, match="film in the binarised look"):
        board.sample(look=Look.BINARISED, defects=1, seed=1, defect_look=DefectLook.FILM)
