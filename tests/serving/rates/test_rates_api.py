"""GET /v1/rates: what was written comes back counted, with intervals, and told apart from the detector's own rate."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lineside.inspection.verdict import Verdict
from lineside.serving.clock import ManualClock
from lineside.serving.reviews.schemas import ReviewBox, ReviewKind, ReviewSource
from lineside.serving.security import Role
from lineside.statistics import clopper_pearson
from plant import RECIPE, Plant, bad_board, good_board, open_plant
from rate_ledger import DIGEST, Part, write_part, write_review

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
AT_8, AT_10 = datetime(2026, 3, 2, 8, 5, tzinfo=UTC), datetime(2026, 3, 2, 10, 20, tzinfo=UTC)
SPAN = {"from": "2026-03-02T08:00:00Z", "to": "2026-03-02T12:00:00Z"}
SHIFTS = {
    "time_zone": "Asia/Seoul",
    "day_start": "06:00",
    "shifts": [
        {"name": "day", "start": "06:00", "end": "18:00"},
        {"name": "night", "start": "18:00", "end": "06:00"},
    ],
}


@pytest.fixture
def plant(tmp_path: Path, either_database: None) -> Iterator[Plant]:
    with open_plant(tmp_path, recipe=RECIPE + "opportunities: 40\n", clock=ManualClock(NOW)) as plant:
        yield plant


def rates(plant: Plant, **asked: str) -> dict[str, Any]:
    plant.http.portal.call(plant.services.rate_projector.settle)  # type: ignore[attr-defined]  # TestClient's loop
    answer = plant.http.get("/v1/rates", params={**SPAN, **asked}, headers=plant.headers(Role.MES))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def passed(plant: Plant, number: int, *, drawn: bool = False, **said: Any) -> str:
    part = Part(f"ok-{number}", Verdict.OK, AT_8, drawn=drawn, probability=0.5, **said)
    return write_part(plant.services.ledger, part)


def flagged(plant: Plant, number: int, **said: Any) -> str:
    given = {"opened_at": AT_8, "classes": ("open",), **said}
    part = Part(f"ng-{number}", Verdict.NG, drawn=True, probability=1.0, **given)
    return write_part(plant.services.ledger, part)


def fill(plant: Plant) -> dict[str, list[str]]:
    """20 passed parts (10 audited, one escape), 6 flagged (3 confirmed, 1 false call, 1 unresolved), 2 others."""
    ledger = plant.services.ledger
    ok = [passed(plant, number, drawn=number < 10) for number in range(20)]
    ng = [flagged(plant, number) for number in range(6)]
    for inspection_id in ok[1:10]:
        write_review(ledger, inspection_id, ReviewKind.CONFIRMED, source=ReviewSource.AUDIT)
    box = ReviewBox(class_name="short", box_xyxy_px=(1, 1, 9, 9))
    write_review(ledger, ok[0], ReviewKind.ESCAPE, source=ReviewSource.AUDIT, boxes=(box,))
    for inspection_id in ng[:3]:
        write_review(ledger, inspection_id, ReviewKind.CONFIRMED)
    write_review(ledger, ng[3], ReviewKind.FALSE_CALL)
    write_review(ledger, ng[4], ReviewKind.FALSE_CALL)
    write_review(ledger, ng[4], ReviewKind.CONFIRMED)
    write_part(ledger, Part("ni-1", Verdict.NOT_INSPECTED, AT_8))
    write_part(ledger, Part("ni-2", Verdict.NOT_INSPECTED, AT_8))
    write_part(ledger, Part("ni-2", Verdict.OK, AT_10, attempt=2, probability=0.5))
    write_part(ledger, Part("ok-1", Verdict.NG, AT_10, attempt=2, probability=1.0, drawn=True))
    return {"ok": ok, "ng": ng}


def test_each_part_is_counted_once_and_what_was_not_inspected_stands_beside(plant: Plant) -> None:
    fill(plant)
    total = rates(plant)["total"]
    counted = {name: total[name] for name in ("inspected", "flagged", "confirmed", "false_calls", "not_inspected")}
    assert counted == {"inspected": 27, "flagged": 6, "confirmed": 3, "false_calls": 1, "not_inspected": 2}
    assert (total["unconfirmed"], total["unresolved"], total["later_attempts"]) == (2, 1, 1)
    assert (total["audited"], total["audits_due"]) == (10, 0)
    assert total["escapes"]["found_in_audit"] == 1
    assert total["first_pass_yield"]["passed"] == 20
    assert total["first_pass_yield"]["judged"] == 26
    assert total["is_provisional"]


def test_the_raw_share_is_only_ever_called_the_detector_rate(plant: Plant) -> None:
    fill(plant)
    total = rates(plant)["total"]
    assert (total["detector_rate"]["events"], total["detector_rate"]["units"]) == (6, 27)
    rate = total["rate"]
    assert rate["lower"] <= rate["point"] <= rate["upper"]
    assert rate["point"] != pytest.approx(6 / 27)
    assert rate["lower_if_none_unconfirmed_is_defective"] <= rate["lower"]
    assert rate["upper"] <= rate["upper_if_all_unconfirmed_are_defective"]


def test_defects_per_million_opportunities_need_the_recipes_number(plant: Plant) -> None:
    fill(plant)
    defects = rates(plant)["total"]["defects"]
    assert (defects["reported"], defects["there"], defects["opportunities"]) == (6, 4, 40)
    assert defects["dpu"] == pytest.approx(4 / 27)
    assert defects["dpmo"] == pytest.approx(4 / 27 / 40 * 1e6)


def test_a_late_review_changes_the_window_of_its_part(plant: Plant) -> None:
    filled = fill(plant)
    before = rates(plant, bucket="hour")["series"]
    write_review(plant.services.ledger, filled["ng"][5], ReviewKind.FALSE_CALL)
    after = rates(plant, bucket="hour")["series"]
    assert [window["false_calls"] for window in before] == [1, 0, 0, 0]
    assert [window["false_calls"] for window in after] == [2, 0, 0, 0]


def test_a_conflict_counts_once_somebody_settles_it(plant: Plant) -> None:
    ledger = plant.services.ledger
    part = flagged(plant, 1)
    write_review(ledger, part, ReviewKind.FALSE_CALL)
    second = write_review(ledger, part, ReviewKind.CONFIRMED, reviewer="Lee", blind=True)
    write_review(ledger, part, ReviewKind.FALSE_CALL)  # said twice, read once
    assert rates(plant)["total"]["unresolved"] == 1
    write_review(ledger, part, ReviewKind.FALSE_CALL, supersedes=second.id)
    total = rates(plant)["total"]
    assert (total["unresolved"], total["false_calls"], total["confirmed"]) == (0, 1, 0)
    assert total["reviewers"] == {"defective_right": 0, "defective_wrong": 0, "good_right": 0, "good_wrong": 1}


def test_second_readers_of_what_looked_defective_do_not_make_first_readers_look_blind(plant: Plant) -> None:
    """Two false alarms of the audit are read again: the second reader was right twice, and nobody is wrong in half."""
    ledger = plant.services.ledger
    for number in range(2):
        part = passed(plant, number, drawn=True)
        first = write_review(ledger, part, ReviewKind.ESCAPE, source=ReviewSource.AUDIT)
        write_review(ledger, part, ReviewKind.CONFIRMED, source=ReviewSource.AUDIT, reviewer="Lee", blind=True)
        write_review(ledger, part, ReviewKind.CONFIRMED, source=ReviewSource.AUDIT, supersedes=first.id)
    reviewers = rates(plant)["total"]["reviewers"]
    assert reviewers == {"defective_right": 0, "defective_wrong": 0, "good_right": 2, "good_wrong": 0}


def test_a_missing_hour_is_shown_as_a_gap_and_is_no_rate_of_zero(plant: Plant) -> None:
    fill(plant)
    series = rates(plant, bucket="hour")["series"]
    assert [window["inspected"] for window in series] == [26, 0, 1, 0]
    assert [window["is_gap"] for window in series] == [False, True, False, True]
    assert series[1]["rate"]["point"] is None
    assert (series[1]["rate"]["lower"], series[1]["rate"]["upper"]) == (0.0, 1.0)


def test_a_recent_window_is_provisional_until_stations_had_time_to_hand_in(plant: Plant) -> None:
    series = rates(plant, bucket="hour")["series"]
    assert [window["is_provisional"] for window in series] == [False, False, False, True]


def test_rates_can_be_told_apart(plant: Plant) -> None:
    fill(plant)
    plant.http.put("/v1/calendar", json=SHIFTS, headers=plant.headers(Role.QUALITY)).raise_for_status()
    write_part(plant.services.ledger, Part("other", Verdict.OK, AT_8, lot="L2", product="XYZ", release_digest="a" * 64))
    expected = {
        "station": {"aoi-1": 28},
        "line": {"line-1": 28},
        "lot": {"L1": 27, "L2": 1},
        "product": {"BRD": 27, "XYZ": 1},
        "deployment": {DIGEST: 27, "a" * 64: 1},
        "shift": {"day": 27, "night": 1},
        "class": {"open": 28, "short": 28},
    }
    for by, groups in expected.items():
        assert {group["name"]: group["inspected"] for group in rates(plant, by=by)["groups"]} == groups, by


def test_the_rate_of_a_class_is_of_parts_that_have_it(plant: Plant) -> None:
    filled = fill(plant)
    boxes = (
        ReviewBox(class_name="open", box_xyxy_px=(1, 1, 9, 9)),
        ReviewBox(class_name="short", box_xyxy_px=(20, 1, 30, 9)),
    )
    write_review(plant.services.ledger, filled["ng"][5], ReviewKind.CORRECTED, boxes=boxes)
    groups = {group["name"]: group for group in rates(plant, by="class")["groups"]}
    opened, short = groups["open"], groups["short"]
    assert (opened["flagged"], opened["confirmed"], opened["false_calls"]) == (6, 4, 1)
    # An escape with a short, and an NG part on which only the open had been reported: both passed as far as it goes.
    assert (short["flagged"], short["confirmed"], short["escapes"]["found_in_audit"]) == (0, 1, 2)
    assert short["rate"]["lower"] >= 2 / 27
    assert rates(plant, class_name="short")["total"]["rate"] == short["rate"]


def test_an_escape_of_which_nobody_said_what_it_was_is_not_lost_among_the_classes(plant: Plant) -> None:
    write_review(plant.services.ledger, passed(plant, 1, drawn=True), ReviewKind.ESCAPE, source=ReviewSource.AUDIT)
    (unnamed,) = rates(plant, by="class")["groups"]
    assert (unnamed["name"], unnamed["escapes"]["found_in_audit"], unnamed["rate"]["point"]) == ("", 1, 1.0)


def test_parts_of_known_truth_are_in_no_rate_and_show_the_recall(plant: Plant) -> None:
    fill(plant)
    ledger = plant.services.ledger
    for attempt, verdict in enumerate((Verdict.NG, Verdict.OK, Verdict.NG, Verdict.NOT_INSPECTED), start=1):
        write_part(ledger, Part("rabbit", verdict, AT_8, attempt=attempt))
    assert rates(plant)["total"]["inspected"] == 28
    said = {"truth": "defective", "classes": ["open"], "note": "limit sample 7"}
    plant.http.put("/v1/known-parts/rabbit", json=said, headers=plant.headers(Role.QUALITY)).raise_for_status()
    total = rates(plant)["total"]
    assert total["inspected"] == 27
    assert (total["seeded_defective"]["right"], total["seeded_defective"]["wrong"]) == (2, 1)
    assert total["seeded_good"] is None


def test_an_identifier_that_was_a_known_parts_counts_as_production_from_its_next_attempt_on(plant: Plant) -> None:
    ledger = plant.services.ledger
    write_part(ledger, Part("rabbit", Verdict.NG, AT_8, probability=1.0, drawn=True))
    write_part(ledger, Part("rabbit", Verdict.OK, AT_10, attempt=2, probability=0.5))
    write_part(ledger, Part("rabbit", Verdict.NG, AT_10, attempt=3, probability=1.0, drawn=True))
    said = {"truth": "defective", "valid_until": "2026-03-02T09:00:00Z"}
    plant.http.put("/v1/known-parts/rabbit", json=said, headers=plant.headers(Role.QUALITY)).raise_for_status()
    total = rates(plant)["total"]
    assert (total["inspected"], total["flagged"], total["later_attempts"]) == (1, 0, 1)
    assert total["seeded_defective"]["right"] == 1


def test_windows_by_lot_and_by_number_of_parts(plant: Plant) -> None:
    fill(plant)
    write_part(plant.services.ledger, Part("other", Verdict.OK, AT_10, lot="L2"))
    lots = rates(plant, bucket="lot")["series"]
    assert [(window["label"], window["inspected"]) for window in lots] == [("L1", 27), ("L2", 1)]
    some = rates(plant, bucket="parts:25")["series"]
    assert [window["inspected"] for window in some] == [26, 2]


def test_lots_that_differ_say_less_of_the_process_than_as_many_parts_would(plant: Plant) -> None:
    ledger = plant.services.ledger
    for number in range(40):
        is_bad = number < 6
        part = passed(plant, number, drawn=True, lot="L1" if number < 20 else "L2")
        kind = ReviewKind.ESCAPE if is_bad else ReviewKind.CONFIRMED
        write_review(ledger, part, kind, source=ReviewSource.AUDIT)
    process = rates(plant, bucket="lot")["process"]
    share = process["escape_share"]
    assert (share["events"], share["units"], process["lots"]) == (6, 40, 2)
    assert process["design_effect"] > 3
    assert process["effective_units"] < 40 / 3
    alike = clopper_pearson(6, 40, confidence=0.95)
    assert share["lower"] < alike.lower
    assert alike.upper < share["upper"]
    assert rates(plant, bucket="lot", lot="L1")["process"] is None
    assert rates(plant)["process"] is None


def test_an_answer_says_whether_a_flagged_part_is_to_be_confirmed(plant: Plant) -> None:
    flagged_part = plant.post(bad_board(1), part_id="bad").json()
    passed_part = plant.post(good_board(2), part_id="good").json()
    assert (flagged_part["verdict"], flagged_part["confirmation"]) == ("NG", True)
    assert flagged_part["confirmation_probability"] == 1.0
    assert (passed_part["confirmation"], passed_part["confirmation_probability"]) == (False, 0.0)
    total = rates(plant, to="2026-03-02T12:15:00Z")["total"]
    assert (total["flagged"], total["unconfirmed"], total["recall_alarm"]) == (1, 1, None)


def test_cells_given_up_are_counted_anew(plant: Plant) -> None:
    fill(plant)
    before = rates(plant)
    refused = plant.http.delete("/v1/rates/cells", headers=plant.headers(Role.QUALITY))
    given_up = plant.http.delete("/v1/rates/cells", headers=plant.headers())
    assert (refused.status_code, given_up.status_code) == (403, 204)
    assert rates(plant)["total"] == before["total"]


def test_the_golden_set_can_be_left_out_and_the_answer_says_so(plant: Plant) -> None:
    assert rates(plant, recall="vague")["recall_prior"]["source"] == "vague: asked for without the golden set"


def test_a_full_answer_stands_without_a_golden_set_and_says_so(plant: Plant) -> None:
    prior = rates(plant)["recall_prior"]
    assert prior == {"source": "vague: no release judged in the span, so no golden set speaks for all of it"} | {
        "hits": None,
        "misses": None,
    }


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        pytest.param({"from": SPAN["to"], "to": SPAN["from"]}, 422, "rate-question-unfit", id="ends before it begins"),
        pytest.param({"from": SPAN["to"]}, 422, "rate-question-unfit", id="an empty span"),
        pytest.param({"from": "1970-01-01T00:00:00Z"}, 422, "rate-question-unfit", id="longer than any plant stands"),
        pytest.param({"from": "2026-03-02T08:00:00"}, 422, "invalid-request", id="an instant without offset"),
        pytest.param({"bucket": "fortnight"}, 422, "rate-question-unfit", id="no such window"),
        pytest.param({"bucket": "parts:0"}, 422, "rate-question-unfit", id="windows of no part"),
        pytest.param({"bucket": "hour", "from": "2020-01-01T00:00:00Z"}, 422, "rate-question-unfit", id="too many"),
        pytest.param({"by": "weather"}, 422, "invalid-request", id="no such grouping"),
        pytest.param({"recall": "perfect"}, 422, "invalid-request", id="no such belief"),
        pytest.param({"by": "shift"}, 409, "no-shifts", id="shifts without a calendar"),
        pytest.param({"shift": "day"}, 422, "rate-question-unfit", id="an unknown shift"),
        pytest.param({"shift": "day", "by": "lot"}, 422, "rate-question-unfit", id="one shift by lot"),
        pytest.param({"station": "nowhere"}, 404, "unknown-station", id="an unknown station"),
        pytest.param({"release_digest": "abc"}, 422, "invalid-request", id="no digest"),
        pytest.param({"confidence": "1"}, 422, "invalid-request", id="certainty"),
        pytest.param({"confidence": "nan"}, 422, "invalid-request", id="no number"),
    ],
)
def test_a_question_without_an_answer_is_refused_by_name(
    plant: Plant, asked: dict[str, str], status: int, said: str
) -> None:
    answer = plant.http.get("/v1/rates", params={**SPAN, **asked}, headers=plant.headers(Role.VIEWER))
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{said}"), answer.text


def test_a_calendar_is_kept_and_its_versions_are_counted(plant: Plant) -> None:
    quality = plant.headers(Role.QUALITY)
    assert plant.http.get("/v1/calendar", headers=quality).json()["version"] == 0
    first = plant.http.put("/v1/calendar", json=SHIFTS, headers=quality)
    again = plant.http.put("/v1/calendar", json=SHIFTS, headers=quality)
    assert (first.json()["version"], again.json()) == (1, first.json())
    bad = plant.http.put("/v1/calendar", json={**SHIFTS, "time_zone": "Mars/Olympus"}, headers=quality)
    assert (bad.status_code, bad.json()["type"]) == (422, "/problems/calendar-unfit")
    refused = plant.http.put("/v1/calendar", json=SHIFTS, headers=plant.headers(Role.VIEWER))
    assert refused.status_code == 403
    assert [event["version"] for event in plant.events("calendar.v1")] == [1]


def test_each_shift_shows_how_much_of_it_is_planned(plant: Plant) -> None:
    shifts = [{"name": "early", "start": "06:00", "end": "14:00"}, {"name": "late", "start": "14:00", "end": "16:00"}]
    calendar = {"time_zone": "UTC", "day_start": "06:00", "shifts": shifts}
    plant.http.put("/v1/calendar", json=calendar, headers=plant.headers(Role.QUALITY)).raise_for_status()
    span = {"from": "2026-03-02T06:00:00Z", "to": "2026-03-03T06:00:00Z"}
    groups = rates(plant, by="shift", **span)["groups"]
    assert {group["name"]: group["planned_minutes"] for group in groups} == {"early": 480, "late": 120}
    assert rates(plant, shift="late", **span)["total"]["planned_minutes"] == 120


def test_an_open_window_reaches_to_now_by_default(plant: Plant) -> None:
    plant.http.portal.call(plant.services.rate_projector.settle)  # type: ignore[attr-defined]  # TestClient's loop
    asked = plant.http.get("/v1/rates", headers=plant.headers()).json()["asked"]
    assert (asked["start"], asked["end"]) == ("2026-03-02T00:00:00Z", "2026-03-02T12:00:00Z")
    assert datetime.fromisoformat(asked["end"]) - NOW < timedelta(minutes=15)
