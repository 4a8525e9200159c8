"""What a labelled image can be, and what it refuses to be."""

from typing import Any

import pytest

from lineside.datasets.labelled import ImageFile, LabelledBox, LabelledImage, Split
from lineside.inspection.frames import MediaType

FILE = ImageFile("a" * 64, 100, 60, 40, MediaType.PNG)
GOOD: dict[str, Any] = {"name": "a", "part_id": "p", "group": "g", "image": FILE, "is_declared_good": True}


@pytest.mark.parametrize(
    ("box", "why"),
    [
        pytest.param((0, 0, 0, 5), "no area", id="no width"),
        pytest.param((0, 5, 5, 5), "no area", id="no height"),
        pytest.param((9, 0, 3, 5), "no area", id="right before left"),
        pytest.param((0, 0, float("nan"), 5), "not finite", id="not a number"),
        pytest.param((0, 0, float("inf"), 5), "not finite", id="infinite"),
    ],
)
def test_what_is_no_box_is_refused(box: tuple[float, float, float, float], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        LabelledBox("open", box)


def test_a_box_has_one_spelling() -> None:
    assert repr(LabelledBox("open", (-0.0, 1, 5, 6))) == repr(LabelledBox("open", (0.0, 1.0, 5.0, 6.0)))


def test_an_image_that_nobody_labelled_is_no_labelled_image() -> None:
    with pytest.raises(ValueError, match="nobody declared it good"):
        LabelledImage(**GOOD | {"is_declared_good": False})


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param(
            {"boxes": (LabelledBox("open", (0, 0, 5, 5)),)}, "declared good and has 1", id="good with a defect"
        ),
        pytest.param(
            {"boxes": (LabelledBox("open", (0, 0, 61, 5)),), "is_declared_good": False},
            "outside its 60x40",
            id="a box outside",
        ),
        pytest.param({"part_id": ""}, "empty part_id", id="no part"),
        pytest.param({"group": ""}, "empty group", id="no group"),
        pytest.param({"ancestors": ("abc",)}, "ancestor 'abc'", id="an ancestor that is no digest"),
        pytest.param({"name": ""}, "image name", id="no name"),
        pytest.param({"name": "../a"}, "image name", id="a name that goes up"),
        pytest.param({"name": "."}, "image name", id="the folder itself"),
        pytest.param({"name": "/a"}, "image name", id="an absolute name"),
        pytest.param({"name": "a//b"}, "image name", id="a name with an empty part"),
        pytest.param({"name": "a/.b"}, "image name", id="a hidden name"),
        pytest.param({"name": "a\nb"}, "image name", id="a name with a line break"),
        pytest.param({"name": "a\\b"}, "image name", id="a name with a backslash"),
        pytest.param({"name": "a "}, "image name", id="a name that ends in a blank"),
    ],
)
def test_contradictions_are_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        LabelledImage(**GOOD | changes)


@pytest.mark.parametrize("name", ["a", "board-7/0001", "a b.c_d", "기판/7", "x..y"])
def test_usual_names_are_taken(name: str) -> None:
    assert LabelledImage(**GOOD | {"name": name}).name == name


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(("A" * 64, 100, 60, 40, MediaType.PNG), id="an upper case digest"),
        pytest.param(("a" * 64, 0, 60, 40, MediaType.PNG), id="no bytes"),
        pytest.param(("a" * 64, 100, 0, 40, MediaType.PNG), id="no width"),
        pytest.param(("a" * 64, 100, 60, 40, MediaType.RAW), id="raw pixels"),
    ],
)
def test_a_file_that_cannot_be_is_refused(wrong: tuple[str, int, int, int, MediaType]) -> None:
    with pytest.raises(ValueError, match=r"digest|at least 1|expected one of"):
        ImageFile(*wrong)


def test_the_splits_are_the_ones_that_the_gate_knows() -> None:
    assert [split.value for split in Split] == ["train", "val", "calibration", "golden", "sealed", "escape_bank"]
