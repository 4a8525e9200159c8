"""The JSON of orders: what they are for, and how they stand at each station."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from lineside.serving.stations.schemas import EffectiveModel, JudgedModel, Shape


class OrderState(StrEnum):
    """How an order stands."""

    ACCEPTED = "accepted"
    IN_FORCE = "in_force"
    DONE = "done"
    REPLACED = "replaced"
    """Another order, or none, came into force before its quantity was reached; its last parts may yet make it done."""


class StationOrderOut(Shape):
    """An order at one of its stations."""

    station: str
    state: OrderState
    effective: EffectiveModel
    ordered_by: str
    ordered_at: datetime
    in_force_at: datetime | None
    done_at: datetime | None
    judged: JudgedModel


class OrderOut(Shape):
    """A job order (ISA-95) and how far it is."""

    order_id: str
    product: str
    lot: str | None
    quantity: int | None = Field(description="Parts to be judged; an order without it is never done.")
    state: OrderState = Field(description="In force if it is at any station, done if it is at all that still have it.")
    created_at: datetime
    updated_at: datetime
    stations: tuple[StationOrderOut, ...]


class OrderList(Shape):
    """Orders, newest first; at most as many as were asked for."""

    items: tuple[OrderOut, ...]
