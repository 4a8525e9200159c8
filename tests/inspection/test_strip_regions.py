"""Parts of a web are cut by pitch or trigger, and judged by the recipe as soon as all of them was seen."""

import itertools
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.inspection.errors import RecipeError
from lineside.inspection.image_health import HealthLimits
from lineside.inspection.recipe import Calibration, ClassLimit, Recipe, Scale, View, Zone
from lineside.inspection.reference import RegistrationLimits
from lineside.inspection.strips import (
    LineFault,
    LineFaultKind,
    PitchSegmenter,
    RegionBook,
    RegionVerdict,
    TriggerSegmenter,
    WebDefect,
    WebPart,
)
from lineside.inspection.verdict import ReasonCode, Verdict
from lineside.inspection.zones import Polygon

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CLASSES = ("hole", "scratch", "stain")
SCALE = Scale(0.5, Calibration("C-1", "tape", NOW))
EDGE = Zone("edge", Polygon(((0, 0), (20, 0), (20, 2000), (0, 2000))), None)


def a_recipe(
    limits: Mapping[str, ClassLimit] | None = None, *, scale: Scale | None = SCALE, zones: tuple[Zone, ...] = ()
) -> Recipe:
    """Nothing is allowed but two stains up to 30 mm, and scratches count from 1 mm on."""
    return Recipe(
        id="foil",
        version=3,
        product="foil",
        catalogue_id="web",
        catalogue_version=1,
        release="web-defects",
        views={"default": View("default", None, (), RegistrationLimits(), zones, scale)},
        limits=limits or {"stain": ClassLimit(max_count=2, max_size_mm=30.0), "scratch": ClassLimit(min_size_mm=1.0)},
        named_classes=frozenset(),
        scale=scale,
        health=HealthLimits(),
        deadline_ms=1000,
        audit_share=0.0,
    )


def a_book(recipe: Recipe | None = None, *, parts: int = 3) -> RegionBook:
    book = RegionBook(
        recipe=recipe or a_recipe(),
        class_names=CLASSES,
        release_thresholds=dict.fromkeys(CLASSES, 0.5),
        web_width_mm=200.0,
    )
    for part in PitchSegmenter(roll="R", pitch_mm=100.0).advance(100.0 * parts):
        book.add_part(part)
    return book


def stain(from_mm: float, to_mm: float, *, name: str = "stain", left_mm: float = 50.0) -> WebDefect:
    return WebDefect(name, 0.9, left_mm, left_mm + 5.0, from_mm, to_mm)


def growing(from_mm: float, to_mm: float, *, name: str = "stain") -> WebDefect:
    return replace(stain(from_mm, to_mm, name=name), is_open=True)


def fault(kind: LineFaultKind, from_mm: float, to_mm: float) -> LineFault:
    return LineFault(kind, 0, 10, from_mm, to_mm, "as the test wants")


def said(verdicts: tuple[RegionVerdict, ...]) -> list[tuple[str, str]]:
    return [(each.part.part_id, each.judgement.verdict.value) for each in verdicts]


def test_a_part_is_decided_once_all_of_it_was_seen() -> None:
    book = a_book()
    assert book.settle(99.9, open_defects=(), now=NOW) == ()
    assert said(book.settle(250.0, open_defects=(), now=NOW)) == [("R-000001", "OK"), ("R-000002", "OK")]
    assert [part.part_id for part in book.undecided] == ["R-000003"]


@pytest.mark.parametrize(
    ("defects", "verdict", "code"),
    [
        pytest.param([], Verdict.OK, None, id="nothing"),
        pytest.param([stain(10, 20), stain(30, 40)], Verdict.OK, None, id="as many as allowed"),
        pytest.param([stain(1, 2), stain(3, 4), stain(5, 6)], Verdict.NG, ReasonCode.DEFECT_LIMIT, id="one more"),
        pytest.param([stain(10, 41)], Verdict.NG, ReasonCode.SIZE_LIMIT, id="too long"),
        pytest.param([stain(-25, 6)], Verdict.NG, ReasonCode.SIZE_LIMIT, id="too long, most of it on the part before"),
        pytest.param([stain(5, 6, name="hole")], Verdict.NG, ReasonCode.DEFECT_LIMIT, id="a class without a limit"),
        pytest.param([WebDefect("scratch", 0.9, 0, 0.5, 5, 5.9)], Verdict.OK, None, id="a scratch too short to count"),
        pytest.param([stain(110, 180)], Verdict.OK, None, id="on another part"),
        pytest.param([replace(stain(1, 90), confidence=0.4)], Verdict.OK, None, id="below the release's threshold"),
    ],
)
def test_the_recipes_limits_hold_for_a_part_of_web(
    defects: list[WebDefect], verdict: Verdict, code: ReasonCode | None
) -> None:
    book = a_book(parts=1)
    book.add_defects(defects)
    (decided,) = book.settle(100.0, open_defects=(), now=NOW)
    assert decided.judgement.verdict is verdict
    assert [reason.code for reason in decided.judgement.reasons] == ([code] if code else [])


