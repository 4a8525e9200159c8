"""YOLO's layout: what is read, and what is refused with file and line."""

from pathlib import Path

import pytest

from importing_folders import Importer
from labelled_folders import picture, write_files, yolo_files
from lineside.datasets.errors import ClassesRefused, LabelsRefused, SampleUnreadable
from lineside.datasets.formats import FormatName, ReadingOptions
from lineside.datasets.labelled import LabelledBox, Split

YOLO = FormatName.YOLO
LABEL = "labels/train/board-0.txt"


def test_shares_become_pixels_and_folders_splits(tmp_path: Path, importer: Importer) -> None:
    write_files(
        tmp_path,
        {
            "data.yaml": "train: images/train\nval: images/val\ntest: images/test\nnc: 2\nnames: [open, short]\n",
            "images/train/a.png": picture(1),
            "images/val/line-1/b.jpg": picture(2, suffix=".jpg"),
            "images/test/c.bmp": picture(3, suffix=".bmp"),
            "labels/train/a.txt": "1 0.5 0.5 0.5 0.25\n0 0.25 0.25 0.1 0.1",
            "labels/val/line-1/b.txt": "0 0.5 0.5 1 1\r\n\r\n",
            "labels/test/c.txt": "",
        },
    )
    revision = importer(tmp_path, YOLO)
    assert revision.classes == ("open", "short")
    assert [(image.name, image.split, image.is_declared_good) for image in revision.images] == [
        ("a", Split.TRAIN, False),
        ("c", Split.GOLDEN, True),
        ("line-1/b", Split.VAL, False),
    ]
    assert revision.images[0].boxes == (LabelledBox("short", (15, 15, 45, 25)), LabelledBox("open", (12, 8, 18, 12)))
    assert revision.images[2].boxes == (LabelledBox("open", (0, 0, 60, 40)),)


@pytest.mark.parametrize(
    ("yaml", "folders"),
    [
        pytest.param(
            "path: /home/somebody/else\ntrain: images/train\n", "images/train", id="a path of another machine"
        ),
        pytest.param("train: ../train/images\n", "train/images", id="Roboflow's way up"),
        pytest.param("path: set\ntrain: images\n", "set/images", id="a path below the file"),
        pytest.param("train: [images/train]\n", "images/train", id="a list of folders"),
        pytest.param("train: train.txt\n", "images", id="a list of files"),
    ],
)
def test_the_ways_in_which_a_data_yaml_names_its_folders(
    tmp_path: Path, importer: Importer, yaml: str, folders: str
) -> None:
    labels = folders.replace("images", "labels")
    write_files(
        tmp_path,
        {
            "data.yaml": f"{yaml}names:\n  0: open\n",
            "train.txt": "./images/a.png\n",
            f"{folders}/a.png": picture(1),
            f"{labels}/a.txt": "0 0.5 0.5 0.1 0.1\n",
        },
    )
    revision = importer(tmp_path / "data.yaml", YOLO)
    assert [(image.split, len(image.boxes)) for image in revision.images] == [(Split.TRAIN, 1)]
    assert importer(tmp_path, YOLO).id == revision.id


@pytest.mark.parametrize(
    ("files", "split"),
    [
        pytest.param({"images/a.png": picture(1), "labels/a.txt": "0 .5 .5 .1 .1"}, None, id="images and labels"),
        pytest.param({"a.png": picture(1), "a.txt": "0 .5 .5 .1 .1"}, None, id="beside each other"),
        pytest.param(
            {"images/val/a.png": picture(1), "labels/val/a.txt": "0 .5 .5 .1 .1"}, Split.VAL, id="splits by folder"
        ),
        pytest.param(
            {"valid/images/a.png": picture(1), "valid/labels/a.txt": "0 .5 .5 .1 .1"}, Split.VAL, id="folders of splits"
        ),
    ],
)
def test_folders_without_a_data_yaml(
    tmp_path: Path, importer: Importer, files: dict[str, str | bytes], split: Split | None
) -> None:
    write_files(tmp_path, files)
    with pytest.raises(SampleUnreadable, match=r"neither data\.yaml nor classes\.txt"):
        importer(tmp_path, YOLO)
    said = importer(tmp_path, YOLO, reading=ReadingOptions(classes=("open",)))
    write_files(tmp_path, {"classes.txt": "open\n"})
    assert importer(tmp_path, YOLO).id == said.id
    assert [(image.name, image.split, len(image.boxes)) for image in said.images] == [("a", split, 1)]


