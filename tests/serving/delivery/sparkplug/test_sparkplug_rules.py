"""What an edge node says, clause by clause: each test is named for the clause of specification 3.0 that it holds."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from lineside.serving.clock import ManualClock
from lineside.serving.delivery.mqtt.messages import Message
from lineside.serving.delivery.sparkplug.edge_node import BDSEQ, REBIRTH, EdgeNode, Reading
from lineside.serving.delivery.sparkplug.errors import NameRefused, NotBorn, StateUnreadable, UnknownMetric
from lineside.serving.delivery.sparkplug.payload import DataType, Metric, encode
from lineside.serving.delivery.sparkplug.primary_host import HostNews, PrimaryHost
from lineside.serving.delivery.sparkplug.topics import NodeTopics, state_topic
from lineside.serving.delivery.sparkplug.vocabulary import DEVICE_METRICS, NODE_METRICS
from sparkplug_wire import WirePayload, read_payload

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
NOW_MS = 1_772_431_200_000
TOPICS = NodeTopics("plant", "line")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def node(clock: ManualClock) -> EdgeNode:
    return EdgeNode(TOPICS, clock=clock, node_metrics=NODE_METRICS, device_metrics=DEVICE_METRICS)


def born(node: EdgeNode, *devices: str, bdseq: int = 0) -> tuple[Message, ...]:
    node.connecting(bdseq)
    return node.birth({}, {device: {} for device in devices})


def part(at: datetime = NOW, part_id: str = "P1") -> dict[str, Reading]:
    return {"Part/Id": Reading(part_id, at), "Counts/OK": Reading(1, at)}


def read(message: Message) -> WirePayload:
    return read_payload(message.payload)


def test_tck_id_topics_nbirth_topic(node: EdgeNode) -> None:
    assert born(node)[0].topic == "spBv1.0/plant/NBIRTH/line"


def test_tck_id_topics_dbirth_topic(node: EdgeNode) -> None:
    assert born(node, "aoi")[1].topic == "spBv1.0/plant/DBIRTH/line/aoi"


def test_tck_id_topics_ddata_topic(node: EdgeNode) -> None:
    born(node, "aoi")
    assert node.data(part(), device="aoi", is_historical=False).topic == "spBv1.0/plant/DDATA/line/aoi"


def test_tck_id_topics_ndata_topic(node: EdgeNode) -> None:
    born(node)
    said = {"Lot Hold/Lot": Reading("L1", NOW)}
    assert node.data(said, device=None, is_historical=False).topic == "spBv1.0/plant/NDATA/line"


def test_tck_id_topics_ndeath_topic(node: EdgeNode) -> None:
    assert node.connecting(0).topic == "spBv1.0/plant/NDEATH/line"


@pytest.mark.parametrize("name", ["", "a/b", "a+", "#", "a\x00b"])
def test_tck_id_topic_structure_namespace_valid_group_id(name: str) -> None:
    with pytest.raises(NameRefused):
        NodeTopics(name, "line")
    with pytest.raises(NameRefused):
        NodeTopics("plant", name)
    with pytest.raises(NameRefused):
        state_topic(name)


@pytest.mark.parametrize("kind", ["nbirth", "dbirth", "ddata", "ndata"])
def test_tck_id_topics_mqtt_quality_0_and_not_retained(node: EdgeNode, kind: str) -> None:
    nbirth, dbirth = born(node, "aoi")
    said = {
        "nbirth": nbirth,
        "dbirth": dbirth,
        "ddata": node.data(part(), device="aoi", is_historical=False),
        "ndata": node.data({}, device=None, is_historical=False),
    }[kind]
    assert (said.qos, said.retain) == (0, False)


def test_tck_id_payloads_ndeath_will_message_qos_and_retain(node: EdgeNode) -> None:
    will = node.connecting(7)
    assert {(death.qos, death.retain) for death in (will, node.death())} == {(1, False)}


def test_tck_id_payloads_ndeath_seq(node: EdgeNode) -> None:
    assert read(node.connecting(0)).seq is None


def test_tck_id_topics_ndeath_payload(node: EdgeNode) -> None:
    """The bdSeq metric and nothing else, by name, as Int64."""
    (metric,) = read(node.connecting(200)).metrics
    assert (metric.name, metric.value, metric.datatype) == (BDSEQ, 200, DataType.INT64)


def test_tck_id_payloads_ndeath_bdseq(node: EdgeNode) -> None:
    will = node.connecting(41)
    (nbirth,) = node.birth({}, {})
    values = {read(message).named(BDSEQ).value for message in (will, nbirth, node.death())}
    assert values == {41}


def test_tck_id_payloads_nbirth_bdseq_repeat(node: EdgeNode) -> None:
    """A rebirth has the bdSeq of its session."""
    born(node, bdseq=9)
    assert read(node.birth({}, {})[0]).named(BDSEQ).value == 9


def test_tck_id_topics_nbirth_seq_num(node: EdgeNode) -> None:
    born(node, "aoi")
    node.data(part(), device="aoi", is_historical=False)
    assert read(node.birth({}, {"aoi": {}})[0]).seq == 0


def test_tck_id_payloads_sequence_num_incrementing(node: EdgeNode) -> None:
    said = [*born(node, "a", "b"), *(node.data({}, device="a", is_historical=False) for _ in range(300))]
    assert [read(message).seq for message in said] == [number % 256 for number in range(303)]


def test_tck_id_topics_nbirth_timestamp(node: EdgeNode) -> None:
    assert [read(message).timestamp for message in born(node, "aoi")] == [NOW_MS, NOW_MS]


def test_tck_id_topics_nbirth_rebirth_metric(node: EdgeNode) -> None:
    metric = read(born(node)[0]).named(REBIRTH)
    assert (metric.value, metric.datatype) == (False, DataType.BOOLEAN)


def test_tck_id_operational_behavior_data_commands_rebirth_name_aliases(node: EdgeNode) -> None:
    assert read(born(node)[0]).named(REBIRTH).alias is None


def test_tck_id_topics_nbirth_metric_reqs(node: EdgeNode) -> None:
    names = {metric.name for metric in read(born(node)[0]).metrics}
    assert names == {BDSEQ, REBIRTH, *NODE_METRICS}


def test_tck_id_topics_dbirth_metric_reqs(node: EdgeNode) -> None:
    assert {metric.name for metric in read(born(node, "aoi")[1]).metrics} == set(DEVICE_METRICS)


def test_tck_id_payloads_alias_uniqueness(node: EdgeNode) -> None:
    aliases = [
        metric.alias
        for message in born(node, *(f"s{number}" for number in range(20)))
        for metric in read(message).metrics
        if metric.name != REBIRTH
    ]
    assert None not in aliases
    assert len(set(aliases)) == len(aliases) == 1 + len(NODE_METRICS) + 20 * len(DEVICE_METRICS)


def test_tck_id_payloads_alias_data_cmd_requirement(node: EdgeNode) -> None:
    """Data name nothing: the alias of the birth stands for it."""
    names = {metric.alias: metric.name for metric in read(born(node, "aoi")[1]).metrics}
    data = read(node.data(part(), device="aoi", is_historical=False))
    assert [metric.name for metric in data.metrics] == [None, None]
    assert {names[metric.alias]: metric.value for metric in data.metrics} == {"Part/Id": "P1", "Counts/OK": 1}


def test_tck_id_payloads_metric_datatype_req(node: EdgeNode) -> None:
    for message in born(node, "aoi"):
        assert all(metric.datatype is not None for metric in read(message).metrics)


@pytest.mark.parametrize("states_types", [True, False])
def test_tck_id_payloads_metric_datatype_not_req(clock: ManualClock, states_types: bool) -> None:  # noqa: FBT001
    """Data leave the type out where they are told to; by default they have it, for Tahu's JavaScript decoder."""
    node = EdgeNode(
        TOPICS, clock=clock, node_metrics={}, device_metrics={"Part/Id": DataType.STRING}, states_types=states_types
    )
    born(node, "aoi")
    said = node.data({"Part/Id": Reading("P1", NOW)}, device="aoi", is_historical=False)
    assert read(said).metrics[0].datatype == (DataType.STRING if states_types else None)


