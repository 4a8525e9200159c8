"""A job whose part was judged just before the power went."""

from pathlib import Path
from typing import Any

import pytest

from lineside.serving.ledger.context_tables import jobs
from lineside.serving.security import Role
from plant import Plant, good_board, open_plant

pytestmark = pytest.mark.usefixtures("either_database")


def start(plant: Plant, **job: str) -> dict[str, Any]:
    started: dict[str, Any] = plant.http.post(
        "/v1/stations/aoi-1/jobs", json=job, headers=plant.headers(Role.MES)
    ).json()
    return started


def settled(plant: Plant, job_id: str) -> dict[str, Any]:
    """The job once everything in the log was heeded."""
    plant.http.portal.call(plant.services.jobs.follower.settle)  # type: ignore[attr-defined]  # TestClient's
    found: dict[str, Any] = plant.http.get(f"/v1/jobs/{job_id}", headers=plant.headers(Role.MES)).json()
    return found


def test_a_part_judged_just_before_a_crash_ends_its_job_after_it(tmp_path: Path) -> None:
    """As after a power cut between the part's row and the job's: the job's row still says started."""
    with open_plant(tmp_path) as plant:
        job = start(plant, part_id="c1")
        whichever = start(plant)
        answer = plant.post(good_board(1), part_id="c1").json()
        assert settled(plant, job["id"])["state"] == "done"
        undone = jobs.update().where(jobs.c.id == job["id"]).values(state="started", ended_at=None, inspection_id=None)
        plant.services.ledger.write_blocking(lambda t: t.connection.execute(undone).rowcount)
    with open_plant(tmp_path) as plant:
        assert settled(plant, job["id"])["inspection_id"] == answer["id"]
        assert settled(plant, whichever["id"])["state"] == "started"
    with open_plant(tmp_path) as plant:
        assert settled(plant, whichever["id"])["state"] == "started", "the inspection ended another job"
