from pathlib import Path

import cv2
import numpy as np
import pytest

from lineside.inspection.camera_past import CameraPast
from lineside.inspection.frames import Image
from lineside.inspection.image_health import HealthFault, HealthLimits, HealthReport, assess
from lineside.inspection.light_baseline import LightBaseline

LIMITS = HealthLimits()


def board(side_px: int = 640) -> Image:
    """Dark board with bright traces and pads, as sharp as pixels allow."""
    image = np.full((side_px, side_px), 40, np.uint8)
    for at in range(20, side_px - 20, 40):
        cv2.line(image, (at, 10), (at, side_px - 10), 170, 8)
        cv2.circle(image, (at, at), 14, 190, -1)
    return image


def through_camera(image: Image, *, blur_sigma_px: float = 0.8, gain: float = 1.0, noise: float = 3.0) -> Image:
    rng = np.random.default_rng(5)
    seen = cv2.GaussianBlur(image.astype(np.float32), (0, 0), blur_sigma_px) * gain
    return np.clip(seen + rng.normal(0, noise, image.shape), 0, 255).astype(np.uint8)


def report(image: Image, limits: HealthLimits = LIMITS) -> HealthReport:
    return assess(image, limits, previous_digest=None, digest="this")


@pytest.mark.parametrize(
    ("image", "faults"),
    [
        pytest.param(board(), (), id="rendered board"),
        pytest.param(through_camera(board()), (), id="camera board"),
        pytest.param(cv2.merge([through_camera(board())] * 3), (), id="colour camera board"),
        pytest.param(through_camera(board(2400)), (), id="larger than the counted size"),
        pytest.param(board(100), (), id="smaller than the tile grid"),
        pytest.param(np.where(board() > 100, 255, 0).astype(np.uint8), (), id="binarised"),
        pytest.param(np.where(board() > 100, 0, 255).astype(np.uint8), (), id="binarised, inverted"),
        pytest.param(np.full((64, 64), 128, np.uint8), (HealthFault.BLANK,), id="uniform"),
        pytest.param(through_camera(np.full((640, 640), 90, np.uint8)), (HealthFault.BLANK,), id="only noise"),
        pytest.param(
            np.zeros((64, 64), np.uint8), (HealthFault.BLANK, HealthFault.UNDER_EXPOSED), id="cap on the lens"
        ),
        pytest.param(np.full((64, 64), 255, np.uint8), (HealthFault.BLANK, HealthFault.OVER_EXPOSED), id="white-out"),
        pytest.param(through_camera(board(), gain=0.18, noise=0.5), (HealthFault.UNDER_EXPOSED,), id="lamp failing"),
        pytest.param(through_camera(board(), gain=5.6), (HealthFault.OVER_EXPOSED,), id="far too long exposure"),
        pytest.param(through_camera(board(), blur_sigma_px=6), (HealthFault.DEFOCUSED,), id="defocused"),
        pytest.param(through_camera(board(), blur_sigma_px=12), (HealthFault.DEFOCUSED,), id="badly defocused"),
    ],
)
def test_each_fault_is_told_apart(image: Image, faults: tuple[HealthFault, ...]) -> None:
    assert report(image).faults == faults


def test_a_binarised_picture_with_very_little_copper_is_healthy() -> None:
    image = np.full((640, 640), 255, np.uint8)
    image[300:312, 300:314] = 0
    assert report(image).is_healthy


def test_a_frame_is_frozen_only_if_it_repeats_the_one_before() -> None:
    image = board()
    assert assess(image, LIMITS, previous_digest="a", digest="a").faults == (HealthFault.FROZEN,)
    assert assess(image, LIMITS, previous_digest="a", digest="b").is_healthy
    assert assess(image, LIMITS, previous_digest=None, digest="a").is_healthy
    assert assess(image, HealthLimits(refuse_repeats=False), previous_digest="a", digest="a").is_healthy


@pytest.mark.parametrize("noise", [0.5, 3.0, 6.0])
def test_sharpness_falls_with_every_step_of_defocus_whatever_the_noise(noise: float) -> None:
    sharpness = [report(through_camera(board(), blur_sigma_px=s, noise=noise)).sharpness or 0 for s in (0.8, 2, 4, 7)]
    assert sharpness == sorted(sharpness, reverse=True)
    assert sharpness[0] > 2 * sharpness[-1]


def test_sharpness_does_not_depend_on_how_bright_the_light_is() -> None:
    bright, dim = (report(through_camera(board(), gain=gain, noise=0.5)).sharpness for gain in (1.0, 0.5))
    assert bright == pytest.approx(dim, rel=0.05)


@pytest.mark.parametrize(
    ("limits", "fault"),
    [
        pytest.param(HealthLimits(max_white_share=0.05), HealthFault.OVER_EXPOSED, id="white share"),
        pytest.param(HealthLimits(max_black_share=0.05), HealthFault.UNDER_EXPOSED, id="black share"),
        pytest.param(HealthLimits(max_mean=50), HealthFault.OVER_EXPOSED, id="mean too high"),
        pytest.param(HealthLimits(min_mean=200), HealthFault.UNDER_EXPOSED, id="mean too low"),
        pytest.param(HealthLimits(min_sharpness=0.5), HealthFault.DEFOCUSED, id="sharper than possible"),
    ],
)
def test_a_recipe_can_be_stricter_than_the_defaults(limits: HealthLimits, fault: HealthFault) -> None:
    assert report(np.where(board() > 100, 255, 0).astype(np.uint8), limits).faults == (fault,)


