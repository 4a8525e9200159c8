"""Births, commands, deaths and new stations of an edge node on a real mosquitto."""

import asyncio

import pytest

from broker_ear import BrokerEar, broker_ear
from lineside.inspection.verdict import Verdict
from lineside.serving.delivery.errors import SendAgainFrom
from mosquitto import Mosquitto
from sink_scene import SinkScene
from sparkplug_host import Seen, SparkplugHost
from sparkplug_scene import PlainRunner, command, seen_by, sparkplug_sink

pytestmark = pytest.mark.system

NODE = "spBv1.0/plant-1/{}/line-1"


def values(seen: Seen) -> dict[str, object]:
    return {metric["name"]: metric["value"] for metric in seen.metrics}


def test_tck_id_operational_behavior_data_publish_dbirth_values(
    broker: Mosquitto, scene: SinkScene, host: SparkplugHost
) -> None:
    """A birth carries present values, whatever came before the process began: counts, last part, hold, order, rate."""
    scene.judge()
    last = scene.judge(Verdict.NG, classes=("dent", "crack"))
    scene.happen("hold.v1", {"station": "aoi-1", "state": "held", "reason": "look", "changed_by": "Kim"})
    context = {"product": "BRD", "order_id": "O-7", "lot": "L1", "recipe": None}
    scene.happen("order.v1", {"station": "aoi-1", "state": "in_force", "context": context, "quantity": 500})
    rate = {"point": 0.25, "lower": 0.1, "upper": 0.5, "confidence": 0.95}
    figures = {"inspected": 4, "rate": rate, "detector_rate": {"estimate": 0.3, "lower": 0.1, "upper": 0.6}}
    scene.happen("rate.v1", {"product": "BRD", "start": "2026-03-02T05:00:00Z", "end": "x", "figures": figures})
    scene.happen("station_state.v1", {"state": "halted", "why": "held"})

    async def run(ear: BrokerEar) -> tuple[Seen, ...]:
        sink = sparkplug_sink(scene, broker.port)
        await sink.open()
        seen = await seen_by(ear, host, 2, "DBIRTH")
        await sink.close()
        return seen

    with broker_ear(broker.port, "spBv1.0/#") as ear:
        seen = asyncio.run(run(ear))
    born = values(seen[1])
    assert (born["Counts/OK"], born["Counts/NG"], born["Counts/NOT_INSPECTED"]) == (1, 1, 0)
    assert (born["Part/Id"], born["Part/Verdict"], born["Part/Defects"]) == ("P00002", "NG", 2)
    assert born["Part/Inspection Id"] == last.data["id"]
    assert (born["Hold/Active"], born["Hold/Reason"], born["Hold/By"]) == (True, "look", "Kim")
    assert (born["Order/Id"], born["Order/Lot"], born["Order/Quantity"]) == ("O-7", "L1", 500)
    assert (born["Rate/Defect Rate"], born["Rate/Defect Rate Lower"], born["Rate/Defect Rate Upper"]) == (
        0.25,
        0.1,
        0.5,
    )
    assert (born["Rate/Window Start"], born["Rate/Window End"]) == (1_772_427_600_000, None)
    assert (born["Station/State"], born["Station/Name"], born["Station/Line"]) == ("halted", "aoi-1", "line-1")
    assert (born["Recipe/Id"], born["Recipe/Version"], born["Release/Name"]) == ("board", 1, "blobs")
    assert born["Image Alarm/Active"] is None
    other = values(seen[2])
    assert (other["Counts/OK"], other["Part/Id"], other["Station/Name"]) == (0, None, "aoi-2")


def test_tck_id_operational_behavior_data_commands_rebirth_action(
    broker: Mosquitto, scene: SinkScene, host: SparkplugHost
) -> None:
    """Asked for it, all births come again, from sequence number 0 and with the bdSeq of the session."""

    async def run(ear: BrokerEar) -> tuple[Seen, ...]:
        sink = sparkplug_sink(scene, broker.port)
        await sink.open()
        await sink.deliver(scene.judge())
        await seen_by(ear, host, 1, "DDATA")
        ear.say(NODE.format("NCMD"), command(scene), qos=0)
        await seen_by(ear, host, 4, "DBIRTH")
        await sink.deliver(scene.judge())
        seen = await seen_by(ear, host, 2, "DDATA")
        await sink.close()
        return seen

    with broker_ear(broker.port, "spBv1.0/#") as ear:
        seen = asyncio.run(run(ear))
    assert [one.type for one in seen] == ["NBIRTH", "DBIRTH", "DBIRTH", "DDATA"] * 2
    assert [one.seq for one in seen] == [0, 1, 2, 3] * 2
    assert [values(one)["bdSeq"] for one in seen if one.type == "NBIRTH"] == [0, 0]
    assert values(seen[5])["Counts/OK"] == 1


