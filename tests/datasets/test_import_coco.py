"""COCO JSON: what is read, and what is refused with its entry."""

import json
from pathlib import Path
from typing import Any

import pytest

from importing_folders import Importer
from labelled_folders import picture, write_files
from lineside.datasets.errors import ClassesRefused, LabelsRefused, SampleUnreadable
from lineside.datasets.formats import FormatName
from lineside.datasets.importing import Unlabelled
from lineside.datasets.labelled import LabelledBox, Split

COCO = FormatName.COCO
CATEGORIES = [{"id": 7, "name": "short"}, {"id": 3, "name": "open", "supercategory": "defect"}]
IMAGE = {"id": 1, "file_name": "a.png", "width": 60, "height": 40}
ANNOTATION = {"id": 5, "image_id": 1, "category_id": 7, "bbox": [10, 5, 20.5, 10], "iscrowd": 0, "area": 205}


def document(**changes: Any) -> str:
    return json.dumps({"images": [IMAGE], "annotations": [ANNOTATION], "categories": CATEGORIES} | changes)


def test_boxes_become_edges_and_categories_are_ordered_by_their_number(tmp_path: Path, importer: Importer) -> None:
    later = {"id": 9, "image_id": 1, "category_id": 3, "bbox": [0, 0, 60, 40]}
    write_files(tmp_path, {"all.json": document(annotations=[later, ANNOTATION]), "images/a.png": picture(1)})
    revision = importer(tmp_path, COCO)
    assert revision.classes == ("open", "short")
    assert revision.images[0].boxes == (LabelledBox("short", (10, 5, 30.5, 15)), LabelledBox("open", (0, 0, 60, 40)))
    assert revision.images[0].split is None


@pytest.mark.parametrize(
    ("json_path", "picture_path", "split"),
    [
        pytest.param("annotations/instances_train2017.json", "train2017/a.png", Split.TRAIN, id="the original"),
        pytest.param("annotations/instances_val.json", "images/val/a.png", Split.VAL, id="images by split"),
        pytest.param("test/_annotations.coco.json", "test/a.png", Split.GOLDEN, id="Roboflow's"),
        pytest.param("labels.json", "a.png", None, id="side by side"),
        pytest.param("annotations/escape_bank.json", "images/escape_bank/a.png", Split.ESCAPE_BANK, id="our own name"),
    ],
)
def test_where_the_files_lie(
    tmp_path: Path, importer: Importer, json_path: str, picture_path: str, split: Split | None
) -> None:
    write_files(tmp_path, {json_path: document(), picture_path: picture(1)})
    revision = importer(tmp_path, COCO)
    assert [(image.name, image.split) for image in revision.images] == [("a", split)]
    assert importer(tmp_path / json_path, COCO).id == revision.id


def test_the_files_of_the_splits_are_one_data_set(tmp_path: Path, importer: Importer) -> None:
    write_files(
        tmp_path,
        {
            "annotations/instances_train.json": document(),
            "annotations/instances_val.json": document(images=[IMAGE | {"file_name": "b.png"}]),
            "annotations/captions_val.json": "{}",
            "images/train/a.png": picture(1),
            "images/val/b.png": picture(2),
        },
    )
    revision = importer(tmp_path, COCO)
    assert [(image.name, image.split) for image in revision.images] == [("a", Split.TRAIN), ("b", Split.VAL)]


def test_an_image_without_annotation_is_unlabelled_unless_it_says_that_it_is_good(
    tmp_path: Path, importer: Importer
) -> None:
    write_files(tmp_path, {"all.json": document(annotations=[]), "a.png": picture(1)})
    with pytest.raises(LabelsRefused, match="1 of 1 images have no label"):
        importer(tmp_path, COCO)
    assert importer(tmp_path, COCO, unlabelled=Unlabelled.GOOD).images[0].is_declared_good
    write_files(tmp_path, {"all.json": document(annotations=[], images=[IMAGE | {"is_declared_good": True}])})
    assert importer(tmp_path, COCO).images[0].is_declared_good


