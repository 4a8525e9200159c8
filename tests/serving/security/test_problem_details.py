import inspect
from collections.abc import Iterator

import pytest
import structlog
from fastapi import Depends

from lineside.inspection.errors import LinesideError
from lineside.serving import errors
from lineside.serving.problems import PROBLEM_KINDS
from lineside.serving.security import Role, public
from plant import Plant, open_plant


@pytest.fixture
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with open_plant(tmp_path_factory.mktemp("plant"), recipe=None) as plant:
        yield plant


def test_every_error_a_request_can_cause_has_a_row_in_the_table() -> None:
    families = (errors.NotAllowed, errors.NotFound, errors.Contradiction, errors.Unacceptable)
    for name, error in inspect.getmembers(errors, inspect.isclass):
        if issubclass(error, families) and error is not errors.NotAllowed:
            bases = [base for base in error.__mro__ if base in PROBLEM_KINDS]
            assert bases, name
            assert PROBLEM_KINDS[bases[0]].status < 500, name


def test_kinds_with_one_slug_say_the_same() -> None:
    by_slug = {kind.slug: kind for kind in PROBLEM_KINDS.values()}
    assert all(by_slug[kind.slug] == kind for kind in PROBLEM_KINDS.values())


def test_a_problem_says_what_was_found_and_what_to_do(plant: Plant) -> None:
    answer = plant.http.get("/v1/stations/nowhere", headers=plant.headers())
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "/problems/unknown-station",
        "title": "No such station",
        "status": 404,
        "detail": "no station 'nowhere': enrol it with PUT /v1/stations/nowhere",
        "instance": "/v1/stations/nowhere",
    }


def test_an_invalid_body_is_named_and_never_echoed(plant: Plant) -> None:
    answer = plant.http.put("/v1/stations/aoi-9", json={"name": "x", "passphrase": "hunter2"}, headers=plant.headers())
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == "body.passphrase"
    assert "hunter2" not in answer.text


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_a_number_that_is_none_is_refused(plant: Plant, number: str) -> None:
    said = '"kind":"escape","source":"operator","reviewer":"K","at":"2026-01-01T00:00:00Z"'
    body = f'{{{said},"boxes":[{{"class_name":"open","box_xyxy_px":[0,0,1,{number}]}}]}}'
    answer = plant.http.post(
        "/v1/inspections/none/reviews",
        content=body,
        headers={**plant.headers(), "Content-Type": "application/json"},
    )
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/invalid-request"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'"text"', b"[1]", b"null"])
def test_what_is_no_json_object_is_refused(plant: Plant, body: bytes) -> None:
    answer = plant.http.put(
        "/v1/stations/aoi-9", content=body, headers={**plant.headers(), "Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_frameworks_own_refusals_are_problems_too(plant: Plant) -> None:
    missing = plant.http.get("/v1/nothing")
    wrong = plant.http.delete("/v1/stations", headers=plant.headers())
    assert (missing.status_code, missing.json()["type"]) == (404, "/problems/not-found")
    assert (wrong.status_code, wrong.json()["type"]) == (405, "/problems/method-not-allowed")
    assert wrong.headers["content-type"] == "application/problem+json"


class Unmapped(LinesideError):
    """An error that no row knows."""


@pytest.mark.parametrize("error", [RuntimeError("password=hunter2"), Unmapped("/secret/path")])
def test_a_fault_of_ours_is_a_500_without_internals_and_logged_once(plant: Plant, error: Exception) -> None:
    @plant.app.get("/fault", dependencies=[Depends(public())])
    async def fault() -> None:
        raise error

    with structlog.testing.capture_logs() as logs:
        answer = plant.http.get("/fault")
    assert answer.status_code == 500
    assert answer.json()["type"] == "/problems/internal"
    assert str(error) not in answer.text
    assert [entry["event"] for entry in logs] == ["request_failed"]


def test_problems_are_counted_by_kind(plant: Plant) -> None:
    for _ in range(3):
        plant.http.get("/v1/recipes/nothing", headers=plant.headers())
    metrics = plant.http.get("/metrics", headers=plant.headers(Role.VIEWER)).text
    assert 'lineside_request_problems_total{kind="unknown-recipe"} 3.0' in metrics
