"""Orders while parts come: no part is bound to half an order, and no order waits for a part that was there."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from lineside.serving.errors import OrderTooLate
from lineside.serving.ledger import Transaction
from lineside.serving.stations import EffectiveModel, OrderIn, Station
from plant import RECIPE, Plant, open_plant

CARD = RECIPE.replace("id: board", "id: card").replace("product: BRD", "product: CRD")
STATION = "aoi-1"


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory, either_database_for_all: None) -> Iterator[Plant]:
    with open_plant(tmp_path_factory.mktemp("plant")) as plant:
        headers = {**plant.headers(), "Content-Type": "application/yaml"}
        for text in (CARD, CARD.replace("version: 1\nproduct", "version: 2\nproduct")):
            plant.http.put("/v1/recipes/card", content=text, headers=headers).raise_for_status()
        yield plant


def an_order(order_id: str, *, from_part: str | None = None, from_encoder: int | None = None) -> OrderIn:
    effective = EffectiveModel.model_validate({"from": "now"})
    if from_part is not None:
        effective = EffectiveModel.model_validate({"from": "part", "value": from_part})
    if from_encoder is not None:
        effective = EffectiveModel.model_validate({"from": "encoder", "value": from_encoder})
    return OrderIn(order_id=order_id, product="CRD", effective=effective)


def call(plant: Plant, function: Any, *given: Any) -> Any:
    return plant.http.portal.call(function, *given)  # type: ignore[attr-defined]  # TestClient's loop


def while_it_is_written(plant: Plant, change: Any, meanwhile: Any) -> Any:
    """The end of a change of stations, with something that happens between its begin and its commit."""
    entered, go_on = threading.Event(), threading.Event()

    def wait(_transaction: Transaction) -> None:
        entered.set()
        go_on.wait(20.0)

    async def both() -> Any:
        blocking = asyncio.ensure_future(plant.services.ledger.write(wait))
        await asyncio.to_thread(entered.wait, 20.0)
        changing = asyncio.ensure_future(change())
        # The change reads first, then waits for the writer.
        while not (plant.services.stations.is_changing or changing.done()):  # noqa: ASYNC110 - a lock tells nobody
            await asyncio.sleep(0.002)
        try:
            meanwhile()
        finally:
            go_on.set()
        await blocking
        return await changing

    return call(plant, both)


def bind(plant: Plant, part_id: str, encoder: int | None = None) -> str | None:
    """The order that a part is bound to at its trigger."""
    return plant.services.stations.bind(STATION, part_id, encoder).order_id


def shown(plant: Plant) -> Station:
    call(plant, plant.services.stations.stop)
    return plant.services.stations.get(STATION)


def told(plant: Plant, order_id: str) -> list[str]:
    return [event["state"] for event in plant.events("order.v1") if event["context"]["order_id"] == order_id]


def test_an_order_whose_first_part_comes_while_it_is_written_is_refused_and_taken_back(plant: Plant) -> None:
    bound: list[str | None] = []
    with pytest.raises(OrderTooLate, match="'p3' was taken in"):
        while_it_is_written(
            plant,
            lambda: plant.services.orders.give(STATION, an_order("A", from_part="p3"), by="mes"),
            lambda: bound.append(bind(plant, "p3")),
        )
    assert bound == [None]
    assert shown(plant).pending is None
    assert told(plant, "A") == ["accepted", "refused"]
    order = call(plant, plant.services.orders.get, "A")
    assert order.state.value == "replaced"


def test_an_order_that_waited_waits_on_when_the_one_that_would_replace_it_comes_too_late(plant: Plant) -> None:
    call(plant, lambda: plant.services.orders.give(STATION, an_order("B", from_part="q9"), by="mes"))
    with pytest.raises(OrderTooLate):
        while_it_is_written(
            plant,
            lambda: plant.services.orders.give(STATION, an_order("C", from_part="q3"), by="mes"),
            lambda: bind(plant, "q3"),
        )
    pending = shown(plant).pending
    assert pending is not None
    assert pending.context.order_id == "B"
    assert call(plant, plant.services.orders.get, "B").state.value == "accepted"
    assert call(plant, lambda: asyncio.sleep(0, bind(plant, "q9"))) == "B"


def test_a_part_that_begins_an_order_while_the_next_one_is_written_begins_it_and_the_next_one_waits(
    plant: Plant,
) -> None:
    call(plant, lambda: plant.services.orders.give(STATION, an_order("F", from_part="s3"), by="mes"))
    bound: list[str | None] = []
    while_it_is_written(
        plant,
        lambda: plant.services.orders.give(STATION, an_order("G", from_part="s9"), by="mes"),
        lambda: bound.append(bind(plant, "s3")),
    )
    station = shown(plant)
    assert bound == [station.order_id] == ["F"]
    assert station.pending is not None
    assert station.pending.context.order_id == "G"
    assert told(plant, "F") == ["accepted", "in_force"]
    assert call(plant, plant.services.orders.get, "F").state.value == "in_force"


def test_a_part_that_begins_an_order_while_its_recipe_is_renewed_begins_it(plant: Plant) -> None:
    """The renewal is written with the order pending; the part brought it into force meanwhile."""
    recipes = plant.services.recipes
    call(plant, lambda: plant.services.orders.give(STATION, an_order("D", from_part="r3"), by="mes"))
    text = CARD.replace("version: 1\nproduct", "version: 3\nproduct")
    headers = {**plant.headers(), "Content-Type": "application/yaml"}
    plant.http.put("/v1/recipes/card", content=text, headers=headers).raise_for_status()
    bound: list[str | None] = []
    while_it_is_written(
        plant,
        lambda: plant.services.stations.use_recipe(recipes.get("card", 3), changed_by="ann"),
        lambda: bound.append(bind(plant, "r3")),
    )
    station = shown(plant)
    assert bound == ["D"]
    assert (station.order_id, station.recipe_version, station.pending) == ("D", 3, None)
    assert told(plant, "D") == ["accepted", "in_force"]


def test_a_hold_that_is_set_while_a_station_is_changed_stands(plant: Plant) -> None:
    holding: list[asyncio.Future[Any]] = []

    def hold() -> None:
        holding.append(asyncio.ensure_future(plant.services.holds.hold(station=STATION, reason="r", by="ann")))

    while_it_is_written(plant, lambda: plant.services.orders.give(STATION, an_order("E"), by="mes"), hold)
    call(plant, lambda: asyncio.wait_for(asyncio.shield(holding[0]), 20.0))
    station = shown(plant)
    assert station.hold is not None
    assert station.order_id == "E"
