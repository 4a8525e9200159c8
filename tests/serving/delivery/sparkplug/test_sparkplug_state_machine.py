"""Any order of connections, births, data, rebirths, losses and deaths keeps the rules that hosts rely upon."""

from datetime import UTC, datetime

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lineside.serving.clock import ManualClock
from lineside.serving.delivery.mqtt.messages import Message
from lineside.serving.delivery.sparkplug.edge_node import BDSEQ, EdgeNode, Reading
from lineside.serving.delivery.sparkplug.errors import NotBorn, UnknownMetric
from lineside.serving.delivery.sparkplug.payload import DataType
from lineside.serving.delivery.sparkplug.topics import NodeTopics
from sparkplug_wire import read_payload

NAMES = ("Part/Id", "Part/Verdict")
STATIONS = ("a", "b", "c")


class HostModel:
    """What a strict host checks of the stream, knowing nothing of the node."""

    def __init__(self) -> None:
        self.will: int | None = None
        self.bdseq: int | None = None
        self.seq: int | None = None
        self.aliases: dict[int, tuple[str | None, str]] = {}
        self.awaited_births = 0

    def connects(self, will: Message) -> None:
        (metric,) = read_payload(will.payload).metrics
        assert isinstance(metric.value, int)
        if self.will is not None:
            assert metric.value == (self.will + 1) % 256
        self.will, self.bdseq, self.seq, self.aliases = metric.value, None, None, {}

    def hears(self, message: Message) -> None:
        _, _, kind, *rest = message.topic.split("/")
        device = rest[1] if len(rest) > 1 else None
        payload = read_payload(message.payload)
        if kind == "NDEATH":
            assert payload.seq is None
            assert payload.named(BDSEQ).value == self.will
            self.bdseq = None
            return
        if kind == "NBIRTH":
            assert payload.seq == 0
            assert payload.named(BDSEQ).value == self.will
            self.bdseq, self.aliases = self.will, {}
        else:
            assert self.bdseq is not None, f"{kind} before the birth"
            assert self.seq is not None
            assert payload.seq == (self.seq + 1) % 256
        self.seq = payload.seq
        for metric in payload.metrics:
            if kind.endswith("BIRTH") and metric.alias is not None:
                assert metric.alias not in self.aliases
                assert metric.name is not None
                self.aliases[metric.alias] = (device, metric.name)
            elif kind.endswith("DATA"):
                assert metric.alias is not None
                assert self.aliases[metric.alias][0] == device


class EdgeNodeLife(RuleBasedStateMachine):
    """The node on one side, a strict host on the other, and the sink's moves between them."""

    @initialize()
    def begin(self) -> None:
        self.clock = ManualClock(datetime(2026, 3, 2, tzinfo=UTC))
        self.node = EdgeNode(
            NodeTopics("g", "n"),
            clock=self.clock,
            node_metrics={"Properties/Plant": DataType.STRING},
            device_metrics=dict.fromkeys(NAMES, DataType.STRING),
        )
        self.host = HostModel()
        self.bdseq = 250
        self.is_connected = False
        self.devices: frozenset[str] = frozenset()

    @precondition(lambda self: not self.is_connected)
    @rule()
    def connects(self) -> None:
        self.host.connects(self.node.connecting(self.bdseq))
        self.bdseq = (self.bdseq + 1) % 256
        self.is_connected = True

    @precondition(lambda self: self.is_connected)
    @rule(devices=st.frozensets(st.sampled_from(STATIONS)))
    def is_born_or_reborn(self, devices: frozenset[str]) -> None:
        for message in self.node.birth({}, {device: {} for device in sorted(devices)}):
            self.host.hears(message)
        self.devices = devices

    @rule(
        device=st.one_of(st.none(), st.sampled_from(STATIONS)),
        count=st.integers(1, 130),
        is_historical=st.booleans(),
    )
    def tells(self, device: str | None, count: int, is_historical: bool) -> None:  # noqa: FBT001
        name = "Properties/Plant" if device is None else NAMES[0]
        readings = {name: Reading("x", self.clock.now())}
        for _ in range(count):
            try:
                message = self.node.data(readings, device=device, is_historical=is_historical)
            except NotBorn:
                assert self.host.bdseq is None
                return
            except UnknownMetric:
                assert device not in self.devices
                return
            self.host.hears(message)

    @precondition(lambda self: self.is_connected)
    @rule()
    def dies(self) -> None:
        self.host.hears(self.node.death())
        self.is_connected = False

    @precondition(lambda self: self.is_connected)
    @rule()
    def is_lost(self) -> None:
        self.node.lost()
        self.host.bdseq = None
        self.is_connected = False

    @invariant()
    def both_agree_who_is_born(self) -> None:
        if hasattr(self, "node"):
            assert self.node.is_born == (self.host.bdseq is not None)


EdgeNodeLife.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestEdgeNodeLife = EdgeNodeLife.TestCase
