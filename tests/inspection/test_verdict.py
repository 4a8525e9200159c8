import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.inspection import errors
from lineside.inspection.catalogue import Severity
from lineside.inspection.detections import Detections
from lineside.inspection.recipe import Recipe
from lineside.inspection.sizes import SizeDefinition
from lineside.inspection.verdict import (
    Judgement,
    Reason,
    ReasonCode,
    Verdict,
    ViewFindings,
    ViewNotInspected,
    effective_thresholds,
    judge,
)
from recipes import CLASS_NAMES, NOW, ONE_VIEW, RELEASE_THRESHOLDS, SCALE, findings, recipe, view_with_zones

BOX = (100.0, 100.0, 120.0, 110.0)
TWO_VIEWS = "views: {top: {}, bottom: {}}\n"
ONE_SPUR_ALLOWED = "limits: {spur: {max_count: 1}}\n"


def judged(rules: Recipe, *views: ViewFindings | ViewNotInspected, now: datetime = NOW) -> Judgement:
    return judge(rules, {view.view: view for view in views}, release_thresholds=RELEASE_THRESHOLDS, now=now)


def not_inspected(view: str = "default", code: ReasonCode = ReasonCode.LATE) -> ViewNotInspected:
    return ViewNotInspected(view, Reason(code, "too late", view))


def codes(judgement: Judgement) -> list[ReasonCode]:
    return [reason.code for reason in judgement.reasons]


def test_a_clean_part_is_ok_and_says_under_which_thresholds() -> None:
    judgement = judged(recipe(ONE_VIEW + "limits: {open: {confidence: 0.1}}\n"), findings())
    assert judgement == Judgement(Verdict.OK, (), (), {**RELEASE_THRESHOLDS, "open": 0.1})


def test_one_defect_of_an_unmentioned_class_makes_it_ng() -> None:
    judgement = judged(recipe(), findings(("short", 0.9, BOX)))
    assert judgement.verdict is Verdict.NG
    assert judgement.reasons == (Reason(ReasonCode.DEFECT_LIMIT, "1 x short; the recipe allows 0", "default"),)
    (defect,) = judgement.defects
    assert (defect.view, defect.class_name, defect.box_xyxy_px, defect.zone) == ("default", "short", BOX, None)
    assert (defect.severity, defect.size_definition, defect.size_mm) == (Severity.CRITICAL, SizeDefinition.LENGTH, None)
    assert math.isclose(defect.confidence, 0.9, abs_tol=1e-6)


def test_tolerated_defects_of_an_ok_part_are_listed() -> None:
    judgement = judged(recipe(ONE_VIEW + ONE_SPUR_ALLOWED), findings(("spur", 0.9, BOX)))
    assert judgement.verdict is Verdict.OK
    assert len(judgement.defects) == 1


def test_defects_are_counted_over_all_views_of_the_part() -> None:
    rules = recipe(TWO_VIEWS + ONE_SPUR_ALLOWED)
    one = ("spur", 0.9, BOX)
    assert judged(rules, findings(one, view="top"), findings(view="bottom")).verdict is Verdict.OK
    both = judged(rules, findings(one, view="top"), findings(one, view="bottom"))
    assert both.reasons == (Reason(ReasonCode.DEFECT_LIMIT, "2 x spur; the recipe allows 1", None),)


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.7, 0.9, 1.0])
def test_a_confidence_that_equals_the_threshold_counts(threshold: float) -> None:
    """0.7 as float32 lies below 0.7 as float64: compared as doubles, the defect would be lost."""
    rules = recipe(ONE_VIEW + f"limits: {{open: {{confidence: {threshold}}}}}\n")
    assert judged(rules, findings(("open", threshold, BOX))).verdict is Verdict.NG
    below = float(np.nextafter(np.float32(threshold), np.float32(0)))
    assert judged(rules, findings(("open", below, BOX))).verdict is Verdict.OK


def test_the_recipes_threshold_goes_before_the_releases() -> None:
    rules = recipe(ONE_VIEW + "limits: {open: {confidence: 0.6}}\n")
    assert effective_thresholds(rules, {"open": 0.25, "short": 0.3}) == {"open": 0.6, "short": 0.3}
    assert judged(rules, findings(("open", 0.5, BOX))).verdict is Verdict.OK
    assert judged(rules, findings(("short", 0.5, BOX))).verdict is Verdict.NG


