"""The whole life of an edge node on a real mosquitto, read by Eclipse Tahu's decoder."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker_ear import BrokerEar, broker_ear
from lineside.inspection.verdict import Verdict
from lineside.serving.delivery.errors import ConnectionLost, SendAgainFrom, TryAgain
from lineside.serving.delivery.kinds import SINK_KINDS
from lineside.serving.delivery.sparkplug.edge_node import REBIRTH
from lineside.serving.delivery.sparkplug.payload import DataType, Metric, encode
from lineside.serving.delivery.sparkplug.settings import SparkplugSettings
from lineside.serving.delivery.sparkplug.sink import SparkplugSink
from lineside.serving.ledger import Event
from mosquitto import Mosquitto, running_mosquitto
from sink_scene import SinkScene, sink_scene
from sparkplug_host import Seen, SparkplugHost, sparkplug_host

pytestmark = pytest.mark.system

NODE = "spBv1.0/plant-1/{}/line-1"


@pytest.fixture(scope="module")
def host() -> Iterator[SparkplugHost]:
    with sparkplug_host() as host:
        yield host


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[SinkScene]:
    with sink_scene(tmp_path, name="line-1") as scene:
        yield scene


def sink_of(scene: SinkScene, port: int, **more: Any) -> SparkplugSink:
    settings = SparkplugSettings(name="line-1", kind="sparkplug", host="127.0.0.1", port=port, timeout_s=5.0, **more)
    sink = SINK_KINDS["sparkplug"].build(settings, scene.context)
    assert isinstance(sink, SparkplugSink)
    return sink


class Runner:
    """The loop of delivery at its plainest: in order, again from where the sink asks, opened again when it was lost."""

    def __init__(self, sink: SparkplugSink, scene: SinkScene, *, position: int) -> None:
        self.sink = sink
        self.scene = scene
        self.position = position

    async def deliver_all(self) -> None:
        """Everything up to the ledger's head; raises when the broker is not there."""
        await self.scene.context.lines.refresh()
        while events := self.scene.after(self.position):
            try:
                await self.sink.deliver(events[0])
            except SendAgainFrom as wish:
                self.position = wish.sequence - 1
            except ConnectionLost:
                await self.sink.close()
                await self.sink.open()
            else:
                self.position = events[0].sequence


async def heard_by(ear: BrokerEar, host: SparkplugHost, count: int, kind: str) -> tuple[Seen, ...]:
    """Wait until so many messages of a type came."""
    heard = await asyncio.to_thread(
        ear.wait_for,
        lambda all_: sum(f"/{kind}/" in one.topic for one in all_) >= count,
        f"{count} {kind}",
    )
    return host.decode(heard)


def rebirth_command(scene: SinkScene) -> bytes:
    now = scene.clock.now()
    return encode((Metric(DataType.BOOLEAN, value=True, at=now, name=REBIRTH, states_datatype=True),), at=now, seq=None)


def test_tck_id_payloads_a_full_life_birth_data_outage_history_rebirth_death(
    tmp_path: Path, scene: SinkScene, host: SparkplugHost
) -> None:
    (tmp_path / "broker").mkdir()
    start = scene.judge().sequence
    with running_mosquitto(tmp_path / "broker") as broker:

        async def live() -> tuple[Seen, ...]:
            runner = Runner(sink_of(scene, broker.port), scene, position=start)
            with broker_ear(broker.port) as ear:
                await runner.sink.open()
                for verdict in (Verdict.OK, Verdict.NG):
                    scene.judge(verdict, classes=("dent",) if verdict is Verdict.NG else ())
                    await runner.deliver_all()
                before = await heard_by(ear, host, 2, "DDATA")
            broker.stop()
            for _ in range(3):
                scene.judge(Verdict.OK, station="aoi-2")
            with pytest.raises(TryAgain):
                await runner.deliver_all()
            broker.start()
            with broker_ear(broker.port) as ear:
                await runner.sink.close()
                await runner.sink.open()
                scene.judge(Verdict.NG, station="aoi-2", classes=("dent",))
                await runner.deliver_all()
                await heard_by(ear, host, 6, "DDATA")
                ear.say(NODE.format("NCMD"), rebirth_command(scene), qos=0)
                await heard_by(ear, host, 2, "NBIRTH")
                await heard_by(ear, host, 4, "DBIRTH")
                await runner.sink.close()
                after = await heard_by(ear, host, 1, "NDEATH")
            return before + after

        life = asyncio.run(live())
    assert [(one.type, one.device) for one in life] == [
        ("NBIRTH", None), ("DBIRTH", "aoi-1"), ("DBIRTH", "aoi-2"), ("DDATA", "aoi-1"), ("DDATA", "aoi-1"),
        ("NBIRTH", None), ("DBIRTH", "aoi-1"), ("DBIRTH", "aoi-2"),
        *[("DDATA", "aoi-1")] * 2, *[("DDATA", "aoi-2")] * 4,
        ("NBIRTH", None), ("DBIRTH", "aoi-1"), ("DBIRTH", "aoi-2"),
        ("NDEATH", None),
    ]  # fmt: skip
    assert [one.seq for one in life] == [0, 1, 2, 3, 4, *range(9), 0, 1, 2, None]
    births = [one for one in life if one.type == "NBIRTH"]
    assert [one.named("bdSeq")["value"] for one in births] == [0, 1, 1]
    assert life[-1].named("bdSeq")["value"] == 1

    told = [
        (device, metric["value"], bool(metric.get("isHistorical")))
        for device, name, metric in host.readings(life)
        if name == "Part/Id"
    ]
    assert told == [
        ("aoi-1", "P00002", False),
        ("aoi-1", "P00003", False),
        ("aoi-1", "P00002", True),  # the overlap: the broker had not proved that it has them
        ("aoi-1", "P00003", True),
        ("aoi-2", "P00004", True),
        ("aoi-2", "P00005", True),
        ("aoi-2", "P00006", True),
        ("aoi-2", "P00007", False),
    ]
