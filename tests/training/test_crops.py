"""Crops: where they are cut, what their boxes become, and that they are decided by seed, epoch and index."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lineside.inspection.release import InputKind
from lineside.training.batches import batches_of_epoch, steps_of_epoch
from lineside.training.crops import CropPlan, FrameCrops, boxes_in_crop, turned, window
from lineside.training.errors import PlanRefused
from lineside.training.frames import TrainingFrame
from lineside.training.plan import Orientation


def frame(
    boxes: list[tuple[float, float, float, float]], *, size_wh: tuple[int, int] = (200, 160), seed: int = 1
) -> TrainingFrame:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, size_wh[::-1], np.uint8)
    return TrainingFrame(
        "frame",
        image,
        rng.integers(0, 256, size_wh[::-1], np.uint8),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.arange(len(boxes), dtype=np.int64),
    )


AS_IS = CropPlan(64, 4, orientation=Orientation.AS_IS, reference_jitter_px=0)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        pytest.param((330, 10, 350, 50), [(10, 10, 30, 50)], id="inside"),
        pytest.param((310, 10, 330, 50), [(0, 10, 10, 50)], id="half inside is cut"),
        pytest.param((305, 10, 330, 50), [], id="less than half inside is left out"),
        pytest.param((10, 10, 30, 50), [], id="elsewhere"),
    ],
)
def test_boxes_of_a_crop(box: tuple[int, int, int, int], expected: list[tuple[float, ...]]) -> None:
    boxes, kept = boxes_in_crop(np.array([box], np.float32), left=320, top=0, side=320)
    assert boxes.tolist() == [list(row) for row in expected]
    assert len(kept) == len(expected)


@pytest.mark.parametrize("way", range(8))
def test_a_turned_crop_has_its_boxes_where_its_defects_are(way: int) -> None:
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[10:20, 30:55] = 255
    after, boxes = turned(pixels, np.array([[30, 10, 55, 20]], np.float32), way)
    left, top, right, bottom = boxes[0].astype(int)
    assert (after[top:bottom, left:right] == 255).all()
    assert int((after[..., 0] == 255).sum()) == (right - left) * (bottom - top) == 250


def test_the_eight_orientations_all_differ() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
    none = np.empty((0, 4), np.float32)
    assert len({turned(pixels, none, way)[0].tobytes() for way in range(8)}) == 8


def test_a_crop_is_a_piece_of_its_frame_at_its_own_scale() -> None:
    source = FrameCrops([frame([(50, 50, 70, 70)])], InputKind.REFERENCE, plan=AS_IS)
    crop = source.crop(0, epoch=0, is_settling=False)
    found = cv2.matchTemplate(frame([]).image, np.ascontiguousarray(crop.pixels[..., 0]), cv2.TM_SQDIFF)
    _, _, (left, top), _ = cv2.minMaxLoc(found)
    piece = frame([]).image[top : top + 64, left : left + 64]
    reference = frame([]).reference
    assert reference is not None
    assert np.array_equal(crop.pixels[..., 0], piece)
    assert np.array_equal(crop.pixels[..., 1], reference[top : top + 64, left : left + 64])
    assert np.array_equal(crop.pixels[..., 2], cv2.absdiff(crop.pixels[..., 0], crop.pixels[..., 1]))
    assert crop.boxes_xyxy_px.tolist() == [[50 - left, 50 - top, 70 - left, 70 - top]]


def test_every_crop_around_a_defect_shows_it() -> None:
    boxes: list[tuple[float, float, float, float]] = [(0, 0, 12, 12), (180, 140, 200, 160), (90, 70, 100, 90)]
    source = FrameCrops([frame(boxes)], InputKind.SINGLE, plan=CropPlan(64, 4, random_share=0.25))
    for epoch in range(20):
        shown = [source.crop(turn, epoch=epoch, is_settling=False) for turn in range(3)]
        assert {int(class_id) for crop in shown for class_id in crop.class_ids} == {0, 1, 2}


def test_a_good_frame_gives_crops_without_boxes() -> None:
    source = FrameCrops([frame([])], InputKind.SINGLE, plan=AS_IS)
    assert [len(source.crop(turn, epoch=0, is_settling=False).class_ids) for turn in range(4)] == [0] * 4


def test_another_epoch_gives_other_crops_and_the_same_one_the_same() -> None:
    source = FrameCrops([frame([(50, 50, 70, 70)])], InputKind.REFERENCE, plan=CropPlan(64, 4))

    def pixels(epoch: int) -> bytes:
        return b"".join(source.crop(turn, epoch=epoch, is_settling=False).pixels.tobytes() for turn in range(4))

    assert pixels(3) == pixels(3)
    assert pixels(3) != pixels(4)


def test_a_frame_smaller_than_the_crop_is_padded_as_in_serving() -> None:
    small = frame([(5, 5, 15, 15)], size_wh=(40, 30))
    crop = FrameCrops([small], InputKind.REFERENCE, plan=AS_IS).crop(0, epoch=0, is_settling=False)
    assert crop.pixels.shape == (64, 64, 3)
    assert np.array_equal(crop.pixels[:30, :40, 0], small.image)
    assert (crop.pixels[30:, :, :2] == 114).all()
    assert (crop.pixels[:, 40:, 2] == 0).all()
    assert crop.boxes_xyxy_px.tolist() == [[5, 5, 15, 15]]


def test_only_the_reference_is_jittered_and_by_no_more_than_asked() -> None:
    image = np.random.default_rng(3).integers(0, 256, (96, 96), np.uint8)
    same = TrainingFrame("same", image, image, np.empty((0, 4), np.float32), np.empty(0, np.int64))
    plan = CropPlan(64, 1, orientation=Orientation.AS_IS, reference_jitter_px=2)
    source = FrameCrops([same], InputKind.REFERENCE, plan=plan)
    shifts = set()
    for epoch in range(60):
        pixels = source.crop(0, epoch=epoch, is_settling=False).pixels
        inner = np.ascontiguousarray(pixels[4:-4, 4:-4, 1])
        _, _, (x, y), _ = cv2.minMaxLoc(cv2.matchTemplate(np.ascontiguousarray(pixels[..., 0]), inner, cv2.TM_SQDIFF))
        shifts.add((x - 4, y - 4))
    assert (0, 0) in shifts
    assert max(abs(value) for shift in shifts for value in shift) == 2


@pytest.mark.parametrize(("left", "top"), [(-2, -3), (190, 150), (0, 0)])
def test_a_window_over_the_edge_repeats_the_edge(left: int, top: int) -> None:
    image = frame([]).image
    part = window(image, left, top, 20, 20)
    padded = np.pad(image, 32, mode="edge")
    assert np.array_equal(part, padded[top + 32 : top + 52, left + 32 : left + 52])


def colour_of(crop: NDArray[np.uint8]) -> list[int]:
    return [int(value) for value in crop[0, 0]]


def test_colour_comes_in_the_order_that_serving_gives_the_network() -> None:
    image = np.full((64, 64, 3), (10, 20, 30), np.uint8)  # blue, green, red
    blue_first = TrainingFrame("colour", image, None, np.empty((0, 4), np.float32), np.empty(0, np.int64))
    crop = FrameCrops([blue_first], InputKind.SINGLE, plan=AS_IS).crop(0, epoch=0, is_settling=False)
    assert colour_of(crop.pixels) == [30, 20, 10]


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"crop_px": 100}, id="no multiple of 32"),
        pytest.param({"crops_per_image": 0}, id="no crop"),
        pytest.param({"random_share": 1.5}, id="a share above 1"),
    ],
)
def test_impossible_crops_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(PlanRefused):
        CropPlan(**settings)  # type: ignore[arg-type]  # what is refused


def test_an_epoch_shows_every_crop_once_and_leaves_no_tiny_batch() -> None:
    frames = [frame([(50, 50, 70, 70)], seed=seed) for seed in range(9)]
    source = FrameCrops(frames, InputKind.SINGLE, plan=CropPlan(64, 1, orientation=Orientation.AS_IS))
    batches = list(batches_of_epoch(source, epoch=1, batch=4, seed=1, is_settling=False, threads=3))
    assert [len(batch.pixels_nhwc_u8) for batch in batches] == [5, 4]
    assert len(batches) == steps_of_epoch(source, 4)
    shown = {image.tobytes() for batch in batches for image in batch.pixels_nhwc_u8}
    assert shown == {source.crop(index, epoch=1, is_settling=False).pixels.tobytes() for index in range(9)}


def test_a_batch_has_boxes_as_centres_and_sizes_in_shares() -> None:
    source = FrameCrops([frame([(0, 0, 32, 16)], size_wh=(64, 64))], InputKind.SINGLE, plan=AS_IS)
    (batch,) = batches_of_epoch(source, epoch=0, batch=4, seed=1, is_settling=False, threads=1)
    assert batch.image_index.tolist() == [0, 1, 2, 3]
    assert batch.boxes_cxcywh[0].tolist() == [0.25, 0.125, 0.5, 0.25]
