"""Labels laid over a revision's images, without any server."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lineside.datasets.labelled import ImageFile, LabelledBox, LabelledImage, SampleOrigin, Split
from lineside.inspection.frames import MediaType
from lineside.workflows.labelling.labelled_views import GroupBy, LabelledView, image_name
from lineside.workflows.labelling.merging import WithdrawnView, classes_with, merge_labels, same_labels

SHORT = LabelledBox("short", (10, 10, 30, 30))
SPUR = LabelledBox("spur", (50, 50, 70, 90))


def image_file(content: str, *, side_px: int = 100) -> ImageFile:
    """A picture of its own for each word."""
    return ImageFile(content.encode().hex().rjust(64, "0")[-64:], 1000, side_px, side_px, MediaType.PNG)


def labelled(name: str, *boxes: LabelledBox, picture: str | None = None, split: Split | None = None) -> LabelledImage:
    """An image with labels."""
    return LabelledImage(
        name=name,
        part_id=name.split("/")[0],
        group=name.split("/")[0],
        image=image_file(picture or name),
        boxes=boxes,
        is_declared_good=not boxes,
        split=split,
        origin=SampleOrigin.picked("novelty"),
    )


def view(part: str, *boxes: LabelledBox, read_at: int = 1, **facts: str) -> LabelledView:
    """A view of a part that people looked at."""
    return LabelledView(
        inspection_id=f"i-{part}",
        part_id=part,
        view="default",
        digest="0" * 64,
        boxes=boxes,
        read_at=datetime(2026, 1, read_at, tzinfo=UTC),
        origin=SampleOrigin.random("random", 0.5),
        **facts,
    )


def test_new_images_join_changed_ones_are_relabelled_and_the_rest_stays() -> None:
    parent = [labelled("a/1/x", SHORT, split=Split.TRAIN), labelled("b/1/x", SHORT), labelled("c/1/x")]
    merged = merge_labels(parent, [labelled("b/1/x", SPUR), labelled("c/1/x"), labelled("d/1/x")])
    assert (merged.added, merged.relabelled, merged.removed) == (("d/1/x",), ("b/1/x",), ())
    assert {image.name: image.boxes for image in merged.images} == {
        "a/1/x": (SHORT,), "b/1/x": (SPUR,), "c/1/x": (), "d/1/x": (),
    }  # fmt: skip


def test_the_same_labels_in_another_order_and_with_rounding_change_nothing() -> None:
    moved = LabelledBox("spur", (50.004, 50, 70, 89.997))
    first, second = labelled("a/1/x", SHORT, SPUR), labelled("a/1/x", moved, SHORT)
    assert same_labels(first, second)
    assert not merge_labels([first], [second]).is_changed
    assert not same_labels(labelled("a/1/x", SHORT, SHORT), labelled("a/1/x", SHORT, SPUR))


def test_a_picture_that_is_there_under_another_name_is_relabelled_in_its_place() -> None:
    old = labelled("import/0001", SHORT, picture="one", split=Split.VAL)
    merged = merge_labels([old], [labelled("p/1/x", SPUR, picture="one")])
    assert merged.relabelled == ("import/0001",)
    assert merged.images == (replace(old, boxes=(SPUR,)),)


def test_of_two_readings_of_one_picture_the_later_counts() -> None:
    merged = merge_labels([], [labelled("p/1/x", SHORT, picture="one"), labelled("p/2/x", SPUR, picture="one")])
    assert [(image.name, image.boxes) for image in merged.images] == [("p/1/x", (SPUR,))]


@pytest.mark.parametrize("split", [Split.GOLDEN, Split.SEALED, Split.ESCAPE_BANK])
def test_what_judges_models_stays_as_it_was(split: Split) -> None:
    golden = labelled("a/1/x", SHORT, split=split)
    for labels, withdrawn in (([labelled("a/1/x", SPUR)], []), ([], [WithdrawnView("a", "1", "x", "0" * 64)])):
        merged = merge_labels([golden], labels, withdrawn=withdrawn)
        assert merged.disputed == ("a/1/x",)
        assert not merged.is_changed
        assert merged.images == (golden,)
    assert merge_labels([golden], [labelled("a/1/x", SPUR), labelled("a/1/x", SHORT)]).disputed == ()


def test_a_withdrawn_reading_takes_its_own_image_and_leaves_one_that_came_from_elsewhere() -> None:
    ours, theirs = labelled("p/1/x", SHORT), labelled("import/7", SPUR, picture="seven")
    withdrawn = [
        WithdrawnView("p", "1", "x", image_file("p/1/x").sha256),
        WithdrawnView("q", "1", "x", image_file("seven").sha256),
        WithdrawnView("r", "1", "x", "0" * 64),
    ]
    merged = merge_labels([ours, theirs], [], withdrawn=withdrawn)
    assert (merged.removed, merged.kept) == (("p/1/x",), ("import/7",))
    assert merged.images == (theirs,)


def test_classes_keep_their_numbers_and_new_ones_follow_in_the_catalogues_order() -> None:
    catalogue = ("open", "short", "spur", "copper")
    assert classes_with(("spur", "scratch"), {"copper", "open", "spur"}, catalogue=catalogue) == (
        "spur", "scratch", "open", "copper",
    )  # fmt: skip
    assert classes_with((), {"short"}, catalogue=catalogue) == catalogue


@pytest.mark.parametrize(("by", "group"), [(GroupBy.PART, "P-1"), (GroupBy.PANEL, "PNL-7"), (GroupBy.LOT, "L-3")])
def test_the_group_is_the_part_its_panel_or_its_lot(by: GroupBy, group: str) -> None:
    assert view("P-1", panel="PNL-7", lot="L-3").group(by) == group
    assert view("P-2").group(by) == "P-2"


def test_an_image_has_the_parts_name_its_origin_and_boxes_within_the_picture() -> None:
    box = LabelledBox("short", (-1e-9, 0, 50, 100.0000001))
    image = view("line 1/P:7", box, product="BRD", line="L1").to_image(
        image_file("x"), reference=None, group_by=GroupBy.PART
    )
    assert image.name == "line_1_P_7/i-line_1_P_7/default"
    assert image.boxes[0].box_xyxy_px == (0.0, 0.0, 50.0, 100.0)
    assert (image.part_id, image.product, image.line) == ("line 1/P:7", "BRD", "L1")
    assert image.origin == SampleOrigin.random("random", 0.5)
    with pytest.raises(ValueError, match="no area"):
        view("P-1", LabelledBox("short", (200, 0, 220, 10))).to_image(
            image_file("x"), reference=None, group_by=GroupBy.PART
        )


def test_names_are_usable_paths_whatever_the_part_is_called() -> None:
    for part in ("..", "a/b\\c", "부품 7", " x ", "é", "." * 300, "\u2028"):
        assert labelled(image_name(part, "i-1", "default")).name
