"""What holds for every layout: pictures, names, unlabelled images, clipping, provenance, one id for one content."""

import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from importing_folders import Importer
from labelled_folders import picture, write_files, yolo_files
from lineside.datasets.errors import (
    ClassesRefused,
    EmptyDataset,
    LabelsRefused,
    RevisionInvalid,
    SampleUnreadable,
)
from lineside.datasets.formats import FormatName
from lineside.datasets.grouping import parse_grouping
from lineside.datasets.importing import ImportOptions, Unlabelled, import_folder
from lineside.datasets.labelled import Split
from lineside.datasets.revisions import CatalogueRef, RevisionStore
from lineside.inspection.catalogue import builtin_catalogue

YOLO = FormatName.YOLO


def test_the_same_files_have_the_same_id_wherever_and_in_whatever_order_they_lie(
    tmp_path: Path, importer: Importer
) -> None:
    write_files(tmp_path / "one", yolo_files(5))
    write_files(tmp_path / "two" / "moved", dict(reversed(yolo_files(5).items())))
    first = importer(tmp_path / "one", YOLO)
    assert importer(tmp_path / "two" / "moved", YOLO).id == first.id
    other = RevisionStore(str(tmp_path / "store"))
    again = import_folder(tmp_path / "one", YOLO, store=other, options=ImportOptions(licence_note="free"))
    assert again.id == first.id
    assert other.verify(again.id).files == 5


def test_every_image_for_itself_is_said_aloud(tmp_path: Path, importer: Importer) -> None:
    revision = importer(write_files(tmp_path, yolo_files(2)), YOLO)
    assert [image.group for image in revision.images] == ["board-0", "board-1"]
    assert "each of the 2 images counts as a part and a group of its own" in importer.remarks[0]
    importer(tmp_path, YOLO, grouping=parse_grouping("name"))
    assert importer.remarks == []


def test_what_a_person_says_of_the_images_is_kept(tmp_path: Path, importer: Importer) -> None:
    write_files(tmp_path, yolo_files(1))
    parent = importer(tmp_path, YOLO)
    revision = importer(
        tmp_path,
        YOLO,
        licence_note="internal use",
        source="line 3, spring",
        product="BRD-A",
        line="line-3",
        view="top",
        parent=parent.id,
        catalogue=builtin_catalogue("pcb"),
    )
    assert (revision.licence_note, revision.source, revision.parent) == ("internal use", "line 3, spring", parent.id)
    assert revision.catalogue == CatalogueRef("pcb", 1)
    assert (revision.images[0].product, revision.images[0].line, revision.images[0].view) == ("BRD-A", "line-3", "top")


def test_a_licence_note_is_required(tmp_path: Path, importer: Importer) -> None:
    with pytest.raises(RevisionInvalid, match="licence note"):
        importer(write_files(tmp_path, yolo_files(1)), YOLO, licence_note="")


def test_classes_must_be_in_the_catalogue(tmp_path: Path, importer: Importer) -> None:
    write_files(tmp_path, yolo_files(1) | {"data.yaml": "train: images/train\nnames: [open, dent]\n"})
    with pytest.raises(ClassesRefused, match="pcb version 1 has no class 'dent'; it has open, short"):
        importer(tmp_path, YOLO, catalogue=builtin_catalogue("pcb"))


def test_an_image_without_label_is_an_error_that_says_how_many_and_what_to_do(
    tmp_path: Path, importer: Importer
) -> None:
    write_files(
        tmp_path, yolo_files(2) | {f"images/train/new-{number}.png": picture(10 + number) for number in range(7)}
    )
    with pytest.raises(
        LabelsRefused,
        match=r"7 of 9 images have no label: .*new-0\.png.*and 2 more.*--unlabelled good.*--unlabelled skip",
    ):
        importer(tmp_path, YOLO)
    good = importer(tmp_path, YOLO, unlabelled=Unlabelled.GOOD)
    assert sum(image.is_declared_good for image in good.images) == 7
    fewer = importer(tmp_path, YOLO, unlabelled=Unlabelled.SKIP)
    assert len(fewer.images) == 2
    assert fewer.provenance["import"]["skipped_unlabelled"] == 7
    assert "7 image(s) without a label were left out" in importer.remarks


