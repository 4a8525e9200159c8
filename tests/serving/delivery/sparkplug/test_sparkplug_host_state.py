"""The primary host's comings and goings (specification 3.0, 5.4 and 5.5), on a real mosquitto."""

import asyncio

import pytest

from broker_ear import BrokerEar, broker_ear
from lineside.serving.delivery.errors import ConnectionLost, TryAgain
from mosquitto import Mosquitto
from sink_scene import SinkScene
from sparkplug_host import SparkplugHost, offline, online
from sparkplug_scene import PlainRunner, seen_by, sparkplug_sink

pytestmark = pytest.mark.system

SOON = {"host_patience_s": 0.2}


def births(ear: BrokerEar) -> int:
    return sum("/NBIRTH/" in one.topic for one in ear.heard)


def test_tck_id_message_flow_edge_node_birth_publish_phid_wait(
    broker: Mosquitto, scene: SinkScene, host: SparkplugHost
) -> None:
    """Nothing is said before the host says online; events wait, and the connection stays."""

    async def run(ear: BrokerEar) -> None:
        sink = sparkplug_sink(scene, broker.port, primary_host="MES-1", **SOON)
        event = scene.judge()
        await sink.open()
        with pytest.raises(TryAgain, match="primary host") as waiting:
            await sink.deliver(event)
        assert not isinstance(waiting.value, ConnectionLost)
        assert births(ear) == 0
        online(ear, "MES-1", 1_000)
        await seen_by(ear, host, 2, "DBIRTH")
        await sink.deliver(event)
        seen = await seen_by(ear, host, 1, "DDATA")
        assert [one.type for one in seen] == ["NBIRTH", "DBIRTH", "DBIRTH", "DDATA"]
        assert seen[0].named("bdSeq")["value"] == 0
        await sink.close()

    with broker_ear(broker.port, "spBv1.0/#") as ear:
        asyncio.run(run(ear))


def test_tck_id_message_flow_edge_node_birth_publish_phid_wait_id(broker: Mosquitto, scene: SinkScene) -> None:
    """Another host's word counts nothing."""

    async def run(ear: BrokerEar) -> None:
        sink = sparkplug_sink(scene, broker.port, primary_host="MES-2", **SOON)
        await sink.open()
        online(ear, "MES-22", 1_000)
        with pytest.raises(TryAgain, match="MES-2"):
            await sink.idle()
        assert births(ear) == 0
        await sink.close()

    with broker_ear(broker.port, "spBv1.0/plant-1/#") as ear:
        asyncio.run(run(ear))


def test_tck_id_message_flow_edge_node_birth_publish_phid_wait_online(
    broker: Mosquitto, scene: SinkScene, host: SparkplugHost
) -> None:
    """Only a boolean true with a timestamp is a host that is there; the word of version 2 is passed over."""

    async def run(ear: BrokerEar) -> None:
        ear.say("spBv1.0/STATE/MES-3", b"ONLINE", retain=True)
        sink = sparkplug_sink(scene, broker.port, primary_host="MES-3", **SOON)
        await sink.open()
        with pytest.raises(TryAgain, match="MES-3"):
            await sink.idle()
        offline(ear, "MES-3", 1)
        with pytest.raises(TryAgain, match="MES-3"):
            await sink.idle()
        assert births(ear) == 0
        online(ear, "MES-3", 2)
        await seen_by(ear, host, 2, "DBIRTH")
        await sink.close()

    with broker_ear(broker.port, "spBv1.0/#") as ear:
        asyncio.run(run(ear))


def test_tck_id_message_flow_edge_node_birth_publish_phid_offline(
    broker: Mosquitto, scene: SinkScene, host: SparkplugHost
) -> None:
    """The host goes: NDEATH, DISCONNECT; it comes back: another session, the next bdSeq, and history."""

    async def run(ear: BrokerEar) -> None:
        online(ear, "MES-4", 1_000)
        runner = PlainRunner(sparkplug_sink(scene, broker.port, primary_host="MES-4", **SOON), scene, position=0)
        await runner.sink.open()
        await seen_by(ear, host, 2, "DBIRTH")
        runner.position = scene.judge().sequence - 1
        await runner.deliver_all()
        await runner.sink.idle()  # proved
        offline(ear, "MES-4", 2_000)
        seen = await seen_by(ear, host, 1, "NDEATH")
        assert seen[-1].named("bdSeq")["value"] == 0
        left = scene.judge()
        with pytest.raises(ConnectionLost):
            await runner.sink.deliver(left)
        await runner.sink.close()
        await runner.sink.open()
        with pytest.raises(TryAgain, match="primary host"):
            await runner.sink.idle()
        online(ear, "MES-4", 3_000)
        await seen_by(ear, host, 2, "NBIRTH")
        await runner.deliver_all()
        seen = await seen_by(ear, host, 2, "DDATA")
        await runner.sink.close()
        again = [one for one in seen if one.type == "NBIRTH"]
        assert [one.named("bdSeq")["value"] for one in again] == [0, 1]
        assert all(metric["isHistorical"] for metric in seen[-1].metrics)

    with broker_ear(broker.port, "spBv1.0/#") as ear:
        asyncio.run(run(ear))
    log = broker.log.read_text()
    assert "disconnected." in log  # a DISCONNECT packet: mosquitto's word for it


def test_tck_id_operational_behavior_edge_node_termination_host_offline_timestamp(
    broker: Mosquitto, scene: SinkScene, host: SparkplugHost
) -> None:
    """An offline of before the last online ends nothing; one of the same millisecond does."""

    async def run(ear: BrokerEar) -> None:
        online(ear, "MES-5", 5_000)
        sink = sparkplug_sink(scene, broker.port, primary_host="MES-5", **SOON)
        await sink.open()
        await seen_by(ear, host, 2, "DBIRTH")
        offline(ear, "MES-5", 4_999)
        for _ in range(2):  # the broker passed the STATE on before it answers
            await sink.deliver(scene.judge())
            await sink.idle()
        offline(ear, "MES-5", 5_000)
        seen = await seen_by(ear, host, 1, "NDEATH")
        assert [one.type for one in seen].count("DDATA") == 2
        await sink.close()

    with broker_ear(broker.port, "spBv1.0/#") as ear:
        asyncio.run(run(ear))


def test_a_host_whose_clock_once_ran_ahead_is_believed_again_after_a_reconnection(
    broker: Mosquitto, scene: SinkScene, host: SparkplugHost
) -> None:
    async def run(ear: BrokerEar) -> None:
        online(ear, "MES-6", 9_999_999_999_999)
        sink = sparkplug_sink(scene, broker.port, primary_host="MES-6", **SOON)
        await sink.open()
        await seen_by(ear, host, 2, "DBIRTH")
        await sink.close()
        online(ear, "MES-6", 1_000)
        await sink.open()
        await seen_by(ear, host, 4, "DBIRTH")
        await sink.close()

    with broker_ear(broker.port, "spBv1.0/#") as ear:
        asyncio.run(run(ear))
