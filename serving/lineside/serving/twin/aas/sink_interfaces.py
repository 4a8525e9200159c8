"""Which ways to a line's data the delivery file opens, as the twin describes them. Webhooks are none: they call out."""

from collections.abc import Sequence
from pathlib import Path

from lineside.serving.delivery.configuration import load_delivery
from lineside.serving.delivery.mqtt.messages import level
from lineside.serving.delivery.mqtt.settings import PLAIN_PORT, TLS_PORT, BrokerSettings, MqttSettings
from lineside.serving.delivery.opcua.settings import OpcUaSettings
from lineside.serving.delivery.settings import SinkSettings
from lineside.serving.delivery.sparkplug.settings import SparkplugSettings
from lineside.serving.delivery.sparkplug.topics import NAMESPACE
from lineside.serving.twin.aas.facts import InterfaceFact


def configured_sinks(path: Path | None) -> tuple[SinkSettings, ...]:
    """The sinks of a delivery file; none without one.

    Raises:
        DeliveryFileRefused: it cannot be read, or says something unknown.
    """
    return () if path is None else load_delivery(path).sinks


def open_interfaces(sinks: Sequence[SinkSettings], *, plant: str, line: str) -> tuple[InterfaceFact, ...]:
    """The ways to one line's data, in the file's order.

    Args:
        sinks: of the plant.
        plant: its name.
        line: of which the data are; a sink that leaves it out is not among them.
    """
    found = []
    for sink in sinks:
        if not sink.filter.lines or line in sink.filter.lines:
            interface = _interface(sink, plant, line)
            found += [] if interface is None else [interface]
    return tuple(found)


def _interface(sink: SinkSettings, plant: str, line: str) -> InterfaceFact | None:
    if isinstance(sink, MqttSettings):
        topic = sink.topic.format(plant=level(plant), line=level(line), station="+", type="+")
        return InterfaceFact(sink.name, "mqtt", _broker(sink), _security(sink), topic)
    if isinstance(sink, SparkplugSettings):
        topics = sink.topics(plant)
        target = f"{NAMESPACE}/{topics.group}/+/{topics.node}/#"
        return InterfaceFact(sink.name, "mqtt", _broker(sink), _security(sink), target)
    if isinstance(sink, OpcUaSettings):
        return InterfaceFact(sink.name, "opcua", sink.endpoint, "basic", "/")
    return None


def _broker(sink: BrokerSettings) -> str:
    """Where the broker is, as a reader reaches it; its own login is not ours to tell."""
    scheme, usual = ("mqtt", PLAIN_PORT) if sink.tls is None else ("mqtts", TLS_PORT)
    return f"{scheme}://{sink.host}:{sink.port or usual}"


def _security(sink: BrokerSettings) -> str:
    return "nosec" if sink.user is None else "basic"
