from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.inspection.errors import RegistrationRefused
from lineside.inspection.frames import Image
from lineside.inspection.reference import (
    Motion,
    PreparedReference,
    Reference,
    Registration,
    RegistrationLimits,
    compose,
    register,
    to_gray,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIMITS = RegistrationLimits()
MARGIN_PX = 32


def large_board(seed: int, side_px: int = 320) -> Image:
    """A random binarised board with a margin to cut shifted frames from."""
    rng = np.random.default_rng(seed)
    side = side_px + 2 * MARGIN_PX
    image = np.full((side, side), 255, np.uint8)
    for _ in range(40):
        (x0, y0), (x1, y1) = rng.integers(0, side, (2, 2)).tolist()
        cv2.line(image, (x0, y0), (x1, y0), 0, 5)
        cv2.line(image, (x1, y0), (x1, y1), 0, 5)
        cv2.circle(image, (x1, y1), 9, 0, -1)
    return image


def cut(large: Image, shift_xy_px: tuple[int, int] = (0, 0)) -> Image:
    """The frame that sees the board shifted (right, down)."""
    right, down = shift_xy_px
    side = large.shape[0] - 2 * MARGIN_PX
    top, left = MARGIN_PX - down, MARGIN_PX - right
    return large[top : top + side, left : left + side].copy()


def through_camera(image: Image, seed: int) -> Image:
    """Shading, blur, lower contrast and noise."""
    rng = np.random.default_rng(seed)
    shading = np.linspace(0.85, 1.1, image.shape[1])[None, :] * np.linspace(1.05, 0.92, image.shape[0])[:, None]
    seen = (cv2.GaussianBlur(image, (0, 0), 0.9) * 0.45 + 50) * shading + rng.normal(0, 4, image.shape)
    return np.clip(seen, 0, 255).astype(np.uint8)


def prepared(image: Image, name: str = "golden", *, expires_at: datetime | None = None) -> PreparedReference:
    return PreparedReference.prepare(Reference(name, image, "quality", NOW - timedelta(days=10), expires_at))


def laid(frame: Image, *references: PreparedReference, limits: RegistrationLimits = LIMITS) -> Registration:
    return register(frame, references, limits=limits, now=NOW)


def with_defects(image: Image, seed: int) -> Image:
    """Ten blots of either colour: local damage as real defects are."""
    rng = np.random.default_rng(seed)
    damaged = image.copy()
    for _ in range(10):
        x, y = rng.integers(20, image.shape[0] - 20, 2).tolist()
        cv2.circle(damaged, (x, y), 6, int(rng.integers(0, 2)) * 255, -1)
    return damaged


shifts = st.tuples(st.integers(-8, 8), st.integers(-8, 8))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**31), shift=shifts)
def test_a_known_shift_is_recovered_exactly_and_a_good_frame_has_no_difference(
    seed: int, shift: tuple[int, int]
) -> None:
    large = large_board(seed)
    frame = cut(large, shift)
    registration = laid(frame, prepared(cut(large)))
    assert registration.shift_xy_px == shift
    assert registration.residual == 0
    assert not compose(frame, registration)[..., 2].any()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), shift=shifts)
def test_a_known_shift_is_recovered_through_a_camera_and_despite_defects(seed: int, shift: tuple[int, int]) -> None:
    large = large_board(seed)
    frame = through_camera(with_defects(cut(large, shift), seed), seed)
    registration = laid(frame, prepared(through_camera(cut(large), seed + 1)))
    assert registration.shift_xy_px == shift
    assert registration.residual < LIMITS.max_residual / 3


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_an_unrelated_board_is_refused(seed: int) -> None:
    with pytest.raises(RegistrationRefused, match="does not fit"):
        laid(cut(large_board(seed)), prepared(cut(large_board(seed + 1))))


