from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from lineside.serving.clock import ManualClock
from lineside.serving.ledger import Event
from lineside.serving.ledger.tables import stations
from lineside.serving.security import Role
from plant import RECIPE, Plant, bad_board, good_board, open_plant

pytestmark = pytest.mark.usefixtures("either_database")

OTHER_PRODUCT = RECIPE.replace("id: board", "id: card").replace("product: BRD", "product: CRD")


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    with open_plant(tmp_path) as plant:
        put_recipe(plant, "card", OTHER_PRODUCT)
        yield plant


def put_recipe(plant: Plant, recipe_id: str, text: str) -> None:
    answer = plant.http.put(
        f"/v1/recipes/{recipe_id}", content=text, headers={**plant.headers(), "Content-Type": "application/yaml"}
    )
    assert answer.status_code == 200, answer.text


def order(plant: Plant, order_id: str, product: str, *, role: Role = Role.MES, **more: Any) -> httpx.Response:
    body = {"order_id": order_id, "product": product, "lot": f"lot of {order_id}", **more}
    return plant.http.put("/v1/stations/aoi-1/order", json=body, headers=plant.headers(role))


def station(plant: Plant) -> dict[str, Any]:
    body: dict[str, Any] = plant.http.get("/v1/stations/aoi-1", headers=plant.headers()).json()
    return body


def events(plant: Plant, event_type: str) -> list[Event]:
    found = plant.http.portal.call(plant.services.ledger.events_after, 0)  # type: ignore[attr-defined]  # TestClient's
    return [event for event in found if event.type == event_type]


def test_an_order_selects_its_products_recipe_and_each_part_says_so(plant: Plant) -> None:
    assert order(plant, "JO-7", "CRD", quantity=100).status_code == 200
    answer = plant.post(good_board(1), part_id="p1").json()
    assert (answer["product"], answer["order_id"], answer["lot"]) == ("CRD", "JO-7", "lot of JO-7")
    assert answer["recipe"]["id"] == "card"
    (event,) = events(plant, "order.v1")
    assert (event.station, event.data["state"], event.data["quantity"]) == ("aoi-1", "in_force", 100)


def test_an_order_takes_the_latest_version_of_its_recipe(plant: Plant) -> None:
    put_recipe(plant, "card", OTHER_PRODUCT.replace("version: 1\nproduct", "version: 2\nproduct"))
    assert order(plant, "JO-8", "CRD").json()["context"]["recipe"] == {"id": "card", "version": 2}


def set_recipe(plant: Plant, recipe_id: str, version: int, **more: Any) -> dict[str, Any]:
    """The station's context after its own recipe was set."""
    body = {"name": "AOI 1", "recipe": {"id": recipe_id, "version": version}, **more}
    put = plant.http.put("/v1/stations/aoi-1", json=body, headers=plant.headers())
    assert put.status_code == 200
    context: dict[str, Any] = put.json()["context"]
    return context


def test_a_recipe_of_another_product_ends_the_order(plant: Plant) -> None:
    """Else its parts would count for an order of a product that they are not."""
    order(plant, "JO-7", "CRD")
    context = set_recipe(plant, "board", 1)
    assert (context["product"], context["order_id"], context["lot"]) == ("BRD", None, None)
    order(plant, "JO-8", "CRD")
    assert set_recipe(plant, "board", 1, lot="L6")["lot"] == "L6"


def test_a_version_of_the_orders_own_product_keeps_the_order(plant: Plant) -> None:
    order(plant, "JO-7", "CRD")
    put_recipe(plant, "card", OTHER_PRODUCT.replace("version: 1\nproduct", "version: 2\nproduct"))
    context = set_recipe(plant, "card", 2)
    assert (context["order_id"], context["lot"], context["recipe"]["version"]) == ("JO-7", "lot of JO-7", 2)


def test_an_order_for_a_product_without_a_recipe_changes_nothing(plant: Plant) -> None:
    before = station(plant)
    answer = order(plant, "JO-9", "XYZ")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/no-recipe-for-product")
    assert station(plant) == before
    assert events(plant, "order.v1") == []


def test_a_change_from_a_part_holds_from_that_part_on(plant: Plant) -> None:
    changed = order(plant, "JO-10", "CRD", effective={"from": "part", "value": "p3"}).json()
    assert changed["context"]["product"] == "BRD"
    assert changed["pending"]["part_id"] == "p3"
    products = [plant.post(good_board(n), part_id=f"p{n}").json()["product"] for n in (1, 2, 3, 4)]
    assert products == ["BRD", "BRD", "CRD", "CRD"]
    assert station(plant)["pending"] is None


def test_a_change_from_an_encoder_count_holds_from_there_on(plant: Plant) -> None:
    order(plant, "JO-11", "CRD", effective={"from": "encoder", "value": 5000})
    counts = (4000, 4999, 5001, 6000)
    products = [plant.post(good_board(n), part_id=f"e{n}", encoder=n).json()["product"] for n in counts]
    assert products == ["BRD", "BRD", "CRD", "CRD"]


