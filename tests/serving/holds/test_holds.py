"""Holds over HTTP: of stations and lots, set once, released once, and no verdict altered."""

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


def hold(plant: Plant, *, role: Role = Role.QUALITY, **said: Any) -> httpx.Response:
    return plant.http.post("/v1/holds", json={"reason": "a crack", **said}, headers=plant.headers(role))


def release(plant: Plant, hold_id: str, *, reason: str = "sorted", role: Role = Role.QUALITY) -> httpx.Response:
    return plant.http.post(f"/v1/holds/{hold_id}/release", json={"reason": reason}, headers=plant.headers(role))


def listed(plant: Plant, **asked: str) -> list[str]:
    answer = plant.http.get("/v1/holds", params=asked, headers=plant.headers(Role.VIEWER))
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["items"]]


def test_a_held_lot_is_shown_by_the_station_that_works_on_it_and_alters_no_verdict(plant: Plant) -> None:
    body = {"name": "AOI 1", "lot": "L1"}
    plant.http.put("/v1/stations/aoi-1", json=body, headers=plant.headers())
    evidence = [{"rate": 0.04, "interval": [0.03, 0.05], "charts": {"u": [1, 2.5, None]}}]
    held = hold(plant, lot="L1", evidence=evidence).json()
    station = plant.http.get("/v1/stations/aoi-1", headers=plant.headers(Role.STATION)).json()
    assert station["hold"] is None, "the station's own parts are free"
    assert station["holds"] == [held]
    assert held["evidence"] == evidence
    assert plant.post(good_board(1), part_id="l1").json()["verdict"] == "OK"
    assert plant.post(bad_board(2), part_id="l2").json()["verdict"] == "NG"
    assert release(plant, held["id"]).json()["state"] == "released"
    assert plant.http.get("/v1/stations/aoi-1", headers=plant.headers()).json()["holds"] == []
    told = [event for event in plant.events("hold.v1") if event["hold_id"] == held["id"]]
    assert [(event["state"], event["reason"], event["lot"], event["station"]) for event in told] == [
        ("held", "a crack", "L1", None),
        ("released", "sorted", "L1", None),
    ]
    assert told[0]["evidence"] == evidence


def test_the_stations_own_routes_set_and_release_the_same_hold(plant: Plant) -> None:
    shown = plant.http.post("/v1/stations/aoi-1/hold", json={"reason": "lamp"}, headers=plant.headers(Role.MES)).json()
    (held,) = shown["holds"]
    assert (shown["hold"]["reason"], shown["hold"]["by"]) == ("lamp", "test mes")
    assert listed(plant, station="aoi-1", state="held") == [held["id"]]
    assert hold(plant, station="aoi-1").json() == held
    plant.http.post("/v1/stations/aoi-1/release", json={"reason": "new lamp"}, headers=plant.headers(Role.MES))
    assert listed(plant, station="aoi-1", state="held") == []
    assert plant.http.get("/v1/stations/aoi-1", headers=plant.headers()).json()["hold"] is None
    before = plant.events("hold.v1")
    again = plant.http.post("/v1/stations/aoi-1/release", json={"reason": "again"}, headers=plant.headers())
    assert again.status_code == 200
    assert plant.events("hold.v1") == before, "nothing was held, so nothing was released"


def test_what_is_held_stays_held_with_its_own_reason(plant: Plant) -> None:
    first = hold(plant, lot="L2").json()
    assert hold(plant, lot="L2", reason="another", evidence=[{"more": 1}]).json() == first
    assert release(plant, first["id"]).status_code == 200
    second = hold(plant, lot="L2", reason="another").json()
    assert second["id"] != first["id"]
    assert listed(plant, lot="L2") == [second["id"], first["id"]]
    assert listed(plant, lot="L2", state="released") == [first["id"]]
    assert listed(plant, lot="L2", limit="1") == [second["id"]]


def test_a_release_stands_and_repeating_it_changes_nothing(plant: Plant) -> None:
    held = hold(plant, lot="L3").json()
    released = release(plant, held["id"]).json()
    assert release(plant, held["id"]).json() == released
    for refused in (release(plant, held["id"], reason="other"), release(plant, held["id"], role=Role.ADMIN)):
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/hold-released")
    unknown = release(plant, "none")
    assert (unknown.status_code, unknown.json()["type"]) == (404, "/problems/unknown-hold")


@pytest.mark.parametrize(
    ("said", "status"),
    [
        pytest.param({}, 422, id="of nothing"),
        pytest.param({"lot": "L", "station": "aoi-1"}, 422, id="of a lot and a station"),
        pytest.param({"station": "aoi-9"}, 404, id="of no station"),
        pytest.param({"lot": "L", "reason": ""}, 422, id="for no reason"),
        pytest.param({"lot": "L\u0000"}, 422, id="NUL in a name"),
        pytest.param({"lot": "L", "evidence": ["a"]}, 422, id="evidence that is no object"),
        pytest.param({"lot": "L", "evidence": [{"a": "x" * 70_000}]}, 422, id="megabytes of evidence"),
    ],
)
def test_a_hold_that_means_nothing_is_refused(plant: Plant, said: dict[str, Any], status: int) -> None:
    before = listed(plant)
    assert hold(plant, **said).status_code == status
    assert listed(plant) == before


@pytest.mark.parametrize(
    "evidence",
    [
        pytest.param('[{"a": NaN}]', id="not a number"),
        pytest.param('[{"a": 1e999}]', id="infinity"),
        pytest.param(r'[{"a": "\ud800"}]', id="no Unicode"),
        pytest.param(r'[{"\ud800": 1}]', id="no Unicode in a key"),
        pytest.param('[{"a": ' + "[" * 5000 + "]" * 5000 + "}]", id="nested too deeply"),
    ],
)
def test_evidence_that_no_ledger_can_hold_is_refused(plant: Plant, evidence: str) -> None:
    answer = plant.http.post(
        "/v1/holds",
        content=f'{{"lot": "L9", "reason": "r", "evidence": {evidence}}}',
        headers={**plant.headers(), "Content-Type": "application/json"},
    )
    assert 400 <= answer.status_code < 500, answer.text
    assert listed(plant, lot="L9") == []


@pytest.mark.parametrize("role", [Role.VIEWER, Role.STATION, Role.MLOPS])
def test_who_may_not_hold_is_refused(plant: Plant, role: Role) -> None:
    assert hold(plant, lot="L8", role=role).status_code == 403
