from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from lineside.serving.security import Role
from plant import Plant, open_plant

AT = "2026-03-01T09:00:00+09:00"


@pytest.fixture(scope="module")
def plant(either_database_for_all: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with open_plant(tmp_path_factory.mktemp("plant")) as plant:
        yield plant


def post(plant: Plant, *, role: Role = Role.QUALITY, **fields: Any) -> httpx.Response:
    return plant.http.post("/v1/notes", json={"at": AT, **fields}, headers=plant.headers(role))


def listed(plant: Plant, **asked: Any) -> list[dict[str, Any]]:
    answer = plant.http.get("/v1/notes", params=asked, headers=plant.headers(Role.VIEWER))
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_a_note_is_written_down_with_its_event_and_listed(plant: Plant) -> None:
    written = post(plant, station="aoi-1", kind="lamp", text="lamp 3 changed").json()
    assert (written["at"], written["recorded_by"], written["withdrawal"]) == (
        "2026-03-01T00:00:00Z",
        "test quality",
        None,
    )
    assert written in listed(plant)
    assert [event["note"] for event in plant.events("note.v1") if event["note"]["id"] == written["id"]] == [written]


def test_the_very_same_note_again_is_one_note(plant: Plant) -> None:
    first, again = (post(plant, text="lens cleaned", kind="lens") for _ in range(2))
    assert first.json() == again.json()


def test_a_wrong_note_is_taken_back_and_stays_in_the_log(plant: Plant) -> None:
    note = post(plant, text="wrong station", station="aoi-1").json()
    path = f"/v1/notes/{note['id']}"
    answer = plant.http.delete(path, params={"reason": "it was aoi-2"}, headers=plant.headers(Role.QUALITY))
    assert answer.json()["withdrawal"]["reason"] == "it was aoi-2"
    assert note["id"] not in {each["id"] for each in listed(plant)}
    states = [event["state"] for event in plant.events("note.v1") if event["note"]["id"] == note["id"]]
    assert states == ["recorded", "withdrawn"]
    again = plant.http.delete(path, params={"reason": "twice"}, headers=plant.headers(Role.QUALITY))
    assert (again.status_code, again.json()["type"]) == (409, "/problems/note-withdrawn")


def test_notes_of_a_time_come_newest_first(plant: Plant) -> None:
    for day in (3, 1, 2):
        post(plant, text=f"day {day}", at=f"2026-05-0{day}T00:00:00Z")
    asked = {"from": "2026-05-01T00:00:00Z", "to": "2026-05-03T00:00:00Z"}
    assert [note["text"] for note in listed(plant, **asked)] == ["day 2", "day 1"]


@pytest.mark.parametrize(
    ("fields", "status", "kind"),
    [
        pytest.param({"text": "x", "station": "none"}, 404, "unknown-station", id="a station that is not there"),
        pytest.param({"text": "x", "line": "none"}, 404, "unknown-station", id="a line without a station"),
        pytest.param({"text": "x", "line": "a", "station": "b"}, 422, "invalid-request", id="two places"),
        pytest.param({"text": ""}, 422, "invalid-request", id="no text"),
        pytest.param({"text": "x", "at": "2026-03-01T09:00:00"}, 422, "invalid-request", id="a time without an offset"),
    ],
)
def test_a_note_that_cannot_be_is_refused(plant: Plant, fields: dict[str, Any], status: int, kind: str) -> None:
    answer = post(plant, **fields)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{kind}")


def test_a_note_that_nobody_wrote_is_not_found(plant: Plant) -> None:
    answer = plant.http.delete("/v1/notes/nothing", params={"reason": "x"}, headers=plant.headers(Role.QUALITY))
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-note")


def test_maintenance_systems_and_mlops_note_and_viewers_do_not(plant: Plant) -> None:
    allowed = {role: post(plant, role=role, text=f"by {role.value}").status_code for role in Role}
    assert {role for role, status in allowed.items() if status == 200} == {
        Role.QUALITY,
        Role.MLOPS,
        Role.MES,
        Role.ADMIN,
    }
