"""OPC UA events: what clients subscribe to, on a vision system's node or on the server's."""

import copy
import hashlib
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from asyncua import Node, Server, ua
from asyncua.common.events import get_event_obj_from_type_node

from lineside.serving.clock import Clock
from lineside.serving.delivery.opcua.guard import GuardedServer
from lineside.serving.delivery.opcua.type_models import Models

_TYPES: Final = MappingProxyType(
    {
        "JobStarted": 1013,
        "StateChanged": 1018,
        "Error": 1019,
        "ErrorResolved": 1020,
        "RecipePrepared": 1022,
        "Ready": 1023,
        "ResultReady": 1024,
    }
)
"""The event types of OPC 40100-1 by their number in the nodeset."""

_VARIANT_TYPES: Final = MappingProxyType(
    {
        "CreationTime": ua.VariantType.DateTime,
        "IsPartial": ua.VariantType.Boolean,
        "IsSimulated": ua.VariantType.Boolean,
        "ResultState": ua.VariantType.Int32,
        "Transition/Id": ua.VariantType.NodeId,
        "FromState/Id": ua.VariantType.NodeId,
        "ToState/Id": ua.VariantType.NodeId,
    }
    | dict.fromkeys(
        (
            "ExternalConfigurationId",
            "ExternalRecipeId",
            "InternalConfigurationId",
            "InternalRecipeId",
            "ExternalId",
            "InternalId",
            "ResultContent",
        ),
        ua.VariantType.ExtensionObject,
    )
)
"""What the models leave open for asyncua, which would send null in those fields."""


class Announcer:
    """Sends events.

    Args:
        server: whose models say what events there are.
        guard: its inner server, whose clients hear them.
        models: where the standard lies.
        clock: time.
    """

    def __init__(self, server: Server, guard: GuardedServer, models: Models, clock: Clock) -> None:
        self._server = server
        self._guard = guard
        self._models = models
        self._clock = clock
        self._empty: dict[str, Any] = {}

    async def prepare(self) -> None:
        """Read the event types out of the models, once."""
        for name, number in _TYPES.items():
            empty = await get_event_obj_from_type_node(self._server.get_node(self._models.in_vision(number)))
            for field, variant_type in _VARIANT_TYPES.items():
                if field in empty.data_types:
                    empty.data_types[field] = variant_type
            self._empty[name] = empty

    async def announce(
        self,
        name: str,
        source: Node,
        *,
        source_name: str,
        ledger_event: str,
        occurred_at: datetime,
        message: str,
        severity: int,
        fields: Mapping[str, Any],
    ) -> None:
        """Send one event, on its source and on the server.

        The same ledger event announced again carries the same `EventId`, so that clients can tell.

        Args:
            name: the type, as the standard has it without "EventType".
            source: the vision system.
            source_name: its station.
            ledger_event: the id of the event of ours that it tells of.
            occurred_at: aware.
            message: for people.
            severity: 1 to 1000 (OPC 10000-5, clause 6.4.2).
            fields: what the type adds.
        """
        event = copy.copy(self._empty[name])
        event.EventId = hashlib.sha256(f"{ledger_event} {name} {message}".encode()).digest()[:16]
        event.SourceNode = source.nodeid
        event.SourceName = source_name
        event.Time = occurred_at
        event.ReceiveTime = self._clock.now()
        event.LocalTime = ua.TimeZoneDataType(Offset=ua.Int16(0), DaylightSavingInOffset=False)
        event.Message = ua.LocalizedText(message)
        event.Severity = ua.UInt16(severity)
        for field, value in fields.items():
            setattr(event, field, value)
        # Clients that subscribe to the server's node hear nothing that is sent on a vision system's alone.
        for emitting in (source.nodeid, ua.NodeId(ua.ObjectIds.Server)):
            event.emitting_node = emitting
            await self._guard.send_event(event)
