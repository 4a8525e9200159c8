"""Pascal VOC's layout, and XML from strangers."""

from pathlib import Path

import pytest

from importing_folders import Importer
from labelled_folders import picture, write_files
from lineside.datasets.errors import ClassesRefused, LabelsRefused, SampleUnreadable
from lineside.datasets.formats import FormatName, ReadingOptions
from lineside.datasets.labelled import LabelledBox, Split

VOC = FormatName.VOC
XML = "Annotations/a.xml"


def box(name: str = "open", edges: tuple[object, ...] = (10, 5, 20, 15)) -> str:
    tags = zip(("xmin", "ymin", "xmax", "ymax"), edges, strict=True)
    written = "".join(f"<{tag}>{edge}</{tag}>" for tag, edge in tags)
    return f"<object><name>{name}</name><bndbox>{written}</bndbox></object>"


def annotation(*objects: str, size: str = "<size><width>60</width><height>40</height><depth>1</depth></size>") -> str:
    return f"<annotation><filename>other.png</filename>{size}{''.join(objects)}</annotation>"


def folder(root: Path, xml: str | bytes, **more: str | bytes) -> Path:
    return write_files(root, {XML: xml, "JPEGImages/a.png": picture(1)} | more)


def test_objects_are_read_in_their_order(tmp_path: Path, importer: Importer) -> None:
    folder(tmp_path, annotation(box("short", (0, 0, "60.0", "40")), box()))
    revision = importer(tmp_path, VOC)
    assert revision.classes == ("open", "short")
    assert revision.images[0].boxes == (LabelledBox("short", (0, 0, 60, 40)), LabelledBox("open", (10, 5, 20, 15)))


def test_pixels_counted_from_one_are_edges_less_one_on_the_left_and_top(tmp_path: Path, importer: Importer) -> None:
    folder(tmp_path, annotation(box(edges=(1, 1, 60, 40))))
    revision = importer(tmp_path, VOC, reading=ReadingOptions(is_one_based=True))
    assert revision.images[0].boxes[0].box_xyxy_px == (0, 0, 60, 40)
    assert importer(tmp_path, VOC).images[0].boxes[0].box_xyxy_px == (1, 1, 60, 40)


def test_an_annotation_without_object_says_that_the_part_is_good_a_missing_one_says_nothing(
    tmp_path: Path, importer: Importer
) -> None:
    folder(tmp_path, annotation(), **{"classes.txt": "open\n"})
    assert importer(tmp_path, VOC).images[0].is_declared_good
    write_files(tmp_path, {"JPEGImages/b.png": picture(2)})
    with pytest.raises(LabelsRefused, match=r"1 of 2 images have no label: .*b\.png"):
        importer(tmp_path, VOC)


def test_the_lists_of_the_splits_are_read_those_of_classes_left_alone(tmp_path: Path, importer: Importer) -> None:
    lists = {
        "ImageSets/Main/val.txt": "a\n",
        "ImageSets/Main/open_val.txt": "a 1\n",
        "ImageSets/Main/trainval.txt": "a",
    }
    folder(tmp_path, annotation(box()), **lists)
    assert importer(tmp_path, VOC).images[0].split is Split.VAL
    write_files(tmp_path, {"ImageSets/Main/train.txt": "a\n"})
    with pytest.raises(SampleUnreadable, match="is in val and in train"):
        importer(tmp_path, VOC)
    write_files(tmp_path, {"ImageSets/Main/train.txt": "b\n"})
    with pytest.raises(LabelsRefused, match="names the image 'b', which is not there"):
        importer(tmp_path, VOC)


def test_pictures_and_annotations_may_lie_beside_each_other(tmp_path: Path, importer: Importer) -> None:
    write_files(tmp_path, {"a.xml": annotation(box()), "a.png": picture(1), "references/a.png": picture(2)})
    [image] = importer(tmp_path, VOC).images
    assert image.name == "a"
    assert image.reference is not None


def test_the_classes_can_be_said_and_then_others_are_refused(tmp_path: Path, importer: Importer) -> None:
    folder(tmp_path, annotation(box("spur")))
    said = importer(tmp_path, VOC, reading=ReadingOptions(classes=("short", "spur")))
    assert said.classes == ("short", "spur")
    with pytest.raises(LabelsRefused, match="object 1: class 'spur'; there are open, short"):
        importer(tmp_path, VOC, reading=ReadingOptions(classes=("open", "short")))


@pytest.mark.parametrize(
    ("xml", "error", "why"),
    [
        pytest.param("<annotation>", SampleUnreadable, r"a\.xml:1: no XML", id="cut off"),
        pytest.param(b"\xff\xfe\x00", SampleUnreadable, "no XML", id="no text"),
        pytest.param("", SampleUnreadable, "no XML", id="empty"),
        pytest.param("<html/>", SampleUnreadable, "<html>; expected <annotation>", id="another kind"),
        pytest.param(annotation("<object><name>x</name></object>"), SampleUnreadable, "<bndbox>", id="no box"),
        pytest.param(annotation(box("")), SampleUnreadable, "<name>", id="no name"),
        pytest.param(annotation(box(edges=(1, 2, "x", 4))), SampleUnreadable, "<xmax> is 'x'", id="no number"),
        pytest.param(annotation(box(edges=(1, 2, "inf", 4))), SampleUnreadable, "finite", id="infinite"),
        pytest.param(annotation(size="<size><width>60.5</width></size>"), SampleUnreadable, "whole", id="half a pixel"),
        pytest.param("<a>" * 40, SampleUnreadable, "nested deeper", id="deep"),
        pytest.param(annotation(box(edges=(10, 5, 61, 15))), LabelsRefused, "object 1: .* outside", id="outside"),
        pytest.param(annotation(box(edges=(20, 5, 10, 15))), LabelsRefused, "no area", id="right before left"),
        pytest.param(
            annotation(box(), size="<size><width>40</width><height>60</height></size>"),
            LabelsRefused,
            "40x60 px, but",
            id="the size of a turned picture",
        ),
        pytest.param(annotation(box("open"), box("Open")), ClassesRefused, "one name", id="one class in two spellings"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, importer: Importer, xml: str | bytes, error: type[Exception], why: str
) -> None:
    with pytest.raises(error, match=why):
        importer(folder(tmp_path, xml), VOC)


@pytest.mark.parametrize(
    "doctype",
    [
        pytest.param('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>', id="a file"),
        pytest.param('<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd">', id="a remote document type"),
        pytest.param('<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY x "&b;&b;&b;&b;">]>', id="entities in entities"),
        pytest.param('<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p"> %p;]>', id="a parameter entity"),
        pytest.param("<!DOCTYPE annotation>", id="an empty one"),
    ],
)
def test_a_document_type_is_refused_before_anything_is_expanded(
    tmp_path: Path, importer: Importer, doctype: str
) -> None:
    with pytest.raises(SampleUnreadable, match=r"document type .* is not read"):
        importer(folder(tmp_path, doctype + annotation(box("&x;"))), VOC)


def test_a_label_without_its_image_is_refused(tmp_path: Path, importer: Importer) -> None:
    with pytest.raises(LabelsRefused, match=r"b\.xml is the label of no image"):
        importer(folder(tmp_path, annotation(box()), **{"Annotations/b.xml": annotation()}), VOC)