@pytest.mark.parametrize(
    ("changes", "error", "why"),
    [
        pytest.param({"categories": None}, SampleUnreadable, "no list of categories", id="no categories"),
        pytest.param({"images": {}}, SampleUnreadable, "no list of images", id="images that are no list"),
        pytest.param(
            {"annotations": {}}, SampleUnreadable, "annotations is no list", id="annotations that are no list"
        ),
        pytest.param({"images": [{"id": 1}]}, SampleUnreadable, "expected an id and a file_name", id="no file name"),
        pytest.param({"images": [IMAGE, IMAGE]}, SampleUnreadable, "image ids are not unique", id="an image id twice"),
        pytest.param(
            {"annotations": [ANNOTATION, ANNOTATION]}, SampleUnreadable, "annotation ids", id="an annotation id twice"
        ),
        pytest.param(
            {"images": [IMAGE, IMAGE | {"id": 2}]}, LabelsRefused, "both called 'a'", id="a file listed twice"
        ),
        pytest.param(
            {"annotations": [ANNOTATION | {"bbox": [1, 2, 3]}]},
            SampleUnreadable,
            r"annotations\[0\]: bbox",
            id="3 numbers",
        ),
        pytest.param(
            {"annotations": [ANNOTATION | {"bbox": [1, 2, float("nan"), 3]}]}, SampleUnreadable, "finite", id="NaN"
        ),
        pytest.param(
            {"annotations": [ANNOTATION | {"bbox": [1, 2, "3", 3]}]}, SampleUnreadable, "finite numbers", id="text"
        ),
        pytest.param({"annotations": [ANNOTATION | {"iscrowd": 1}]}, SampleUnreadable, "a crowd", id="a crowd"),
        pytest.param({"annotations": ["box"]}, SampleUnreadable, "expected id, image_id", id="text for an annotation"),
        pytest.param({"annotations": [ANNOTATION | {"image_id": 2}]}, LabelsRefused, "on image 2", id="no such image"),
        pytest.param(
            {"annotations": [ANNOTATION | {"category_id": 1}]},
            LabelsRefused,
            r"class id 1; .*3 \(open\)",
            id="no class",
        ),
        pytest.param(
            {"annotations": [ANNOTATION | {"bbox": [50, 5, 11, 5]}]}, LabelsRefused, "reaches outside", id="outside"
        ),
        pytest.param({"annotations": [ANNOTATION | {"bbox": [5, 5, 0, 5]}]}, LabelsRefused, "no area", id="no width"),
        pytest.param({"images": [IMAGE | {"width": 61}]}, LabelsRefused, "61x40 px, but", id="another picture's size"),
        pytest.param({"images": [IMAGE | {"file_name": "b.png"}]}, SampleUnreadable, "is not there", id="no picture"),
        pytest.param({"images": [IMAGE | {"file_name": "../a.png"}]}, SampleUnreadable, "leads out", id="a way up"),
        pytest.param({"images": [IMAGE | {"file_name": "/etc/a.png"}]}, SampleUnreadable, "leads out", id="absolute"),
        pytest.param({"images": [IMAGE | {"file_name": "C:\\a.png"}]}, SampleUnreadable, "leads out", id="a drive"),
        pytest.param(
            {"categories": [*CATEGORIES, {"id": 7, "name": "x"}]}, SampleUnreadable, "id of its own", id="an id twice"
        ),
        pytest.param(
            {"categories": [*CATEGORIES, {"id": 8, "name": "Short"}]}, ClassesRefused, "one name", id="one class twice"
        ),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, importer: Importer, changes: dict[str, Any], error: type[Exception], why: str
) -> None:
    write_files(tmp_path, {"all.json": document(**changes), "a.png": picture(1)})
    with pytest.raises(error, match=why):
        importer(tmp_path, COCO)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("{", id="cut off"),
        pytest.param("[" * 200_000, id="nested without end"),
        pytest.param(b"\xff\xfe", id="no UTF-8"),
    ],
)
def test_what_is_no_json_is_refused(tmp_path: Path, importer: Importer, content: str | bytes) -> None:
    write_files(tmp_path, {"all.json": content})
    with pytest.raises(SampleUnreadable, match=r"all\.json is no"):
        importer(tmp_path, COCO)


def test_splits_that_number_the_classes_differently_are_refused(tmp_path: Path, importer: Importer) -> None:
    write_files(
        tmp_path,
        {
            "annotations/instances_train.json": document(),
            "annotations/instances_val.json": document(categories=[{"id": 7, "name": "spur"}]),
        },
    )
    with pytest.raises(ClassesRefused, match="category 7 is 'spur', but 'short'"):
        importer(tmp_path, COCO)


def test_a_folder_without_json_is_refused(tmp_path: Path, importer: Importer) -> None:
    with pytest.raises(SampleUnreadable, match="has no JSON file"):
        importer(tmp_path, COCO)
