"""What each type of event says in metrics: pure, and lenient: a field that is absent or odd is null, never an error."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from lineside.serving.delivery.sparkplug.payload import Value
from lineside.serving.delivery.sparkplug.vocabulary import NODE_METRICS
from lineside.serving.ledger import Event

Said = Mapping[str, Value]
"""Values by metric name."""

_LARGEST = {32: 2**31 - 1, 64: 2**63 - 1}


def said_by(event: Event) -> Mapping[str | None, Said]:
    """What an event says, by station; None is the plant. Counts are not in it: they are added up."""
    reader = _READERS.get(event.type)
    said = dict(reader(event)) if reader is not None else {event.station: {}}
    token: Said = {"Event/Id": event.id, "Event/Sequence": event.sequence, "Event/Type": event.type}
    of_node = {name: value for name, value in said.pop(None, {}).items() if name in NODE_METRICS}
    whole = {**said, None: of_node} if of_node or event.station is None else said
    return {station: {**values, **token} for station, values in whole.items()}


def verdict_of(event: Event) -> str | None:
    """The verdict that an inspection counts under; None for any other event."""
    return _text(event.data, "verdict") if event.type == "inspection.v1" else None


_Reader = Callable[[Event], Iterator[tuple[str | None, Said]]]


def _inspection(event: Event) -> Iterator[tuple[str | None, Said]]:
    data = event.data
    defects, reasons = data.get("defects"), data.get("reasons")
    first = reasons[0] if isinstance(reasons, list | tuple) and reasons else {}
    yield (
        event.station,
        {
            "Part/Id": _text(data, "part_id"),
            "Part/Attempt": _whole(data, "attempt", bits=32),
            "Part/Verdict": _text(data, "verdict"),
            "Part/Reason": _text(first, "code"),
            "Part/Defects": len(defects) if isinstance(defects, list | tuple) else None,
            "Part/Lot": _text(data, "lot"),
            "Part/Product": _text(data, "product"),
            "Part/Inspection Id": _text(data, "id"),
            "Part/Judged At": _instant(data, "judged_at"),
            "Part/Simulated": _flag(data, "is_simulated"),
            "Recipe/Id": _text(data, "recipe", "id"),
            "Recipe/Version": _whole(data, "recipe", "version", bits=32),
            "Release/Name": _text(data, "release", "name"),
            "Release/Version": _text(data, "release", "version"),
        },
    )


def _disposition(event: Event) -> Iterator[tuple[str | None, Said]]:
    yield (
        event.station,
        {
            "Disposition/Kind": _text(event.data, "kind"),
            "Disposition/Inspection Id": _text(event.data, "inspection_id"),
            "Disposition/Confirmed By Sensor": _flag(event.data, "confirmed_by_sensor"),
        },
    )


def _review(event: Event) -> Iterator[tuple[str | None, Said]]:
    yield (
        event.station,
        {
            "Review/Kind": _text(event.data, "kind"),
            "Review/Standing": _text(event.data, "standing"),
            "Review/Inspection Id": _text(event.data, "inspection_id"),
        },
    )


def _rate(event: Event) -> Iterator[tuple[str | None, Said]]:
    data = event.data
    yield (
        event.station,
        {
            "Rate/Window Start": _instant(data, "start"),
            "Rate/Window End": _instant(data, "end"),
            "Rate/Product": _text(data, "product"),
            "Rate/Inspected": _whole(data, "figures", "inspected"),
            "Rate/Defect Rate": _number(data, "figures", "rate", "point"),
            "Rate/Defect Rate Lower": _number(data, "figures", "rate", "lower"),
            "Rate/Defect Rate Upper": _number(data, "figures", "rate", "upper"),
            "Rate/Confidence": _number(data, "figures", "rate", "confidence"),
            "Rate/Detector Rate": _number(data, "figures", "detector_rate", "estimate"),
            "Rate/Detector Rate Lower": _number(data, "figures", "detector_rate", "lower"),
            "Rate/Detector Rate Upper": _number(data, "figures", "detector_rate", "upper"),
        },
    )


def _chart_signal(event: Event) -> Iterator[tuple[str | None, Said]]:
    stations = event.data.get("stations")
    named = [name for name in stations if isinstance(name, str)] if isinstance(stations, list | tuple) else []
    said: Said = {
        "Chart/In Control": False,
        "Chart/Message": _text(event.data, "message"),
        "Chart/Point End": _instant(event.data, "point", "end"),
    }
    for station in dict.fromkeys([event.station] if event.station is not None else named):
        yield station, said


def _hold(event: Event) -> Iterator[tuple[str | None, Said]]:
    data = event.data
    is_held = _text(data, "state") == "held"
    if event.station is None:
        yield (
            None,
            {
                "Lot Hold/Lot": _text(data, "lot"),
                "Lot Hold/Active": is_held,
                "Lot Hold/Reason": _text(data, "reason"),
            },
        )
    else:
        yield (
            event.station,
            {"Hold/Active": is_held, "Hold/Reason": _text(data, "reason"), "Hold/By": _text(data, "changed_by")},
        )


def _order(event: Event) -> Iterator[tuple[str | None, Said]]:
    data = event.data
    yield (
        event.station,
        {
            "Order/Id": _text(data, "context", "order_id"),
            "Order/State": _text(data, "state"),
            "Order/Product": _text(data, "context", "product"),
            "Order/Lot": _text(data, "context", "lot"),
            "Order/Quantity": _whole(data, "quantity"),
        },
    )


def _proposal(event: Event) -> Iterator[tuple[str | None, Said]]:
    yield (
        event.station,
        {
            "Proposal/Id": _text(event.data, "proposal", "id"),
            "Proposal/Kind": _text(event.data, "proposal", "kind"),
            "Proposal/Reason": _text(event.data, "proposal", "reason"),
            "Proposal/State": _text(event.data, "state"),
        },
    )


def _job(event: Event) -> Iterator[tuple[str | None, Said]]:
    job = event.data.get("job") if isinstance(event.data.get("job"), Mapping) else event.data
    yield (
        event.station,
        {
            "Job/Id": _text(job, "id"),
            "Job/State": _text(event.data, "state"),
            "Job/Part Id": _text(job, "part_id"),
        },
    )


def _deployment(event: Event) -> Iterator[tuple[str | None, Said]]:
    data = event.data
    yield (
        None,
        {
            "Deployment/Serial": _whole(data, "deployment", "serial"),
            "Deployment/State": _text(data, "state"),
            "Deployment/Mode": _text(data, "deployment", "mode"),
            "Deployment/Release Name": _text(data, "deployment", "release", "name"),
            "Deployment/Release Version": _text(data, "deployment", "release", "version"),
        },
    )


def _station(event: Event) -> Iterator[tuple[str | None, Said]]:
    yield (
        event.station,
        {
            "Station/Name": _text(event.data, "station", "name"),
            "Station/Line": _text(event.data, "station", "line"),
        },
    )


def _station_state(event: Event) -> Iterator[tuple[str | None, Said]]:
    yield event.station, {"Station/State": _text(event.data, "state"), "Station/Why": _text(event.data, "why")}


def _image_alarm(event: Event) -> Iterator[tuple[str | None, Said]]:
    is_raised = _text(event.data, "state") == "raised"
    yield (
        event.station,
        {"Image Alarm/Active": is_raised, "Image Alarm/Message": _text(event.data, "message")},
    )


def _drift_alarm(event: Event) -> Iterator[tuple[str | None, Said]]:
    is_raised = _text(event.data, "state") == "raised"
    yield (
        event.station,
        {"Drift Alarm/Active": is_raised, "Drift Alarm/Message": _text(event.data, "message")},
    )


_READERS: Mapping[str, _Reader] = MappingProxyType(
    {
        "inspection.v1": _inspection,
        "disposition.v1": _disposition,
        "review.v1": _review,
        "rate.v1": _rate,
        "chart_signal.v1": _chart_signal,
        "hold.v1": _hold,
        "order.v1": _order,
        "proposal.v1": _proposal,
        "job.v1": _job,
        "deployment.v1": _deployment,
        "station.v1": _station,
        "station_state.v1": _station_state,
        "image_alarm.v1": _image_alarm,
        "drift_alarm.v1": _drift_alarm,
    }
)


def _found(data: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        data = data.get(name) if isinstance(data, Mapping) else None
    return data


def _text(data: Any, *path: str) -> str | None:
    found = _found(data, path)
    return found if isinstance(found, str) else None


def _flag(data: Any, *path: str) -> bool | None:
    found = _found(data, path)
    return found if isinstance(found, bool) else None


def _whole(data: Any, *path: str, bits: int = 64) -> int | None:
    found = _found(data, path)
    if not isinstance(found, int) or isinstance(found, bool) or abs(found) > _LARGEST[bits]:
        return None
    return found


def _number(data: Any, *path: str) -> float | None:
    found = _found(data, path)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def _instant(data: Any, *path: str) -> datetime | None:
    found = _text(data, *path)
    try:
        instant = None if found is None else datetime.fromisoformat(found)
    except ValueError:
        return None
    return instant if instant is not None and instant.tzinfo is not None else None
