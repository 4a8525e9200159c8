"""What is exported is imported again with the same labels, but for each layout's own rounding."""

import csv
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from importing_folders import Importer
from labelled_folders import CLASSES, draft, labelled, picture
from lineside.datasets.errors import FormatCannotHold, RevisionUnknown, TargetInTheWay, TargetUnwritable
from lineside.datasets.exporting import export_revision
from lineside.datasets.formats import FormatName
from lineside.datasets.grouping import parse_grouping
from lineside.datasets.labelled import LabelledBox, LabelledImage, Split, require_name
from lineside.datasets.revisions import Revision, RevisionStore

ROUNDING_PX = {
    FormatName.YOLO: 1e-6,
    FormatName.COCO: 1e-9,
    FormatName.VOC: 0.0,
    FormatName.MASKS: 0.5,
    FormatName.DEEPPCB: 0.5,
}
"""How far an edge may move, for boxes of at least a pixel; docs/guides/datasets.md says the same."""

EVERY_LAYOUT = pytest.mark.parametrize("format_name", list(FormatName))
WIDTH, HEIGHT = 60, 40


def is_name(text: str) -> bool:
    try:
        require_name(text)
    except ValueError:
        return False
    return True


words = st.text("abcXYZ019._- ()가é", min_size=1, max_size=8).filter(is_name)
names = st.lists(words, min_size=1, max_size=3).map("/".join).filter(is_name)


@st.composite
def boxes(draw: st.DrawFn) -> LabelledBox:
    width, height = draw(st.floats(1, WIDTH)), draw(st.floats(1, HEIGHT))
    left, top = draw(st.floats(0, WIDTH - width)), draw(st.floats(0, HEIGHT - height))
    return LabelledBox(draw(st.sampled_from(CLASSES)), (left, top, min(left + width, WIDTH), min(top + height, HEIGHT)))


@st.composite
def images(draw: st.DrawFn, *, store: RevisionStore, has_reference: bool) -> LabelledImage:
    defects = tuple(draw(st.lists(boxes(), max_size=4)))
    reference = store.add_picture(picture(draw(st.integers(10, 12))), source="r") if has_reference else None
    return labelled(
        store,
        draw(words if has_reference else names),
        seed=draw(st.integers(0, 5)),
        group=draw(words),
        part_id=draw(words),
        product=draw(st.none() | words),
        line=draw(st.none() | words),
        view=draw(words),
        split=draw(st.none() | st.sampled_from([split for split in Split if split is not Split.SEALED])),
        boxes=defects,
        is_declared_good=not defects,
        reference=reference,
    )


def by_class(image: LabelledImage) -> list[LabelledBox]:
    return sorted(image.boxes, key=lambda box: (box.class_name, box.box_xyxy_px))


def is_a_file_also_a_folder(revision: Revision) -> bool:
    """Names like `a` and `a.png/b` cannot lie in one folder; an export says so, and this property is not about it."""
    return any("." in part for image in revision.images for part in image.name.split("/")[:-1])


@EVERY_LAYOUT
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_labels_survive_a_round_trip(format_name: FormatName, data: st.DataObject) -> None:
    store = RevisionStore("memory://round-trips")
    is_pair = format_name is FormatName.DEEPPCB
    found = data.draw(
        st.lists(
            images(store=store, has_reference=is_pair or data.draw(st.booleans())),
            min_size=1,
            max_size=4,
            unique_by=lambda image: image.name,
        )
    )
    revision = store.write(draft(*found))
    assume(not is_a_file_also_a_folder(revision))
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "out"
        try:
            export_revision(store, revision, folder, format_name)
        except FormatCannotHold as error:
            expected = {FormatName.MASKS: "touch", FormatName.DEEPPCB: "no single word|no whole pixel"}[format_name]
            assert any(part in str(error) for part in expected.split("|"))  # noqa: PT017 - which refusal is the point
            assert not folder.exists()
            return
        plain = Importer(store)(folder, format_name)
        full = Importer(store)(folder, format_name, grouping=parse_grouping(f"csv:{folder}/parts.csv"))
    assert plain.classes == full.classes == revision.classes
    for before, between, after in zip(revision.images, plain.images, full.images, strict=True):
        assert between.boxes == after.boxes
        assert (before.name, before.image, before.reference) == (after.name, after.image, after.reference)
        assert before.is_declared_good == between.is_declared_good
        if format_name is FormatName.MASKS:  # a mask has no order
            pairs = list(
                zip(sorted(by_class(before), key=_rounded), sorted(by_class(after), key=_rounded), strict=True)
            )
        else:
            pairs = list(zip(before.boxes, after.boxes, strict=True))
        for box, read_back in pairs:
            assert box.class_name == read_back.class_name
            assert read_back.box_xyxy_px == pytest.approx(box.box_xyxy_px, rel=0, abs=ROUNDING_PX[format_name])
        if format_name in (FormatName.YOLO, FormatName.COCO, FormatName.VOC):
            assert between.split is before.split
        placed = (after.part_id, after.group, after.product, after.line, after.view, after.split)
        assert placed == (before.part_id, before.group, before.product, before.line, before.view, before.split)


