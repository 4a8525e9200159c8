"""What a station reports of itself: recorded once, and what puts parts in doubt holds them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from lineside.serving.security import Role
from plant import TWO_VIEWS, Plant, bad_board, open_plant

AT = "2026-11-01T08:00:00Z"


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    with open_plant(tmp_path) as plant:
        yield plant


def report(plant: Plant, number: int, kind: str, *, station: str = "aoi-1", **more: Any) -> httpx.Response:
    said = {"kind": kind, "severity": "warning", "message": "as the station says", "at": AT, **more}
    url = f"/v1/stations/{station}/reports/{UUID(int=number)}"
    return plant.http.put(url, json=said, headers=plant.headers(Role.STATION))


def work_on_lot(plant: Plant, lot: str) -> None:
    settings = {"name": "AOI 1", "recipe": {"id": "board", "version": 1}, "lot": lot}
    plant.http.put("/v1/stations/aoi-1", json=settings, headers=plant.headers())


def holds(plant: Plant) -> list[tuple[str | None, str | None]]:
    items = plant.http.get("/v1/holds", params={"state": "held"}, headers=plant.headers()).json()["items"]
    return [(each["station"], each["lot"]) for each in items]


@pytest.mark.usefixtures("either_database")
def test_a_report_sent_again_is_recorded_once(plant: Plant) -> None:
    first, again = (report(plant, 1, "camera_lost", evidence={"camera": "top"}) for _ in range(2))
    assert (first.status_code, first.json()) == (200, again.json())
    assert [each["kind"] for each in plant.events("station_report.v1")] == ["camera_lost"]
    listed = plant.http.get("/v1/stations/aoi-1/reports", headers=plant.headers()).json()["items"]
    assert listed == [first.json()]


def test_an_identifier_that_stands_for_another_report_is_refused(plant: Plant) -> None:
    report(plant, 1, "camera_lost")
    assert report(plant, 1, "camera_back").status_code == 409
    assert report(plant, 1, "camera_lost", lot="L-1").status_code == 409


@pytest.mark.parametrize("kind", ["bypass_on", "master_missed", "wrong_lane"])
def test_what_puts_parts_in_doubt_holds_the_lot_with_its_evidence(plant: Plant, kind: str) -> None:
    work_on_lot(plant, "L-1")
    answer = report(plant, 1, kind, evidence={"since": "P-7"}).json()
    assert holds(plant) == [(None, "L-1")]
    hold = plant.http.get("/v1/holds", headers=plant.headers()).json()["items"][0]
    assert (hold["id"], hold["evidence"][1]) == (answer["hold_id"], {"since": "P-7"})
    report(plant, 1, kind, evidence={"since": "P-7"})
    assert len(plant.events("hold.v1")) == 1


def test_the_lot_that_the_report_names_is_held_whatever_the_station_works_on_by_now(plant: Plant) -> None:
    work_on_lot(plant, "L-2")
    assert report(plant, 1, "bypass_on", lot="L-1").json()["lot"] == "L-1"
    assert holds(plant) == [(None, "L-1")]


def test_a_long_message_holds_as_a_short_one_does(plant: Plant) -> None:
    answer = report(plant, 1, "master_missed", message="m" * 4000)
    assert (answer.status_code, answer.json()["message"]) == (200, "m" * 4000)
    assert holds(plant) == [("aoi-1", None)]


def test_of_two_reports_that_come_at_once_under_one_identifier_only_the_recorded_one_holds(plant: Plant) -> None:
    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(lambda lot: report(plant, 1, "bypass_on", lot=lot), ["L-1", "L-2"]))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    recorded = next(answer.json() for answer in answers if answer.status_code == 200)
    assert holds(plant) == [(None, recorded["lot"])]


def test_without_a_lot_the_stations_parts_are_held(plant: Plant) -> None:
    report(plant, 1, "bypass_on")
    assert holds(plant) == [("aoi-1", None)]


def test_what_was_released_stays_released_when_the_report_comes_again(plant: Plant) -> None:
    hold_id = report(plant, 1, "bypass_on").json()["hold_id"]
    plant.http.post(f"/v1/holds/{hold_id}/release", json={"reason": "parts were read"}, headers=plant.headers())
    assert report(plant, 1, "bypass_on").json()["hold_id"] == hold_id
    assert holds(plant) == []


@pytest.mark.usefixtures("either_database")
def test_the_newest_come_first_and_can_be_asked_for_by_kind(plant: Plant) -> None:
    for number, kind in enumerate(["camera_lost", "camera_back", "camera_lost"], start=1):
        report(plant, number, kind)
    found = plant.http.get(
        "/v1/stations/aoi-1/reports", params={"kind": "camera_lost", "limit": 1}, headers=plant.headers(Role.STATION)
    ).json()["items"]
    assert [each["id"] for each in found] == [str(UUID(int=3))]


def test_a_stations_key_reports_for_its_own_station_only(plant: Plant) -> None:
    assert report(plant, 1, "camera_lost", station="aoi-2").status_code == 403


@pytest.mark.parametrize(
    "odd", [{"kind": "rain"}, {"acquisition_id": 65536}, {"at": "2026-11-01"}, {"evidence": {"x": "y" * 70000}}]
)
def test_an_odd_report_is_refused_and_recorded_nowhere(plant: Plant, odd: dict[str, Any]) -> None:
    assert report(plant, 1, **({"kind": "late"} | odd)).status_code == 422
    assert plant.events("station_report.v1") == []


# What the station recorded itself, of parts that nobody could look at.


def hand_in(plant: Plant, number: int, part_id: str, *, code: str = "no_frame", **more: Any) -> httpx.Response:
    record = {
        "station": "aoi-1",
        "part_id": part_id,
        "verdict": "NOT_INSPECTED",
        "reasons": [{"code": code, "message": "as the station says", "view": None}],
        "opened_at": AT,
        "judged_at": AT,
        **more,
    }
    files = {"record": (None, httpx.Response(200, json=record).text)}
    return plant.http.put(f"/v1/inspections/{UUID(int=number)}", files=files, headers=plant.headers(Role.STATION))


@pytest.mark.parametrize("code", ["no_frame", "code_unread", "code_duplicate", "bypassed", "no_server"])
def test_a_part_that_nobody_could_look_at_is_on_record(plant: Plant, code: str) -> None:
    first, again = hand_in(plant, 1, "p", code=code), hand_in(plant, 1, "p", code=code)
    assert (first.status_code, first.json()) == (201, again.json())
    inspection = plant.inspections()[0]
    assert (inspection["verdict"], inspection["reasons"][0]["code"]) == ("NOT_INSPECTED", code)
    assert (inspection["judged_by"], inspection["frames"], inspection["recipe"]) == ("station", [], None)


@pytest.mark.parametrize("verdict", ["OK", "NG"])
def test_a_verdict_on_nothing_is_refused(plant: Plant, verdict: str) -> None:
    assert hand_in(plant, 1, "p", verdict=verdict, reasons=[]).status_code == 422
    assert plant.inspections() == []


@pytest.mark.usefixtures("either_database")
def test_a_part_that_the_server_judged_meanwhile_keeps_the_servers_verdict_and_the_refusal_names_it(
    plant: Plant,
) -> None:
    judged = plant.post(bad_board(1), part_id="p").json()["id"]
    refused = hand_in(plant, 1, "p")
    assert (refused.status_code, refused.json()["inspection_id"]) == (409, judged)
    assert [each["id"] for each in plant.inspections()] == [judged]


@pytest.mark.parametrize(("verdict", "code"), [("NOT_INSPECTED", "defect_limit"), ("NG", "no_frame")])
def test_a_reason_of_another_verdict_is_refused(plant: Plant, verdict: str, code: str) -> None:
    frame = {"view": "default", "digest": "0" * 64, "size_bytes": 1, "media_type": "image/png"}
    release = {"name": "tiny", "version": "1.0.0", "digest": "0" * 64}
    more = {"recipe_id": "board", "recipe_version": 1, "release": release, "frames": [frame]}
    refused = hand_in(plant, 1, "p", code=code, verdict=verdict, **more)
    assert (refused.status_code, "verdict" in refused.text) == (422, True)


def test_a_part_without_a_frame_is_no_gap_of_the_plants_books_and_no_part_of_its_rate(plant: Plant) -> None:
    plant.post(bad_board(1), part_id="p-1")
    hand_in(plant, 1, "p-2")
    day = {"from": "2026-11-01T00:00:00Z", "to": "2030-01-01T00:00:00Z"}
    counted = plant.http.get("/v1/reconciliation", params=day, headers=plant.headers()).json()
    assert (counted["attempts"], counted["verdicts"], counted["frames"], counted["gaps"]) == (2, 2, 1, [])
    plant.http.portal.call(plant.services.rate_projector.settle)  # type: ignore[attr-defined]  # TestClient's loop
    figures = plant.http.get("/v1/rates", params=day, headers=plant.headers()).json()["total"]
    assert (figures["inspected"], figures["not_inspected"], figures["detector_rate"]["units"]) == (1, 1, 1)


def test_a_part_without_a_frame_waits_for_the_attempt_that_the_server_holds_open(tmp_path: Path) -> None:
    with open_plant(tmp_path / "two", recipe=TWO_VIEWS) as plant:
        assert plant.post(bad_board(1), part_id="p", view="top").status_code == 202
        refused = hand_in(plant, 1, "p")
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/attempt-closed")
        assert "inspection_id" not in refused.json()
