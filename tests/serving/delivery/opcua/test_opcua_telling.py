"""What clients see and hear of each event; one server for all, looked at from inside."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from asyncua import Server, ua
from sqlalchemy import insert

from lineside.serving.clock import ManualClock
from lineside.serving.delivery.opcua.line_server import LineServer
from lineside.serving.delivery.opcua.states import StationStates
from lineside.serving.ledger import Event, Transaction
from lineside.serving.ledger.tables import stations
from lineside.serving.signals.schemas import ImageAlarmTold, StateName, StationStateTold
from opcua_line import opcua_settings, write_opcua_files
from told_events import NOON, sink_context, told

T = TypeVar("T")

EVENT_TYPES = {"StateChanged": 1018, "Error": 1019, "ErrorResolved": 1020, "JobStarted": 1013, "Ready": 1023}


@dataclass
class Inside:
    """A started server and what its subscriber hears."""

    line: LineServer
    server: Server
    loop: asyncio.AbstractEventLoop
    heard: list[Any] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    count: int = 100
    marks: int = 0

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(240.0)

    def tell(self, *events: Event) -> list[Any]:
        """Tell events; gives what was heard of them, which is all that comes before a last one."""
        self.heard.clear()
        self.marks += 1
        mark = f"mark-{self.marks}"
        data = {"state": "started", "job": {"id": mark}}

        async def all_told() -> None:
            for event in (*events, told(1_000_000 + self.marks, type="job.v1", data=data)):
                await self.line.tell(event)
            async with asyncio.timeout(60.0):
                while not any(self._is_mark(event, mark) for event in self.heard):
                    self.news.clear()
                    await self.news.wait()

        self.run(all_told())
        return [event for event in self.heard if not self._is_mark(event, mark)]

    def happen(self, kind: str, data: Mapping[str, Any], *, station: str | None = "aoi-1") -> list[Any]:
        """Tell an event of now; gives what was heard of it."""
        self.count += 1
        return self.tell(told(self.count, type=kind, station=station, data=data))

    def _is_mark(self, event: Any, mark: str) -> bool:
        return bool(getattr(event, "JobId", None) == ua.JobIdDataType(Id=mark))

    def value(self, name: str, *, station: str = "aoi-1") -> Any:
        node = self.server.get_node(ua.NodeId(f"{station}.{name}", 4))
        return self.run(node.read_data_value(raise_on_bad_status=False))

    def event_notification(self, event: Any) -> None:
        self.heard.append(event)
        self.news.set()


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    folder = tmp_path_factory.mktemp("opcua")
    write_opcua_files(folder)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    with sink_context(folder, clock=ManualClock(NOON)) as context:
        rows = [
            {"id": station, "plant": "plant-1", "name": station, "line": "line-1", "digest_required": True}
            | {"settings": {}, "updated_at": NOON}
            for station in ("aoi-1", "aoi-2")
        ]
        context.ledger.write_blocking(lambda transaction: transaction.connection.execute(insert(stations), rows))
        context.ledger.write_blocking(_have_a_past)
        starting = LineServer.start(opcua_settings(), context, application_uri="urn:test:lineside")
        line = asyncio.run_coroutine_threadsafe(starting, loop).result(240.0)
        made = Inside(line, line._server, loop)
        made.run(_listen(made))
        yield made
        made.run(line.stop())
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def _have_a_past(transaction: Transaction) -> None:
    """What aoi-2 was told before the server starts: an order that is done stays in force, a signal is two stations'."""
    context = {"order_id": "WO-1", "product": "BRD", "lot": None}
    for state in ("in_force", "done", "refused"):
        data = {"state": state, "context": context | {"order_id": "WO-2" if state == "refused" else "WO-1"}}
        transaction.append_event("order.v1", station="aoi-2", occurred_at=NOON, data=data)
    signal = {"stations": ["aoi-2", "aoi-4"], "message": "above the limit", "point": {"end": NOON.isoformat()}}
    transaction.append_event("chart_signal.v1", station=None, occurred_at=NOON, data=signal)


