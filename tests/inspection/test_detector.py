from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from blob_detector import (
    BLOB_CLASSES,
    Blob,
    BlobModel,
    WriteRelease,
    blob_level,
    draw_blobs,
    drawn_blobs,
    found_blobs,
)
from lineside.inspection.detector import Detector, open_detector
from lineside.inspection.engines import ENGINES, EngineChoice, Precision, usable_engines
from lineside.inspection.errors import EngineError, GeometryMismatch
from lineside.inspection.preparation import cut, network_channels, network_tiles
from lineside.inspection.release import InputKind, Release, read_release

ORT = EngineChoice("onnxruntime-fp32", threads=2)
ENGINES_OF_ONE_MODEL = [name for name in usable_engines() if ENGINES[name].precision is not Precision.INT8]
INPUT = (160, 160)
ONE_OF_EACH = [Blob(index, 8 + 24 * index, 100) for index in range(len(BLOB_CLASSES))]


@pytest.fixture
def detector(tiny_release: Release) -> Iterator[Detector]:
    detector = open_detector(tiny_release, ORT)
    yield detector
    detector.close()


@pytest.fixture
def reference_detector(write_release: WriteRelease) -> Iterator[Detector]:
    release = read_release(write_release(model=BlobModel(kind="reference")))
    detector = open_detector(release, ORT)
    yield detector
    detector.close()


@pytest.mark.parametrize("engine", ENGINES_OF_ONE_MODEL)
@pytest.mark.parametrize("head", ["raw", "end_to_end"])
def test_each_engine_finds_each_class_with_either_head(engine: str, head: str, write_release: WriteRelease) -> None:
    release = read_release(write_release(model=BlobModel(head=head)))  # type: ignore[arg-type]  # one of two
    detector = open_detector(release, EngineChoice(engine, threads=2))
    found = detector.detect(draw_blobs(ONE_OF_EACH, INPUT))
    assert found_blobs(found) == drawn_blobs(ONE_OF_EACH)
    assert detector.engine_name == engine
    detector.close()


@pytest.mark.parametrize("background", [0, 255])
def test_a_frame_without_defects_has_none(detector: Detector, background: int) -> None:
    assert len(detector.detect(draw_blobs([], INPUT, background=background))) == 0


@pytest.mark.parametrize(
    "frame_wh_px",
    [
        pytest.param((100, 60), id="smaller than the input: padded"),
        pytest.param((160, 60), id="as wide, less high"),
        pytest.param((400, 60), id="wider and less high"),
        pytest.param((288, 160), id="two tiles"),
        pytest.param((420, 300), id="tiles in both directions, the last ones shifted back"),
    ],
)
def test_each_defect_is_found_once_at_its_own_scale_in_a_frame_of_any_size(
    detector: Detector, frame_wh_px: tuple[int, int]
) -> None:
    """The blobs lie on a lattice, so some are inside, some on seams and some at the frame's border."""
    width, height = frame_wh_px
    blobs = [
        Blob((left // 28 + top // 28) % len(BLOB_CLASSES), left, top)
        for top in range(0, height - 15, 28)
        for left in range(0, width - 15, 28)
    ]
    found = detector.detect(draw_blobs(blobs, frame_wh_px))
    assert found_blobs(found) == drawn_blobs(blobs)
    assert len(found) == len(blobs)


def test_no_box_reaches_into_the_padding(detector: Detector) -> None:
    """Half a blob at the border is completed by a padding of its own gray level: the box still ends with the frame."""
    level_near_padding = 114
    frame = np.zeros((160, 152), np.uint8)
    frame[80:96, 144:] = level_near_padding
    found = detector.detect(frame, thresholds=dict.fromkeys(BLOB_CLASSES, 0.01))
    assert len(found) > 0
    assert (found.boxes_xyxy_px[:, 2] <= 152).all()


def test_colour_frames_reach_the_network_in_red_green_blue(write_release: WriteRelease) -> None:
    release = read_release(write_release(model=BlobModel(mixing=(1.0, 0.0, 0.0))))
    detector = open_detector(release, ORT)
    blob = Blob(3, 40, 40)
    red = draw_blobs([blob], INPUT)
    black = np.zeros_like(red)
    assert found_blobs(detector.detect(np.dstack([black, black, red]))) == drawn_blobs([blob])
    assert len(detector.detect(np.dstack([red, black, black]))) == 0
    detector.close()


def test_a_gray_frame_and_the_same_in_three_channels_give_the_same(detector: Detector) -> None:
    gray = draw_blobs(ONE_OF_EACH, INPUT)
    assert found_blobs(detector.detect(gray)) == found_blobs(detector.detect(np.dstack([gray] * 3)))


def test_a_reference_release_sees_frame_reference_and_difference_in_this_order(reference_detector: Detector) -> None:
    blob = Blob(2, 20, 20)
    frame = draw_blobs([blob], INPUT)
    golden = np.zeros_like(frame)
    assert found_blobs(reference_detector.detect(np.dstack([frame, golden, frame]))) == drawn_blobs([blob])
    assert len(reference_detector.detect(np.dstack([frame, frame, golden]))) == 0


def test_a_reference_release_refuses_a_gray_frame(reference_detector: Detector) -> None:
    with pytest.raises(GeometryMismatch, match="three composed channels"):
        reference_detector.detect(np.zeros((160, 160), np.uint8))


def test_a_composed_frame_of_the_input_size_is_not_copied() -> None:
    composed = np.zeros((160, 160, 3), np.uint8)
    channels = network_channels(composed, InputKind.REFERENCE)
    pixels, tiles = network_tiles(channels, InputKind.REFERENCE, input_wh_px=INPUT, overlap_px=32)
    assert np.shares_memory(cut(pixels, tiles[0]), composed)


def test_the_difference_channel_is_padded_with_no_difference() -> None:
    composed = np.full((100, 160, 3), 7, np.uint8)
    pixels, _ = network_tiles(composed, InputKind.REFERENCE, input_wh_px=INPUT, overlap_px=32)
    assert pixels[130, 10].tolist() == [114, 114, 0]
    np.testing.assert_array_equal(pixels[:100], composed)


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(np.zeros((160, 160), np.uint16), id="16 bit"),
        pytest.param(np.zeros((160, 160), np.float32), id="floating point"),
        pytest.param(np.zeros((160, 160, 4), np.uint8), id="with an alpha channel"),
        pytest.param(np.zeros((160, 160, 1), np.uint8), id="one channel in three dimensions"),
        pytest.param(np.zeros((0, 160), np.uint8), id="empty"),
        pytest.param(np.zeros((1, 160, 160, 3), np.uint8), id="a batch"),
    ],
)
def test_an_image_of_another_kind_is_refused(detector: Detector, image: NDArray[Any]) -> None:
    with pytest.raises(GeometryMismatch, match="expected uint8"):
        detector.detect(image)