def test_a_change_that_began_stays_begun_across_a_restart(tmp_path: Path) -> None:
    with open_plant(tmp_path) as plant:
        put_recipe(plant, "card", OTHER_PRODUCT)
        order(plant, "JO-12", "CRD", effective={"from": "part", "value": "p2"})
        order_event = events(plant, "order.v1")[-1]
        assert order_event.data["state"] == "accepted"
    with open_plant(tmp_path) as plant:
        assert station(plant)["pending"]["part_id"] == "p2"
        assert plant.post(good_board(1), part_id="p1").json()["product"] == "BRD"
        assert plant.post(good_board(2), part_id="p2").json()["product"] == "CRD"
    with open_plant(tmp_path) as plant:
        assert station(plant)["context"]["product"] == "CRD"
        assert station(plant)["pending"] is None
        assert plant.post(good_board(3), part_id="p3").json()["product"] == "CRD"
        assert [event.data["state"] for event in events(plant, "order.v1")] == ["accepted", "in_force"]


@pytest.mark.parametrize("steps_back", [timedelta(0), timedelta(hours=1)], ids=["", "the clock steps back"])
def test_a_part_that_began_a_change_counts_even_if_the_change_was_not_written(
    tmp_path: Path, steps_back: timedelta
) -> None:
    """As after a power cut between the part's row and the station's: the station's row still says pending."""
    clock = ManualClock(datetime.now(UTC))
    with open_plant(tmp_path, clock=clock) as plant:
        put_recipe(plant, "card", OTHER_PRODUCT)
        order(plant, "JO-13", "CRD", effective={"from": "part", "value": "p2"})
        stale = plant.services.ledger.read_blocking(lambda c: c.execute(stations.select()).mappings().one())
        clock.set_now(clock.now() - steps_back)
        plant.post(good_board(2), part_id="p2")
    with open_plant(tmp_path, recipe=None) as plant:
        plant.services.ledger.write_blocking(lambda t: t.connection.execute(stations.update().values(**stale)).rowcount)
    with open_plant(tmp_path) as plant:
        assert station(plant)["context"]["product"] == "CRD"


def test_a_hold_alters_no_verdict_and_is_lifted_again(plant: Plant) -> None:
    held = plant.http.post(
        "/v1/stations/aoi-1/hold", json={"reason": "wrong paste"}, headers=plant.headers(Role.QUALITY)
    )
    assert held.json()["hold"]["reason"] == "wrong paste"
    assert plant.post(good_board(1), part_id="h1").json()["verdict"] == "OK"
    assert plant.post(bad_board(2), part_id="h2").json()["verdict"] == "NG"
    released = plant.http.post(
        "/v1/stations/aoi-1/release", json={"reason": "cleaned"}, headers=plant.headers(Role.QUALITY)
    )
    assert released.json()["hold"] is None
    assert [(e.data["state"], e.data["reason"]) for e in events(plant, "hold.v1")] == [
        ("held", "wrong paste"),
        ("released", "cleaned"),
    ]


def test_settings_survive_a_restart(tmp_path: Path) -> None:
    settings = {
        "name": "AOI 9",
        "digest_required": False,
        "raw_geometry": {"width_px": 640, "height_px": 480, "pixel_format": "mono8"},
        "expected_geometry": {"size_wh_px": [640, 480], "channels": 1},
        "lot": "L5",
    }
    with open_plant(tmp_path) as plant:
        put = plant.http.put("/v1/stations/aoi-9", json=settings, headers=plant.headers()).json()
        plant.http.post("/v1/stations/aoi-9/hold", json={"reason": "new"}, headers=plant.headers())
    with open_plant(tmp_path) as plant:
        found = plant.http.get("/v1/stations/aoi-9", headers=plant.headers()).json()
        assert found["hold"]["reason"] == "new"
        assert {**found, "hold": None, "holds": [], "updated_at": put["updated_at"]} == put


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"name": ""}, id="no name"),
        pytest.param({"name": "x", "colour": "red"}, id="unknown key"),
        pytest.param({"name": "x", "effective": {"from": "part"}}, id="from a part without the part"),
        pytest.param({"name": "x", "effective": {"from": "now", "value": "p"}}, id="now with a value"),
        pytest.param({"name": "x", "effective": {"from": "encoder", "value": "p"}}, id="encoder with a name"),
        pytest.param({"name": "x", "effective": {"from": "encoder", "value": 2**63}}, id="more than a column holds"),
        pytest.param(
            {"name": "x", "raw_geometry": {"width_px": 0, "height_px": 1, "pixel_format": "mono8"}}, id="no width"
        ),
        pytest.param({"name": "a\u0000b"}, id="NUL in a name"),
    ],
)
def test_settings_that_mean_nothing_are_refused(plant: Plant, body: dict[str, Any]) -> None:
    answer = plant.http.put("/v1/stations/aoi-9", json=body, headers=plant.headers())
    assert answer.status_code == 422, answer.text
    assert plant.http.get("/v1/stations/aoi-9", headers=plant.headers()).status_code == 404


def test_a_recipe_version_that_does_not_exist_cannot_be_bound(plant: Plant) -> None:
    body = {"name": "x", "recipe": {"id": "board", "version": 7}}
    answer = plant.http.put("/v1/stations/aoi-9", json=body, headers=plant.headers())
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-recipe")


def test_a_stations_key_sees_its_own_station_in_the_list(plant: Plant) -> None:
    plant.http.put("/v1/stations/aoi-2", json={"name": "AOI 2"}, headers=plant.headers())
    seen = plant.http.get("/v1/stations", headers=plant.headers(Role.STATION)).json()
    everything = plant.http.get("/v1/stations", headers=plant.headers(Role.MES)).json()
    assert [each["id"] for each in seen["items"]] == ["aoi-1"]
    assert [each["id"] for each in everything["items"]] == ["aoi-1", "aoi-2"]
