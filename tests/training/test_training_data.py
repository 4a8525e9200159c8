"""Training images of synthetic boards: crops, their boxes, and the order of channels."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from lineside.inspection.release import InputKind
from lineside.training.training_data import TrainingImages, network_image, training_sample, write_training_images


@pytest.mark.parametrize("kind", list(InputKind))
def test_written_crops_come_back_in_the_networks_order_with_their_boxes(kind: InputKind, tmp_path: Path) -> None:
    crops = write_training_images(TrainingImages(kind, boards=1, seed=3), tmp_path / "data", processes=1)
    assert len(crops) == 4
    sample = training_sample(3, 0)
    whole = network_image(sample, kind)
    corners = [(0, 0), (0, 320), (320, 0), (320, 320)]  # in the order of the files' names: left, then top
    seen = [crops.crop(index, epoch=0, is_settling=False) for index in range(4)]
    for crop, (left, top) in zip(seen, corners, strict=True):
        assert np.array_equal(crop.pixels, whole[top : top + 320, left : left + 320])
    assert np.array_equal(seen[0].pixels[..., 0], sample.frame[:320, :320])
    if kind is InputKind.REFERENCE:
        assert np.array_equal(seen[1].pixels[..., 1], sample.reference[320:, :320])
        assert np.array_equal(seen[1].pixels[..., 2], cv2.absdiff(sample.frame, sample.reference)[320:, :320])
    uncut = {defect.box_xyxy_px for defect in sample.defects if _lies_in_one_crop(defect.box_xyxy_px)}
    written = {
        tuple(float(value) for value in box + np.array([left, top, left, top], np.float32))
        for crop, (left, top) in zip(seen, corners, strict=True)
        for box in crop.boxes_xyxy_px
    }
    assert uncut
    assert uncut <= written


def _lies_in_one_crop(box: tuple[int, int, int, int]) -> bool:
    left, top, right, bottom = box
    return left // 320 == (right - 1) // 320 and top // 320 == (bottom - 1) // 320


@pytest.mark.parametrize("crop_px", [100, 96, 48])
def test_crops_that_do_not_divide_a_board_are_refused(crop_px: int) -> None:
    with pytest.raises(ValueError, match="multiple of 32 that divides 640"):
        TrainingImages(InputKind.SINGLE, boards=1, crop_px=crop_px)
