"""One connection to a broker, from CONNECT to its end: MQTT 3.1.1 over paho, whose own thread moves the bytes.

A session is never revived: after a loss the next one is another object, with another Will.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Self

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from lineside.serving.delivery.errors import ConnectionLost, PersonNeeded, Trouble, TryAgain
from lineside.serving.delivery.mqtt.addresses import BrokerAddress
from lineside.serving.delivery.mqtt.messages import Message
from lineside.serving.delivery.mqtt.refusals import closed_unanswered, connect_trouble, refusal, tls_context

_NOWHERE: Final = "lineside/never-subscribed"

_LARGEST_INCOMING: Final = 65_536
"""Bytes of a command or a STATE that are looked at; both are some hundred."""

_REFUSED_SUBSCRIPTION: Final = 0x80

_FAREWELL_S: Final = 2.0
"""A broker that does not take the last word by then publishes the Will instead."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """What came in on a subscription.

    Attributes:
        topic: where it was published.
        payload: its bytes.
        is_retained: the broker had kept it; it is not news.
    """

    topic: str
    payload: bytes
    is_retained: bool


OnMessage = Callable[[Incoming], None]


class Session:
    """A live connection. Make it with `connect`.

    All methods belong to the event loop that it was made on.
    """

    def __init__(
        self, address: BrokerAddress, *, client_id: str, on_message: Callable[[Incoming], None] | None
    ) -> None:
        self._address = address
        self._loop = asyncio.get_running_loop()
        self._on_message = on_message
        self._lost: Trouble | None = None
        self._is_closing = False
        self._welcome: asyncio.Future[None] = self._loop.create_future()
        self._awaited: dict[int, asyncio.Future[int]] = {}
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=True,
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )

    @classmethod
    async def connect(
        cls,
        address: BrokerAddress,
        *,
        client_id: str,
        will: Callable[[], Message] | None = None,
        on_message: OnMessage | None = None,
    ) -> Self:
        """Connect and wait for the broker's welcome.

        Args:
            address: the broker.
            client_id: another client of the same id is thrown out by the broker, and throws this one out.
            will: makes what the broker publishes if the connection is lost. Called once the broker can be reached and
                right before CONNECT goes out, on another thread: it may block.
            on_message: called on the event loop with what comes in on subscriptions.

        Raises:
            TryAgain: it cannot be reached, or does not answer.
            PersonNeeded: it does not let us in, or the files for TLS cannot be used.
        """
        session = cls(address, client_id=client_id, on_message=on_message)
        try:
            await session._open(will)
        except BaseException:
            await session._stop()
            raise
        return session

    @property
    def lost(self) -> Trouble | None:
        """What ended the connection; None while it is alive."""
        return self._lost

    @property
    def is_alive(self) -> bool:
        """Whether anything can still be sent."""
        return self._lost is None and not self._is_closing

    async def publish(self, message: Message) -> None:
        """Publish, and return when it went out (quality of service 0) or when the broker said that it has it (1).

        Raises:
            ConnectionLost: the connection is or was lost, or the broker does not answer.
        """
        self._require_alive()
        info = self._client.publish(message.topic, message.payload, qos=message.qos, retain=message.retain)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise self._given_up(info.rc)
        await self._answered(info.mid)

    async def subscribe(self, topic: str, *, qos: int = 1) -> None:
        """Subscribe, and return when the broker confirmed it.

        Raises:
            ConnectionLost: the connection is or was lost, or the broker does not answer.
            PersonNeeded: the broker does not allow it.
        """
        self._require_alive()
        rc, mid = self._client.subscribe(topic, qos)
        if rc != MQTTErrorCode.MQTT_ERR_SUCCESS or mid is None:
            raise self._given_up(rc)
        if await self._answered(mid) >= _REFUSED_SUBSCRIPTION:
            raise PersonNeeded(
                f"{self._address} does not allow to subscribe to {topic}", "Have the broker's access list allow it."
            )

    async def confirm(self) -> None:
        """Return when the broker has read everything that was published before.

        A broker answers in the order in which it reads, and it answers every UNSUBSCRIBE (MQTT 3.1.1, 3.10.4), also one
        from a topic that was never subscribed to.

        Raises:
            ConnectionLost: the connection is or was lost, or the broker does not answer.
        """
        self._require_alive()
        rc, mid = self._client.unsubscribe(_NOWHERE)
        if rc != MQTTErrorCode.MQTT_ERR_SUCCESS or mid is None:
            raise self._given_up(rc)
        await self._answered(mid)

    async def close(self, *, farewell: Message | None = None) -> None:
        """Say a last word, disconnect properly and let go; never raises, and ends within some seconds."""
        try:
            if farewell is not None and self.is_alive:
                with contextlib.suppress(Trouble, TimeoutError):
                    async with asyncio.timeout(_FAREWELL_S):
                        await self.publish(farewell)
        finally:
            self._is_closing = True
            self._client.disconnect()
            await self._stop()

    async def _open(self, will: Callable[[], Message] | None) -> None:
        client, address = self._client, self._address
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = lambda _client, _data, mid, _code, _properties: self._hop(self._settle, mid, 0)
        client.on_unsubscribe = lambda _client, _data, mid, _codes, _properties: self._hop(self._settle, mid, 0)
        client.on_subscribe = lambda _client, _data, mid, codes, _properties: self._hop(
            self._settle, mid, max(code.value for code in codes)
        )
        client.on_message = self._on_incoming
        client.connect_timeout = address.timeout_s
        if address.user is not None:
            client.username_pw_set(address.user, address.password)
        client.on_socket_open = lambda _client, _data, opened: self._connected(opened, will)
        if address.tls is not None:
            client.tls_set_context(await asyncio.to_thread(tls_context, address.tls))
        try:
            await asyncio.to_thread(client.connect, address.host, address.port, address.keepalive_s)
        except (OSError, ssl.SSLError) as error:
            raise connect_trouble(address, error) from error
        client.loop_start()
        try:
            async with asyncio.timeout(address.timeout_s):
                await self._welcome
        except TimeoutError as error:
            raise TryAgain(f"{address} does not answer within {address.timeout_s:g} s") from error
        except _ClosedUnanswered:
            raise await asyncio.to_thread(closed_unanswered, address) from None

    def _connected(self, opened: Any, will: Callable[[], Message] | None) -> None:
        """On another thread, when the broker was reached and before CONNECT goes out."""
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else small messages wait 40 ms for each other
        if will is not None:
            message = will()
            self._client.will_set(message.topic, message.payload, qos=message.qos, retain=message.retain)

    async def _stop(self) -> None:
        await asyncio.to_thread(self._client.loop_stop)
        self._end(ConnectionLost(f"the connection to {self._address} is closed"))
        self._client.on_message = None

    async def _answered(self, mid: int) -> int:
        future: asyncio.Future[int] = self._loop.create_future()
        self._awaited[mid] = future
        try:
            async with asyncio.timeout(self._address.timeout_s):
                return await future
        except TimeoutError as error:
            self._end(ConnectionLost(f"{self._address} does not answer within {self._address.timeout_s:g} s"))
            raise self._lost or ConnectionLost("no answer") from error
        finally:
            self._awaited.pop(mid, None)

    def _require_alive(self) -> None:
        if self._lost is not None:
            raise self._lost
        if self._is_closing:
            raise ConnectionLost(f"the connection to {self._address} is being closed")

    def _given_up(self, rc: MQTTErrorCode) -> Trouble:
        """Paho knows of the loss before its callback came through."""
        self._end(ConnectionLost(f"the connection to {self._address} was lost: {rc.name}"))
        return self._lost or ConnectionLost(rc.name)

    # What follows up to `_hop` is called on paho's thread.

    def _on_connect(self, _client: Client, _data: Any, _flags: Any, code: Any, _properties: Any) -> None:
        if code.is_failure:
            self._hop(self._refuse, refusal(self._address, code.value, str(code)))
        else:
            self._hop(self._welcomed)

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, code: Any, _properties: Any) -> None:
        self._hop(self._end, ConnectionLost(f"the connection to {self._address} was lost: {code}"))

    def _on_incoming(self, _client: Client, _data: Any, message: Any) -> None:
        if self._on_message is not None and len(message.payload) <= _LARGEST_INCOMING:
            incoming = Incoming(message.topic, bytes(message.payload), is_retained=bool(message.retain))
            self._hop(self._heard, incoming)

    def _hop(self, action: Callable[..., None], *arguments: object) -> None:
        """Go on on the event loop; when that has ended, nobody waits any more."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(action, *arguments)

    def _welcomed(self) -> None:
        if not self._welcome.done():
            self._welcome.set_result(None)

    def _refuse(self, trouble: Trouble) -> None:
        if not self._welcome.done():
            self._welcome.set_exception(trouble)

    def _heard(self, incoming: Incoming) -> None:
        if self._on_message is not None and not self._is_closing:
            self._on_message(incoming)

    def _settle(self, mid: int, answer: int) -> None:
        future = self._awaited.get(mid)
        if future is not None and not future.done():
            future.set_result(answer)

    def _end(self, trouble: Trouble) -> None:
        if self._lost is None:
            self._lost = trouble
        if not self._welcome.done():
            self._welcome.set_exception(_ClosedUnanswered())
            self._welcome.exception()  # looked at: nobody may be waiting
        for future in self._awaited.values():
            if not future.done():
                future.set_exception(self._lost)
                future.exception()


class _ClosedUnanswered(Exception):
    """The connection ended before the welcome."""
