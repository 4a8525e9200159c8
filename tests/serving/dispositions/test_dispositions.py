from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from lineside.serving.security import Role
from plant import Plant, bad_board, good_board, open_plant

AT = "2026-03-01T09:30:00+09:00"


@pytest.fixture(scope="module")
def plant(either_database_for_all: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with open_plant(tmp_path_factory.mktemp("plant")) as plant:
        yield plant


def dispose(
    plant: Plant, inspection_id: str, *, role: Role = Role.STATION, key: str | None = None, **fields: Any
) -> httpx.Response:
    body = {"kind": "rejected", "confirmed_by_sensor": True, "at": AT, **fields}
    headers = plant.headers(role) | ({} if key is None else {"Idempotency-Key": key})
    return plant.http.post(f"/v1/inspections/{inspection_id}/disposition", json=body, headers=headers)


def recorded(plant: Plant, inspection_id: str) -> list[dict[str, Any]]:
    answer = plant.http.get(f"/v1/inspections/{inspection_id}", headers=plant.headers())
    found: list[dict[str, Any]] = answer.json()["dispositions"]
    return found


def test_what_happened_is_recorded_in_utc_with_what_it_happened_to(plant: Plant) -> None:
    ng = plant.post(bad_board(1), part_id="d1").json()["id"]
    answer = dispose(plant, ng).json()
    assert (answer["kind"], answer["verdict"], answer["part_id"]) == ("rejected", "NG", "d1")
    assert answer["at"] == "2026-03-01T00:30:00Z"
    assert not answer["contradiction"]
    assert recorded(plant, ng) == [answer]


@pytest.mark.parametrize(("board", "verdict"), [(bad_board, "NG"), (lambda _seed: b"text", "NOT_INSPECTED")])
def test_a_part_passed_without_an_ok_is_recorded_as_a_contradiction(plant: Plant, board: Any, verdict: str) -> None:
    inspection = plant.post(board(2), part_id=f"passed {verdict}").json()
    assert inspection["verdict"] == verdict
    assert dispose(plant, inspection["id"], kind="passed").json()["contradiction"]


def test_a_passed_ok_part_contradicts_nothing(plant: Plant) -> None:
    inspection = plant.post(good_board(3), part_id="d3").json()["id"]
    assert not dispose(plant, inspection, kind="passed").json()["contradiction"]


def test_the_same_fact_is_recorded_once_with_or_without_a_key(plant: Plant) -> None:
    inspection = plant.post(bad_board(4), part_id="d4").json()["id"]
    answers = [dispose(plant, inspection, key=key).json() for key in (None, None, "k1", "k1")]
    assert all(answer == answers[0] for answer in answers)
    assert len(recorded(plant, inspection)) == 1
    dispose(plant, inspection, kind="scrapped")
    assert [each["kind"] for each in recorded(plant, inspection)] == ["rejected", "scrapped"]


def test_a_key_stands_for_one_request_of_one_inspection(plant: Plant) -> None:
    first = plant.post(bad_board(5), part_id="d5").json()["id"]
    second = plant.post(bad_board(6), part_id="d6").json()["id"]
    assert dispose(plant, first, key="k2").status_code == 200
    conflict = dispose(plant, first, key="k2", kind="scrapped")
    assert (conflict.status_code, conflict.json()["type"]) == (409, "/problems/idempotency-conflict")
    assert dispose(plant, second, key="k2", kind="scrapped").json()["inspection_id"] == second


def test_another_stations_key_is_refused(plant: Plant) -> None:
    inspection = plant.post(bad_board(7), part_id="d7").json()["id"]
    other = plant.services.keys.create("other cabinet", Role.STATION, station="aoi-2").secret
    answer = plant.http.post(
        f"/v1/inspections/{inspection}/disposition",
        json={"kind": "passed", "confirmed_by_sensor": True, "at": AT},
        headers={"Authorization": f"Bearer {other}"},
    )
    assert answer.json()["type"] == "/problems/station-refused"
    assert recorded(plant, inspection) == []


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"kind": "lost"}, id="unknown kind"),
        pytest.param({"at": "2026-03-01T09:30:00"}, id="a time without an offset"),
        pytest.param({"at": "0001-01-01T00:00:00+09:00"}, id="before every calendar"),
        pytest.param({"at": "9999-12-31T23:59:59-09:00"}, id="after every calendar"),
        pytest.param({"confirmed_by_sensor": "yes"}, id="a word for a truth value"),
        pytest.param({"kind": "graded"}, id="graded without a grade"),
        pytest.param({"grade": "B"}, id="a grade without being graded"),
        pytest.param({"extra": 1}, id="unknown key"),
    ],
)
def test_what_cannot_have_happened_is_refused(plant: Plant, fields: dict[str, Any]) -> None:
    inspection = plant.post(bad_board(8), part_id=f"d8 {sorted(fields.items())}").json()["id"]
    assert dispose(plant, inspection, **fields).status_code == 422
    assert recorded(plant, inspection) == []


def test_an_unknown_inspection_is_a_404(plant: Plant) -> None:
    answer = dispose(plant, "nothing", role=Role.ADMIN)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-inspection")