def _rounded(box: LabelledBox) -> tuple[str, tuple[int, ...]]:
    return box.class_name, tuple(round(edge) for edge in box.box_xyxy_px)


@pytest.fixture
def revision(memory_store: RevisionStore) -> Revision:
    reference = memory_store.add_picture(picture(90), source="r")
    return memory_store.write(
        draft(
            labelled(memory_store, "a", seed=1, reference=reference, group="board-1"),
            labelled(memory_store, "b", seed=2, split=Split.VAL, boxes=(), is_declared_good=True, reference=reference),
            labelled(memory_store, "c", seed=3, split=Split.GOLDEN, reference=reference),
            labelled(memory_store, "d", seed=4, split=Split.SEALED, reference=reference),
        )
    )


def export(
    store: RevisionStore, revision: Revision, folder: Path, format_name: FormatName, **options: Any
) -> list[str]:
    """Export; gives the files."""
    export_revision(store, revision, folder, format_name, **options)
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("format_name", "files"),
    [
        pytest.param(
            FormatName.YOLO,
            [
                "data.yaml",
                *(f"images/{name}.png" for name in ("test/c", "train/a", "val/b")),
                *(f"labels/{name}.txt" for name in ("test/c", "train/a", "val/b")),
                *(f"references/{name}.png" for name in "abc"),
            ],
            id="yolo",
        ),
        pytest.param(
            FormatName.COCO,
            [
                *(f"annotations/instances_{split}.json" for split in ("test", "train", "val")),
                *(f"images/{name}.png" for name in ("test/c", "train/a", "val/b")),
                *(f"references/{name}.png" for name in "abc"),
            ],
            id="coco",
        ),
        pytest.param(
            FormatName.VOC,
            [
                *(f"Annotations/{name}.xml" for name in "abc"),
                *(f"ImageSets/Main/{split}.txt" for split in ("test", "train", "val")),
                *(f"JPEGImages/{name}.png" for name in "abc"),
                "classes.txt",
                *(f"references/{name}.png" for name in "abc"),
            ],
            id="voc",
        ),
        pytest.param(
            FormatName.MASKS,
            [
                "classes.txt",
                *(f"images/{name}.png" for name in "abc"),
                *(f"masks/open/{name}_mask.png" for name in "abc"),
                *(f"references/{name}.png" for name in "abc"),
            ],
            id="masks",
        ),
        pytest.param(
            FormatName.DEEPPCB,
            [
                *(f"groupboard-1/board-1/a_{ending}.png" for ending in ("temp", "test")),
                "groupboard-1/board-1_not/a.txt",
                *(
                    f"group{name}/{name}{rest}"
                    for name in "bc"
                    for rest in (f"/{name}_temp.png", f"/{name}_test.png", f"_not/{name}.txt")
                ),
                "test.txt",
                "trainval.txt",
            ],
            id="deeppcb",
        ),
    ],
)
def test_what_lies_where(
    memory_store: RevisionStore, revision: Revision, tmp_path: Path, format_name: FormatName, files: list[str]
) -> None:
    found = export(memory_store, revision, tmp_path / "out", format_name)
    assert found == sorted([*files, "parts.csv", "export.json"])


def test_the_sealed_split_is_written_only_by_name(
    memory_store: RevisionStore, revision: Revision, tmp_path: Path
) -> None:
    remarks: list[str] = []
    assert export_revision(memory_store, revision, tmp_path / "a", FormatName.VOC, on_remark=remarks.append) == 3
    assert "1 image(s) of the sealed split are left out" in remarks[0]
    assert "never train on them" in remarks[1]
    found = export(memory_store, revision, tmp_path / "b", FormatName.VOC, splits=[Split.SEALED])
    assert "JPEGImages/d.png" in found
    assert "JPEGImages/a.png" not in found
    with pytest.raises(RevisionUnknown, match="no image in calibration"):
        export(memory_store, revision, tmp_path / "c", FormatName.VOC, splits=[Split.CALIBRATION])


