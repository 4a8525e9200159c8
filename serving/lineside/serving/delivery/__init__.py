"""Delivery: the MES and the twin get every event of the ledger, in order, at least once; what stays behind is named."""

from lineside.serving.delivery.context import SinkContext
from lineside.serving.delivery.errors import (
    ConnectionLost,
    DeliveryError,
    DeliveryFileRefused,
    ExtraMissing,
    PersonNeeded,
    Poison,
    SendAgainFrom,
    SinkMisconfigured,
    Trouble,
    TryAgain,
)
from lineside.serving.delivery.sinks import Checkable, Idle, Proof, Sink

__all__ = [
    "Checkable",
    "ConnectionLost",
    "DeliveryError",
    "DeliveryFileRefused",
    "ExtraMissing",
    "Idle",
    "PersonNeeded",
    "Poison",
    "Proof",
    "SendAgainFrom",
    "Sink",
    "SinkContext",
    "SinkMisconfigured",
    "Trouble",
    "TryAgain",
]
