"""The plant's stations, their orders and holds."""

from lineside.serving.stations.order_book import OrderBook
from lineside.serving.stations.order_schemas import OrderOut, OrderState, StationOrderOut
from lineside.serving.stations.records import (
    BoundContext,
    EffectiveFrom,
    Hold,
    PendingChange,
    Station,
)
from lineside.serving.stations.schemas import (
    DEFAULT_LINE,
    EffectiveModel,
    OrderChanged,
    OrderIn,
    RecipeRef,
    StationChanged,
    StationIn,
    StationOut,
)
from lineside.serving.stations.service import StationDirectory

__all__ = [
    "DEFAULT_LINE",
    "BoundContext",
    "EffectiveFrom",
    "EffectiveModel",
    "Hold",
    "OrderBook",
    "OrderChanged",
    "OrderIn",
    "OrderOut",
    "OrderState",
    "PendingChange",
    "RecipeRef",
    "Station",
    "StationChanged",
    "StationDirectory",
    "StationIn",
    "StationOrderOut",
    "StationOut",
]
