"""Each event of the ledger as the OPC UA clients are told: variables, states and events of its station."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from asyncua import ua

from lineside.serving.delivery.opcua.announcing import Announcer
from lineside.serving.delivery.opcua.found_results import ResultShelf
from lineside.serving.delivery.opcua.result_values import ResultValues
from lineside.serving.delivery.opcua.vision_system import VisionSystem
from lineside.serving.ledger import Event
from lineside.serving.signals.schemas import StateName

_SEVERITY_NEWS: Final = 100
_SEVERITY_DEFECT: Final = 300
_SEVERITY_ERROR: Final = 700
"""OPC 10000-5, clause 6.4.2: up to 333 is low, from 667 on high."""

SHOWN_TYPES: Final = (
    "station_state.v1",
    "rate.v1",
    "chart_signal.v1",
    "image_alarm.v1",
    "drift_alarm.v1",
    "hold.v1",
    "order.v1",
    "inspection.v1",
)
"""Types whose last event of a station says what its variables show."""


class Teller:
    """Tells the clients of one server.

    Args:
        announcer: of its events.
        shelf: where results are found.
        values: how they are put.
    """

    def __init__(self, announcer: Announcer, shelf: ResultShelf, values: ResultValues) -> None:
        self._announcer = announcer
        self._shelf = shelf
        self._values = values
        self._newest: dict[tuple[str, str], int] = {}

    async def show(self, system: VisionSystem, event: Event) -> None:
        """Have a station's variables and states show what an event says, without announcing anything."""
        self._is_news(system, event)
        if event.type == "station_state.v1":
            await system.states.enter(StateName(event.data["state"]))
        await system.quality.show(event.occurred_at, **shown_by(event, system.quality.shown))

    async def tell(self, system: VisionSystem, event: Event) -> None:
        """Announce an event, and show what it says unless a newer one of its type is shown already.

        An older one comes when a person has it sent again, or when the server started while it waited: its result is
        announced, but variables and states say what is, not what was.
        """
        is_news = self._is_news(system, event)
        if event.type == "inspection.v1":
            await self._result_ready(system, event)
        elif event.type == "job.v1":
            await self._job(system, event)
        elif event.type == "station_state.v1" and is_news:
            await self._state_changed(system, event)
        elif event.type == "order.v1" and event.data["state"] == "in_force":
            await self._recipe_prepared(system, event)
        if is_news:
            await system.quality.show(event.occurred_at, **shown_by(event, system.quality.shown))

    def _is_news(self, system: VisionSystem, event: Event) -> bool:
        """Whether no later event of its type was shown for that station."""
        key = (system.station, event.type)
        is_news = event.sequence >= self._newest.get(key, 0)
        if is_news:
            self._newest[key] = event.sequence
        return is_news

    async def _result_ready(self, system: VisionSystem, event: Event) -> None:
        found = await self._shelf.of_event(event)
        verdict = event.data["verdict"]
        await self._announce(
            system,
            event,
            "ResultReady",
            message=f"{event.data['part_id']}: {verdict}",
            severity=_SEVERITY_NEWS if verdict == "OK" else _SEVERITY_DEFECT,
            fields=self._values.fields(found),
        )

    async def _job(self, system: VisionSystem, event: Event) -> None:
        job = event.data["job"]
        name = "JobStarted" if event.data["state"] == "started" else "Ready"
        await self._announce(
            system,
            event,
            name,
            message=f"job {job['id']} is {event.data['state']}",
            fields={"JobId": ua.JobIdDataType(Id=job["id"])},
        )

    async def _recipe_prepared(self, system: VisionSystem, event: Event) -> None:
        context = event.data["context"]
        models = self._values.models
        await self._announce(
            system,
            event,
            "RecipePrepared",
            message=f"order {context['order_id']} is in force",
            fields={
                "ExternalId": self._values.recipe(context["recipe"], models.external_recipe_id),
                "InternalId": self._values.recipe(context["recipe"], models.internal_recipe_id),
                "ProductId": ua.ProductIdDataType(Id=context["product"] or ""),
            },
        )

    async def _state_changed(self, system: VisionSystem, event: Event) -> None:
        why = event.data["why"]
        was_in_error = system.states.name is StateName.ERROR
        for step in await system.states.enter(StateName(event.data["state"])):
            fields = {
                "Transition": ua.LocalizedText(step.name),
                "Transition/Id": step.transition,
                "FromState": ua.LocalizedText(step.from_state),
                "FromState/Id": step.from_node,
                "ToState": ua.LocalizedText(step.to_state),
                "ToState/Id": step.to_node,
            }
            await self._announce(system, event, "StateChanged", message=f"{step.name}: {why}", fields=fields)
            if step.to_state == "Error":
                await self._announce(system, event, "Error", message=why, severity=_SEVERITY_ERROR, fields=fields)
            elif was_in_error and step.from_state == "Error":
                await self._announce(system, event, "ErrorResolved", message=why, fields=fields)

    async def _announce(
        self,
        system: VisionSystem,
        event: Event,
        name: str,
        *,
        message: str,
        fields: Mapping[str, Any],
        severity: int = _SEVERITY_NEWS,
    ) -> None:
        await self._announcer.announce(
            name,
            system.root,
            source_name=system.station,
            ledger_event=event.id,
            occurred_at=event.occurred_at,
            message=message,
            severity=severity,
            fields=fields,
        )


