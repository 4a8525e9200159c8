"""The plain JSON mode against a real mosquitto, read by others: paho as listener, the cloudevents library as reader."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured
from cloudevents.core.formats.json import JSONFormat

from broker_ear import broker_ear
from lineside.inspection.verdict import Verdict
from lineside.serving.delivery.errors import TryAgain
from lineside.serving.delivery.kinds import SINK_KINDS
from lineside.serving.delivery.mqtt.settings import MqttSettings
from lineside.serving.delivery.mqtt.sink import MqttSink
from lineside.serving.delivery.sinks import Proof
from mosquitto import Mosquitto, running_mosquitto
from sink_scene import SinkScene, sink_scene

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with running_mosquitto(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[SinkScene]:
    with sink_scene(tmp_path) as scene:
        yield scene


def sink_of(scene: SinkScene, port: int, **more: Any) -> MqttSink:
    settings = MqttSettings(name="broker", kind="mqtt", host="127.0.0.1", port=port, **more)
    sink = SINK_KINDS["mqtt"].build(settings, scene.context)
    assert isinstance(sink, MqttSink)
    return sink


def test_each_event_is_a_cloud_event_on_its_stations_topic(broker: Mosquitto, scene: SinkScene) -> None:
    events = (scene.judge(), scene.judge(Verdict.NG, station="aoi-2", classes=("dent",)))

    async def deliver() -> None:
        sink = sink_of(scene, broker.port)
        await sink.open()
        await scene.context.lines.refresh()
        for event in events:
            await sink.deliver(event)
        await sink.close()

    with broker_ear(broker.port, "lineside/#") as ear:
        asyncio.run(deliver())
        heard = ear.wait_for(lambda all_: len(all_) == 2, "two events")
    assert [one.topic for one in heard] == [
        "lineside/plant-1/line-1/aoi-1/inspection",
        "lineside/plant-1/line-1/aoi-2/inspection",
    ]
    assert [(one.qos, one.retain) for one in heard] == [(1, False)] * 2
    read = [from_structured(HTTPMessage({}, one.payload), JSONFormat()) for one in heard]
    assert [(one.get_id(), one.get_type()) for one in read] == [
        (event.id, "org.lineside.inspection.v1") for event in events
    ]
    assert [one.get_data() for one in read] == [event.data for event in events]


def test_a_retained_topic_tells_the_last_event_to_whoever_comes_later(broker: Mosquitto, scene: SinkScene) -> None:
    async def deliver() -> None:
        sink = sink_of(scene, broker.port, topic="retained/{station}/{type}", retain=True)
        await sink.open()
        await sink.deliver(scene.judge())
        await sink.deliver(scene.judge(Verdict.NG))
        await sink.close()

    asyncio.run(deliver())
    with broker_ear(broker.port, "retained/#") as ear:
        heard = ear.wait_for(bool, "the retained event")
    assert [json.loads(one.payload)["data"]["part_id"] for one in heard] == ["P00002"]
    assert heard[0].retain


def test_a_broker_that_went_away_is_no_proof_and_the_event_goes_again_with_the_same_id(
    tmp_path: Path, scene: SinkScene
) -> None:
    (tmp_path / "broker").mkdir()
    event = scene.judge()
    with running_mosquitto(tmp_path / "broker") as broker:

        async def deliver() -> None:
            sink = sink_of(scene, broker.port, timeout_s=5.0)
            await sink.open()
            await sink.deliver(event)
            broker.stop()
            with pytest.raises(TryAgain):
                await sink.deliver(event)
            with pytest.raises(TryAgain, match="cannot be reached"):
                await sink.open()
            broker.start()
            await sink.open()
            with broker_ear(broker.port, "lineside/#") as ear:
                await sink.deliver(event)
                heard = ear.wait_for(bool, "the event again")
            assert json.loads(heard[0].payload)["id"] == event.id
            await sink.close()

        asyncio.run(deliver())


def test_stations_are_published_side_by_side(broker: Mosquitto, scene: SinkScene) -> None:
    events = [scene.judge(station=f"s-{number}") for number in range(16)]

    async def deliver() -> None:
        sink = sink_of(scene, broker.port)
        await sink.open()
        assert (sink.lanes, sink.proof) == (len(events), Proof.HANDED_OVER)
        await asyncio.gather(*(sink.deliver(event) for event in events))
        await sink.close()

    with broker_ear(broker.port, "lineside/#") as ear:
        asyncio.run(deliver())
        heard = ear.wait_for(lambda all_: len(all_) == len(events), "every event")
    assert {json.loads(one.payload)["id"] for one in heard} == {event.id for event in events}


def test_an_event_of_no_station_has_a_level_of_its_own(broker: Mosquitto, scene: SinkScene) -> None:
    event = scene.happen("deployment.v1", {"state": "accepted"}, station=None)

    async def deliver() -> None:
        sink = sink_of(scene, broker.port)
        await sink.open()
        await sink.deliver(event)
        await sink.close()

    with broker_ear(broker.port, "lineside/#") as ear:
        asyncio.run(deliver())
        assert ear.wait_for(bool, "the deployment")[0].topic == "lineside/plant-1/-/-/deployment"


def test_a_check_leaves_the_running_sink_alone(broker: Mosquitto, scene: SinkScene) -> None:
    async def deliver() -> None:
        sink = sink_of(scene, broker.port)
        await sink.open()
        await sink_of(scene, broker.port).check()
        await sink.deliver(scene.judge())
        await sink.close()

    asyncio.run(deliver())
