"""What a Sparkplug host sees: messages from a broker, each decoded by Eclipse Tahu's decoder for JavaScript."""

import base64
import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from broker_ear import BrokerEar, Heard
from node_packages import node_environment

_DECODER = Path(__file__).parent / "node" / "decode_sparkplug.js"


@dataclass(frozen=True)
class Seen:
    """One Sparkplug message.

    Attributes:
        topic: where it came.
        qos: with which quality of service it was published, as far as a subscription of quality 1 shows.
        retain: whether the broker had kept it.
        payload: as Tahu decoded it.
    """

    topic: str
    qos: int
    retain: bool
    payload: Mapping[str, Any]

    @property
    def type(self) -> str:
        """NBIRTH, DDATA, ..."""
        return self.topic.split("/")[2]

    @property
    def device(self) -> str | None:
        """The last level, in messages of devices."""
        levels = self.topic.split("/")
        return levels[4] if len(levels) > 4 else None

    @property
    def seq(self) -> int | None:
        """The sequence number; None where there is none."""
        return self.payload.get("seq")

    @property
    def metrics(self) -> tuple[Mapping[str, Any], ...]:
        """As they stand in the message."""
        return tuple(self.payload["metrics"])

    def named(self, name: str) -> Mapping[str, Any]:
        """The metric of a name, in births and deaths."""
        return next(metric for metric in self.metrics if metric.get("name") == name)


@dataclass
class SparkplugHost:
    """Reads a whole stream as a host does: names come from births, values from data by alias."""

    decoder: "subprocess.Popen[str]"
    _aliases: dict[int, tuple[str | None, str]] = field(default_factory=dict)

    def decode(self, heard: Iterable[Heard]) -> tuple[Seen, ...]:
        """Every Sparkplug message among what was heard, in order; STATE and commands are not decoded."""
        return tuple(
            Seen(one.topic, one.qos, one.retain, self.payload(one.payload))
            for one in heard
            if one.topic.startswith("spBv1.0/") and one.topic.split("/")[2] in _FROM_NODES
        )

    def payload(self, data: bytes) -> Mapping[str, Any]:
        """One payload, by Tahu."""
        assert self.decoder.stdin is not None
        assert self.decoder.stdout is not None
        self.decoder.stdin.write(json.dumps({"at": 0, "payload": base64.b64encode(data).decode()}) + "\n")
        self.decoder.stdin.flush()
        answer = json.loads(self.decoder.stdout.readline())
        assert "error" not in answer, answer
        decoded: Mapping[str, Any] = answer["payload"]
        return decoded

    def readings(self, seen: Iterable[Seen]) -> Iterator[tuple[str | None, str, Mapping[str, Any]]]:
        """Every value as (device, name, metric), the names learnt from the births among the messages."""
        for message in seen:
            for metric in message.metrics:
                if message.type in {"NBIRTH", "DBIRTH"} and "alias" in metric:
                    self._aliases[metric["alias"]] = (message.device, metric["name"])
                if message.type in {"NDATA", "DDATA"}:
                    device, name = self._aliases[metric["alias"]]
                    assert device == message.device
                    yield device, name, metric


_FROM_NODES = frozenset({"NBIRTH", "DBIRTH", "NDATA", "DDATA", "NDEATH", "DDEATH"})


@contextmanager
def sparkplug_host() -> Iterator[SparkplugHost]:
    """A decoder until the block ends."""
    with subprocess.Popen(
        ["node", str(_DECODER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(node_environment())
    ) as decoder:
        try:
            yield SparkplugHost(decoder)
        finally:
            decoder.terminate()


def online(ear: BrokerEar, host: str, at_ms: int) -> None:
    """The host says that it is there."""
    ear.say(f"spBv1.0/STATE/{host}", json.dumps({"online": True, "timestamp": at_ms}).encode(), retain=True)


def offline(ear: BrokerEar, host: str, at_ms: int) -> None:
    """The host says that it goes."""
    ear.say(f"spBv1.0/STATE/{host}", json.dumps({"online": False, "timestamp": at_ms}).encode(), retain=True)
