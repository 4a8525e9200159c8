"""Nothing is lost on a line that flaps: both MQTT kinds under delivery's own loop, on a real mosquitto."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from broker_ear import BrokerEar, broker_ear
from cut_line import CutLine, cut_line
from lineside.client import Backoff
from lineside.inspection.verdict import Verdict
from lineside.serving.delivery.desk import SinkDescription
from lineside.serving.delivery.event_log import LedgerTail
from lineside.serving.delivery.filters import EventFilter
from lineside.serving.delivery.kinds import SINK_KINDS
from lineside.serving.delivery.mqtt.settings import MqttSettings
from lineside.serving.delivery.runner import RunnerLimits, SinkRunner
from lineside.serving.delivery.sinks import Sink
from lineside.serving.ledger import Event
from mosquitto import Mosquitto, running_mosquitto
from scripted_sink import MemoryDesk
from sink_scene import SinkScene, sink_scene
from sparkplug_host import SparkplugHost, sparkplug_host
from sparkplug_scene import sparkplug_sink

pytestmark = pytest.mark.system

_PATIENCE_S = 30.0


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with running_mosquitto(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture(scope="module")
def host() -> Iterator[SparkplugHost]:
    with sparkplug_host() as host:
        yield host


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[SinkScene]:
    with sink_scene(tmp_path) as scene:
        yield scene


async def deliver_over_a_flapping_line(
    scene: SinkScene, broker: Mosquitto, sink_at: Callable[[int], Sink], *, cuts: int
) -> None:
    """Judge parts while the line dies, is cut and is mended; return when the cursor is at the head."""
    desk = MemoryDesk()
    limits = RunnerLimits(
        backoff=Backoff(first_s=0.02, longest_s=0.1), idle_every_s=0.05, report_every_s=0.02, person_wait_s=0.1
    )
    tail = LedgerTail(scene.context.ledger, poll_s=0.01)
    async with cut_line(broker.port) as line:
        sink = sink_at(line.port)
        runner = SinkRunner(
            sink,
            SinkDescription("broker", "mqtt", sink.proof, {}, "beginning"),
            wanted=EventFilter(),
            desk=desk,
            log=tail,
            lines=scene.context.lines,
            clock=scene.clock,
            limits=limits,
        )
        following = asyncio.create_task(tail.follow())
        running = asyncio.create_task(runner.run())
        try:
            for _ in range(cuts):
                await judge_some(scene)
                await until_at_head(scene, desk)
                await flap(scene, line)
            await judge_some(scene)
            await until_at_head(scene, desk)
        finally:
            runner.stop()
            await running
            following.cancel()


async def judge_some(scene: SinkScene) -> None:
    for number in range(12):
        verdict = Verdict.NG if number % 5 == 0 else Verdict.OK
        await asyncio.to_thread(scene.judge, verdict, station=f"aoi-{1 + number % 2}")


async def flap(scene: SinkScene, line: CutLine) -> None:
    """The line dies silently with parts coming, then is cut, then is mended."""
    line.go_dead()
    await judge_some(scene)
    line.cut()
    await judge_some(scene)
    line.mend()


async def until_at_head(scene: SinkScene, desk: MemoryDesk) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while desk.orders.position < scene.ledger.last_sequence:  # noqa: ASYNC110 - the desk tells nobody
            await asyncio.sleep(0.01)


def check_arrivals(scene: SinkScene, arrived: list[tuple[str, str]]) -> None:
    """Everything is there, and each station's first arrivals are in the order of the log.

    Args:
        scene: whose ledger says what must be there.
        arrived: (station, event id) in the order of arrival.
    """
    written: list[Event] = [event for event in scene.after(0) if event.type == "inspection.v1"]
    for station in ("aoi-1", "aoi-2"):
        first_arrivals = list(dict.fromkeys(id_ for at, id_ in arrived if at == station))
        assert first_arrivals == [event.id for event in written if event.station == station]
    assert len(arrived) >= len(written)


def ids_of_json(ear: BrokerEar) -> list[tuple[str, str]]:
    return [(one.topic.split("/")[3], json.loads(one.payload)["id"]) for one in ear.heard]


def test_plain_mqtt_loses_nothing_and_keeps_each_stations_order(broker: Mosquitto, scene: SinkScene) -> None:
    def sink_at(port: int) -> Sink:
        settings = MqttSettings(name="broker", kind="mqtt", host="127.0.0.1", port=port, timeout_s=2.0)
        return SINK_KINDS["mqtt"].build(settings, scene.context)

    with broker_ear(broker.port, "lineside/#") as ear:
        asyncio.run(deliver_over_a_flapping_line(scene, broker, sink_at, cuts=3))
        ear.wait_for(lambda _: len(set(ids_of_json(ear))) == scene.parts, "every event")
        check_arrivals(scene, ids_of_json(ear))


def test_sparkplug_loses_nothing_tells_history_in_order_and_says_again_only_what_was_not_proved(
    broker: Mosquitto, scene: SinkScene, host: SparkplugHost
) -> None:
    """At quality 0, over a line that swallowed what the operating system took: the hardest of outages."""

    def arrived(ear: BrokerEar) -> list[tuple[str, str]]:
        told = host.readings(host.decode(ear.heard))
        return [(str(device), metric["value"]) for device, name, metric in told if name == "Event/Id"]

    def sink_at(port: int) -> Sink:
        return sparkplug_sink(scene, port, timeout_s=2.0)

    with broker_ear(broker.port, "spBv1.0/#") as ear:
        asyncio.run(deliver_over_a_flapping_line(scene, broker, sink_at, cuts=3))
        ear.wait_for(lambda _: len(set(arrived(ear))) == scene.parts, "every event")
        check_arrivals(scene, arrived(ear))
        seen = host.decode(ear.heard)
    sequence: int | None = None
    for message in seen:  # a strict host: no gap within a session
        if message.type == "NDEATH":
            sequence = None
            continue
        assert message.seq == (0 if message.type == "NBIRTH" else (sequence or 0) + 1), message.topic
        sequence = message.seq
    numbers = [one.named("bdSeq")["value"] for one in seen if one.type == "NBIRTH"]
    assert numbers == sorted(set(numbers))