def test_sizes_are_millimetres_of_the_web_whatever_the_recipes_pixel() -> None:
    book = a_book(parts=1)
    book.add_defects([stain(10.0, 39.5)])
    ((decided),) = book.settle(100.0, open_defects=(), now=NOW)
    assert decided.judgement.defects[0].size_mm == pytest.approx(29.5)
    assert decided.judgement.defects[0].box_xyxy_px == (100.0, 20.0, 110.0, 79.0)


def test_zones_lie_on_the_part_in_the_recipes_pixels() -> None:
    book = a_book(a_recipe(zones=(EDGE,)), parts=2)
    book.add_defects([stain(110, 120, name="hole", left_mm=1.0), stain(20, 30, name="hole", left_mm=8.0)])
    assert said(book.settle(200.0, open_defects=(), now=NOW)) == [("R-000001", "NG"), ("R-000002", "OK")]


@pytest.mark.parametrize("kind", list(LineFaultKind))
def test_a_part_with_missing_or_suspect_lines_is_not_inspected(kind: LineFaultKind) -> None:
    book = a_book()
    book.add_faults([fault(kind, 120.0, 130.0)])
    expected = "NOT_INSPECTED" if kind is not LineFaultKind.DUPLICATED else "OK"
    verdicts = book.settle(300.0, open_defects=(), now=NOW)
    assert said(verdicts) == [("R-000001", "OK"), ("R-000002", expected), ("R-000003", "OK")]
    assert [each.kind for each in verdicts[1].faults] == [kind]


def test_a_place_where_lines_were_set_aside_spoils_both_parts_that_meet_there() -> None:
    book = a_book()
    book.add_faults([fault(LineFaultKind.ENCODER_BACKWARDS, 100.0, 100.0)])
    verdicts = book.settle(300.0, open_defects=(), now=NOW)
    assert [verdict for _, verdict in said(verdicts)] == ["NOT_INSPECTED", "NOT_INSPECTED", "OK"]


def test_what_was_seen_makes_a_part_ng_although_lines_are_missing() -> None:
    book = a_book(parts=1)
    book.add_faults([fault(LineFaultKind.DROPPED, 20.0, 30.0)])
    book.add_defects([stain(5, 6, name="hole")])
    ((decided),) = book.settle(100.0, open_defects=(), now=NOW)
    assert decided.judgement.verdict is Verdict.NG
    assert {reason.code for reason in decided.judgement.reasons} == {ReasonCode.DEFECT_LIMIT, ReasonCode.LINES_LOST}


def test_a_part_waits_for_a_defect_that_may_still_grow() -> None:
    book = a_book()
    assert said(book.settle(250.0, open_defects=[growing(190, 205)], now=NOW)) == [("R-000001", "OK")]
    book.add_defects([stain(190, 225)])
    assert said(book.settle(300.0, open_defects=(), now=NOW)) == [("R-000002", "NG"), ("R-000003", "NG")]


@pytest.mark.parametrize(
    "open_defects",
    [
        pytest.param([growing(90, 125)], id="too long already"),
        pytest.param([growing(99, 101, name="hole")], id="of a class that allows none"),
    ],
)
def test_a_part_that_is_ng_whatever_the_defect_grows_to_does_not_wait(open_defects: list[WebDefect]) -> None:
    assert said(a_book().settle(130.0, open_defects=open_defects, now=NOW)) == [("R-000001", "NG")]


def test_growing_defects_of_one_class_may_be_one_and_make_no_count() -> None:
    open_defects = [growing(80, 90), growing(85, 95), growing(91, 99)]
    assert a_book().settle(130.0, open_defects=open_defects, now=NOW) == ()


@pytest.mark.parametrize(
    ("open_defects", "verdict"),
    [
        pytest.param([], Verdict.NOT_INSPECTED, id="nothing found so far"),
        pytest.param([growing(80, 90)], Verdict.NOT_INSPECTED, id="a tolerated defect that may grow"),
        pytest.param([growing(50, 90)], Verdict.NG, id="a defect too long already"),
    ],
)
def test_a_part_without_time_left_is_never_ok(open_defects: list[WebDefect], verdict: Verdict) -> None:
    book = a_book()
    decided = book.expire("R-000001", open_defects=open_defects, now=NOW)
    assert decided.judgement.verdict is verdict
    assert ReasonCode.LATE in {reason.code for reason in decided.judgement.reasons}
    with pytest.raises(KeyError):
        book.expire("R-000001", open_defects=(), now=NOW)


