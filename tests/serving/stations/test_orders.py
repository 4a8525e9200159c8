"""Orders over HTTP: refused where they cannot be what they say, and followed until they are done."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lineside.serving.ledger.context_tables import station_orders
from lineside.serving.security import Role
from plant import RECIPE, TWO_VIEWS, Plant, bad_board, good_board, open_plant

CARD = RECIPE.replace("id: board", "id: card").replace("product: BRD", "product: CRD")
PAIR = TWO_VIEWS.replace("id: board", "id: pair").replace("product: BRD", "product: PAIR")


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory, either_database_for_all: None) -> Iterator[Plant]:
    with open_plant(tmp_path_factory.mktemp("plant")) as plant:
        put_recipes(plant)
        yield plant


def put_recipes(plant: Plant) -> None:
    for recipe_id, text in (("card", CARD), ("pair", PAIR)):
        answer = plant.http.put(
            f"/v1/recipes/{recipe_id}", content=text, headers={**plant.headers(), "Content-Type": "application/yaml"}
        )
        assert answer.status_code == 200, answer.text


def order(plant: Plant, order_id: str, product: str = "CRD", *, station: str = "aoi-1", **more: Any) -> httpx.Response:
    body = {"order_id": order_id, "product": product, **more}
    return plant.http.put(f"/v1/stations/{station}/order", json=body, headers=plant.headers(Role.MES))


def from_part(part_id: str) -> dict[str, str]:
    return {"from": "part", "value": part_id}


def followed(plant: Plant, order_id: str, station: str = "aoi-1") -> dict[str, Any]:
    """The order at a station once everything in the log was heeded."""
    plant.http.portal.call(plant.services.orders.follower.settle)  # type: ignore[attr-defined]  # TestClient's
    found = plant.http.get(f"/v1/orders/{order_id}", headers=plant.headers(Role.MES)).json()
    place: dict[str, Any] = next(each for each in found["stations"] if each["station"] == station)
    return place


def told(plant: Plant, order_id: str) -> list[str]:
    return [event["state"] for event in plant.events("order.v1") if event["context"]["order_id"] == order_id]


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


def test_an_order_is_done_once_as_many_parts_as_it_asks_for_were_judged(plant: Plant) -> None:
    order(plant, "Q-1", quantity=3, lot="L1")
    plant.post(good_board(1), part_id="q1")
    plant.post(bad_board(2), part_id="q2")
    plant.post(good_board(3), part_id="q1", attempt=2, cause="retest")
    plant.post(b"no picture", part_id="q3")
    place = followed(plant, "Q-1")
    assert (place["state"], place["judged"]) == ("in_force", {"ok": 1, "ng": 1, "not_inspected": 1})
    plant.post(good_board(4), part_id="q3", attempt=2, cause="retest")
    place = followed(plant, "Q-1")
    assert (place["state"], place["judged"]) == ("done", {"ok": 2, "ng": 1, "not_inspected": 0})
    assert told(plant, "Q-1") == ["in_force", "done"]
    last = plant.events("order.v1")[-1]
    assert (last["judged"], last["quantity"], last["context"]["lot"]) == (place["judged"], 3, "L1")
    assert plant.post(good_board(5), part_id="q4").json()["order_id"] == "Q-1", "what is next, the MES says"
    assert followed(plant, "Q-1")["judged"]["ok"] == 3
    assert told(plant, "Q-1") == ["in_force", "done"]


def test_an_order_that_is_raised_goes_on_and_one_that_is_lowered_is_done_at_once(plant: Plant) -> None:
    order(plant, "Q-2", quantity=1)
    plant.post(good_board(11), part_id="r1")
    assert followed(plant, "Q-2")["state"] == "done"
    order(plant, "Q-2", quantity=3)
    assert followed(plant, "Q-2")["state"] == "in_force"
    plant.post(good_board(12), part_id="r2")
    assert followed(plant, "Q-2")["state"] == "in_force"
    order(plant, "Q-2", quantity=2)
    assert followed(plant, "Q-2")["state"] == "done"


def test_an_order_is_done_though_its_last_part_is_judged_once_the_next_one_is_in_force(plant: Plant) -> None:
    order(plant, "Q-40", product="PAIR", quantity=1)
    plant.post(good_board(91), part_id="aa1", view="top")
    order(plant, "Q-41")
    plant.post(good_board(92), part_id="aa2")
    assert followed(plant, "Q-40")["state"] == "replaced"
    plant.post(good_board(93), part_id="aa1", view="bottom")
    place = followed(plant, "Q-40")
    assert (place["state"], place["judged"]["ok"]) == ("done", 1)
    assert told(plant, "Q-40") == ["in_force", "done"]
    assert followed(plant, "Q-41")["state"] == "in_force"


def test_an_orders_quantity_is_the_same_wherever_it_runs(plant: Plant) -> None:
    order(plant, "Q-42", quantity=9)
    plant.post(good_board(94), part_id="bb1")
    plant.http.put("/v1/stations/aoi-2", json={"name": "AOI 2"}, headers=plant.headers())
    order(plant, "Q-42", station="aoi-2", quantity=2)
    plant.post(good_board(95), part_id="bb2")
    assert followed(plant, "Q-42")["state"] == "done"
    assert followed(plant, "Q-42", "aoi-2")["state"] == "in_force"


def test_an_order_without_a_quantity_is_replaced_by_the_next_one(plant: Plant) -> None:
    order(plant, "Q-3")
    plant.post(good_board(21), part_id="s1")
    order(plant, "Q-4")
    assert (followed(plant, "Q-3")["state"], followed(plant, "Q-3")["judged"]["ok"]) == ("replaced", 1)
    assert followed(plant, "Q-4")["state"] == "in_force"


def test_an_order_that_waits_is_accepted_and_dropped_by_another_that_waits(plant: Plant) -> None:
    order(plant, "Q-5", effective=from_part("never"))
    assert followed(plant, "Q-5")["state"] == "accepted"
    order(plant, "Q-6", effective=from_part("t2"), quantity=1)
    assert followed(plant, "Q-5")["state"] == "replaced"
    plant.post(good_board(31), part_id="t2")
    assert followed(plant, "Q-6")["state"] == "done"
    assert told(plant, "Q-6")[0] == "accepted"


def test_the_very_same_order_again_changes_nothing_also_once_its_first_part_came(plant: Plant) -> None:
    first = order(plant, "Q-7", effective=from_part("u1"), quantity=9).json()
    assert order(plant, "Q-7", effective=from_part("u1"), quantity=9).json() == first
    plant.post(good_board(41), part_id="u1")
    again = order(plant, "Q-7", effective=from_part("u1"), quantity=9)
    assert (again.status_code, again.json()["context"]["order_id"]) == (200, "Q-7")
    assert told(plant, "Q-7") == ["accepted", "in_force"]
    order(plant, "Q-71", quantity=1)
    plant.post(good_board(42), part_id="u2")
    assert followed(plant, "Q-71")["state"] == "done"
    assert order(plant, "Q-71", quantity=1).status_code == 200
    assert told(plant, "Q-71") == ["in_force", "done"]


def test_a_stations_settings_from_a_part_that_was_taken_in_are_refused_unless_they_stand(plant: Plant) -> None:
    def put(**more: Any) -> httpx.Response:
        return plant.http.put("/v1/stations/aoi-1", json={"name": "AOI 1", **more}, headers=plant.headers())

    assert put(lot="L-z1", effective=from_part("z1")).status_code == 200
    plant.post(good_board(45), part_id="z1")
    assert put(lot="L-z1", effective=from_part("z1")).status_code == 200
    assert refusal(put(lot="L-z2", effective=from_part("z1"))) == (409, "order-too-late")


def test_an_order_from_a_part_that_was_taken_in_is_refused(plant: Plant) -> None:
    plant.post(good_board(51), part_id="v1")
    before = plant.http.get("/v1/stations/aoi-1", headers=plant.headers()).json()
    assert refusal(order(plant, "Q-8", effective=from_part("v1"))) == (409, "order-too-late")
    assert plant.http.get("/v1/stations/aoi-1", headers=plant.headers()).json() == before
    assert refusal(plant.http.get("/v1/orders/Q-8", headers=plant.headers())) == (404, "unknown-order")
    assert told(plant, "Q-8") == []


def test_an_order_from_an_encoder_count_that_has_passed_is_refused(plant: Plant) -> None:
    plant.post(good_board(61), part_id="w1", encoder=7000)
    passed = order(plant, "Q-9", effective={"from": "encoder", "value": 7000})
    assert refusal(passed) == (409, "order-too-late")
    assert "7000" in passed.json()["detail"]
    assert order(plant, "Q-9", effective={"from": "encoder", "value": 7001}).status_code == 200
    plant.post(good_board(62), part_id="w2", encoder=10)
    assert order(plant, "Q-9", effective={"from": "encoder", "value": 11}).status_code == 200, "a new roll counts anew"


@pytest.mark.parametrize("other", [{"product": "PAIR"}, {"lot": "L9"}, {"lot": None}], ids=["product", "lot", "no lot"])
def test_an_orders_number_stands_for_one_product_and_lot(plant: Plant, other: dict[str, Any]) -> None:
    assert order(plant, "Q-10", lot="L1").status_code == 200
    assert refusal(order(plant, "Q-10", **{"product": "CRD", "lot": "L1", **other})) == (409, "order-conflict")
    assert followed(plant, "Q-10")["state"] == "in_force"


def test_a_part_whose_views_are_coming_keeps_the_order_of_its_trigger(plant: Plant) -> None:
    order(plant, "Q-11", "PAIR")
    assert plant.post(good_board(71), part_id="x1", view="top").status_code == 202
    assert refusal(order(plant, "Q-12", effective=from_part("x1"))) == (409, "order-too-late")
    order(plant, "Q-12")
    answer = plant.post(good_board(72), part_id="x1", view="bottom").json()
    assert (answer["order_id"], answer["recipe"]["id"], answer["verdict"]) == ("Q-11", "pair", "OK")
    assert plant.post(good_board(73), part_id="x2").json()["order_id"] == "Q-12"


def test_orders_are_listed_by_station_state_and_lot(plant: Plant) -> None:
    plant.http.put("/v1/stations/aoi-2", json={"name": "AOI 2"}, headers=plant.headers())
    order(plant, "Q-20", lot="L20")
    order(plant, "Q-20", lot="L20", station="aoi-2")

    def listed(**asked: str) -> list[str]:
        answer = plant.http.get("/v1/orders", params=asked, headers=plant.headers(Role.VIEWER))
        return [each["order_id"] for each in answer.json()["items"]]

    assert listed(lot="L20") == listed(station="aoi-2", state="in_force") == ["Q-20"]
    assert listed(station="aoi-1", state="in_force") == ["Q-20"]
    assert "Q-1" in listed(state="done")
    assert listed(limit="1") == ["Q-20"]


def test_an_order_whose_last_part_came_just_before_a_crash_is_done_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LINESIDE_DATABASE_URL")
    with open_plant(tmp_path) as plant:
        put_recipes(plant)
        order(plant, "Q-30", quantity=1, effective=from_part("y1"))
        stale = plant.services.ledger.read_blocking(lambda c: c.execute(station_orders.select()).mappings().one())
        plant.post(good_board(81), part_id="y1")
    with open_plant(tmp_path, recipe=None) as plant:
        plant.services.ledger.write_blocking(
            lambda t: t.connection.execute(station_orders.update().values(**stale)).rowcount
        )
    with open_plant(tmp_path) as plant:
        assert followed(plant, "Q-30")["state"] == "done"
