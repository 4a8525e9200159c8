"""What people said of one task -> one reading, or why there is none."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_tasks import CLASSES, SIZE_WH_PX, Json, chosen_verdict, comment, drawn_box
from lineside.datasets.labelling import (
    LabelTaskRefused,
    StudioAnnotation,
    StudioTask,
    TaskState,
    read_task,
)

UUID_1 = UUID("00000000-0000-4000-8000-000000000001")
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def said(*result: Json, by: str = "kim@example.org", number: int = 1, **changes: Any) -> StudioAnnotation:
    """An annotation; a later number is a later one."""
    fields: dict[str, Any] = {
        "id": number,
        "updated_at": NOON + timedelta(minutes=number),
        "annotator": by,
        "is_skipped": False,
        "is_ground_truth": False,
        "lead_time_s": 30.0,
        "result": result,
    }
    return StudioAnnotation(**(fields | changes))


def read(*annotations: StudioAnnotation, offset: tuple[int, int] = (0, 0)) -> TaskState:
    task = StudioTask(17, UUID_1, NOON, annotations)
    return read_task(task, classes=CLASSES, offset_xy_px=offset, size_wh_px=SIZE_WH_PX, frame_size_wh_px=(4000, 3000))


def codes(state: TaskState) -> list[str]:
    return [each.code.value for each in state.attention]


def test_a_box_comes_back_in_pixels_of_the_frame() -> None:
    state = read(said(drawn_box(), chosen_verdict("defect"), comment("엣지 손상")), offset=(1000, 500))

    assert state.reading is not None
    (box,) = state.reading.boxes
    assert box.class_name == "dent"
    assert box.box_xyxy_px == (1020.0, 520.0, 1080.0, 560.0)
    assert state.reading.is_defective
    assert state.reading.comment == "엣지 손상"
    assert state.reading.reviewer == "kim@example.org"
    assert state.reading.minutes == 0.5


@pytest.mark.parametrize(
    ("annotations", "boxes"),
    [
        pytest.param([said()], 0, id="nothing submitted is declared free of defects"),
        pytest.param([said(chosen_verdict("ok"))], 0, id="ok"),
        pytest.param([said(drawn_box())], 1, id="a box without a verdict"),
        pytest.param([said(drawn_box(), chosen_verdict("defect"))], 1, id="a box and the verdict"),
        pytest.param([said(chosen_verdict("ok"), comment("x"))], 0, id="a comment changes nothing"),
    ],
)
def test_one_person_is_believed(annotations: list[StudioAnnotation], boxes: int) -> None:
    state = read(*annotations)

    assert state.attention == ()
    assert state.reading is not None
    assert state.reading.is_defective == bool(boxes)
    assert len(state.reading.boxes) == boxes


@pytest.mark.parametrize(
    ("annotation", "code"),
    [
        pytest.param(said(is_skipped=True), "skipped", id="skipped"),
        pytest.param(said(drawn_box("burr")), "unknown_class", id="a class that was taken out"),
        pytest.param(
            said(drawn_box(value={"x": 1, "y": 1, "width": 5, "height": 5})),
            "unknown_class",
            id="a box without a class",
        ),
        pytest.param(said(drawn_box(from_name="bbox")), "unknown_control", id="the control was renamed"),
        pytest.param(said(drawn_box(to_name="reference")), "unknown_control", id="drawn on the reference"),
        pytest.param(said({"type": "relation", "from_id": "a", "to_id": "b"}), "unknown_control", id="a relation"),
        pytest.param(said(drawn_box(type="polygonlabels")), "unknown_shape", id="a polygon"),
        pytest.param(said(drawn_box(x=-5.0)), "box_outside", id="over the left edge by 10 px"),
        pytest.param(said(drawn_box(x=150.0)), "box_outside", id="beside the picture"),
        pytest.param(said(drawn_box(width=0.0)), "box_outside", id="no width"),
        pytest.param(said(drawn_box(width=float("nan"))), "box_outside", id="not a number"),
        pytest.param(said(drawn_box(width=1e-5)), "box_outside", id="thinner than can be kept"),
        pytest.param(said(drawn_box(rotation=180)), "box_outside", id="turned out of the picture"),
        pytest.param(said(drawn_box(original_width=100, original_height=200)), "size_mismatch", id="turned by EXIF"),
        pytest.param(said(drawn_box(image_rotation=90)), "size_mismatch", id="turned by hand"),
        pytest.param(said(drawn_box(), chosen_verdict("ok")), "verdict_contradicts_boxes", id="ok with a box"),
        pytest.param(said(chosen_verdict("defect")), "verdict_contradicts_boxes", id="a defect without a box"),
        pytest.param(said(chosen_verdict("maybe")), "unknown_class", id="a verdict of somebody's own"),
    ],
)
def test_what_cannot_be_read_needs_attention_and_gives_no_reading(annotation: StudioAnnotation, code: str) -> None:
    state = read(annotation)

    assert codes(state) == [code]
    assert "kim@example.org" in state.attention[0].message
    assert state.reading is None
    assert [mark.id for mark in state.annotations] == [1]


def test_nobody_said_anything_yet() -> None:
    state = read()

    assert state.reading is None
    assert state.attention == ()
    assert state.annotations == ()


def test_a_box_over_the_edge_by_less_than_a_pixel_is_cut() -> None:
    state = read(said(drawn_box(x=-0.4, width=100.8, y=0.0, height=100.5)))

    assert state.reading is not None
    assert state.reading.boxes[0].box_xyxy_px == (0.0, 0.0, 200.0, 100.0)


def test_a_turned_box_becomes_the_upright_one_around_it() -> None:
    """40x20 px at (100, 50), turned by a quarter about that corner."""
    state = read(said(drawn_box(x=50.0, y=50.0, width=20.0, height=20.0, rotation=90)))

    assert state.reading is not None
    assert state.reading.boxes[0].box_xyxy_px == (80.0, 50.0, 100.0, 90.0)


def test_every_problem_of_an_annotation_is_told() -> None:
    state = read(said(drawn_box("burr"), drawn_box(x=150.0), drawn_box(type="brushlabels")))

    assert codes(state) == ["unknown_class", "box_outside", "unknown_shape"]


@pytest.mark.parametrize(
    ("second", "by"),
    [
        pytest.param(said(drawn_box(width=28.0), number=2, by="lee@example.org"), "lee@example.org", id="agreeing"),
        pytest.param(
            said(drawn_box(), number=2, by="lee@example.org", updated_at=NOON),
            "kim@example.org",
            id="the latest change",
        ),
        pytest.param(said(is_skipped=True, number=2, by="lee@example.org"), "kim@example.org", id="the other skipped"),
    ],
)
def test_of_people_who_agree_the_latest_counts(second: StudioAnnotation, by: str) -> None:
    state = read(said(drawn_box()), second)

    assert state.attention == ()
    assert state.reading is not None
    assert state.reading.reviewer == by
    assert state.reading.minutes == 1.0


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(said(number=2), id="no defect"),
        pytest.param(said(drawn_box("scratch"), number=2), id="another class"),
        pytest.param(said(drawn_box(x=60.0), number=2), id="elsewhere"),
        pytest.param(said(drawn_box(width=10.0), number=2), id="a third of it"),
        pytest.param(said(drawn_box(), drawn_box(x=60.0), number=2), id="one more"),
    ],
)
def test_people_who_disagree_are_a_conflict_until_one_is_starred(second: StudioAnnotation) -> None:
    first = said(drawn_box())

    assert codes(read(first, second)) == ["conflict"]
    assert read(first, second).reading is None
    for number, starred in ((1, first), (2, second)):
        others = [each for each in (first, second) if each is not starred]
        right = said(*starred.result, number=number, is_ground_truth=True)
        state = read(right, *others)
        assert state.attention == ()
        assert state.reading is not None
        assert state.reading.at == right.updated_at
        assert len(state.reading.boxes) == sum(each["type"] == "rectanglelabels" for each in starred.result)


def test_two_boxes_agree_with_two_in_any_order() -> None:
    left, right = drawn_box(), drawn_box(x=60.0)

    state = read(said(left, right), said(right, left, number=2))

    assert state.attention == ()
    assert state.reading is not None
    assert len(state.reading.boxes) == 2


def test_an_unreadable_annotation_beside_a_good_one_is_not_passed_over() -> None:
    state = read(said(drawn_box()), said(drawn_box("burr"), number=2))

    assert codes(state) == ["unknown_class"]
    assert state.reading is None


def test_all_skipped_needs_attention_once() -> None:
    state = read(said(is_skipped=True), said(is_skipped=True, number=2, by="lee@example.org"))

    assert codes(state) == ["skipped"]
    assert "kim@example.org, lee@example.org" in state.attention[0].message


def test_a_task_that_is_none_of_ours_is_refused() -> None:
    with pytest.raises(LabelTaskRefused, match="17 has no id of ours"):
        read_task(
            StudioTask(17, None, NOON, ()),
            classes=CLASSES,
            offset_xy_px=(0, 0),
            size_wh_px=SIZE_WH_PX,
            frame_size_wh_px=SIZE_WH_PX,
        )


@pytest.mark.parametrize("offset", [(1, 0), (0, 1), (-1, 0)])
def test_a_tile_outside_its_frame_is_refused(offset: tuple[int, int]) -> None:
    with pytest.raises(LabelTaskRefused, match="not in a frame"):
        read_task(
            StudioTask(17, UUID_1, NOON, ()),
            classes=CLASSES,
            offset_xy_px=offset,
            size_wh_px=SIZE_WH_PX,
            frame_size_wh_px=SIZE_WH_PX,
        )


def test_a_state_is_json_as_the_server_takes_it() -> None:
    state = read(said(drawn_box(), comment("엣지 손상")))

    assert state.to_json() == {
        "id": str(UUID_1),
        "label_studio_task_id": 17,
        "updated_at": "2026-03-02T12:00:00+00:00",
        "annotations": [
            {
                "id": 1,
                "updated_at": "2026-03-02T12:01:00+00:00",
                "annotator": "kim@example.org",
                "skipped": False,
                "ground_truth": False,
                "lead_time_s": 30.0,
            }
        ],
        "reading": {
            "reviewer": "kim@example.org",
            "at": "2026-03-02T12:01:00+00:00",
            "is_defective": True,
            "boxes": [{"class_name": "dent", "box_xyxy_px": [20.0, 20.0, 80.0, 60.0]}],
            "comment": "엣지 손상",
            "minutes": 0.5,
        },
        "attention": [],
    }


numbers = st.one_of(st.integers(-200, 200), st.floats(), st.just(10**400), st.booleans())
leaves = st.one_of(st.none(), numbers, st.text(max_size=4), st.sampled_from(["box", "image", "verdict", "dent", "ok"]))
keys = st.sampled_from(
    ["type", "from_name", "to_name", "value", "x", "y", "width", "height", "rotation", "rectanglelabels", "choices"]
)
anything = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=6), max_leaves=8
)


@st.composite
def odd_results(draw: st.DrawFn) -> list[Any]:
    """Regions as the page sends them, with anything at one place, or anything at all."""
    region = draw(st.sampled_from([drawn_box(), chosen_verdict("defect"), comment("x")]))
    place = draw(st.sampled_from(sorted(region)))
    inner = draw(st.sampled_from(sorted(region["value"])))
    spoilt = draw(anything)
    changed = region | {place: spoilt} if draw(st.booleans()) else region | {"value": region["value"] | {inner: spoilt}}
    return [changed, *draw(st.lists(anything, max_size=2))]


@given(result=odd_results(), classes=st.sampled_from([CLASSES, set(CLASSES), dict.fromkeys(CLASSES)]))
def test_whatever_json_an_annotation_is_it_is_read_or_needs_attention(result: list[Any], classes: Any) -> None:
    """Label Studio takes any JSON for an annotation."""
    task = StudioTask(17, UUID_1, NOON, (said(*result),))

    state = read_task(task, classes=classes, offset_xy_px=(0, 0), size_wh_px=SIZE_WH_PX, frame_size_wh_px=SIZE_WH_PX)

    assert (state.reading is None) == bool(state.attention)
    json.dumps(state.to_json(), allow_nan=False)


def test_reading_the_same_twice_gives_the_same() -> None:
    annotation = said(drawn_box(x=12.345678901, width=33.3333333))

    assert read(annotation) == read(annotation)