async def _listen(inside: Inside) -> None:
    subscription = await inside.server.create_subscription(10, inside)
    types = [inside.server.get_node(ua.NodeId(number, 2)) for number in EVENT_TYPES.values()]
    await subscription.subscribe_events(inside.server.get_node(ua.NodeId("aoi-1", 4)), types)


def _state(state: StateName, why: str) -> dict[str, Any]:
    told_state = StationStateTold(station="aoi-1", line="line-1", state=state, previous=None, since=NOON, why=why)
    return told_state.model_dump(mode="json")


def _names(heard: list[Any]) -> list[str]:
    kinds = {ua.NodeId(number, 2): name for name, number in EVENT_TYPES.items()}
    return [kinds[event.EventType] for event in heard]


def test_what_nobody_knows_yet_says_so(inside: Inside) -> None:
    assert inside.value("Quality.DefectRate", station="aoi-2").StatusCode.name == "BadWaitingForInitialData"
    assert inside.value("Quality.IsHeld", station="aoi-2").Value.Value is False
    mode = "VisionStateMachine.AutomaticModeStateMachine.CurrentState"
    assert inside.value(mode, station="aoi-2").StatusCode.name == "BadStateNotActive"
    assert inside.value("VisionStateMachine.CurrentState", station="aoi-2").Value.Value.Text == "Preoperational"


def test_a_server_that_starts_shows_what_was_told_before(inside: Inside) -> None:
    assert inside.value("Quality.OrderId", station="aoi-2").Value.Value == "WO-1"
    assert inside.value("Quality.InControl", station="aoi-2").Value.Value is False
    assert inside.value("Quality.ChartSignal", station="aoi-2").Value.Value == "above the limit"
    assert inside.value("Quality.InControl").StatusCode.name == "BadWaitingForInitialData"


def test_a_change_of_state_takes_the_standards_transitions(inside: Inside) -> None:
    heard = inside.happen("station_state.v1", _state(StateName.CONTINUOUS_EXECUTION, "parts come"))
    assert _names(heard) == ["StateChanged"] * 3
    assert [event.Transition.Text for event in heard] == [
        "PreoperationalToOperationalAuto",
        "InitializedToReadyAuto",
        "ReadyToContinuousExecutionAuto",
    ]
    assert inside.value("VisionStateMachine.CurrentState").Value.Value.Text == "Operational"
    assert inside.value("VisionStateMachine.CurrentState.Id").Value.Value == ua.NodeId(5031, 2)
    assert inside.happen("station_state.v1", _state(StateName.CONTINUOUS_EXECUTION, "still")) == []


def test_an_error_is_told_and_so_is_its_end(inside: Inside) -> None:
    heard = inside.happen("station_state.v1", _state(StateName.ERROR, "the lamp is dark"))
    assert _names(heard) == ["StateChanged", "Error"]
    assert heard[-1].Message.Text == "the lamp is dark"
    assert inside.value("Quality.StateReason").Value.Value == "the lamp is dark"
    heard = inside.happen("station_state.v1", _state(StateName.HALTED, "held"))
    assert _names(heard) == ["StateChanged", "ErrorResolved"]


def test_every_state_is_reached_from_every_other(inside: Inside) -> None:
    for before in StateName:
        for after in StateName:
            for state in (before, after):
                inside.count += 1
                inside.run(inside.line.tell(told(inside.count, type="station_state.v1", data=_state(state, "next"))))
            assert inside.value("Quality.State").Value.Value == after.value
    inside.tell()


def test_a_job_is_told_at_both_ends(inside: Inside) -> None:
    heard = inside.happen("job.v1", {"state": "started", "job": {"id": "J-1"}})
    heard += inside.happen("job.v1", {"state": "done", "job": {"id": "J-1"}})
    assert _names(heard) == ["JobStarted", "Ready"]
    assert [event.JobId.Id for event in heard] == ["J-1", "J-1"]