def test_tck_id_payloads_name_birth_data_requirement(node: EdgeNode) -> None:
    """Every metric of births and data has a timestamp."""
    said = (*born(node, "aoi"), node.data(part(NOW - timedelta(seconds=3)), device="aoi", is_historical=True))
    assert all(metric.timestamp for message in said for metric in read(message).metrics)
    assert {metric.timestamp for metric in read(said[-1]).metrics} == {NOW_MS - 3000}


def test_tck_id_operational_behavior_data_publish_nbirth_values(node: EdgeNode) -> None:
    """Null is said, not left out."""
    node.connecting(0)
    _, dbirth = node.birth({}, {"aoi": {"Part/Id": Reading("P1", NOW)}})
    known, unknown = read(dbirth).named("Part/Id"), read(dbirth).named("Part/Verdict")
    assert (known.value, known.is_null) == ("P1", False)
    assert (unknown.value, unknown.is_null) == (None, True)


def test_tck_id_operational_behavior_data_publish_dbirth_order(node: EdgeNode) -> None:
    """Metrics of a message stand in the order of their instants."""
    node.connecting(0)
    readings = {
        "Part/Id": Reading("P1", NOW - timedelta(seconds=1)),
        "Order/Id": Reading("O", NOW - timedelta(hours=1)),
        "Hold/Active": Reading(value=True, at=NOW - timedelta(minutes=1)),
    }
    for message in (*node.birth({}, {"aoi": readings}), node.data(readings, device="aoi", is_historical=True)):
        instants = [metric.timestamp or 0 for metric in read(message).metrics]
        assert instants == sorted(instants)


