"""Mask images: one box for each connected part."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from importing_folders import Importer
from labelled_folders import picture, write_files
from lineside.datasets.errors import LabelsRefused, SampleUnreadable
from lineside.datasets.formats import FormatName, ReadingOptions
from lineside.datasets.formats.masks import parse_mask_values
from lineside.datasets.importing import Unlabelled
from lineside.datasets.labelled import LabelledBox, Split

MASKS = FormatName.MASKS
VALUES = ReadingOptions(mask_values={1: "scratch", 2: "dent"})


def mask(*parts: tuple[int, int, int, int, int], size_wh: tuple[int, int] = (60, 40), suffix: str = ".png") -> bytes:
    """A mask with these parts: left, top, right, bottom, value."""
    pixels = np.zeros((size_wh[1], size_wh[0]), np.uint8)
    for left, top, right, bottom, value in parts:
        pixels[top:bottom, left:right] = value
    return cv2.imencode(suffix, pixels)[1].tobytes()


def test_every_connected_part_is_a_defect_of_its_folders_class(tmp_path: Path, importer: Importer) -> None:
    write_files(
        tmp_path,
        {
            "images/a.png": picture(1),
            "images/line-1/b.png": picture(2),
            "masks/scratch/a.png": mask((5, 5, 10, 8, 255), (10, 8, 12, 20, 7), (40, 30, 60, 40, 1)),
            "masks/dent/a_mask.png": mask((0, 0, 1, 1, 9)),
            "masks/dent/line-1/b.bmp": mask(suffix=".bmp"),
        },
    )
    revision = importer(tmp_path, MASKS)
    assert revision.classes == ("dent", "scratch")
    first, second = revision.images
    assert first.boxes == (
        LabelledBox("dent", (0, 0, 1, 1)),
        LabelledBox("scratch", (5, 5, 12, 20)),  # two strokes that touch at a corner are one
        LabelledBox("scratch", (40, 30, 60, 40)),
    )
    assert (second.name, second.is_declared_good) == ("line-1/b", True)


def test_gray_values_are_classes_where_somebody_says_so(tmp_path: Path, importer: Importer) -> None:
    files = {"images/a.png": picture(1), "masks/a.png": mask((5, 5, 10, 10, 2), (10, 5, 15, 10, 1))}
    write_files(tmp_path, files)
    with pytest.raises(SampleUnreadable, match="--mask-values"):
        importer(tmp_path, MASKS)
    revision = importer(tmp_path, MASKS, reading=VALUES)
    assert revision.classes == ("scratch", "dent")
    assert revision.images[0].boxes == (
        LabelledBox("scratch", (10, 5, 15, 10)),
        LabelledBox("dent", (5, 5, 10, 10)),
    )


def test_mvtecs_folders_say_class_and_use_and_good_is_a_declaration(tmp_path: Path, importer: Importer) -> None:
    write_files(
        tmp_path,
        {
            "train/good/000.png": picture(1),
            "test/good/000.png": picture(2),
            "test/scratch/000.png": picture(3),
            "ground_truth/scratch/000_mask.png": mask((1, 2, 3, 4, 255)),
        },
    )
    revision = importer(tmp_path, MASKS)
    assert revision.classes == ("scratch",)
    assert [(image.name, image.split, image.is_declared_good) for image in revision.images] == [
        ("test/good/000", Split.GOLDEN, True),
        ("test/scratch/000", Split.GOLDEN, False),
        ("train/good/000", Split.TRAIN, True),
    ]
    write_files(tmp_path, {"test/scratch/001.png": picture(4)})
    with pytest.raises(LabelsRefused, match=r"1 of 4 images have no label: .*scratch/001\.png"):
        importer(tmp_path, MASKS)
    write_files(tmp_path, {"ground_truth/scratch/002_mask.png": mask()})
    with pytest.raises(LabelsRefused, match=r"002_mask\.png is the mask of no image"):
        importer(tmp_path, MASKS)


@pytest.mark.parametrize(
    ("files", "error", "why"),
    [
        pytest.param(
            {"masks/scratch/a.png": mask(size_wh=(40, 60))}, LabelsRefused, "40x60 px, but", id="another size"
        ),
        pytest.param(
            {"masks/scratch/a.png": mask(), "masks/dent/a.png": mask(size_wh=(9, 9))},
            SampleUnreadable,
            "another size than the other masks",
            id="two sizes",
        ),
        pytest.param({"masks/scratch/a.jpg": mask(suffix=".jpg")}, SampleUnreadable, "blurs", id="a JPEG"),
        pytest.param({"masks/scratch/a.png": b"x"}, SampleUnreadable, "no JPEG, PNG or BMP", id="no picture"),
        pytest.param(
            {"masks/scratch/a.png": mask(), "masks/scratch/a_mask.png": mask()},
            SampleUnreadable,
            "both masks of 'a'",
            id="two masks",
        ),
        pytest.param(
            {"masks/scratch/a.png": mask(), "masks/scratch/b.png": mask()},
            LabelsRefused,
            r"b\.png is the mask of no image",
            id="no image",
        ),
        pytest.param(
            {"masks/scratch/a.png": cv2.imencode(".png", np.full((40, 60, 3), (0, 0, 255), np.uint8))[1].tobytes()},
            SampleUnreadable,
            "in colour",
            id="colours",
        ),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, importer: Importer, files: dict[str, str | bytes], error: type[Exception], why: str
) -> None:
    write_files(tmp_path, {"images/a.png": picture(1)} | files)
    with pytest.raises(error, match=why):
        importer(tmp_path, MASKS)


def test_a_gray_value_without_a_class_is_refused(tmp_path: Path, importer: Importer) -> None:
    write_files(tmp_path, {"images/a.png": picture(1), "masks/a.png": mask((1, 1, 2, 2, 3), (4, 4, 5, 5, 1))})
    with pytest.raises(SampleUnreadable, match=r"gray values \[3\]; classes are known for \[1, 2\]"):
        importer(tmp_path, MASKS, reading=VALUES)


def test_a_gray_mask_saved_in_three_channels_is_gray(tmp_path: Path, importer: Importer) -> None:
    gray = np.zeros((40, 60, 3), np.uint8)
    gray[1:5, 1:5] = 255
    write_files(tmp_path, {"images/a.png": picture(1), "masks/dent/a.png": cv2.imencode(".png", gray)[1].tobytes()})
    assert importer(tmp_path, MASKS).images[0].boxes == (LabelledBox("dent", (1, 1, 5, 5)),)


def test_an_image_without_a_mask_is_unlabelled(tmp_path: Path, importer: Importer) -> None:
    write_files(tmp_path, {"images/a.png": picture(1), "images/b.png": picture(2), "masks/dent/a.png": mask()})
    with pytest.raises(LabelsRefused, match="have no label"):
        importer(tmp_path, MASKS)
    assert len(importer(tmp_path, MASKS, unlabelled=Unlabelled.SKIP).images) == 1


@pytest.mark.parametrize("text", ["", "scratch", "0=scratch", "256=x", "1=", "1=a,1=b", "1=a,2=a", "-1=a", "²=a"])
def test_mask_values_that_cannot_be_meant_are_refused(text: str) -> None:
    with pytest.raises(SampleUnreadable, match="--mask-values"):
        parse_mask_values(text)
