"""Whatever a label file holds, the answer is a revision that can be read back, or an error of ours."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importing_folders import Importer
from labelled_folders import picture, write_files
from lineside.datasets.errors import DatasetError
from lineside.datasets.formats import FormatName
from lineside.datasets.grouping import read_table
from lineside.datasets.revisions import RevisionStore

numbers = st.one_of(
    st.integers(-3, 70), st.floats(allow_nan=True), st.sampled_from(["", "x", "1e999", "-0", "²", "9" * 400])
)
lines = st.lists(st.lists(numbers.map(str), max_size=10).map(" ".join), max_size=4).map("\n".join)
texts = st.one_of(lines.map(str.encode), st.binary(max_size=60))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=6,
)
YOLO_YAML = "train: images\nnames: [open, short]\n"
VOC_XML = "<annotation><size><width>60</width><height>40</height></size>{}</annotation>"


def import_or_refuse(format_name: FormatName, files: dict[str, str | bytes]) -> None:
    store = RevisionStore("memory://hostile-labels")
    with TemporaryDirectory() as temporary:
        folder = write_files(Path(temporary), files)
        try:
            revision = Importer(store)(folder, format_name)
        except DatasetError as error:
            assert str(error)  # noqa: PT017 - which of our errors it is depends on the bytes
        else:
            assert store.read(revision.id) == revision


@settings(max_examples=60, deadline=None)
@given(label=texts)
def test_yolo_labels(label: bytes) -> None:
    import_or_refuse(FormatName.YOLO, {"data.yaml": YOLO_YAML, "images/a.png": picture(1), "labels/a.txt": label})


@settings(max_examples=60, deadline=None)
@given(content=st.one_of(values.map(json.dumps), st.text(max_size=60), st.text("{}[]&*!: \n-a", max_size=40)))
def test_yolo_data_files(content: str) -> None:
    files: dict[str, str | bytes] = {"data.yaml": content.encode("utf-8", "replace"), "images/a.png": picture(1)}
    import_or_refuse(FormatName.YOLO, files)


@settings(max_examples=60, deadline=None)
@given(annotation=texts)
def test_deeppcb_annotations(annotation: bytes) -> None:
    pair = {f"group1/1/10_{ending}.jpg": picture(1, suffix=".jpg") for ending in ("test", "temp")}
    trainval = "group1/1/10.jpg group1/1_not/10.txt"
    import_or_refuse(FormatName.DEEPPCB, {"trainval.txt": trainval, "group1/1_not/10.txt": annotation, **pair})


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_coco_documents(data: st.DataObject) -> None:
    annotation = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}
    document = {
        "images": [{"id": 1, "file_name": "a.png", "width": 60, "height": 40}],
        "annotations": [annotation],
        "categories": [{"id": 1, "name": "open"}],
    }
    target: dict[str, object] = data.draw(st.sampled_from([document, annotation, document["images"][0]]))
    target[data.draw(st.sampled_from(sorted(target)))] = data.draw(values)
    import_or_refuse(FormatName.COCO, {"all.json": json.dumps(document), "a.png": picture(1)})


@settings(max_examples=60, deadline=None)
@given(inside=st.one_of(lines, st.text("<>/!-[]&;aobject ?\"'", max_size=60)), is_whole=st.booleans())
def test_voc_annotations(inside: str, is_whole: bool) -> None:  # noqa: FBT001 - hypothesis passes it by name
    xml = VOC_XML.format(inside) if is_whole else inside
    import_or_refuse(FormatName.VOC, {"Annotations/a.xml": xml, "JPEGImages/a.png": picture(1), "classes.txt": "open"})


@settings(max_examples=60, deadline=None)
@given(content=st.one_of(texts, st.text('name,split"\n\r\ttrainval;', max_size=60).map(str.encode)))
def test_tables(content: bytes) -> None:
    with TemporaryDirectory() as temporary:
        write_files(Path(temporary), {"parts.csv": content})
        try:
            table = read_table(Path(temporary) / "parts.csv")
        except DatasetError as error:
            assert "parts.csv" in str(error)  # noqa: PT017 - it depends on the bytes
        else:
            assert all(table.rows)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp"])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_damaged_pictures(suffix: str, data: st.DataObject) -> None:
    damaged = bytearray(picture(1, suffix=suffix))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(damaged)))
    files: dict[str, str | bytes] = {"images/a.png": bytes(damaged[:end]), "labels/a.txt": "0 .5 .5 .1 .1"}
    import_or_refuse(FormatName.YOLO, files | {"data.yaml": YOLO_YAML})
