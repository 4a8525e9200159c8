"""Somebody who listens to a broker and remembers: paho again, but another client, which publishes nothing by itself."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

_PATIENCE_S = 15.0


@dataclass(frozen=True)
class Heard:
    """One message as it came."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


class BrokerEar:
    """What was heard, in order; and a mouth for commands."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._heard: list[Heard] = []
        self._news = threading.Condition()

    @property
    def heard(self) -> tuple[Heard, ...]:
        """Everything so far."""
        with self._news:
            return tuple(self._heard)

    def wait_for(self, enough: Callable[[tuple[Heard, ...]], bool], what: str) -> tuple[Heard, ...]:
        """Everything, as soon as it is enough."""
        deadline = time.monotonic() + _PATIENCE_S
        with self._news:
            while not enough(tuple(self._heard)):
                remaining = deadline - time.monotonic()
                assert remaining > 0, f"not heard: {what}; heard {[(one.topic, one.qos) for one in self._heard]}"
                self._news.wait(remaining)
            return tuple(self._heard)

    def say(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Publish something, and wait until the broker has it."""
        self._client.publish(topic, payload, qos=qos, retain=retain).wait_for_publish(_PATIENCE_S)

    def take(self, message: Any) -> None:
        """One more."""
        with self._news:
            self._heard.append(Heard(message.topic, bytes(message.payload), message.qos, bool(message.retain)))
            self._news.notify_all()


@contextmanager
def broker_ear(
    port: int, topics: str = "#", *, configure: Callable[[Client], None] | None = None
) -> Iterator[BrokerEar]:
    """Listen on 127.0.0.1 until the block ends; listening has begun when it starts.

    Args:
        port: of the broker.
        topics: a filter.
        configure: sets user, password or TLS before it connects.
    """
    client = Client(CallbackAPIVersion.VERSION2)
    ear = BrokerEar(client)
    subscribed = threading.Event()
    client.on_message = lambda _client, _data, message: ear.take(message)
    # Again after each reconnection: a broker that was stopped forgot who listens.
    client.on_connect = lambda connected, _data, _flags, _code, _properties: connected.subscribe(topics, 1)
    client.on_subscribe = lambda _client, _data, _mid, _codes, _properties: subscribed.set()
    client.reconnect_delay_set(min_delay=1, max_delay=1)
    if configure is not None:
        configure(client)
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        assert subscribed.wait(_PATIENCE_S)
        yield ear
    finally:
        client.disconnect()
        client.loop_stop()