def test_an_export_says_where_it_is_from_and_whose_it_is(
    memory_store: RevisionStore, revision: Revision, tmp_path: Path
) -> None:
    export(memory_store, revision, tmp_path / "out", FormatName.YOLO)
    about = json.loads((tmp_path / "out/export.json").read_text())
    assert (about["revision"], about["licence_note"], about["images"]) == (revision.id, "free", 3)
    with (tmp_path / "out/parts.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert [(row["name"], row["group"], row["split"], row["declared_good"]) for row in rows] == [
        ("a", "board-1", "train", ""),
        ("b", "b", "val", "true"),
        ("c", "c", "golden", ""),
    ]


def test_coco_files_hold_what_pycocotools_reads(
    memory_store: RevisionStore, revision: Revision, tmp_path: Path
) -> None:
    export(memory_store, revision, tmp_path / "out", FormatName.COCO)
    train = json.loads((tmp_path / "out/annotations/instances_train.json").read_text())
    assert train["images"] == [{"id": 1, "file_name": "a.png", "width": 60, "height": 40}]
    assert train["annotations"] == [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 10, 10], "area": 100, "iscrowd": 0}
    ]
    assert [category["name"] for category in train["categories"]] == list(CLASSES)
    val = json.loads((tmp_path / "out/annotations/instances_val.json").read_text())
    assert val["images"][0]["is_declared_good"] is True


def test_a_folder_with_something_in_it_is_not_touched(
    memory_store: RevisionStore, revision: Revision, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").touch()
    with pytest.raises(TargetInTheWay, match="is there already"):
        export(memory_store, revision, tmp_path / "out", FormatName.YOLO)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]
    (tmp_path / "out/mine").unlink()
    assert export(memory_store, revision, tmp_path / "out", FormatName.YOLO)


def test_a_folder_that_only_looks_like_an_unfinished_export_is_not_touched(
    memory_store: RevisionStore, revision: Revision, tmp_path: Path
) -> None:
    (tmp_path / ".out.exporting").mkdir()
    (tmp_path / ".out.exporting/mine").touch()
    with pytest.raises(TargetInTheWay, match="no unfinished export of ours"):
        export(memory_store, revision, tmp_path / "out", FormatName.YOLO)
    assert (tmp_path / ".out.exporting/mine").exists()


def test_a_target_that_cannot_be_written_is_told(
    memory_store: RevisionStore, revision: Revision, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TargetUnwritable, match="cannot be written"):
        export(memory_store, revision, tmp_path / "file/out", FormatName.YOLO)


@pytest.mark.parametrize(
    ("format_name", "changes", "why"),
    [
        pytest.param(
            FormatName.MASKS,
            {"boxes": (LabelledBox("open", (1, 1, 9, 9)), LabelledBox("open", (9, 9, 12, 12)))},
            "2 defects of 'open', of which some touch",
            id="boxes that touch, as a mask",
        ),
        pytest.param(FormatName.DEEPPCB, {}, "no reference", id="no template"),
        pytest.param(FormatName.DEEPPCB, {"name": "a b"}, "the name 'a b' is no single word", id="a blank in a name"),
        pytest.param(FormatName.DEEPPCB, {"group": "a/b"}, "the group 'a/b'", id="a folder for a group"),
    ],
)
def test_what_a_layout_cannot_hold_is_refused_and_nothing_is_left(
    memory_store: RevisionStore, tmp_path: Path, format_name: FormatName, changes: dict[str, Any], why: str
) -> None:
    revision = memory_store.write(draft(labelled(memory_store, **changes)))
    with pytest.raises(FormatCannotHold, match=why):
        export(memory_store, revision, tmp_path / "out", format_name)
    assert list(tmp_path.iterdir()) == []


def test_other_classes_than_deeppcbs_have_no_number_in_its_layout(memory_store: RevisionStore, tmp_path: Path) -> None:
    reference = memory_store.add_picture(picture(90), source="r")
    image = labelled(memory_store, boxes=(LabelledBox("dent", (1, 1, 5, 5)),), reference=reference)
    revision = memory_store.write(draft(image, classes=("dent",)))
    with pytest.raises(FormatCannotHold, match="'dent' is no class of DeepPCB"):
        export(memory_store, revision, tmp_path / "out", FormatName.DEEPPCB)