def test_commands_that_ask_for_nothing_we_do_change_nothing(
    broker: Mosquitto, scene: SinkScene, host: SparkplugHost
) -> None:
    async def run(ear: BrokerEar) -> tuple[Seen, ...]:
        sink = sparkplug_sink(scene, broker.port)
        await sink.open()
        ear.say(NODE.format("NCMD"), b"\xff\xff\xff")  # no payload at all
        ear.say(NODE.format("NCMD"), command(scene) * 3_000)  # too long to be looked at
        ear.say(NODE.format("NCMD"), command(scene, value=False))
        ear.say(NODE.format("NCMD"), command(scene, "Node Control/Reboot"))
        ear.say(NODE.format("DCMD") + "/aoi-1", command(scene))
        await sink.deliver(scene.judge())
        await sink.idle()  # what the broker passed on to us came before its answer
        await sink.deliver(scene.judge())
        seen = await seen_by(ear, host, 2, "DDATA")
        await sink.close()
        return seen

    with broker_ear(broker.port, "spBv1.0/#") as ear:
        seen = asyncio.run(run(ear))
    assert [one.type for one in seen] == ["NBIRTH", "DBIRTH", "DBIRTH", "DDATA", "DDATA"]


def test_a_retained_rebirth_request_does_not_come_true_at_each_connection(
    broker: Mosquitto, scene: SinkScene, host: SparkplugHost
) -> None:
    async def run(ear: BrokerEar) -> tuple[Seen, ...]:
        ear.say(NODE.format("NCMD"), command(scene), retain=True)
        sink = sparkplug_sink(scene, broker.port)
        await sink.open()
        await sink.deliver(scene.judge())
        seen = await seen_by(ear, host, 1, "DDATA")
        await sink.close()
        ear.say(NODE.format("NCMD"), b"", retain=True)
        return seen

    with broker_ear(broker.port, "spBv1.0/#") as ear:
        assert [one.type for one in asyncio.run(run(ear))] == ["NBIRTH", "DBIRTH", "DBIRTH", "DDATA"]


def test_tck_id_payloads_ndeath_will_message(broker: Mosquitto, scene: SinkScene, host: SparkplugHost) -> None:
    """A node that is killed dies by its Will: the broker publishes it at quality 1, with the bdSeq of its birth."""
    other = sparkplug_sink  # another client of the same id throws the first one out: its Will is published

    async def run(ear: BrokerEar) -> tuple[Seen, ...]:
        first, second = other(scene, broker.port), other(scene, broker.port)
        await first.open()
        await seen_by(ear, host, 2, "DBIRTH")
        await second.open()
        seen = await seen_by(ear, host, 2, "NBIRTH")
        await second.close()
        await first.close()
        return seen

    with broker_ear(broker.port, "spBv1.0/#") as ear:
        seen = asyncio.run(run(ear))
    death = next(one for one in seen if one.type == "NDEATH")
    assert (death.qos, death.retain, death.seq) == (1, False, None)
    assert [metric["name"] for metric in death.metrics] == ["bdSeq"]
    assert values(death)["bdSeq"] == values(seen[0])["bdSeq"] == 0
    assert values(next(one for one in reversed(seen) if one.type == "NBIRTH"))["bdSeq"] == 1


def test_tck_id_topics_nbirth_bdseq_increment_goes_on_after_a_restart_and_skips_no_number(
    broker: Mosquitto, scene: SinkScene, host: SparkplugHost
) -> None:
    """A try that reached no broker sent no CONNECT, and uses no number up."""

    async def run(ear: BrokerEar) -> tuple[Seen, ...]:
        for count in range(1, 4):
            sink = sparkplug_sink(scene, broker.port)
            await sink.open()
            await seen_by(ear, host, count, "NBIRTH")
            await sink.close()
            nowhere = sparkplug_sink(scene, 9)
            with pytest.raises(Exception, match="cannot be reached"):
                await nowhere.open()
        return await seen_by(ear, host, 3, "NDEATH")

    with broker_ear(broker.port, "spBv1.0/#") as ear:
        seen = asyncio.run(run(ear))
    assert [values(one)["bdSeq"] for one in seen if one.type == "NBIRTH"] == [0, 1, 2]
    assert [values(one)["bdSeq"] for one in seen if one.type == "NDEATH"] == [0, 1, 2]