def test_a_frame_that_may_not_be_written_is_judged_and_not_changed(detector: Detector) -> None:
    frame = draw_blobs(ONE_OF_EACH, (300, 200))
    before = frame.copy()
    frame.flags.writeable = False
    assert len(detector.detect(frame)) == len(ONE_OF_EACH)
    np.testing.assert_array_equal(frame, before)


def test_a_threshold_of_one_class_leaves_the_others_as_the_release_has_them(detector: Detector) -> None:
    frame = draw_blobs(ONE_OF_EACH, INPUT)
    frame[100:116, 8:24] = blob_level(0) + 8  # this one is found with a confidence of about 0.5
    assert len(detector.detect(frame)) == len(ONE_OF_EACH)
    strict = detector.detect(frame, thresholds={"open": 0.9})
    assert found_blobs(strict) == drawn_blobs(ONE_OF_EACH[1:])


@pytest.mark.parametrize("thresholds", [{"dent": 0.5}, {"open": 0.0}, {"open": float("nan")}])
def test_thresholds_that_fit_no_class_or_no_confidence_are_refused(
    detector: Detector, thresholds: dict[str, float]
) -> None:
    with pytest.raises(ValueError, match="thresholds"):
        detector.detect(np.zeros((160, 160), np.uint8), thresholds=thresholds)


@pytest.mark.parametrize("engine", ENGINES_OF_ONE_MODEL)
def test_frames_judged_at_once_do_not_mix(tiny_release: Release, engine: str) -> None:
    """Each of 64 frames, some tiled, has blobs of its own; eight threads judge them at once."""
    detector = open_detector(tiny_release, EngineChoice(engine, threads=2))
    scenes = []
    for index in range(64):
        size = (160, 160) if index % 3 else (288, 160)
        scenes.append(([Blob(index % 6, 4 * (index % 30), 4 * (index // 2)), Blob(index % 5, 140, 4)], size))
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda scene: detector.detect(draw_blobs(*scene)), scenes))
    assert [found_blobs(each) for each in found] == [drawn_blobs(blobs) for blobs, _ in scenes]
    detector.close()


def test_a_closed_detector_refuses_frames(tiny_release: Release) -> None:
    detector = open_detector(tiny_release, ORT)
    detector.close()
    with pytest.raises(EngineError, match="closed"):
        detector.detect(np.zeros((160, 160), np.uint8))


def test_the_peak_score_of_a_frame_is_the_highest_of_its_tiles(detector: Detector) -> None:
    """A faint blob in the last tile is no defect and still the frame's peak."""
    frame = draw_blobs([Blob(0, 376, 252)], (420, 300))
    faint = np.where(frame > 0, frame + 3, frame).astype(np.uint8)
    peak = detector.detect(faint, thresholds=dict.fromkeys(BLOB_CLASSES, 1.0)).peak_score
    assert peak is not None
    assert 0.7 < peak < 0.9
    assert detector.detect(draw_blobs([], (420, 300))).peak_score == 0.0