def test_a_shift_beyond_the_limit_is_refused() -> None:
    large = large_board(1)
    with pytest.raises(RegistrationRefused, match="max_shift_px"):
        laid(cut(large, (9, 0)), prepared(cut(large)), limits=RegistrationLimits(max_shift_px=4))


def test_a_large_shift_is_found_when_the_limit_allows_it() -> None:
    large = large_board(2)
    limits = RegistrationLimits(max_shift_px=30, max_uncovered_share=0.2)
    assert laid(cut(large, (-29, 27)), prepared(cut(large)), limits=limits).shift_xy_px == (-29, 27)


def test_the_uncovered_border_shows_the_frame_itself_and_is_reported() -> None:
    large = large_board(3)
    frame = cut(large, (8, 0))
    registration = laid(frame, prepared(cut(large)))
    assert registration.uncovered_share == pytest.approx(8 / 320)
    np.testing.assert_array_equal(registration.image[:, :8], frame[:, :8])


def test_too_much_uncovered_border_is_refused() -> None:
    large = large_board(3)
    with pytest.raises(RegistrationRefused, match="uncovered"):
        laid(cut(large, (8, 0)), prepared(cut(large)), limits=RegistrationLimits(max_uncovered_share=0.02))


def test_a_missing_trace_shows_in_the_difference_and_nowhere_else() -> None:
    large = large_board(4)
    golden, frame = cut(large), cut(large)
    frame[100:110, :] = 255
    difference = compose(frame, laid(frame, prepared(golden)))[..., 2]
    assert difference[100:110].any()
    assert not difference[:100].any()
    assert not difference[110:].any()


def test_the_channels_are_frame_reference_and_absolute_difference() -> None:
    frame = through_camera(cut(large_board(5)), 1)
    registration = laid(frame, prepared(through_camera(cut(large_board(5)), 2)))
    composed = compose(frame, registration)
    assert composed.shape == (320, 320, 3)
    np.testing.assert_array_equal(composed[..., 0], frame)
    np.testing.assert_array_equal(composed[..., 1], registration.image)
    np.testing.assert_array_equal(
        composed[..., 2], np.abs(frame.astype(int) - registration.image.astype(int)).astype(np.uint8)
    )


def test_the_best_of_several_references_is_used() -> None:
    boards = [cut(large_board(seed)) for seed in (6, 7, 8)]
    references = [prepared(board, f"golden {index}") for index, board in enumerate(boards)]
    assert laid(boards[1], *references).reference_id == "golden 1"


def test_an_expired_reference_is_not_used_even_if_it_fits_best() -> None:
    fitting, other = cut(large_board(9)), cut(large_board(10))
    with pytest.raises(RegistrationRefused, match="reference new"):
        laid(fitting, prepared(fitting, "old", expires_at=NOW), prepared(other, "new"))


@pytest.mark.parametrize(
    ("now", "is_valid"),
    [
        pytest.param(NOW - timedelta(days=11), False, id="before approval"),
        pytest.param(NOW - timedelta(days=10), True, id="at approval"),
        pytest.param(NOW - timedelta(seconds=1), True, id="just before expiry"),
        pytest.param(NOW, False, id="at expiry"),
    ],
)
def test_a_reference_is_valid_from_approval_until_expiry(
    now: datetime,
    is_valid: bool,  # noqa: FBT001  # a case
) -> None:
    reference = prepared(cut(large_board(11)), expires_at=NOW)
    if is_valid:
        assert register(reference.reference.image, [reference], limits=LIMITS, now=now).residual == 0
    else:
        with pytest.raises(RegistrationRefused, match="golden"):
            register(reference.reference.image, [reference], limits=LIMITS, now=now)


@pytest.mark.parametrize("references", [[], [prepared(cut(large_board(12)), "spring", expires_at=NOW)]])
def test_without_a_valid_reference_the_refusal_names_what_there_is(references: Sequence[PreparedReference]) -> None:
    with pytest.raises(RegistrationRefused, match="spring" if references else "none"):
        register(cut(large_board(12)), references, limits=LIMITS, now=NOW)