def test_none_switches_a_check_off() -> None:
    off = HealthLimits(min_std=None, refuse_repeats=False, min_brightest=None, max_darkest=None, min_sharpness=None)
    assert assess(np.zeros((64, 64), np.uint8), off, previous_digest="a", digest="a").is_healthy


def test_the_report_says_what_was_measured() -> None:
    image = np.zeros((100, 100), np.uint8)
    image[:, :25] = 255
    measured = report(image)
    assert (measured.mean, measured.darkest, measured.brightest) == (63.75, 0, 255)
    assert (measured.black_share, measured.white_share) == (0.75, 0.25)
    assert measured.std == pytest.approx(float(image.std()))
    assert measured.sharpness == pytest.approx(0.33, abs=0.02)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (3, 3)])
def test_the_smallest_pictures_can_be_assessed(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert HealthFault.FROZEN not in report(image).faults


def test_limits_outside_their_scale_cannot_be_made() -> None:
    with pytest.raises(ValueError, match=r"0\.\.255"):
        HealthLimits(min_std=-1)
    with pytest.raises(ValueError, match=r"0\.\.1"):
        HealthLimits(max_white_share=1.5)
    with pytest.raises(ValueError, match="fewer than 0"):
        HealthLimits(max_dropped_lines=-1)


@pytest.mark.parametrize("group", ["00041", "13000", "20085"])
def test_real_binarised_boards_are_healthy_and_defocused_ones_are_not(deeppcb_root: Path, group: str) -> None:
    paths = sorted(deeppcb_root.glob(f"group{group}/{group}/*_test.jpg"))[::5]
    assert len(paths) >= 39
    for path in paths:
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        assert image is not None
        gray = image.astype(np.uint8)
        assert report(gray).faults == ()
        assert report(through_camera(gray, blur_sigma_px=8)).faults == (HealthFault.DEFOCUSED,)


def seen_in_order(images: list[Image], limits: HealthLimits) -> list[HealthReport]:
    """Each picture held against the camera's past, as the server does it."""
    past, reports = CameraPast(), list[HealthReport]()
    for number, image in enumerate(images):
        reports.append(assess(image, limits, previous_digest=str(number - 1), digest=str(number), past=past))
        past = reports[-1].past
    return reports


def noisy(*, light: float = 1.0, seed: int) -> Image:
    noise = np.random.default_rng(seed).normal(0, 3, (640, 640))
    return np.clip(cv2.GaussianBlur(board(), (0, 0), 0.8) * light + noise, 0, 255).astype(np.uint8)


def test_an_exposure_that_comes_again_in_another_file_is_frozen() -> None:
    first, second = noisy(seed=1), noisy(seed=2)
    limits = HealthLimits()
    assert [report.faults for report in seen_in_order([first, second, second, first], limits)] == [
        (),
        (),
        (HealthFault.FROZEN,),
        (),
    ]
    for off in (HealthLimits(refuse_repeats=False), HealthLimits(max_repeat_correlation=None)):
        assert all(report.is_healthy for report in seen_in_order([first, second, second], off))


def test_a_camera_that_stays_frozen_stays_refused() -> None:
    image = noisy(seed=1)
    faults = [report.faults for report in seen_in_order([image] * 4, HealthLimits())]
    assert faults == [(), *[(HealthFault.FROZEN,)] * 3]


def test_dropped_lines_are_refused_above_their_limit() -> None:
    image = noisy(seed=1)
    image[300:303] = 0
    assert report(image).faults == (HealthFault.LINES_DROPPED,)
    assert report(image, HealthLimits(max_dropped_lines=3)).is_healthy
    assert report(image, HealthLimits(max_dropped_lines=None)).dropped_lines is None


def test_light_that_steps_is_refused_for_as_long_as_it_lasts_and_moves_no_baseline() -> None:
    dim, usual = noisy(light=0.8, seed=1), [noisy(seed=number) for number in range(2, 27)]
    limits = HealthLimits(max_mean_drift=8.0, max_repeat_correlation=None)
    reports = seen_in_order([*usual, dim, dim, usual[0]], limits)
    assert [report.faults for report in reports[:25]] == [()] * 25
    assert [report.faults for report in reports[25:]] == [(HealthFault.LIGHT_DRIFTED,)] * 2 + [()]
    assert (reports[25].mean_drift or 0) < -8
    assert all(report.is_healthy for report in seen_in_order([*usual, dim], HealthLimits()))


def test_light_that_fades_slowly_is_followed_and_left_to_the_charts() -> None:
    baseline = LightBaseline()
    for number in range(2000):
        mean = 120 - 0.01 * number
        assert abs(baseline.drift(mean) or 0) < 2
        baseline = baseline.with_picture(mean)
    assert baseline.mean == pytest.approx(mean, abs=2)


def test_a_baseline_says_nothing_before_it_has_seen_enough() -> None:
    baseline = LightBaseline()
    for _ in range(19):
        baseline = baseline.with_picture(100.0)
    assert baseline.drift(10.0) is None
    assert baseline.with_picture(100.0).drift(10.0) == pytest.approx(-90)