@pytest.mark.parametrize("threshold", [math.nan, -0.1, 1.5, math.inf])
def test_a_threshold_that_would_let_everything_through_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="the threshold of class 'open'"):
        judge(recipe(), {}, release_thresholds={"open": threshold}, now=NOW)


def test_a_class_without_any_threshold_counts_from_zero() -> None:
    judgement = judge(recipe(), {"default": findings(("open", 0.0, BOX))}, release_thresholds={}, now=NOW)
    assert judgement.verdict is Verdict.NG
    assert judgement.thresholds == dict.fromkeys(CLASS_NAMES, 0.0)


def test_a_class_that_the_recipe_does_not_know_allows_nothing() -> None:
    judgement = judged(recipe(), findings(("dent", 0.9, BOX), class_names=("dent",)))
    assert judgement.verdict is Verdict.NG
    assert judgement.defects[0].severity is Severity.CRITICAL


def test_a_missing_view_makes_a_clean_part_not_inspected() -> None:
    judgement = judged(recipe(TWO_VIEWS), findings(view="top"))
    assert judgement.verdict is Verdict.NOT_INSPECTED
    assert judgement.reasons == (Reason(ReasonCode.MISSING_VIEW, "no frame of view 'bottom' arrived", "bottom"),)


def test_ng_in_one_view_stays_ng_when_another_was_not_inspected() -> None:
    judgement = judged(recipe(TWO_VIEWS), not_inspected("top"), findings(("open", 0.9, BOX), view="bottom"))
    assert judgement.verdict is Verdict.NG
    assert codes(judgement) == [ReasonCode.DEFECT_LIMIT, ReasonCode.LATE]


def test_a_view_of_another_size_is_not_judged() -> None:
    judgement = judged(recipe(), findings(size_wh_px=(480, 640)))
    assert judgement.verdict is Verdict.NOT_INSPECTED
    assert judgement.reasons[0].message == "the frame is 480x640 px, the recipe expects 640x480 px"