def test_another_size_than_the_reference_is_refused() -> None:
    board = cut(large_board(13))
    with pytest.raises(RegistrationRefused, match="320x300"):
        laid(board[:300].copy(), prepared(board))


def test_a_search_wider_than_a_quarter_of_the_frame_is_refused() -> None:
    board = cut(large_board(14))
    with pytest.raises(RegistrationRefused, match="quarter"):
        laid(board, prepared(board), limits=RegistrationLimits(max_shift_px=100))


def test_an_empty_region_fits_its_empty_reference_without_a_shift() -> None:
    empty = np.full((320, 320), 255, np.uint8)
    spotted = empty.copy()
    spotted[200:206, 100:108] = 0
    registration = laid(spotted, prepared(empty))
    assert (registration.shift_xy_px, registration.residual) == ((0, 0), 0)


def test_a_board_does_not_fit_an_empty_reference() -> None:
    with pytest.raises(RegistrationRefused):
        laid(cut(large_board(15)), prepared(np.full((320, 320), 255, np.uint8)))


@pytest.mark.parametrize("motion", [Motion.EUCLIDEAN, Motion.AFFINE])
def test_a_turned_part_fits_when_the_recipe_allows_turning(motion: Motion) -> None:
    golden = through_camera(cut(large_board(16)), 1)
    turn = cv2.getRotationMatrix2D((160, 160), 1.0, 1.0)
    turn = turn + np.array([[0, 0, 2.5], [0, 0, -1.5]])
    frame = cv2.warpAffine(golden, turn, (320, 320), borderMode=cv2.BORDER_REPLICATE).astype(np.uint8)
    registration = laid(frame, prepared(golden), limits=RegistrationLimits(motion=motion))
    assert registration.residual < 0.02
    assert registration.shift_xy_px == pytest.approx((2.5, -1.5), abs=0.3)
    assert registration.residual < laid(frame, prepared(golden)).residual


def test_a_warp_beyond_the_shift_limit_is_refused() -> None:
    golden = through_camera(cut(large_board(17)), 1)
    turn = cv2.getRotationMatrix2D((160, 160), 2.0, 1.0)
    frame = cv2.warpAffine(golden, turn, (320, 320), borderMode=cv2.BORDER_REPLICATE).astype(np.uint8)
    with pytest.raises(RegistrationRefused):
        laid(frame, prepared(golden), limits=RegistrationLimits(max_shift_px=4, motion=Motion.EUCLIDEAN))


def test_records_that_cannot_be_used_cannot_be_made() -> None:
    colour = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="to_gray"):
        Reference("golden", colour, "quality", NOW)
    with pytest.raises(ValueError, match="time zone"):
        Reference("golden", to_gray(colour), "quality", NOW.replace(tzinfo=None))
    with pytest.raises(ValueError, match="max_residual"):
        RegistrationLimits(max_residual=1.5)
    with pytest.raises(ValueError, match="max_shift_px"):
        RegistrationLimits(max_shift_px=-1)


def real_board(path: Path) -> Image:
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    return image.astype(np.uint8)


@pytest.mark.parametrize("group", ["00041", "13000", "20085"])
def test_real_boards_fit_their_own_template_and_not_that_of_another_board(deeppcb_root: Path, group: str) -> None:
    paths = sorted(deeppcb_root.glob(f"group{group}/{group}/*_test.jpg"))[3::8]
    other_group = {"00041": "13000", "13000": "20085", "20085": "00041"}[group]
    others = sorted(deeppcb_root.glob(f"group{other_group}/{other_group}/*_temp.jpg"))[3::8]
    assert len(paths) >= 25
    for path, other in zip(paths, others, strict=False):
        frame = real_board(path)
        own = laid(frame, prepared(real_board(path.with_name(path.name.replace("_test", "_temp")))))
        assert own.residual < 0.25
        with pytest.raises(RegistrationRefused):
            laid(frame, prepared(real_board(other)))
