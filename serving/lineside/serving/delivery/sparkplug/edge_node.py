"""The life of a Sparkplug edge node (specification 3.0): what it says, in which order and with which numbers.

No network and no files: the sink sends what stands here. One instance outlives its sessions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lineside.serving.clock import Clock
from lineside.serving.delivery.mqtt.messages import Message
from lineside.serving.delivery.sparkplug.errors import NotBorn, UnknownMetric
from lineside.serving.delivery.sparkplug.payload import DataType, Metric, Value, decode_commands, encode
from lineside.serving.delivery.sparkplug.topics import NodeTopics

REBIRTH: Final = "Node Control/Rebirth"
"""The one metric that a host may write."""

BDSEQ: Final = "bdSeq"
_NUMBERS: Final = 256  # sequence numbers and birth/death numbers are one byte's worth

Vocabulary = Mapping[str, DataType]
"""Every metric that a node or a device will ever speak of."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A value and when it was captured."""

    value: Value
    at: datetime


Readings = Mapping[str, Reading]
"""Values by metric name."""


@dataclass(frozen=True, slots=True)
class _Birth:
    """What was announced: the alias and type of every metric, by device (None is the node itself)."""

    aliases: Mapping[str | None, Mapping[str, int]]


class EdgeNode:
    """An edge node and its devices.

    A session is `connecting`, then any number of `birth`, each followed by `data`, then `death`.

    Args:
        topics: of the node.
        clock: when messages are sent.
        node_metrics: what the node itself will speak of.
        device_metrics: what each device will speak of; one list for all.
        states_types: whether data carry data types as births do. The specification would have it left out of data;
            some decoders (Tahu's for JavaScript) read no value without it.
    """

    def __init__(
        self,
        topics: NodeTopics,
        *,
        clock: Clock,
        node_metrics: Vocabulary,
        device_metrics: Vocabulary,
        states_types: bool = True,
    ) -> None:
        self._topics = topics
        self._clock = clock
        self._node_metrics = node_metrics
        self._device_metrics = device_metrics
        self._states_types = states_types
        self._bdseq: int | None = None
        self._seq = 0
        self._birth: _Birth | None = None

    @property
    def is_born(self) -> bool:
        """Whether data may be told."""
        return self._birth is not None

    @property
    def devices(self) -> frozenset[str]:
        """Those announced by the last birth."""
        return frozenset() if self._birth is None else frozenset(name for name in self._birth.aliases if name)

    def connecting(self, bdseq: int) -> Message:
        """A session begins: the death that the broker is to publish if the connection is lost.

        Args:
            bdseq: 0 to 255, one more than at the last CONNECT; after 255 comes 0.
        """
        if not 0 <= bdseq < _NUMBERS:
            raise ValueError(f"birth/death number {bdseq}: expected 0 to {_NUMBERS - 1}")
        self._bdseq = bdseq
        self._birth = None
        return self._death(bdseq)

    def birth(self, node: Readings, devices: Mapping[str, Readings]) -> tuple[Message, ...]:
        """The node's birth and every device's, in the order in which they go out: one burst, nothing between.

        Again in a session that is born already, it is the answer to a request for rebirth: the number of the session
        stays, sequence numbers begin at 0 again.

        Args:
            node: present values of the node's metrics; what is left out is null.
            devices: the same by device.

        Raises:
            NotBorn: there is no session.
            UnknownMetric: a value of a metric that is not in the vocabulary.
        """
        if self._bdseq is None:
            raise NotBorn("there is no session: a birth follows a CONNECT")
        now = self._clock.now()
        numbers = iter(range(1, 1 << 62))
        aliases: dict[str | None, Mapping[str, int]] = {
            None: {name: next(numbers) for name in (BDSEQ, *self._node_metrics)}
        }
        own = (
            *self._announced(self._node_metrics, node, aliases[None], now),
            Metric(DataType.INT64, self._bdseq, now, name=BDSEQ, alias=aliases[None][BDSEQ], states_datatype=True),
            Metric(DataType.BOOLEAN, value=False, at=now, name=REBIRTH, states_datatype=True),
        )
        self._seq = 0
        messages = [Message(self._topics.birth, encode(_in_time_order(own), at=now, seq=self._next_seq()))]
        for device, readings in devices.items():
            aliases[device] = {name: next(numbers) for name in self._device_metrics}
            metrics = self._announced(self._device_metrics, readings, aliases[device], now)
            payload = encode(_in_time_order(metrics), at=now, seq=self._next_seq())
            messages.append(Message(self._topics.device_birth(device), payload))
        self._birth = _Birth(aliases)
        return tuple(messages)

    def data(self, readings: Readings, *, device: str | None, is_historical: bool) -> Message:
        """Values of one device, or of the node itself, that are new or that are told late.

        Args:
            readings: by metric name.
            device: None for the node.
            is_historical: they do not stand for the present.

        Raises:
            NotBorn: no birth went out in this session.
            UnknownMetric: the birth did not announce the device or a metric.
        """
        if self._birth is None:
            raise NotBorn("data before the birth: a host could not say what they are")
        aliases = self._birth.aliases.get(device)
        if aliases is None:
            raise UnknownMetric(f"device {device!r} was not announced: the node must be born again with it")
        vocabulary = self._node_metrics if device is None else self._device_metrics
        metrics = tuple(
            Metric(
                _known(vocabulary, name),
                reading.value,
                reading.at,
                alias=aliases[name],
                is_historical=is_historical,
                states_datatype=self._states_types,
            )
            for name, reading in readings.items()
        )
        topic = self._topics.data if device is None else self._topics.device_data(device)
        return Message(topic, encode(_in_time_order(metrics), at=self._clock.now(), seq=self._next_seq()))

    def death(self) -> Message:
        """The node's own death, to be published right before it disconnects; the session is over with it.

        Raises:
            NotBorn: there is no session.
        """
        if self._bdseq is None:
            raise NotBorn("there is no session that could end")
        message = self._death(self._bdseq)
        self.lost()
        return message

    def lost(self) -> None:
        """The session ended; the broker publishes the death."""
        self._bdseq = None
        self._birth = None

    def asks_rebirth(self, payload: bytes) -> bool:
        """Whether a command to the node asks for its births again; other metrics in it are not writable.

        Raises:
            PayloadUnreadable: the bytes are no Sparkplug B payload.
        """
        return any(command.name == REBIRTH and command.value is True for command in decode_commands(payload))

    def _announced(
        self, vocabulary: Vocabulary, readings: Readings, aliases: Mapping[str, int], now: datetime
    ) -> tuple[Metric, ...]:
        for name in readings:
            _known(vocabulary, name)
        never = Reading(None, now)
        return tuple(
            Metric(
                datatype,
                (reading := readings.get(name, never)).value,
                reading.at,
                name=name,
                alias=aliases[name],
                states_datatype=True,
            )
            for name, datatype in vocabulary.items()
        )

    def _death(self, bdseq: int) -> Message:
        now = self._clock.now()
        metric = Metric(DataType.INT64, bdseq, now, name=BDSEQ, states_datatype=True)
        return Message(self._topics.death, encode((metric,), at=now, seq=None), qos=1)

    def _next_seq(self) -> int:
        seq = self._seq
        self._seq = (seq + 1) % _NUMBERS
        return seq


def _in_time_order(metrics: tuple[Metric, ...]) -> tuple[Metric, ...]:
    """As a message must list them (data-publish-nbirth-order, data-publish-dbirth-order)."""
    return tuple(sorted(metrics, key=lambda metric: metric.at))


def _known(vocabulary: Vocabulary, name: str) -> DataType:
    datatype = vocabulary.get(name)
    if datatype is None:
        raise UnknownMetric(f"metric {name!r} is not in the birth")
    return datatype