def test_a_part_that_is_not_whole_is_never_ok() -> None:
    book = a_book(parts=0)
    book.add_part(WebPart("R-000001", 1, 0.0, 40.0, "the roll ended"))
    ((decided),) = book.settle(40.0, open_defects=(), now=NOW)
    assert decided.judgement.verdict is Verdict.NOT_INSPECTED


def test_an_expired_calibration_makes_every_part_not_inspected() -> None:
    expired = Scale(0.5, Calibration("C-1", "tape", NOW, NOW))
    book = a_book(a_recipe(scale=expired), parts=1)
    ((decided),) = book.settle(100.0, open_defects=(), now=NOW)
    assert [reason.code for reason in decided.judgement.reasons] == [ReasonCode.RECIPE_EXPIRED]


def test_without_a_scale_a_recipe_counts_and_measures_nothing() -> None:
    book = a_book(a_recipe({"stain": ClassLimit(max_count=1)}, scale=None), parts=1)
    book.add_defects([stain(10, 90)])
    assert said(book.settle(100.0, open_defects=(), now=NOW)) == [("R-000001", "OK")]
    with pytest.raises(RecipeError, match="zones and no scale"):
        a_book(a_recipe({"stain": ClassLimit()}, scale=None, zones=(EDGE,)))


def test_a_recipe_of_several_views_is_refused() -> None:
    recipe = a_recipe()
    views = {**recipe.views, "other": replace(recipe.views["default"], name="other")}
    with pytest.raises(RecipeError, match="recipe of one view"):
        a_book(replace(recipe, views=views))


@given(
    st.lists(st.floats(0, 900), min_size=1, max_size=8), st.floats(1, 300), st.floats(-50, 300), st.floats(900, 1000)
)
@settings(max_examples=60, deadline=None)
def test_parts_by_pitch_lie_end_to_end_however_the_web_is_followed(
    places: list[float], pitch_mm: float, first_mm: float, end_mm: float
) -> None:
    segmenter = PitchSegmenter(roll="R", pitch_mm=pitch_mm, first_mm=first_mm)
    parts = [part for place in sorted(places) for part in segmenter.advance(place)]
    parts += segmenter.finish(end_mm)
    assert parts == list(PitchSegmenter(roll="R", pitch_mm=pitch_mm, first_mm=first_mm).finish(end_mm))
    assert [part.number for part in parts] == list(range(1, len(parts) + 1))
    assert parts[0].from_mm == first_mm
    assert all(one.to_mm == other.from_mm for one, other in itertools.pairwise(parts))
    assert parts[-1].to_mm in (end_mm, first_mm + len(parts) * pitch_mm)


@pytest.mark.parametrize(
    ("triggers", "bounds", "troubled"),
    [
        pytest.param([10, 110, 211, 310], [10, 110, 211, 310], [4], id="as they should come"),
        pytest.param([10, 110, 140, 210, 310], [10, 110, 210, 310], [2, 4], id="one too many"),
        pytest.param([10, 110, 310], [10, 110, 210, 310], [2, 4], id="one missing"),
        pytest.param([10], [10, 110, 210, 310], [1, 2, 3, 4], id="all but the first missing"),
    ],
)
def test_parts_by_trigger_are_whole_only_between_two_triggers_in_their_distance(
    triggers: list[float], bounds: list[float], troubled: list[int]
) -> None:
    segmenter = TriggerSegmenter(roll="R", nominal_mm=100.0, tolerance_mm=5.0)
    parts: list[WebPart] = []
    for through in range(0, 331, 30):
        for place in triggers:
            if through - 30 < place <= through:
                segmenter.trigger(place)
        parts += segmenter.advance(through)
    parts += segmenter.finish(330.0)
    assert [part.from_mm for part in parts] == bounds
    assert [part.number for part in parts if part.trouble] == troubled
    assert parts[-1].to_mm == 330.0


def test_before_the_first_trigger_there_is_no_part() -> None:
    segmenter = TriggerSegmenter(roll="R", nominal_mm=100.0, tolerance_mm=5.0)
    assert segmenter.advance(5000.0) == ()
    assert segmenter.finish(6000.0) == ()