def test_tck_id_payloads_dbirth_order_a_new_station_is_announced_with_everybody(
    broker: Mosquitto, scene: SinkScene, host: SparkplugHost
) -> None:
    """All device births follow a node's birth: a station that was enrolled later has the whole node born again."""

    async def run(ear: BrokerEar) -> tuple[Seen, ...]:
        runner = PlainRunner(sparkplug_sink(scene, broker.port), scene, position=0)
        await runner.sink.open()
        scene.judge()
        await runner.deliver_all()
        scene.enrol("aoi-3")
        scene.judge(station="aoi-3")
        await runner.deliver_all()
        seen = await seen_by(ear, host, 2, "DDATA")
        await runner.sink.close()
        return seen

    with broker_ear(broker.port, "spBv1.0/#") as ear:
        seen = asyncio.run(run(ear))
    assert [(one.type, one.device) for one in seen[4:]] == [
        ("NBIRTH", None), ("DBIRTH", "aoi-1"), ("DBIRTH", "aoi-2"), ("DBIRTH", "aoi-3"), ("DDATA", "aoi-3"),
    ]  # fmt: skip


def test_stations_of_other_lines_are_no_devices(broker: Mosquitto, scene: SinkScene, host: SparkplugHost) -> None:
    scene.enrol("press-1", line="line-2")

    async def run(ear: BrokerEar) -> tuple[Seen, ...]:
        sink = sparkplug_sink(scene, broker.port, filter={"lines": ["line-2"]})
        await sink.open()
        await sink.deliver(scene.judge(station="press-1"))
        seen = await seen_by(ear, host, 1, "DDATA")
        await sink.close()
        return seen

    with broker_ear(broker.port, "spBv1.0/#") as ear:
        seen = asyncio.run(run(ear))
    assert [one.topic for one in seen] == [
        "spBv1.0/plant-1/NBIRTH/line-2",
        "spBv1.0/plant-1/DBIRTH/line-2/press-1",
        "spBv1.0/plant-1/DDATA/line-2/press-1",
    ]


def test_a_process_that_was_killed_before_the_broker_proved_anything_tells_it_again(
    broker: Mosquitto, scene: SinkScene, host: SparkplugHost
) -> None:
    """The cursor may stand behind what the broker never read; the folder of the sink knows better."""

    async def run() -> None:
        killed = sparkplug_sink(scene, broker.port)
        await killed.open()
        first = scene.judge()
        await killed.deliver(first)
        heir = sparkplug_sink(scene, broker.port)
        await heir.open()
        with pytest.raises(SendAgainFrom) as wish:
            await heir.deliver(scene.judge())
        assert wish.value.sequence == first.sequence
        await heir.deliver(first)
        await heir.deliver(scene.last())
        await heir.close()
        clean = sparkplug_sink(scene, broker.port)
        await clean.open()
        await clean.deliver(scene.judge())
        await clean.close()
        await killed.close()

    asyncio.run(run())


def test_after_a_power_cut_that_took_the_last_word_from_the_disk_what_came_behind_it_is_told_again(
    broker: Mosquitto, scene: SinkScene
) -> None:
    """The cursor is in the ledger and was synced; the file of the proofs is not, and an older one may stand there."""

    async def run() -> None:
        words = scene.context.state_dir / "confirmed.json"
        killed = sparkplug_sink(scene, broker.port)
        await killed.open()
        await killed.deliver(scene.judge())
        await killed.idle()
        older = words.read_bytes()
        await killed.deliver(unproved := scene.judge())
        words.write_bytes(older)
        heir = sparkplug_sink(scene, broker.port)
        await heir.open()
        with pytest.raises(SendAgainFrom) as wish:
            await heir.deliver(scene.judge())
        assert wish.value.sequence <= unproved.sequence
        await heir.close()
        await killed.close()

    asyncio.run(run())


