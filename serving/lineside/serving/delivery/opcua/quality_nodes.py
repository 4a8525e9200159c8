"""A station's quality as variables: rate with its interval, control chart, health, hold, order, last verdict."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from asyncua import Node, ua

from lineside.serving.delivery.opcua.type_models import Models

_REAL: Final = ua.VariantType.Double
_TEXT: Final = ua.VariantType.String
_COUNT: Final = ua.VariantType.UInt32
_TIME: Final = ua.VariantType.DateTime
_YES: Final = ua.VariantType.Boolean

_VARIABLES: Final[Mapping[str, tuple[Any, str]]] = MappingProxyType(
    {
        "DefectRate": (_REAL, "Share of defective parts in the last closed window; no data where nothing tells."),
        "DefectRateLower": (_REAL, "Lower end of its interval."),
        "DefectRateUpper": (_REAL, "Upper end of its interval."),
        "DefectRateConfidence": (_REAL, "Confidence of the interval, 0 to 1."),
        "DetectorRate": (_REAL, "The raw share of NG parts; no defect rate."),
        "PartsInspected": (_COUNT, "OK and NG parts in that window."),
        "PartsNotInspected": (_COUNT, "Parts in that window that could not be judged."),
        "WindowStart": (_TIME, "The window's start."),
        "WindowEnd": (_TIME, "The window's end."),
        "WindowProduct": (_TEXT, "The product that these figures are of; empty for parts without one."),
        "InControl": (_YES, "False from a signal of a control chart on, until the next window without one is closed."),
        "ChartSignal": (_TEXT, "The last signal of a control chart, in words."),
        "ChartSignalAt": (_TIME, "The end of the point that signalled."),
        "ImagesFit": (_YES, "Whether the pictures can be judged by."),
        "ImageAlarm": (_TEXT, "What is wrong with them, in words; empty where nothing is."),
        "HasDrifted": (_YES, "Whether an alarm of drift waits to be acknowledged."),
        "DriftAlarm": (_TEXT, "What has changed, in words; empty where nothing has."),
        "IsHeld": (_YES, "Whether the station's parts are held back."),
        "HoldReason": (_TEXT, "Why."),
        "OrderId": (_TEXT, "The job order in force."),
        "Product": (_TEXT, "The product in force."),
        "Lot": (_TEXT, "The lot in force."),
        "State": (_TEXT, "The station's state."),
        "StateReason": (_TEXT, "Why it is in that state."),
        "LastVerdict": (_TEXT, "OK, NG or NOT_INSPECTED."),
        "LastPartId": (_TEXT, "The part that it was of."),
    }
)
"""Name, type and meaning of each; all are read-only."""


class QualityNodes:
    """The object `Quality` below one vision system."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self._nodes = nodes
        self._shown: dict[str, Any] = {}

    @classmethod
    async def add(cls, models: Models, parent: Node) -> "QualityNodes":
        """Add the object and its variables; each waits for its first value, and says so."""
        place = f"{parent.nodeid.Identifier}.Quality"
        folder = await parent.add_object(ua.NodeId(place, models.own), ua.QualifiedName("Quality", models.own))
        nodes: dict[str, Node] = {}
        for name, (variant_type, meaning) in _VARIABLES.items():
            node = await folder.add_variable(
                ua.NodeId(f"{place}.{name}", models.own),
                ua.QualifiedName(name, models.own),
                ua.Variant(),
                datatype=ua.NodeId(variant_type.value),
            )
            text = ua.Variant(ua.LocalizedText(meaning), ua.VariantType.LocalizedText)
            await node.write_attribute(ua.AttributeIds.Description, ua.DataValue(text))
            await node.write_value(ua.DataValue(StatusCode=ua.StatusCode(ua.StatusCodes.BadWaitingForInitialData)))
            nodes[name] = node
        return cls(nodes)

    async def show(self, at: datetime, **values: Any) -> None:
        """Show new values; None is shown as an empty text, or as no data.

        Args:
            at: when they came to hold, aware; the values' source timestamp.
            **values: by name.
        """
        for name, value in values.items():
            self._shown[name] = value
            variant_type = _VARIABLES[name][0]
            if value is None and variant_type is not _TEXT:
                nothing = ua.StatusCode(ua.StatusCodes.BadNoDataAvailable)
                await self._nodes[name].write_value(ua.DataValue(StatusCode=nothing, SourceTimestamp=at))
                continue
            variant = ua.Variant("" if value is None else value, variant_type)
            await self._nodes[name].write_value(ua.DataValue(variant, SourceTimestamp=at))

    def shown(self, name: str) -> Any:
        """The value that a variable was given last; None before the first."""
        return self._shown.get(name)