def test_a_polygon_is_read_as_the_box_around_it_and_counted(tmp_path: Path, importer: Importer) -> None:
    write_files(tmp_path, yolo_files(1) | {LABEL: "1 0.1 0.2 0.5 0.1 0.3 0.4\n0 0.1 0.1 0.2 0.1 0.2 0.2 0.1 0.2\n"})
    revision = importer(tmp_path, YOLO)
    assert revision.images[0].boxes == (LabelledBox("short", (6, 4, 30, 16)), LabelledBox("open", (6, 4, 12, 8)))
    assert revision.provenance["import"]["boxed_polygons"] == 2
    assert "boxed polygons: 2" in importer.remarks


@pytest.mark.parametrize(
    ("line", "error", "why"),
    [
        pytest.param("0 0.5 0.5 0.1", SampleUnreadable, "4 numbers", id="a number is missing"),
        pytest.param("0 0.5 0.5 0.1 0.1 0.9", SampleUnreadable, "confidence", id="a prediction"),
        pytest.param("0 0.1 0.1 0.2 0.2 0.3 0.3 0.9", SampleUnreadable, "8 numbers", id="half a point"),
        pytest.param("open 0.5 0.5 0.1 0.1", SampleUnreadable, "expected numbers", id="a name for a number"),
        pytest.param("0.5 0.5 0.5 0.1 0.1", SampleUnreadable, "class number", id="half a class"),
        pytest.param("0 nan 0.5 0.1 0.1", SampleUnreadable, "finite", id="not a number"),
        pytest.param("0 1e999 0.5 0.1 0.1", SampleUnreadable, "finite", id="infinite"),
        pytest.param(
            "2 0.5 0.5 0.1 0.1", LabelsRefused, r"class id 2, but there are 2 classes", id="class id too large"
        ),
        pytest.param("-1 0.5 0.5 0.1 0.1", LabelsRefused, "class id -1", id="class id below 0"),
        pytest.param("0 0.5 0.5 0 0.1", LabelsRefused, "no area", id="no width"),
        pytest.param("0 0.5 0.5 -0.1 0.1", LabelsRefused, "no area", id="a width below 0"),
        pytest.param("0 0.95 0.5 0.2 0.1", LabelsRefused, r"reaches outside its 60x40 px image", id="outside"),
        pytest.param("0 320 240 64 48", LabelsRefused, "reaches outside", id="pixels for shares"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, importer: Importer, line: str, error: type[Exception], why: str) -> None:
    write_files(tmp_path, yolo_files(2) | {LABEL: f"0 0.5 0.5 0.1 0.1\n{line}\n"})
    with pytest.raises(error, match=rf"board-0\.txt:2: .*{why}"):
        importer(tmp_path, YOLO)
    assert importer.store.ids() == ()


def test_all_wrong_lines_are_told_together_the_first_few_by_name(tmp_path: Path, importer: Importer) -> None:
    write_files(tmp_path, yolo_files(9) | {f"labels/train/board-{number}.txt": "0 2 2 2 2\n" for number in range(9)})
    with pytest.raises(LabelsRefused, match=r"board-0\.txt:1: .*board-4\.txt:1: .*; and 4 more$"):
        importer(tmp_path, YOLO)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("0 0.950000 0.500000 0.100001 0.1", id="six decimals"),
        pytest.param("0 0.9500 0.5 0.1001 0.1", id="four decimals"),
    ],
)
def test_the_rounding_of_the_numbers_puts_no_box_outside(tmp_path: Path, importer: Importer, line: str) -> None:
    write_files(tmp_path, yolo_files(1) | {LABEL: f"{line}\n"})
    revision = importer(tmp_path, YOLO)
    assert revision.images[0].boxes[0].box_xyxy_px[2] == 60
    assert "clipped" not in revision.provenance["import"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param("train: images/train\n", "names: expected", id="no classes"),
        pytest.param("names: [open]\n", "names no images", id="no images"),
        pytest.param("train: elsewhere\nnames: [open]\n", "is not there", id="a folder that is not there"),
        pytest.param("train: ../..\nnames: [open]\n", "leads out of the data set", id="a folder above"),
        pytest.param("train: /etc\nnames: [open]\n", "leads out of the data set", id="an absolute folder"),
        pytest.param("path: /etc\ntrain: .\nnames: [open]\n", "leads out", id="an absolute path that is there"),
        pytest.param("train: 3\nnames: [open]\n", "expected a folder", id="a number for a folder"),
        pytest.param(
            "train: images/train\nnames: [no, yes]\n", "put it in quotes", id="names that YAML reads as booleans"
        ),
        pytest.param("train: images/train\nnames: {0: open, 2: short}\n", "without a gap", id="a gap in the numbers"),
        pytest.param("train: images/train\nnc: 3\nnames: [open, short]\n", "nc is 3, but 2", id="another count"),
        pytest.param("train: images/train\nkpt_shape: [17, 3]\nnames: [open]\n", "key points", id="key points"),
        pytest.param("a: &a [x]\nb: [*a, *a]\ntrain: images/train\nnames: [open]\n", "aliases", id="aliases"),
        pytest.param("train: [images\n", "no YAML", id="no YAML"),
        pytest.param("- train\n", "expected keys", id="a list"),
        pytest.param("train: !!python/object/apply:os.system [id]\nnames: [a]\n", "no YAML", id="code"),
    ],
)
def test_a_data_yaml_that_cannot_be_meant_is_refused(
    tmp_path: Path, importer: Importer, content: str, why: str
) -> None:
    write_files(tmp_path, yolo_files(1) | {"data.yaml": content})
    with pytest.raises(SampleUnreadable, match=why):
        importer(tmp_path, YOLO)


