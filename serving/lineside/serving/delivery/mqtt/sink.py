"""The plain JSON mode: one topic per plant, line, station and type, quality of service 1."""

from typing import Final

from lineside.serving.delivery.context import SinkContext
from lineside.serving.delivery.errors import ConnectionLost
from lineside.serving.delivery.mqtt.client_ids import client_id_of
from lineside.serving.delivery.mqtt.messages import Message
from lineside.serving.delivery.mqtt.session import Session
from lineside.serving.delivery.mqtt.settings import MqttSettings
from lineside.serving.delivery.mqtt.topics import TopicTemplate
from lineside.serving.delivery.settings import SinkSettings
from lineside.serving.delivery.sinks import Proof, Sink
from lineside.serving.delivery.webhook.cloud_events import structured_json
from lineside.serving.ledger import Event

_LANES: Final = 16
"""Stations under way at once; below the 20 unacknowledged messages that brokers and paho allow by default."""


class MqttSink:
    """Publishes each event and waits for the broker's PUBACK: handed over.

    Args:
        settings: from the delivery file.
        context: what every sink is given.

    Raises:
        SinkMisconfigured: the password is not where the settings say.
    """

    def __init__(self, settings: MqttSettings, context: SinkContext) -> None:
        self._address = settings.address(context.folder)
        self._client_id = client_id_of(settings, context.plant)
        self._template = TopicTemplate(settings.topic)
        self._retain = settings.retain
        self._lines = context.lines
        self._session: Session | None = None

    @property
    def proof(self) -> Proof:
        """The broker has it; who reads it there is not known here."""
        return Proof.HANDED_OVER

    @property
    def lanes(self) -> int:
        """Stations do not wait for each other."""
        return _LANES

    async def open(self) -> None:
        """Connect, if it is not connected."""
        if self._session is None or not self._session.is_alive:
            await self.close()
            self._session = await Session.connect(self._address, client_id=self._client_id)

    async def deliver(self, event: Event) -> None:
        """Publish one event and wait until the broker has it."""
        if self._session is None:
            raise ConnectionLost("the connection to the broker is closed")
        line = self._lines.line_of(event.station)
        topic = self._template.topic_of(event, line=line)
        await self._session.publish(
            Message(topic, structured_json(event, line=line), qos=1, retain=self._retain),
        )

    async def close(self) -> None:
        """Disconnect."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def check(self) -> None:
        """Connect under another client id and disconnect: the sink that runs is not thrown out."""
        session = await Session.connect(self._address, client_id=f"{self._client_id}-check")
        await session.close()


def build(settings: SinkSettings, context: SinkContext) -> Sink:
    """Make the sink; nothing connects yet."""
    if not isinstance(settings, MqttSettings):
        raise TypeError(f"settings of kind {settings.kind!r} are none of a plain MQTT sink")
    return MqttSink(settings, context)
