"""Training images: crops, their boxes, and the order of channels that ultralytics will see."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from lineside.datasets.synthetic import DEFECT_CLASSES, Defect, DefectClass
from lineside.inspection.release import InputKind
from lineside.training.training_data import (
    TrainingImages,
    crop_boxes,
    network_image,
    training_sample,
    write_training_images,
)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        pytest.param((330, 10, 350, 50), [(0, 20 / 320, 30 / 320, 20 / 320, 40 / 320)], id="inside"),
        pytest.param((310, 10, 330, 50), [(0, 5 / 320, 30 / 320, 10 / 320, 40 / 320)], id="half inside is cut"),
        pytest.param((305, 10, 330, 50), [], id="less than half inside is left out"),
        pytest.param((10, 10, 30, 50), [], id="elsewhere"),
    ],
)
def test_boxes_of_a_crop(box: tuple[int, int, int, int], expected: list[tuple[float, ...]]) -> None:
    rows = crop_boxes([Defect(DefectClass.OPEN, box)], left=320, top=0, side=320)
    assert rows == [pytest.approx(row) for row in expected]


@pytest.mark.parametrize("kind", list(InputKind))
def test_ultralytics_will_see_frame_reference_difference_in_this_order(kind: InputKind, tmp_path: Path) -> None:
    """It reads files as blue-green-red and reverses them; a gray file is repeated."""
    images = TrainingImages(kind, boards=1, validation_boards=1, seed=3)
    data_file = write_training_images(images, tmp_path / "data", processes=1)
    assert json.loads(data_file.read_text())["names"] == {str(i): str(name) for i, name in enumerate(DEFECT_CLASSES)}
    sample = training_sample(3, 0)
    path = tmp_path / "data/images/train/0000000_320_000.png"
    seen = np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR))[..., ::-1]
    assert np.array_equal(seen, network_image(sample, kind)[:320, 320:])
    assert np.array_equal(seen[..., 0], sample.frame[:320, 320:])
    if kind is InputKind.REFERENCE:
        assert np.array_equal(seen[..., 1], sample.reference[:320, 320:])
        assert np.array_equal(seen[..., 2], cv2.absdiff(sample.frame, sample.reference)[:320, 320:])
    labels = (tmp_path / "data/labels/train/0000000_320_000.txt").read_text().split("\n")
    assert len([line for line in labels if line]) == len(crop_boxes(sample.defects, left=320, top=0, side=320))
    assert len(list((tmp_path / "data/images/train").iterdir())) == 4


@pytest.mark.parametrize("crop_px", [100, 96, 48])
def test_crops_that_do_not_divide_a_board_are_refused(crop_px: int) -> None:
    with pytest.raises(ValueError, match="multiple of 32 that divides 640"):
        TrainingImages(InputKind.SINGLE, boards=1, crop_px=crop_px)
