"""Jobs over HTTP: started by a program, ended by their part's inspection, whatever happens in between."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from lineside.serving.security import Role
from plant import Plant, bad_board, good_board, open_plant


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory, either_database_for_all: None) -> Iterator[Plant]:
    with open_plant(tmp_path_factory.mktemp("plant")) as plant:
        yield plant


def start(plant: Plant, *, key: str | None = None, station: str = "aoi-1", **job: Any) -> httpx.Response:
    headers = plant.headers(Role.MES) | ({} if key is None else {"Idempotency-Key": key})
    return plant.http.post(f"/v1/stations/{station}/jobs", json=job, headers=headers)


def settled(plant: Plant, job_id: str) -> dict[str, Any]:
    """The job once everything in the log was heeded."""
    plant.http.portal.call(plant.services.jobs.follower.settle)  # type: ignore[attr-defined]  # TestClient's
    found: dict[str, Any] = plant.http.get(f"/v1/jobs/{job_id}", headers=plant.headers(Role.MES)).json()
    return found


def told(plant: Plant, job_id: str) -> list[str]:
    return [event["state"] for event in plant.events("job.v1") if event["job"]["id"] == job_id]


def test_a_job_is_done_by_the_inspection_of_its_part(plant: Plant) -> None:
    job = start(plant, meas_id="M-1", part_id="p1", recipe_id="board", product="BRD").json()
    assert (job["state"], job["meas_id"], job["inspection_id"]) == ("started", "M-1", None)
    plant.post(good_board(1), part_id="other")
    assert settled(plant, job["id"])["state"] == "started"
    answer = plant.post(bad_board(2), part_id="p1").json()
    done = settled(plant, job["id"])
    assert (done["state"], done["inspection_id"], done["ended_by"]) == ("done", answer["id"], None)
    assert told(plant, job["id"]) == ["started", "done"]


def test_a_job_for_no_named_part_takes_the_next_one_and_leaves_it_to_a_job_that_names_it(plant: Plant) -> None:
    whichever = start(plant, meas_id="M-2").json()
    named = start(plant, part_id="n1").json()
    first = plant.post(good_board(3), part_id="n1").json()
    assert settled(plant, named["id"])["inspection_id"] == first["id"]
    assert settled(plant, whichever["id"])["state"] == "started"
    second = plant.post(good_board(4), part_id="n2").json()
    assert settled(plant, whichever["id"])["inspection_id"] == second["id"]


def test_an_inspection_from_before_the_job_does_not_end_it_and_a_retest_does(plant: Plant) -> None:
    plant.post(good_board(5), part_id="r1")
    job = start(plant, part_id="r1").json()
    assert settled(plant, job["id"])["state"] == "started"
    retest = plant.post(good_board(6), part_id="r1", attempt=2, cause="retest").json()
    assert settled(plant, job["id"])["inspection_id"] == retest["id"]


def test_a_repeated_request_gives_the_same_job_also_once_it_is_done(plant: Plant) -> None:
    job = start(plant, key="k1", part_id="k").json()
    assert start(plant, key="k1", part_id="k").json() == job
    plant.post(good_board(7), part_id="k")
    assert settled(plant, job["id"])["state"] == "done"
    assert start(plant, key="k1", part_id="k").json() == settled(plant, job["id"])
    other = start(plant, key="k1", part_id="k2")
    assert (other.status_code, other.json()["type"]) == (409, "/problems/idempotency-conflict")


def test_an_aborted_job_is_not_ended_by_its_part(plant: Plant) -> None:
    job = start(plant, part_id="a1").json()
    path = f"/v1/jobs/{job['id']}/abort"
    aborted = plant.http.post(path, json={"reason": "no part"}, headers=plant.headers(Role.MES)).json()
    assert (aborted["state"], aborted["reason"], aborted["ended_by"]) == ("aborted", "no part", "test mes")
    again = plant.http.post(path, json={"reason": "no part"}, headers=plant.headers(Role.MES))
    assert again.json() == aborted
    other = plant.http.post(path, json={"reason": "another"}, headers=plant.headers(Role.MES))
    assert (other.status_code, other.json()["type"]) == (409, "/problems/job-ended")
    plant.post(good_board(8), part_id="a1")
    assert settled(plant, job["id"]) == aborted
    assert told(plant, job["id"]) == ["started", "aborted"]


@pytest.mark.parametrize(
    ("job", "status", "problem"),
    [
        pytest.param({"recipe_id": "card"}, 409, "job-unfit", id="another recipe"),
        pytest.param({"product": "CRD"}, 409, "job-unfit", id="another product"),
        pytest.param({"station": "aoi-9"}, 404, "unknown-station", id="no station"),
        pytest.param({"part_id": ""}, 422, "invalid-request", id="no name"),
        pytest.param({"speed": 3}, 422, "invalid-request", id="unknown key"),
    ],
)
def test_a_job_that_the_station_cannot_do_is_refused(
    plant: Plant, job: dict[str, Any], status: int, problem: str
) -> None:
    answer = start(plant, **job)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{problem}")


def test_a_part_has_one_job_at_a_time_and_a_station_no_more_than_a_caller_can_mean(plant: Plant) -> None:
    body = {"name": "AOI 3"}
    plant.http.put("/v1/stations/aoi-3", json=body, headers=plant.headers())
    first = start(plant, station="aoi-3", part_id="one")
    assert start(plant, station="aoi-3", part_id="one").json()["type"] == "/problems/job-unfit"
    assert first.json()["id"] in start(plant, station="aoi-3", part_id="one").json()["detail"]
    for number in range(63):
        assert start(plant, station="aoi-3", part_id=f"more {number}").status_code == 200
    assert "64 jobs wait" in start(plant, station="aoi-3").json()["detail"]
    listed = plant.http.get("/v1/stations/aoi-3/jobs?state=started&limit=1000", headers=plant.headers()).json()
    assert len(listed["items"]) == 64


def test_a_stations_key_sees_its_own_jobs_only(plant: Plant) -> None:
    assert plant.http.get("/v1/stations/aoi-1/jobs", headers=plant.headers(Role.STATION)).status_code == 200
    assert plant.http.get("/v1/stations/aoi-3/jobs", headers=plant.headers(Role.STATION)).status_code == 403
