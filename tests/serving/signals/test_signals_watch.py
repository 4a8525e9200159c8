"""What the watch tells of a running line: rates of windows, states of stations, alarms of pictures."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from lineside.inspection.verdict import ReasonCode, Verdict
from lineside.serving.events.schemas import EVENT_DATA
from lineside.serving.ledger.signal_tables import signal_cursors
from lineside.serving.reviews.schemas import ReviewKind
from lineside.serving.security import Role
from rate_ledger import write_review
from signal_scene import START, SignalScene, hours, open_scene

on_either_database = pytest.mark.usefixtures("either_database")

OK, NG, NOT_INSPECTED = Verdict.OK, Verdict.NG, Verdict.NOT_INSPECTED


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[SignalScene]:
    with open_scene(tmp_path) as scene:
        yield scene


def test_a_window_is_told_once_when_it_is_over(scene: SignalScene) -> None:
    scene.judge(OK, 6)
    for inspection in scene.judge(NG, 2, drawn=True, probability=1.0):
        write_review(scene.ledger, inspection, ReviewKind.CONFIRMED)
    scene.clock.advance(3600)
    assert scene.told("rate.v1") == []
    scene.clock.advance(15 * 60)
    (window,) = scene.told("rate.v1")
    assert (window["station"], window["line"], window["product"], window["revision"]) == ("aoi-1", "line-1", "BRD", 1)
    assert (window["start"], window["end"]) == ("2026-03-02T06:00:00Z", "2026-03-02T07:00:00Z")
    figures = window["figures"]
    assert (figures["inspected"], figures["flagged"], figures["confirmed"]) == (8, 2, 2)
    shown = scene.get("/v1/rates", station="aoi-1", **{"from": window["start"], "to": window["end"]})
    assert figures["rate"] == shown["total"]["rate"]
    assert figures["detector_rate"] == shown["total"]["detector_rate"]
    scene.clock.advance(7200)
    assert len(scene.told("rate.v1")) == 1


@on_either_database
def test_windows_are_told_by_product_and_none_where_nothing_came(scene: SignalScene) -> None:
    scene.judge(OK, 2)
    scene.judge(NG, 1, product="OTHER")
    scene.judge(OK, 1, product=None)
    scene.clock.advance(3 * 3600)
    scene.judge(OK, 3)
    scene.clock.advance(3 * 3600)
    told = [
        (each["start"][11:16], each["product"], each["figures"]["inspected"], each["figures"]["flagged"])
        for each in scene.told("rate.v1")
    ]
    assert told == [("06:00", None, 1, 0), ("06:00", "BRD", 2, 0), ("06:00", "OTHER", 1, 1), ("09:00", "BRD", 3, 0)]


@on_either_database
def test_parts_handed_in_late_are_told_as_the_next_revision_and_reviews_are_not(scene: SignalScene) -> None:
    inspections = scene.judge(NG, 2, drawn=True, probability=1.0)
    scene.clock.advance(2 * 3600)
    assert [each["revision"] for each in scene.told("rate.v1")] == [1]
    write_review(scene.ledger, inspections[0], ReviewKind.FALSE_CALL)
    assert [each["revision"] for each in scene.told("rate.v1")] == [1]
    scene.judge(OK, 1, at=START + timedelta(minutes=5))
    first, second = scene.told("rate.v1")
    assert (first["revision"], second["revision"]) == (1, 2)
    assert first["start"] == second["start"]
    assert second["figures"]["inspected"] == 3
    assert second["figures"]["false_calls"] == 1
    assert second["as_of_sequence"] > first["as_of_sequence"]
    assert len(scene.told("rate.v1")) == 2


def test_a_clock_that_steps_back_an_hour_tells_nothing_twice_and_misses_nothing(scene: SignalScene) -> None:
    scene.judge(OK, 3)
    scene.clock.advance(2 * 3600)
    assert len(scene.told("rate.v1")) == 1
    scene.clock.set_now(scene.clock.now() - hours(1))
    scene.judge(OK, 2)
    assert len(scene.told("rate.v1")) == 1
    scene.clock.advance(3 * 3600)
    assert [each["figures"]["inspected"] for each in scene.told("rate.v1")] == [3, 2]


def test_shorter_windows_can_be_had(tmp_path: Path) -> None:
    with open_scene(tmp_path, rate_window_minutes=15, rate_window_grace_minutes=1) as scene:
        scene.judge(OK, 40, every_s=60)
        scene.clock.advance(600)
        told = scene.told("rate.v1")
        assert [each["figures"]["inspected"] for each in told] == [15, 15, 10]


def test_a_plant_that_ran_before_the_watch_is_not_told_of_its_past(scene: SignalScene) -> None:
    """As where an older ledger is upgraded: the watch begins with the present."""
    scene.judge(NG, 3)
    scene.ledger.write_blocking(lambda transaction: transaction.connection.execute(delete(signal_cursors)))
    scene.settle()
    scene.judge(OK, 2, at=START + hours(1))
    scene.clock.advance(4 * 3600)
    (window,) = scene.told("rate.v1")
    assert (window["start"][11:16], window["figures"]["inspected"]) == ("07:00", 2)


def test_a_station_says_what_it_is_doing(scene: SignalScene) -> None:
    assert scene.states() == ["ready"]
    scene.judge(OK, 2)
    assert scene.states()[1:] == ["continuous_execution"]
    scene.clock.advance(301)
    assert scene.states()[2:] == ["ready"]
    scene.post("/v1/stations/aoi-1/hold", {"reason": "scratched tray"})
    assert scene.states()[3:] == ["halted"]
    (*_, last) = scene.told("station_state.v1")
    assert (last["previous"], last["why"]) == ("ready", "parts are held back: scratched tray")
    scene.post("/v1/stations/aoi-1/release", {"reason": "tray changed"})
    assert scene.states()[4:] == ["ready"]
    scene.judge(NOT_INSPECTED, 1, reason=ReasonCode.ENGINE_FAILURE)
    assert scene.states()[5:] == ["error"]
    scene.judge(OK, 1)
    assert scene.states()[6:] == ["continuous_execution"]
    scene.judge(NOT_INSPECTED, 1, reason=ReasonCode.DEPLOYMENT_EXPIRED)
    assert scene.states()[7:] == ["preoperational"]
    shown = scene.plant.http.get("/metrics", headers=scene.plant.headers(Role.ADMIN)).text
    assert 'lineside_station_state{state="preoperational",station="aoi-1"} 1.0' in shown
    assert 'lineside_signals_total{station="aoi-1",type="station_state.v1"} 8.0' in shown


def test_a_hold_of_the_lot_a_station_works_on_halts_it(scene: SignalScene) -> None:
    scene.plant.http.put(
        "/v1/stations/aoi-1/order",
        json={"order_id": "O-1", "product": "BRD", "lot": "L7"},
        headers=scene.plant.headers(Role.ADMIN),
    ).raise_for_status()
    scene.post("/v1/holds", {"lot": "L8", "reason": "another lot"})
    assert scene.states() == ["ready"]
    scene.post("/v1/holds", {"lot": "L7", "reason": "wrong solder"})
    assert scene.states() == ["ready", "halted"]


def test_a_job_that_waits_for_its_part_is_a_single_execution(scene: SignalScene) -> None:
    job = scene.post("/v1/stations/aoi-1/jobs", {"part_id": "P-JOB"})
    assert scene.states() == ["ready", "single_execution"]
    scene.post(f"/v1/jobs/{job['id']}/abort", {"reason": "the part fell"})
    assert scene.states() == ["ready", "single_execution", "ready"]


def test_a_station_without_a_recipe_is_preoperational(tmp_path: Path) -> None:
    with open_scene(tmp_path) as scene:
        scene.plant.http.put(
            "/v1/stations/aoi-9", json={"name": "AOI 9"}, headers=scene.plant.headers(Role.ADMIN)
        ).raise_for_status()
        told = [(each["station"], each["state"]) for each in scene.told("station_state.v1")]
        assert told == [("aoi-1", "ready"), ("aoi-9", "preoperational")]


@on_either_database
def test_pictures_that_are_unfit_in_a_row_raise_an_alarm_that_is_cleared_by_as_many_fit_ones(
    scene: SignalScene,
) -> None:
    scene.judge(OK, 10)
    unfit = scene.judge(NOT_INSPECTED, 4, reason=ReasonCode.UNHEALTHY)
    assert scene.told("image_alarm.v1") == []
    unfit += scene.judge(NOT_INSPECTED, 3, reason=ReasonCode.UNDECODABLE)
    (raised,) = scene.told("image_alarm.v1")
    assert (raised["state"], raised["in_a_row"], raised["unfit"], raised["parts"]) == ("raised", 5, 5, 15)
    assert raised["reasons"] == {"undecodable": 1, "unhealthy": 4}
    assert raised["inspection_ids"] == unfit[:5]
    assert scene.states()[-1] == "error"
    scene.judge(OK, 4)
    assert len(scene.told("image_alarm.v1")) == 1
    scene.judge(NG, 1)
    raised, cleared = scene.told("image_alarm.v1")
    assert (cleared["state"], cleared["id"], cleared["since"]) == ("cleared", raised["id"], raised["since"])
    assert scene.states()[-1] == "continuous_execution"


def test_a_camera_that_gives_nothing_raises_the_alarm_and_parts_that_nobody_looked_at_do_not_end_it(
    scene: SignalScene,
) -> None:
    scene.judge(NOT_INSPECTED, 5, reason=ReasonCode.NO_FRAME)
    (raised,) = scene.told("image_alarm.v1")
    assert raised["reasons"] == {"no_frame": 5}
    for reason in (ReasonCode.BYPASSED, ReasonCode.NO_SERVER, ReasonCode.CODE_UNREAD):
        scene.judge(NOT_INSPECTED, 10, reason=reason)
    assert len(scene.told("image_alarm.v1")) == 1


def test_late_verdicts_and_expired_deployments_are_no_fault_of_the_picture(scene: SignalScene) -> None:
    for reason in (ReasonCode.LATE, ReasonCode.DEPLOYMENT_EXPIRED, ReasonCode.SHED):
        scene.judge(NOT_INSPECTED, 10, reason=reason)
    assert scene.told("image_alarm.v1") == []


def test_parts_handed_in_hours_later_say_nothing_of_how_the_station_stands(scene: SignalScene) -> None:
    scene.clock.advance(4 * 3600)
    scene.judge(OK, 1)
    scene.judge(NOT_INSPECTED, 10, reason=ReasonCode.UNHEALTHY, at=START)
    assert scene.told("image_alarm.v1") == []
    assert scene.states()[-1] == "continuous_execution"


def test_what_is_told_has_the_shape_that_its_schema_says(scene: SignalScene) -> None:
    scene.judge(OK, 3)
    scene.judge(NOT_INSPECTED, 6, reason=ReasonCode.UNHEALTHY)
    scene.clock.advance(2 * 3600)
    for event_type in ("rate.v1", "station_state.v1", "image_alarm.v1"):
        found: list[dict[str, Any]] = scene.told(event_type)
        assert found
        for data in found:
            EVENT_DATA[event_type].model_validate_json(json.dumps(data))