def test_history_says_so_in_every_metric_and_news_in_none(node: EdgeNode) -> None:
    born(node, "aoi")
    for is_historical in (True, False):
        said = read(node.data(part(), device="aoi", is_historical=is_historical))
        assert {metric.is_historical for metric in said.metrics} == {is_historical}


def test_tck_id_message_flow_edge_node_birth_publish_connect(node: EdgeNode) -> None:
    with pytest.raises(NotBorn):
        node.birth({}, {})
    with pytest.raises(NotBorn):
        node.death()


def test_tck_id_payloads_ddata_order(node: EdgeNode) -> None:
    """No data before the births, nor after the death, nor in the next session before its own."""
    node.connecting(0)
    with pytest.raises(NotBorn):
        node.data(part(), device="aoi", is_historical=False)
    node.birth({}, {"aoi": {}})
    node.death()
    with pytest.raises(NotBorn):
        node.data(part(), device="aoi", is_historical=False)
    node.connecting(1)
    with pytest.raises(NotBorn):
        node.data(part(), device="aoi", is_historical=False)


def test_tck_id_operational_behavior_data_publish_dbirth(node: EdgeNode) -> None:
    """What no birth announced is not told."""
    born(node, "aoi")
    with pytest.raises(UnknownMetric):
        node.data({"Odd/Name": Reading(1, NOW)}, device="aoi", is_historical=False)
    with pytest.raises(UnknownMetric):
        node.data(part(), device="nobody", is_historical=False)
    with pytest.raises(UnknownMetric):
        node.birth({"Odd/Name": Reading(1, NOW)}, {})


@pytest.mark.parametrize("bdseq", [-1, 256])
def test_tck_id_message_flow_edge_node_birth_publish_will_message_payload_bdseq(node: EdgeNode, bdseq: int) -> None:
    with pytest.raises(ValueError, match="0 to 255"):
        node.connecting(bdseq)


@pytest.mark.parametrize(
    ("name", "value", "asks"),
    [(REBIRTH, True, True), (REBIRTH, False, False), ("node control/rebirth", True, False), ("Reboot", True, False)],
)
def test_tck_id_operational_behavior_data_commands_ncmd_rebirth_name(
    node: EdgeNode,
    name: str,
    value: bool,  # noqa: FBT001
    asks: bool,  # noqa: FBT001
) -> None:
    payload = encode((Metric(DataType.BOOLEAN, value, NOW, name=name),), at=NOW, seq=None)
    assert node.asks_rebirth(payload) is asks


def test_metric_names_do_not_differ_in_case_alone() -> None:
    """case-sensitivity-metric-names."""
    for vocabulary in (NODE_METRICS, DEVICE_METRICS):
        assert len({name.lower() for name in vocabulary}) == len(vocabulary)


def state(online: object, timestamp: object) -> bytes:
    return json.dumps({"online": online, "timestamp": timestamp}).encode()


def test_tck_id_message_flow_edge_node_birth_publish_phid_wait_timestamp() -> None:
    """The first word counts whatever its time; an older one than the last does not; an equal one does."""
    host = PrimaryHost("MES")
    assert not host.is_online
    assert [host.hears(state(*said)) for said in [(True, 50), (False, 49), (False, 50), (True, 51)]] == [
        HostNews.ONLINE,
        HostNews.STALE,
        HostNews.OFFLINE,
        HostNews.ONLINE,
    ]
    assert host.is_online


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"ONLINE", id="the word of version 2"),
        pytest.param(state("true", 1), id="a text"),
        pytest.param(state(1, 1), id="a number"),
        pytest.param(b'{"online": true}', id="no timestamp"),
        pytest.param(state(True, 1.5), id="a broken timestamp"),  # noqa: FBT003
        pytest.param(state(True, True), id="a truth for a timestamp"),  # noqa: FBT003
        pytest.param(b'{"online": false, "online": true, "timestamp": 1}', id="a key twice"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"[" * 100_000, id="too deep"),
        pytest.param(b"", id="nothing: the retained STATE was deleted"),
    ],
)
def test_a_state_that_cannot_be_read_changes_nothing(payload: bytes) -> None:
    host = PrimaryHost("MES")
    host.hears(state(True, 5))  # noqa: FBT003
    with pytest.raises(StateUnreadable):
        host.hears(payload)
    assert host.is_online