@pytest.mark.parametrize("names", ["[open, Open]", "[open, 'op en']", "[open, open]"])
def test_two_classes_with_one_name_are_refused(tmp_path: Path, importer: Importer, names: str) -> None:
    write_files(tmp_path, yolo_files(1) | {"data.yaml": f"train: images/train\nnames: {names}\n"})
    with pytest.raises(ClassesRefused, match="one name"):
        importer(tmp_path, YOLO)


def test_a_list_may_not_name_pictures_elsewhere(tmp_path: Path, importer: Importer) -> None:
    write_files(
        tmp_path, yolo_files(1) | {"data.yaml": "train: train.txt\nnames: [open]\n", "train.txt": "/etc/a.png\n"}
    )
    with pytest.raises(SampleUnreadable, match=r"train\.txt:1: .* leads out"):
        importer(tmp_path, YOLO)


def test_references_are_paired_by_name(tmp_path: Path, importer: Importer) -> None:
    write_files(tmp_path, yolo_files(2) | {"references/board-1.jpg": picture(50, suffix=".jpg")})
    first, second = importer(tmp_path, YOLO).images
    assert first.reference is None
    assert second.reference is not None
    assert importer.store.image_bytes(second.reference) == picture(50, suffix=".jpg")
    write_files(tmp_path, {"references/board-7.png": picture(51)})
    with pytest.raises(LabelsRefused, match=r"board-7\.png is the reference of no image"):
        importer(tmp_path, YOLO)


def test_pictures_that_no_split_names_are_counted(tmp_path: Path, importer: Importer) -> None:
    write_files(tmp_path, yolo_files(1) | {"images/extra/b.png": picture(7)})
    revision = importer(tmp_path, YOLO)
    assert revision.provenance["import"]["pictures_outside_the_splits"] == 1
    assert "pictures outside the splits: 1" in importer.remarks


def test_hidden_files_of_other_systems_are_not_looked_at(tmp_path: Path, importer: Importer) -> None:
    files = {"images/train/._board-0.png": b"\x00\x05\x16\x07", "labels/train/._board-0.txt": b"\x00\xff"}
    write_files(tmp_path, yolo_files(1) | files)
    assert len(importer(tmp_path, YOLO).images) == 1
