import shutil
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from blob_detector import TinyRelease
from lineside.serving.inspections.schemas import SubmissionIn
from lineside.serving.security import Role
from lineside.serving.shutdown import begin_shutdown
from plant import Plant, bad_board, good_board, open_plant

pytestmark = pytest.mark.usefixtures("either_database")


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    with open_plant(tmp_path) as plant:
        yield plant


def value(plant: Plant, name: str, **labels: str) -> float | None:
    """One sample of the metrics; None if it is not there."""
    text = plant.http.get("/metrics", headers=plant.headers(Role.VIEWER)).text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return float(sample.value)
    return None


def test_a_server_that_can_judge_is_ready(plant: Plant) -> None:
    assert plant.http.get("/healthz").json() == {"status": "alive"}
    ready = plant.http.get("/readyz")
    assert (ready.status_code, ready.json()) == (
        200,
        {"status": "ready", "reasons": [], "warnings": ["unsigned_releases"]},
    )


def test_a_server_that_ends_is_alive_and_not_ready(plant: Plant) -> None:
    plant.http.portal.call(begin_shutdown, plant.app)  # type: ignore[attr-defined]  # TestClient's loop
    assert plant.http.get("/healthz").status_code == 200
    ready = plant.http.get("/readyz")
    assert (ready.status_code, ready.json()["reasons"]) == (503, ["shutting_down"])
    assert ready.headers["retry-after"] == "1"


def test_a_ledger_that_takes_no_writes_makes_the_server_unready(plant: Plant) -> None:
    plant.services.ledger.close()
    ready = plant.http.get("/readyz")
    assert (ready.status_code, ready.json()["reasons"]) == (503, ["ledger_not_writable"])


def test_a_release_that_does_not_load_makes_the_server_unready_and_keeps_its_paths_to_itself(tmp_path: Path) -> None:
    with open_plant(tmp_path):
        pass
    model = tmp_path / "releases" / TinyRelease().name / "model.onnx"
    shutil.copy(model, tmp_path / "kept.onnx")
    model.write_bytes(model.read_bytes()[:-1] + b"x")
    with open_plant(tmp_path) as plant:
        ready = plant.http.get("/readyz")
        assert (ready.status_code, ready.json()["reasons"]) == (503, ["release_not_loaded"])
        assert str(tmp_path) not in ready.text
        assert plant.post(good_board(1), part_id="p").json()["verdict"] == "NOT_INSPECTED"


def test_verdicts_reasons_and_stages_are_counted(plant: Plant) -> None:
    plant.post(good_board(1), part_id="m1")
    plant.post(bad_board(2), part_id="m2")
    plant.post(b"text", part_id="m3")
    for verdict in ("OK", "NG", "NOT_INSPECTED"):
        assert value(plant, "lineside_inspections_total", station="aoi-1", verdict=verdict) == 1
    for code in ("defect_limit", "undecodable"):
        assert value(plant, "lineside_reasons_total", station="aoi-1", code=code) == 1
    assert value(plant, "lineside_stage_seconds_count", stage="to_verdict") == 3
    assert value(plant, "lineside_stage_seconds_count", stage="detect") == 2
    assert value(plant, "lineside_queue_depth") == 0
    assert value(plant, "lineside_build_info", version=version("lineside")) == 1


def test_two_apps_in_one_process_count_apart(plant: Plant, tmp_path: Path) -> None:
    with open_plant(tmp_path / "other", plant="plant-2") as other:
        plant.post(good_board(1), part_id="m1")
        labels = {"station": "aoi-1", "verdict": "OK"}
        assert value(plant, "lineside_inspections_total", **labels) == 1
        assert value(other, "lineside_inspections_total", **labels) is None


@pytest.mark.parametrize("role", [Role.STATION, Role.MES])
def test_metrics_are_for_those_who_watch(plant: Plant, role: Role) -> None:
    assert plant.http.get("/metrics", headers=plant.headers(role)).status_code == 403


def test_the_interface_describes_itself_to_key_holders(plant: Plant) -> None:
    assert plant.http.get("/openapi.json").status_code == 401
    description = plant.http.get("/openapi.json", headers=plant.headers(Role.VIEWER)).json()
    assert "/v1/inspections/{inspection_id}/reviews" in description["paths"]
    posting = description["paths"]["/v1/inspections"]["post"]
    assert {parameter["name"] for parameter in posting["parameters"]} == set(SubmissionIn.model_fields)
    for path in ("/docs", "/redoc"):
        assert plant.http.get(path, headers=plant.headers()).status_code == 404