def test_a_restart_counts_only_what_came_since_and_history_has_the_counts_of_back_then(
    broker: Mosquitto, scene: SinkScene, host: SparkplugHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(ear: BrokerEar) -> tuple[Seen, ...]:
        position = scene.judge().sequence
        first = PlainRunner(sparkplug_sink(scene, broker.port), scene, position=position)
        await first.sink.open()
        scene.judge()
        await first.deliver_all()
        await first.sink.close()
        for _ in range(3):
            scene.judge()
        monkeypatch.delattr("lineside.serving.delivery.sparkplug.storyteller.tally_of_all")  # not a second time
        second = PlainRunner(sparkplug_sink(scene, broker.port), scene, position=first.position)
        await second.sink.open()
        scene.judge()
        await second.deliver_all()
        seen = await seen_by(ear, host, 5, "DDATA")
        await second.sink.close()
        return seen

    with broker_ear(broker.port, "spBv1.0/#") as ear:
        seen = asyncio.run(run(ear))
    births = [values(one)["Counts/OK"] for one in seen if one.type == "DBIRTH" and one.device == "aoi-1"]
    assert births == [1, 5]
    told = [
        (metric["value"], bool(metric.get("isHistorical")))
        for _, name, metric in host.readings(seen)
        if name == "Counts/OK"
    ]
    assert told == [(2, False), (3, True), (4, True), (5, True), (6, False)]


def test_an_old_event_that_a_person_has_sent_again_is_history_and_stands_alone(
    broker: Mosquitto, scene: SinkScene, host: SparkplugHost
) -> None:
    """It is proved at once: a loss right behind it asks for nothing that came between."""

    async def run(ear: BrokerEar) -> tuple[Seen, ...]:
        sink = sparkplug_sink(scene, broker.port)
        await sink.open()
        events = [scene.judge() for _ in range(5)]
        for event in events:
            await sink.deliver(event)
        await sink.idle()
        await sink.deliver(events[1])
        heir = sparkplug_sink(scene, broker.port)  # throws the first one out, as a restart after a kill
        await heir.open()
        await heir.deliver(scene.judge())
        seen = await seen_by(ear, host, 7, "DDATA")
        await heir.close()
        await sink.close()
        return seen

    with broker_ear(broker.port, "spBv1.0/#") as ear:
        seen = asyncio.run(run(ear))
    told = [
        (metric["value"], bool(metric.get("isHistorical")))
        for _, name, metric in host.readings(seen)
        if name == "Part/Id"
    ]
    assert told[5:] == [("P00002", True), ("P00006", False)]


def test_an_old_event_sent_again_before_the_overlap_does_not_make_it_forgotten(
    broker: Mosquitto, scene: SinkScene
) -> None:
    async def run() -> None:
        old = scene.judge()
        killed = sparkplug_sink(scene, broker.port)
        await killed.open()
        await killed.deliver(unproved := scene.judge())
        heir = sparkplug_sink(scene, broker.port)
        await heir.open()
        await heir.deliver(old)
        with pytest.raises(SendAgainFrom) as wish:
            await heir.deliver(scene.judge())
        assert wish.value.sequence == unproved.sequence
        await heir.close()
        await killed.close()

    asyncio.run(run())


def test_a_new_node_that_begins_at_the_ledgers_beginning_tells_the_counts_of_back_then(
    broker: Mosquitto, scene: SinkScene, host: SparkplugHost
) -> None:
    events = [scene.judge() for _ in range(3)]

    async def run(ear: BrokerEar) -> tuple[Seen, ...]:
        runner = PlainRunner(sparkplug_sink(scene, broker.port), scene, position=0)
        await runner.sink.open()
        await runner.deliver_all()
        await runner.sink.close()
        heir = PlainRunner(sparkplug_sink(scene, broker.port), scene, position=runner.position)
        await heir.sink.open()
        await heir.sink.deliver(events[0])  # a person wants it again
        scene.judge()
        await heir.deliver_all()
        seen = await seen_by(ear, host, 5, "DDATA")
        await heir.sink.close()
        return seen

    with broker_ear(broker.port, "spBv1.0/#") as ear:
        seen = asyncio.run(run(ear))
    told = [metric["value"] for _, name, metric in host.readings(seen) if name in {"Part/Id", "Counts/OK"}]
    assert sorted(told, key=str) == [1, 2, 3, 4, "P00001", "P00001", "P00002", "P00003", "P00004"]
    assert [value for value in told if isinstance(value, int)] == [1, 2, 3, 4]