def test_the_same_event_again_has_the_same_id(inside: Inside) -> None:
    event = told(900, type="job.v1", data={"state": "started", "job": {"id": "J-2"}})
    first, second = inside.tell(event, event)
    assert first.EventId == second.EventId


def test_an_old_event_sent_again_is_announced_and_changes_nothing_that_is_shown(inside: Inside) -> None:
    held = told(1_910, type="hold.v1", data={"state": "held", "reason": "burrs"})
    ready = told(1_911, type="station_state.v1", data=_state(StateName.READY, "no part"))
    released = told(1_912, type="hold.v1", data={"state": "released", "reason": "burrs"})
    error = told(1_913, type="station_state.v1", data=_state(StateName.ERROR, "dark"))
    inside.tell(held, ready, released, error)
    job = told(1_909, type="job.v1", data={"state": "started", "job": {"id": "J-0"}})
    assert _names(inside.tell(held, ready, job)) == ["JobStarted"]
    assert inside.value("Quality.IsHeld").Value.Value is False
    assert inside.value("Quality.State").Value.Value == "error"
    assert inside.value("VisionStateMachine.CurrentState").Value.Value.Text == "Error"
    inside.count = 1_913


def test_the_rate_is_shown_with_its_interval_and_control_returns_with_the_next_good_window(inside: Inside) -> None:
    rate = {"point": 0.02, "lower": 0.01, "upper": 0.05, "confidence": 0.95}
    figures = {"inspected": 500, "not_inspected": 3, "rate": rate, "detector_rate": {"estimate": 0.03}}
    window = {"start": "2026-01-02T10:00:00Z", "end": "2026-01-02T11:00:00Z", "product": "BRD", "figures": figures}
    inside.happen("rate.v1", window)
    assert inside.value("Quality.DefectRate").Value.Value == 0.02
    assert inside.value("Quality.DefectRateUpper").Value.Value == 0.05
    assert inside.value("Quality.InControl").Value.Value is True
    signal = {"stations": ["aoi-1", "aoi-2"], "message": "above the limit", "point": {"end": window["end"]}}
    inside.happen("chart_signal.v1", signal, station=None)
    for station in ("aoi-1", "aoi-2"):
        assert inside.value("Quality.InControl", station=station).Value.Value is False
    inside.happen("rate.v1", window)
    assert inside.value("Quality.InControl").Value.Value is False
    inside.happen(
        "rate.v1", window | {"end": "2026-01-02T12:00:00Z", "figures": figures | {"rate": rate | {"point": None}}}
    )
    assert inside.value("Quality.InControl").Value.Value is True
    assert inside.value("Quality.DefectRate").StatusCode.name == "BadNoDataAvailable"
    inside.happen("rate.v1", window)  # told again, with parts that were handed in late
    assert inside.value("Quality.WindowEnd").Value.Value.hour == 12


def test_unfit_pictures_are_shown_until_they_are_fit_again(inside: Inside) -> None:
    alarm = ImageAlarmTold(
        id="A", station="aoi-1", state="raised", since=NOON, in_a_row=5, unfit=5, parts=5,
        reasons={}, inspection_ids=(), message="5 dark pictures in a row",
    )  # fmt: skip
    inside.happen("image_alarm.v1", alarm.model_dump(mode="json"))
    assert inside.value("Quality.ImagesFit").Value.Value is False
    assert inside.value("Quality.ImageAlarm").Value.Value == "5 dark pictures in a row"
    inside.happen("image_alarm.v1", alarm.model_copy(update={"state": "cleared"}).model_dump(mode="json"))
    assert inside.value("Quality.ImagesFit").Value.Value is True


def test_a_station_that_is_enrolled_later_gets_its_nodes(inside: Inside) -> None:
    inside.happen("hold.v1", {"state": "held", "reason": "first parts"}, station="aoi-3")
    assert inside.value("Quality.HoldReason", station="aoi-3").Value.Value == "first parts"
    assert isinstance(inside.line._systems["aoi-3"].states, StationStates)
