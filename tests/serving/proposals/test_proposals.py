"""Proposals over HTTP: made once, decided once, and carried out by approving."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from lineside.serving.security import Role
from plant import RECIPE, Plant, good_board, open_plant

CARD = RECIPE.replace("id: board", "id: card").replace("product: BRD", "product: CRD")


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory, either_database_for_all: None) -> Iterator[Plant]:
    with open_plant(tmp_path_factory.mktemp("plant"), recipe=RECIPE + "limits: {open: {max_count: 1}}\n") as plant:
        answer = plant.http.put(
            "/v1/recipes/card", content=CARD, headers={**plant.headers(), "Content-Type": "application/yaml"}
        )
        assert answer.status_code == 200, answer.text
        yield plant


def propose(plant: Plant, kind: str, change: dict[str, Any], **more: Any) -> httpx.Response:
    body = {"kind": kind, "change": change, "reason": "the rate is above 2 %", **more}
    return plant.http.post("/v1/proposals", json=body, headers=plant.headers(more.pop("role", Role.QUALITY)))


def decide(plant: Plant, proposal_id: str, what: str, *, role: Role = Role.QUALITY, **more: Any) -> httpx.Response:
    return plant.http.post(f"/v1/proposals/{proposal_id}/{what}", json=more, headers=plant.headers(role))


def test_an_approved_hold_is_set_with_the_evidence_and_the_name_of_who_approved(plant: Plant) -> None:
    evidence = [{"rate": 0.031, "interval": [0.021, 0.044], "inspections": ["a", "b"]}]
    made = propose(plant, "hold", {"lot": "L1"}, evidence=evidence, scenario_id="S-1").json()
    assert (made["state"], made["proposed_by"], made["scenario_id"]) == ("proposed", "test quality", "S-1")
    approved = decide(plant, made["id"], "approve", note="seen").json()
    assert (approved["state"], approved["decided_by"], approved["note"]) == ("approved", "test quality", "seen")
    (hold,) = plant.http.get("/v1/holds", params={"lot": "L1"}, headers=plant.headers()).json()["items"]
    assert hold["id"] == approved["outcome"]["hold_id"]
    assert hold["evidence"] == [*evidence, {"proposal_id": made["id"]}]
    told = [e["state"] for e in plant.events("proposal.v1") if e["proposal"]["id"] == made["id"]]
    assert told == ["proposed", "approved"]


def test_the_same_open_proposal_is_not_made_twice_and_a_decided_one_may_be_made_again(plant: Plant) -> None:
    first = propose(plant, "hold", {"lot": "L2"}).json()
    again = propose(plant, "hold", {"lot": "L2", "station": None}, evidence=[{"later": True}]).json()
    assert again == first
    assert decide(plant, first["id"], "dismiss", note="a lamp was out").json()["state"] == "dismissed"
    assert propose(plant, "hold", {"lot": "L2"}).json()["id"] != first["id"]


def test_a_decision_stands_and_repeating_it_changes_nothing(plant: Plant) -> None:
    made = propose(plant, "second_station", {"station": "aoi-1"}).json()
    first = decide(plant, made["id"], "approve", note="ordered").json()
    assert first["outcome"] == {}
    assert decide(plant, made["id"], "approve", note="ordered").json() == first
    for what, note in (("approve", "other"), ("dismiss", "ordered")):
        refused = decide(plant, made["id"], what, note=note)
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/proposal-decided")


def test_an_approved_order_is_given_to_the_station(plant: Plant) -> None:
    made = propose(plant, "order", {"station": "aoi-1", "order": {"order_id": "JO-1", "product": "CRD"}}).json()
    refused = decide(plant, made["id"], "approve")
    assert refused.status_code == 403, "quality gives no orders"
    assert decide(plant, made["id"], "approve", role=Role.MES).status_code == 200
    answer = plant.post(good_board(1), part_id="p1").json()
    assert (answer["order_id"], answer["recipe"]["id"]) == ("JO-1", "card")


def test_a_stricter_threshold_becomes_a_recipe_version_that_is_in_force(plant: Plant) -> None:
    body = {"name": "AOI 1", "recipe": {"id": "board", "version": 1}}
    plant.http.put("/v1/stations/aoi-1", json=body, headers=plant.headers())
    made = propose(plant, "threshold", {"recipe_id": "board", "thresholds": {"open": 0.05, "short": 0.1}}).json()
    text = plant.http.get(f"/v1/proposals/{made['id']}", headers=plant.headers()).json()["recipe_text"]
    approved = decide(plant, made["id"], "approve").json()
    assert approved["outcome"] == {"recipe_id": "board", "version": 2, "stations": ["aoi-1"]}
    stored = plant.http.get("/v1/recipes/board", headers=plant.headers()).json()
    assert (stored["version"], stored["text"]) == (2, text)
    answer = plant.post(good_board(2), part_id="p2").json()
    assert answer["recipe"]["version"] == 2
    assert answer["thresholds"]["open"] == 0.05
    assert answer["thresholds"]["short"] == 0.1


def test_a_looser_threshold_is_refused_without_the_gate_and_stays_open(plant: Plant) -> None:
    before = plant.http.get("/v1/recipes/board", headers=plant.headers()).json()["version"]
    made = propose(plant, "threshold", {"recipe_id": "board", "thresholds": {"open": 0.99}}).json()
    refused = decide(plant, made["id"], "approve")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/looser-recipe")
    assert "gate_report" in refused.json()["detail"]
    found = plant.http.get(f"/v1/proposals/{made['id']}", headers=plant.headers()).json()
    assert found["state"] == "proposed"
    assert plant.http.get("/v1/recipes/board", headers=plant.headers()).json()["version"] == before


@pytest.mark.parametrize(
    ("kind", "change", "status"),
    [
        pytest.param("hold", {"station": "aoi-9"}, 404, id="hold of no station"),
        pytest.param("hold", {"station": "aoi-1", "lot": "L"}, 422, id="hold of two things"),
        pytest.param("hold", {}, 422, id="hold of nothing"),
        pytest.param("order", {"station": "aoi-1", "order": {"order_id": "1", "product": "?"}}, 409, id="no product"),
        pytest.param("threshold", {"recipe_id": "none", "thresholds": {"open": 0.1}}, 404, id="no recipe"),
        pytest.param("threshold", {"recipe_id": "board", "thresholds": {}}, 422, id="no threshold"),
        pytest.param("threshold", {"recipe_id": "board", "thresholds": {"open": 1.5}}, 422, id="no share"),
        pytest.param("second_station", {"station": "aoi-9"}, 404, id="beside no station"),
        pytest.param("party", {}, 422, id="unknown kind"),
    ],
)
def test_what_cannot_be_done_cannot_be_proposed(plant: Plant, kind: str, change: dict[str, Any], status: int) -> None:
    before = plant.http.get("/v1/proposals", headers=plant.headers()).json()
    assert propose(plant, kind, change).status_code == status
    assert plant.http.get("/v1/proposals", headers=plant.headers()).json() == before


def test_a_class_that_the_catalogue_has_not_is_refused_when_it_is_approved_and_stays_open(plant: Plant) -> None:
    made = propose(plant, "threshold", {"recipe_id": "board", "thresholds": {"rust": 0.1}}).json()
    assert decide(plant, made["id"], "approve").status_code == 422
    assert plant.http.get(f"/v1/proposals/{made['id']}", headers=plant.headers()).json()["state"] == "proposed"


@pytest.mark.parametrize("what", ["approve", "dismiss"])
def test_a_proposal_that_there_is_not_cannot_be_decided(plant: Plant, what: str) -> None:
    answer = decide(plant, "none", what)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-proposal")


def test_the_list_is_narrowed_by_state_and_kind(plant: Plant) -> None:
    made = propose(plant, "hold", {"lot": "L7"}).json()

    def listed(**asked: str) -> list[str]:
        answer = plant.http.get("/v1/proposals", params=asked, headers=plant.headers(Role.VIEWER))
        return [each["id"] for each in answer.json()["items"]]

    assert made["id"] == listed(state="proposed", kind="hold", limit="1")[0]
    assert made["id"] not in listed(state="approved")
    assert made["id"] not in listed(kind="order")