def stations_of(event: Event) -> Sequence[str]:
    """The stations that an event is about; none for one about the plant."""
    if event.station is not None:
        return (event.station,)
    stations: Sequence[str] = event.data.get("stations", ())
    return stations


def shows(event: Event) -> bool:
    """Whether a station's variables show what an event of `SHOWN_TYPES` says: of orders, only the one in force."""
    return event.type != "order.v1" or event.data["state"] == "in_force"


def shown_by(event: Event, shown: Any) -> Mapping[str, Any]:
    """The variables that an event gives new values.

    Args:
        event: any.
        shown: gives the value that a variable has, by name.
    """
    data = event.data
    kind = event.type.removesuffix(".v1")
    if kind == "inspection":
        return {"LastVerdict": data["verdict"], "LastPartId": data["part_id"]}
    if kind == "station_state":
        return {"State": data["state"], "StateReason": data["why"]}
    if kind == "hold":
        is_held = data["state"] == "held"
        return {"IsHeld": is_held, "HoldReason": data["reason"] if is_held else ""}
    if kind == "order":
        if not shows(event):
            return {}
        context = data["context"]
        return {"OrderId": context["order_id"], "Product": context["product"], "Lot": context["lot"]}
    if kind == "rate":
        return _rate(data, signal_at=shown("ChartSignalAt"), newest_end=shown("WindowEnd"))
    if kind == "chart_signal":
        end = datetime.fromisoformat(data["point"]["end"])
        return {"InControl": False, "ChartSignal": data["message"], "ChartSignalAt": end}
    if kind == "image_alarm":
        fit = data["state"] == "cleared"
        return {"ImagesFit": fit, "ImageAlarm": "" if fit else data["message"]}
    if kind == "drift_alarm":
        raised = data["state"] == "raised"
        return {"HasDrifted": raised, "DriftAlarm": data["message"] if raised else ""}
    return {}


def _rate(data: Mapping[str, Any], *, signal_at: datetime | None, newest_end: datetime | None) -> Mapping[str, Any]:
    figures, rate = data["figures"], data["figures"]["rate"]
    end = datetime.fromisoformat(data["end"])
    if newest_end is not None and end < newest_end:
        return {}  # an earlier window, told again because parts were handed in late
    shown = {
        "DefectRate": rate["point"],
        "DefectRateLower": rate["lower"],
        "DefectRateUpper": rate["upper"],
        "DefectRateConfidence": rate["confidence"],
        "DetectorRate": figures["detector_rate"]["estimate"],
        "PartsInspected": figures["inspected"],
        "PartsNotInspected": figures["not_inspected"],
        "WindowStart": datetime.fromisoformat(data["start"]),
        "WindowEnd": end,
        "WindowProduct": data["product"] or "",
    }
    if signal_at is None or end > signal_at:
        shown["InControl"] = True
    return shown