def test_a_table_can_declare_single_images_good(tmp_path: Path, importer: Importer) -> None:
    table = "name,declared_good\nboard-0,\nnew,true\n"
    write_files(tmp_path, yolo_files(1) | {"images/train/new.png": picture(10), "parts.csv": table})
    revision = importer(tmp_path, YOLO, grouping=parse_grouping(f"csv:{tmp_path}/parts.csv"))
    assert [image.is_declared_good for image in revision.images] == [False, True]
    write_files(tmp_path, {"parts.csv": "name,declared_good\nboard-0,true\nnew,true\n"})
    with pytest.raises(LabelsRefused, match=r"'board-0' is declared good, but has 1 box"):
        importer(tmp_path, YOLO, grouping=parse_grouping(f"csv:{tmp_path}/parts.csv"))


def test_a_label_without_its_image_is_refused(tmp_path: Path, importer: Importer) -> None:
    write_files(tmp_path, yolo_files(1) | {"labels/train/gone.txt": "0 .5 .5 .1 .1\n"})
    with pytest.raises(LabelsRefused, match=r"gone\.txt is the label of no image"):
        importer(tmp_path, YOLO)


@pytest.mark.parametrize(
    ("files", "options", "why"),
    [
        pytest.param({"images/train/.gitkeep": ""}, {}, "no image was found", id="no image"),
        pytest.param(
            {"images/train/a.png": picture(1)},
            {"unlabelled": Unlabelled.SKIP},
            "none of the 1 images is labelled",
            id="no labelled image",
        ),
    ],
)
def test_an_empty_data_set_is_refused(
    tmp_path: Path, importer: Importer, files: dict[str, str | bytes], options: dict[str, Any], why: str
) -> None:
    write_files(tmp_path, yolo_files(0) | files)
    with pytest.raises(EmptyDataset, match=why):
        importer(tmp_path, YOLO, **options)


@pytest.mark.parametrize("format_name", list(FormatName))
def test_a_folder_that_is_not_there_or_empty_is_refused_in_every_layout(
    tmp_path: Path, importer: Importer, format_name: FormatName
) -> None:
    with pytest.raises(SampleUnreadable, match="is not there"):
        importer(tmp_path / "nowhere", format_name)
    with pytest.raises((SampleUnreadable, EmptyDataset, ClassesRefused)):
        importer(tmp_path, format_name)
    assert importer.store.ids() == ()


def png_of(pixels: np.ndarray[Any, Any]) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        pytest.param(b"", "starts with nothing", id="empty"),
        pytest.param(b"not a picture", "no JPEG, PNG or BMP", id="text"),
        pytest.param(picture(1)[:-20], "truncated|IEND|ends", id="cut off"),
        pytest.param(picture(1)[:60] + b"\xff" + picture(1)[61:], "PNG", id="a damaged byte"),
        pytest.param(png_of(np.zeros((40, 60, 4), np.uint8)), "transparency|alpha|channels", id="transparency"),
        pytest.param(png_of(np.zeros((40, 60), np.uint16)), "16", id="16 bits"),
    ],
)
def test_a_picture_that_no_station_could_send_is_refused_by_name(
    tmp_path: Path, importer: Importer, data: bytes, why: str
) -> None:
    write_files(tmp_path, yolo_files(3) | {"images/train/board-1.png": data})
    with pytest.raises(SampleUnreadable, match=rf"board-1\.png.*({why})"):
        importer(tmp_path, YOLO)
    assert importer.store.ids() == ()


def test_two_images_of_one_name_are_refused_with_both_paths(tmp_path: Path, importer: Importer) -> None:
    write_files(tmp_path, yolo_files(1) | {"images/train/board-0.jpg": picture(5, suffix=".jpg")})
    with pytest.raises(LabelsRefused, match=r"board-0\.jpg and .*board-0\.png are both called 'board-0'"):
        importer(tmp_path, YOLO)


