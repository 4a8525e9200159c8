"""A plant of the version before: what its stations' rows say is found again where it belongs now."""

import json
from datetime import UTC, datetime

from alembic import command
from sqlalchemy import text

from lineside.serving.clock import SystemClock
from lineside.serving.holds import HoldState
from lineside.serving.holds.store import all_holds
from lineside.serving.ledger import Ledger
from lineside.serving.ledger.databases import database_at
from lineside.serving.ledger.schema import migration_config
from lineside.serving.ledger.types import timestamp_text
from lineside.serving.stations import OrderState
from lineside.serving.stations.order_store import all_orders

NOW = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)
_HOLD = json.dumps({"reason": "wrong paste", "by": "ann", "at": "2026-03-01T06:00:00Z"})
_STATION = (
    "INSERT INTO stations (plant, id, name, line, digest_required, settings, order_id, hold, updated_at)"
    " VALUES ('plant-1', :id, 'AOI', 'line-1', :yes, '{}', :order_id, :hold, :at)"
)
_ORDER = (
    "INSERT INTO orders (plant, id, product, data, created_at, updated_at)"
    " VALUES ('plant-1', 'JO-1', 'BRD', '{}', :at, :at)"
)


def test_a_station_that_was_held_is_held_and_its_order_is_in_force(ledger_url: str) -> None:
    engine = database_at(ledger_url).writer_engine()
    with engine.begin() as connection:
        config = migration_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        at = NOW if connection.dialect.name == "postgresql" else timestamp_text(NOW)
        connection.execute(text(_ORDER), {"at": at})
        for station, standing, order_id in (("aoi-1", _HOLD, "JO-1"), ("aoi-2", None, None)):
            connection.execute(
                text(_STATION), {"id": station, "yes": True, "hold": standing, "order_id": order_id, "at": at}
            )
    engine.dispose()
    with Ledger.open(ledger_url, plant="plant-1", clock=SystemClock()) as ledger:
        (hold,) = ledger.read_blocking(lambda connection: all_holds(connection, "plant-1"))
        (order,) = ledger.read_blocking(lambda connection: all_orders(connection, "plant-1"))
    assert (hold.station, hold.lot, hold.state) == ("aoi-1", None, HoldState.HELD)
    assert (hold.reason, hold.by, hold.at) == ("wrong paste", "ann", datetime(2026, 3, 1, 6, 0, tzinfo=UTC))
    (place,) = order.stations
    assert (place.station, place.state, place.in_force_at) == ("aoi-1", OrderState.IN_FORCE, NOW)
