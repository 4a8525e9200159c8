"""The whole life of an edge node on a real mosquitto, read by Eclipse Tahu's decoder."""

import asyncio
from pathlib import Path

import pytest

from broker_ear import broker_ear
from lineside.inspection.verdict import Verdict
from lineside.serving.delivery.errors import TryAgain
from mosquitto import running_mosquitto
from sink_scene import SinkScene
from sparkplug_host import Seen, SparkplugHost
from sparkplug_scene import PlainRunner, command, seen_by, sparkplug_sink

pytestmark = pytest.mark.system

NODE = "spBv1.0/plant-1/{}/line-1"


def test_tck_id_payloads_a_full_life_birth_data_outage_history_rebirth_death(
    tmp_path: Path, scene: SinkScene, host: SparkplugHost
) -> None:
    (tmp_path / "broker").mkdir()
    start = scene.judge().sequence
    with running_mosquitto(tmp_path / "broker") as broker:

        async def live() -> tuple[Seen, ...]:
            runner = PlainRunner(sparkplug_sink(scene, broker.port), scene, position=start)
            with broker_ear(broker.port) as ear:
                await runner.sink.open()
                for verdict in (Verdict.OK, Verdict.NG):
                    scene.judge(verdict, classes=("dent",) if verdict is Verdict.NG else ())
                    await runner.deliver_all()
                before = await seen_by(ear, host, 2, "DDATA")
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
                await seen_by(ear, host, 6, "DDATA")
                ear.say(NODE.format("NCMD"), command(scene), qos=0)
                await seen_by(ear, host, 2, "NBIRTH")
                await seen_by(ear, host, 4, "DBIRTH")
                await runner.sink.close()
                after = await seen_by(ear, host, 1, "NDEATH")
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
