"""Where parts and lots have been, over HTTP: every station, what they belong to, and what was said and done."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import insert, select

from lineside.serving.ledger import Transaction
from lineside.serving.ledger.tables import inspections
from lineside.serving.security import Role
from plant import Plant, bad_board, good_board, open_plant

AT = "2026-03-01T06:00:00Z"


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory, either_database_for_all: None) -> Iterator[Plant]:
    with open_plant(tmp_path_factory.mktemp("plant")) as plant:
        body = {"name": "AOI 2", "recipe": {"id": "board", "version": 1}}
        plant.http.put("/v1/stations/aoi-2", json=body, headers=plant.headers())
        fill(plant)
        yield plant


def fill(plant: Plant) -> None:
    """Panel `pan 1/A` with two boards; the first fails at one station, is reworked, and passes at both."""
    send(plant, "PUT", "/v1/stations/aoi-1/order", {"order_id": "JO-1", "product": "BRD", "lot": "L/1", "quantity": 9})
    send(plant, "PUT", "/v1/stations/aoi-2/order", {"order_id": "JO-1", "product": "BRD", "lot": "L/1", "quantity": 9})
    send(plant, "POST", "/v1/stations/aoi-1/jobs", {"part_id": "b1", "meas_id": "M-1"})
    failed = plant.post(bad_board(1), part_id="b1", parent_id="pan 1/A").json()
    send(plant, "POST", f"/v1/inspections/{failed['id']}/reviews", review("confirmed"))
    send(plant, "POST", f"/v1/inspections/{failed['id']}/disposition", disposition("reworked"))
    send(plant, "POST", "/v1/holds", {"station": "aoi-2", "reason": "not there yet"})
    over = plant.http.get("/v1/holds?station=aoi-2", headers=plant.headers()).json()["items"][0]["id"]
    send(plant, "POST", f"/v1/holds/{over}/release", {"reason": "before the part came"})
    plant.post(good_board(2), part_id="b1", parent_id="pan 1/A", attempt=2, cause="after_rework")
    plant.post(good_board(3), part_id="b2", parent_id="pan 1/A")
    send(plant, "POST", "/v1/holds", {"station": "aoi-2", "reason": "dust"})
    plant.post(good_board(4), part_id="b1", parent_id="pan 1/A", station="aoi-2", role=Role.ADMIN)
    send(plant, "POST", "/v1/holds", {"lot": "L/1", "reason": "wrong paste"})
    plant.post(b"no picture", part_id="b3", station="aoi-2", role=Role.ADMIN)
    plant.http.portal.call(plant.services.jobs.follower.settle)  # type: ignore[attr-defined]  # TestClient's
    plant.http.portal.call(plant.services.rate_projector.settle)  # type: ignore[attr-defined]  # TestClient's


def send(plant: Plant, method: str, path: str, body: dict[str, Any]) -> None:
    answer = plant.http.request(method, path, json=body, headers=plant.headers())
    assert answer.status_code == 200, answer.text


def review(kind: str) -> dict[str, Any]:
    return {"kind": kind, "source": "operator", "reviewer": "ann", "at": AT}


def disposition(kind: str) -> dict[str, Any]:
    return {"kind": kind, "confirmed_by_sensor": False, "at": AT}


def get(plant: Plant, path: str) -> dict[str, Any]:
    answer = plant.http.get(path, headers=plant.headers(Role.MES))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_part_shows_every_attempt_at_every_station_with_what_came_of_it(plant: Plant) -> None:
    part = get(plant, "/v1/parts/b1")
    assert [(each["station"], each["attempt"], each["verdict"]) for each in part["attempts"]] == [
        ("aoi-1", 1, "NG"),
        ("aoi-1", 2, "OK"),
        ("aoi-2", 1, "OK"),
    ]
    first = part["attempts"][0]
    assert (first["standing"], first["defect_counts"]) == ("confirmed", {"short": 1})
    assert [each["kind"] for each in first["reviews"]] == ["confirmed"]
    assert [each["kind"] for each in first["dispositions"]] == ["reworked"]
    assert (part["parent_id"], part["children"]) == ("pan 1/A", [])
    assert (part["lots"], part["products"], part["orders"]) == (["L/1"], ["BRD"], ["JO-1"])
    (job,) = part["jobs"]
    assert (job["meas_id"], job["inspection_id"]) == ("M-1", first["id"])
    assert part["is_complete"]


def test_a_part_shows_its_lots_holds_and_those_of_its_stations_that_concern_it(plant: Plant) -> None:
    assert [each["reason"] for each in get(plant, "/v1/parts/b1")["holds"]] == ["wrong paste", "dust"]
    assert [each["reason"] for each in get(plant, "/v1/parts/b2")["holds"]] == ["wrong paste"]


def test_a_panel_that_was_never_inspected_itself_shows_its_boards(plant: Plant) -> None:
    panel = get(plant, "/v1/parts/pan%201%2FA")
    assert panel["attempts"] == []
    assert [(each["part_id"], each["station"], each["verdict"]) for each in panel["children"]] == [
        ("b1", "aoi-1", "OK"),
        ("b1", "aoi-2", "OK"),
        ("b2", "aoi-1", "OK"),
    ]


def test_a_lot_counts_its_parts_by_newest_verdict_and_gives_its_rate_with_its_interval(plant: Plant) -> None:
    lot = get(plant, "/v1/lots/L%2F1")
    assert (lot["parts"], lot["products"]) == (3, ["BRD"])
    first, second = lot["stations"]
    assert (first["station"], first["judged"]) == ("aoi-1", {"ok": 2, "ng": 0, "not_inspected": 0})
    assert (second["station"], second["judged"]) == ("aoi-2", {"ok": 1, "ng": 0, "not_inspected": 1})
    asked = {"from": "2020-01-01T00:00:00Z", "lot": "L/1", "by": "station"}
    rates = plant.http.get("/v1/rates", params=asked, headers=plant.headers()).json()
    for station, group in zip(lot["stations"], rates["groups"], strict=True):
        assert station["rate"]["rate"] == group["rate"]
        assert (station["rate"]["inspected"], station["rate"]["flagged"]) == (group["inspected"], group["flagged"])
    assert (first["rate"]["inspected"], first["rate"]["flagged"]) == (2, 1)
    assert first["rate"]["rate"]["lower"] < first["rate"]["rate"]["upper"]
    (order,) = lot["orders"]
    assert (order["order_id"], [each["station"] for each in order["stations"]]) == ("JO-1", ["aoi-1", "aoi-2"])
    assert [each["reason"] for each in lot["holds"]] == ["wrong paste"]


def test_a_part_of_more_attempts_than_an_answer_holds_says_that_it_is_not_whole(plant: Plant) -> None:
    """A reference part is measured each shift for years; SQLite takes no condition of a thousand terms."""
    first = plant.post(good_board(9), part_id="golden").json()["id"]

    def repeat(transaction: Transaction) -> None:
        found = transaction.connection.execute(select(inspections).where(inspections.c.id == first)).mappings().one()
        copies = [{**found, "id": transaction.new_id(), "attempt": number} for number in range(2, 602)]
        transaction.connection.execute(insert(inspections), copies)

    plant.services.ledger.write_blocking(repeat)
    part = get(plant, "/v1/parts/golden")
    assert (len(part["attempts"]), part["is_complete"]) == (500, False)
    assert "wrong paste" in [each["reason"] for each in part["holds"]]


def test_a_lot_that_is_only_held_is_known(plant: Plant) -> None:
    send(plant, "POST", "/v1/holds", {"lot": "L2", "reason": "supplier called"})
    lot = get(plant, "/v1/lots/L2")
    assert (lot["parts"], lot["stations"], len(lot["holds"])) == (0, [], 1)


@pytest.mark.parametrize(
    ("path", "problem"),
    [("/v1/parts/none", "unknown-part"), ("/v1/lots/none", "unknown-lot"), ("/v1/parts/..%2F..%2Fetc", "unknown-part")],
)
def test_what_nobody_has_seen_is_not_found(plant: Plant, path: str, problem: str) -> None:
    answer = plant.http.get(path, headers=plant.headers())
    assert (answer.status_code, answer.json()["type"]) == (404, f"/problems/{problem}")