def test_clipping_cuts_at_the_edge_and_is_recorded(tmp_path: Path, importer: Importer) -> None:
    write_files(tmp_path, yolo_files(1) | {"labels/train/board-0.txt": "0 0.95 0.5 0.2 0.25\n0 0.5 0.5 0.1 0.1\n"})
    revision = importer(tmp_path, YOLO, is_clipping=True)
    assert revision.images[0].boxes[0].box_xyxy_px == (51, 15, 60, 25)
    [clipped] = revision.provenance["import"]["clipped"]
    assert (clipped["image"], clipped["class_name"]) == ("board-0", "open")
    assert clipped["from_xyxy_px"] == pytest.approx([51, 15, 63, 25])
    assert clipped["to_xyxy_px"] == pytest.approx([51, 15, 60, 25])
    assert "1 box(es) reached outside their image and were cut at its edge" in importer.remarks
    assert importer.store.read(revision.id) == revision


def test_a_box_that_lies_wholly_outside_is_refused_even_when_clipping(tmp_path: Path, importer: Importer) -> None:
    write_files(tmp_path, yolo_files(1) | {"labels/train/board-0.txt": "0 1.5 0.5 0.2 0.25\n"})
    with pytest.raises(LabelsRefused, match=r"board-0\.txt:1: .*reaches outside"):
        importer(tmp_path, YOLO, is_clipping=True)


def test_deeppcbs_pairs_keep_board_and_template(tmp_path: Path, importer: Importer) -> None:
    write_files(
        tmp_path,
        {
            "trainval.txt": "group1/1/10.jpg group1/1_not/10.txt\n",
            "test.txt": "group2/2/20.jpg group2/2_not/20.txt\n",
            "group1/1_not/10.txt": "1 2 11 12 3\n4 5 20 15 6\n",
            "group2/2_not/20.txt": "0 0 60 40 1\n",
            **{
                f"group{board}/{board}/{board}0_{ending}.jpg": picture(seed, suffix=".jpg")
                for seed, (board, ending) in enumerate((board, ending) for board in "12" for ending in ("test", "temp"))
            },
        },
    )
    revision = importer(tmp_path, FormatName.DEEPPCB)
    first, second = revision.images
    assert importer.remarks == []
    assert (first.name, first.group, first.split) == ("10", "1", None)
    assert (second.name, second.group, second.split) == ("20", "2", Split.GOLDEN)
    assert [(box.class_name, box.box_xyxy_px) for box in first.boxes] == [
        ("mousebite", (1, 2, 11, 12)),
        ("pin-hole", (4, 5, 20, 15)),
    ]
    assert first.reference is not None
    assert importer.store.image_bytes(first.reference) == picture(1, suffix=".jpg")
    (tmp_path / "group2/2_not/20.txt").write_text("0 0 61 40 1\n")
    with pytest.raises(LabelsRefused, match=r"20\.txt:1: .*reaches outside"):
        importer(tmp_path, FormatName.DEEPPCB)
    (tmp_path / "trainval.txt").write_text("../10.jpg group1/1_not/10.txt\n")
    with pytest.raises(SampleUnreadable, match=r"trainval\.txt:1: .*leads out"):
        importer(tmp_path, FormatName.DEEPPCB)


def test_the_real_boards_become_a_revision(deeppcb_root: Path, tmp_path: Path, importer: Importer) -> None:
    """A twentieth of them; the whole set takes ten seconds."""
    lines = (deeppcb_root / "trainval.txt").read_text().splitlines()[::20]
    for line in lines:
        image, annotation = line.split()
        for name in (annotation, image.replace(".jpg", "_test.jpg"), image.replace(".jpg", "_temp.jpg")):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(deeppcb_root / name, tmp_path / name)
    (tmp_path / "trainval.txt").write_text("\n".join(lines))
    revision = importer(tmp_path, FormatName.DEEPPCB, catalogue=builtin_catalogue("pcb"))
    assert len(revision.images) == len(lines) == 50
    assert all(image.reference is not None and image.boxes for image in revision.images)
    assert len({image.group for image in revision.images}) > 3
    assert importer.store.verify(revision.id).files >= 90
