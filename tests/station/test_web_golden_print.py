"""A print that repeats as the reference of each tile: found where it is, followed where it drifts, else refused."""

from datetime import UTC, datetime

import numpy as np
import pytest

from lineside.datasets.synthetic import Board, BoardDesign, LayoutFamily, Look
from lineside.inspection.errors import RegistrationRefused
from lineside.inspection.frames import Image
from lineside.inspection.reference import Reference, RegistrationLimits
from lineside.inspection.tiling import Tile
from lineside.station.web.golden_print import GoldenPrint

NOW = datetime(2026, 5, 1, tzinfo=UTC)
WIDTH_PX, REPEAT_LINES, TILE_LINES = 640, 960, 640


@pytest.fixture(scope="module")
def repeat() -> Image:
    return Board(BoardDesign(LayoutFamily.POWER, 11, (WIDTH_PX, REPEAT_LINES))).golden(look=Look.CAMERA)


def _golden(repeat: Image) -> GoldenPrint:
    return GoldenPrint(
        Reference("golden.png", repeat, "quality", NOW),
        limits=RegistrationLimits(max_shift_px=12, max_residual=0.1),
        now=lambda: NOW,
    )


def _tile(web: Image, top: int) -> tuple[Image, Tile]:
    return web[top : top + TILE_LINES].copy(), Tile(0, top, WIDTH_PX, top + TILE_LINES)


@pytest.mark.parametrize("start", [0, 131, 957])
def test_wherever_a_web_begins_each_tile_lies_on_its_own_place_of_the_print(repeat: Image, start: int) -> None:
    web = np.concatenate([repeat] * 5)[start:]
    golden = _golden(repeat)
    for top in range(0, 1600, 400):
        frame, reference, difference = np.moveaxis(golden.compose(*_tile(web, top)), -1, 0)
        assert np.array_equal(frame, reference)
        assert not difference.any()


def test_a_print_whose_pitch_is_not_the_encoders_is_followed(repeat: Image) -> None:
    """Three lines are missing in each repeat: after five the web is off by more than any one tile may be."""
    web = np.concatenate([repeat[3:]] * 8)
    golden = _golden(repeat)
    for top in range(0, len(web) - TILE_LINES, 512):
        composed = golden.compose(*_tile(web, top))
        assert (composed[..., 2] > 40).mean() < 0.2


def test_after_a_splice_the_place_is_found_anew(repeat: Image) -> None:
    web = np.concatenate([repeat, repeat[:300], repeat[177:], repeat])
    golden = _golden(repeat)
    golden.compose(*_tile(web, 0))
    assert not golden.compose(*_tile(web, REPEAT_LINES + 300 + 20))[..., 2].any()


def test_another_print_is_refused(repeat: Image) -> None:
    other = Board(BoardDesign(LayoutFamily.MESH, 5, (WIDTH_PX, REPEAT_LINES))).golden(look=Look.CAMERA)
    with pytest.raises(RegistrationRefused):
        _golden(repeat).compose(*_tile(other, 0))


def test_a_picture_that_is_shorter_than_a_tile_is_refused(repeat: Image) -> None:
    with pytest.raises(RegistrationRefused, match="several repeats"):
        _golden(repeat[:400]).compose(*_tile(repeat, 0))