@pytest.mark.parametrize(
    ("seconds", "verdict"), [(-1, Verdict.OK), (0, Verdict.NOT_INSPECTED), (1, Verdict.NOT_INSPECTED)]
)
def test_from_the_instant_of_expiry_the_calibration_may_not_be_used(seconds: int, verdict: Verdict) -> None:
    now = datetime(2027, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    judgement = judged(recipe(ONE_VIEW + SCALE), findings(), now=now)
    assert judgement.verdict is verdict
    assert codes(judgement) == [ReasonCode.RECIPE_EXPIRED] * (verdict is not Verdict.OK)


def test_one_usable_reference_is_enough_and_none_is_not() -> None:
    reference = "{{id: {id}, image: {id}.png, approved_by: q, approved_at: {at}, expires_at: {until}}}"
    gone = reference.format(id="a", at="2025-01-01T00:00:00Z", until="2026-01-01T00:00:00Z")
    good = reference.format(id="b", at="2025-01-01T00:00:00Z", until="2027-01-01T00:00:00Z")
    early = reference.format(id="c", at="2026-12-01T00:00:00Z", until="2027-01-01T00:00:00Z")
    for references, verdict in (
        ([gone, good], Verdict.OK),
        ([gone], Verdict.NOT_INSPECTED),
        ([early], Verdict.NOT_INSPECTED),
    ):
        rules = recipe(f"views: {{default: {{references: [{', '.join(references)}]}}}}\n")
        assert judged(rules, findings()).verdict is verdict


SIZES = ONE_VIEW + SCALE  # 0.1 mm per px: BOX is 1 mm wide, 2 mm long, 2 mm² large


@pytest.mark.parametrize(
    ("limit", "verdict"),
    [
        ("open: {max_count: 9, max_size_mm: 2.001}", Verdict.OK),
        ("open: {max_count: 9, max_size_mm: 1.999}", Verdict.NG),
        ("open: {max_count: 9, size_definition: width, max_size_mm: 1.001}", Verdict.OK),
        ("open: {max_count: 9, size_definition: width, max_size_mm: 0.999}", Verdict.NG),
        ("open: {max_count: 9, size_definition: area, max_size_mm2: 2.001}", Verdict.OK),
        ("open: {max_count: 9, size_definition: area, max_size_mm2: 1.999}", Verdict.NG),
        ("open: {min_size_mm: 2.001}", Verdict.OK),
        ("open: {min_size_mm: 1.999}", Verdict.NG),
    ],
)
def test_size_limits_hold_under_each_definition(limit: str, verdict: Verdict) -> None:
    judgement = judged(recipe(SIZES + f"limits: {{{limit}}}\n"), findings(("open", 0.9, BOX)))
    assert judgement.verdict is verdict


def test_a_defect_that_is_too_large_is_ng_within_the_count_and_says_its_size() -> None:
    rules = recipe(SIZES + "limits: {open: {max_count: 5, max_size_mm: 1.5}}\n")
    judgement = judged(rules, findings(("open", 0.9, BOX), ("open", 0.8, (0, 0, 5, 5))))
    assert judgement.reasons == (
        Reason(ReasonCode.SIZE_LIMIT, "open with length 2 mm; the recipe allows 1.5 mm", "default"),
    )


IGNORED = view_with_zones(
    "- {name: label, polygon_px: [[100, 100], [200, 100], [200, 200], [100, 200]], ignore: true}\n"
)


@pytest.mark.parametrize(
    ("box", "verdict"),
    [
        ((120.0, 120.0, 130.0, 130.0), Verdict.OK),
        ((100.0, 100.0, 200.0, 200.0), Verdict.OK),
        ((190.0, 120.0, 201.0, 130.0), Verdict.NG),
        ((300.0, 300.0, 310.0, 310.0), Verdict.NG),
        ((90.0, 90.0, 210.0, 210.0), Verdict.NG),
    ],
    ids=["inside", "exactly the zone", "over the edge", "outside", "around it"],
)
def test_only_what_lies_wholly_inside_an_ignore_zone_is_ignored(
    box: tuple[float, float, float, float], verdict: Verdict
) -> None:
    judgement = judged(recipe(IGNORED), findings(("open", 0.9, box)))
    assert judgement.verdict is verdict
    assert len(judgement.defects) == (verdict is Verdict.NG)


LEFT_HALF = "polygon_px: [[0, 0], [320, 0], [320, 480], [0, 480]]"


@pytest.mark.parametrize(
    ("zone_allows", "part_allows", "x", "verdict"),
    [
        (0, 1, 100, Verdict.NG),
        (0, 1, 315, Verdict.NG),
        (0, 1, 400, Verdict.OK),
        (1, 0, 100, Verdict.OK),
        (1, 0, 315, Verdict.NG),
        (1, 0, 400, Verdict.NG),
    ],
    ids=["strict, in", "strict, on the edge", "strict, out", "loose, in", "loose, on the edge", "loose, out"],
)
def test_a_defect_on_a_zones_edge_is_held_to_both_limits(
    zone_allows: int, part_allows: int, x: float, verdict: Verdict
) -> None:
    zones = f"- {{name: left, {LEFT_HALF}, limits: {{spur: {{max_count: {zone_allows}}}}}}}\n"
    rules = recipe(view_with_zones(zones) + f"limits: {{spur: {{max_count: {part_allows}}}}}\n")
    judgement = judged(rules, findings(("spur", 0.9, (x, 50, x + 10, 60))))
    assert judgement.verdict is verdict
    assert judgement.defects[0].zone == ("left" if x < 320 else None)


def test_a_zones_defects_are_counted_apart_and_named_in_the_reason() -> None:
    zones = f"- {{name: left, {LEFT_HALF}, limits: {{spur: {{max_count: 1}}}}}}\n"
    rules = recipe(view_with_zones(zones) + ONE_SPUR_ALLOWED)
    left, also_left, right = (("spur", 0.9, (x, 50, x + 9, 59)) for x in (10, 30, 400))
    assert judged(rules, findings(left, right)).verdict is Verdict.OK
    judgement = judged(rules, findings(left, also_left, right))
    assert [reason.message for reason in judgement.reasons] == ["2 x spur in zone 'left'; the recipe allows 1"]


def test_findings_that_could_hide_a_defect_are_refused() -> None:
    box = np.array([BOX], np.float32)
    one = np.ones(1, np.float32)
    with pytest.raises(ValueError, match=r"class ids 6\.\.6 do not fit 6 class names"):
        ViewFindings("default", Detections(box, one, np.array([6])), CLASS_NAMES, (640, 480))
    with pytest.raises(ValueError, match="inside out"):
        ViewFindings("default", Detections(box[:, [2, 1, 0, 3]], one, np.array([0])), CLASS_NAMES, (640, 480))


def test_a_view_without_findings_cannot_claim_one() -> None:
    with pytest.raises(ValueError, match="defect_limit is a finding"):
        not_inspected(code=ReasonCode.DEFECT_LIMIT)


def test_views_that_the_recipe_does_not_have_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'side'.*has the views default"):
        judged(recipe(), findings(), findings(view="side"))


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        judged(recipe(), findings(), now=NOW.replace(tzinfo=None))


def test_a_judgement_cannot_contradict_itself() -> None:
    with pytest.raises(ValueError, match="only OK has none"):
        Judgement(Verdict.NG, (), (), {})
    with pytest.raises(ValueError, match="OK has none"):
        Judgement(Verdict.OK, (Reason(ReasonCode.LATE, ""),), (), {})


def test_every_frame_errors_reason_is_a_reason_code() -> None:
    frame_errors = errors.FrameError.__subclasses__()
    assert frame_errors
    for error in frame_errors:
        assert not ReasonCode(error.reason).makes_ng


# Properties, over random parts under recipes with zones, counts and sizes in play.

RULES = recipe(
    view_with_zones(
        """\
        - {name: label, polygon_px: [[0, 0], [150, 0], [150, 150], [0, 150]], ignore: true}
        - name: fingers
          polygon_px: [[300, 0], [640, 0], [640, 480], [400, 300]]
          limits: {spur: {max_count: 2, max_size_mm: 12}, open: {max_count: 1}}
        """
    )
    + SCALE
    + "limits: {spur: {max_count: 2, min_size_mm: 1, max_size_mm: 20}, copper: {max_count: 1, max_size_mm2: 90}}\n"
)
SIDES = st.tuples(st.integers(0, 600), st.integers(0, 440), st.integers(0, 40), st.integers(0, 40))
BOXES = SIDES.map(lambda s: (float(s[0]), float(s[1]), float(s[0] + s[2]), float(s[1] + s[3])))
FOUND = st.tuples(st.sampled_from(CLASS_NAMES), st.floats(0, 1, width=32), BOXES)
PARTS = st.lists(FOUND, max_size=8)
STRICTNESS = {Verdict.OK: 0, Verdict.NOT_INSPECTED: 1, Verdict.NG: 2}


@given(PARTS, FOUND)
def test_another_detection_never_makes_a_part_better(
    found: list[tuple[str, float, tuple[float, float, float, float]]],
    another: tuple[str, float, tuple[float, float, float, float]],
) -> None:
    before, after = judged(RULES, findings(*found)), judged(RULES, findings(*found, another))
    assert STRICTNESS[after.verdict] >= STRICTNESS[before.verdict]


@given(PARTS, st.data())
@settings(max_examples=200)
def test_a_lower_limit_never_makes_a_part_better(
    found: list[tuple[str, float, tuple[float, float, float, float]]], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(CLASS_NAMES))
    limit = RULES.limits[name]
    stricter = data.draw(
        st.sampled_from(
            [
                replace(limit, max_count=max(0, limit.max_count - 1)),
                replace(limit, min_size_mm=None),
                replace(limit, max_size_mm=(limit.max_size_mm or 8) / 2),
                replace(limit, confidence=0.1),
            ]
        )
    )
    rules = replace(RULES, limits={**RULES.limits, name: stricter})
    before, after = judged(RULES, findings(*found)), judged(rules, findings(*found))
    assert STRICTNESS[after.verdict] >= STRICTNESS[before.verdict]


@given(PARTS)
def test_the_order_of_detections_does_not_change_the_verdict(
    found: list[tuple[str, float, tuple[float, float, float, float]]],
) -> None:
    one, other = judged(RULES, findings(*found)), judged(RULES, findings(*reversed(found)))
    assert one.verdict is other.verdict
    assert sorted(map(str, one.defects)) == sorted(map(str, other.defects))


VIEW = st.sampled_from(["absent", "late", "seen"])


@given(st.tuples(VIEW, VIEW, VIEW), PARTS)
def test_nothing_unexamined_is_ever_ok(
    states: tuple[str, str, str], found: list[tuple[str, float, tuple[float, float, float, float]]]
) -> None:
    rules = recipe("views: {a: {}, b: {}, c: {}}\n")
    views: list[ViewFindings | ViewNotInspected] = []
    for view, state in zip("abc", states, strict=True):
        if state == "seen":
            views.append(findings(*found, view=view))
        elif state == "late":
            views.append(not_inspected(view))
    judgement = judged(rules, *views)
    if judgement.verdict is Verdict.OK:
        assert states == ("seen", "seen", "seen")
        assert not [each for each in found if each[1] >= np.float32(0.25)]
    else:
        assert judgement.reasons
