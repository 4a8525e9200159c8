"""The Sparkplug sink: an edge node that lives by the ledger."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Final

import structlog

from lineside.inspection.errors import LinesideError
from lineside.serving.delivery.context import SinkContext
from lineside.serving.delivery.errors import ConnectionLost, Trouble, TryAgain
from lineside.serving.delivery.mqtt.client_ids import client_id_of
from lineside.serving.delivery.mqtt.session import Incoming, Session
from lineside.serving.delivery.settings import SinkSettings
from lineside.serving.delivery.sinks import Proof, Sink
from lineside.serving.delivery.sparkplug.edge_node import EdgeNode
from lineside.serving.delivery.sparkplug.errors import SparkplugError
from lineside.serving.delivery.sparkplug.memory import NodeMemory
from lineside.serving.delivery.sparkplug.picture import Picture
from lineside.serving.delivery.sparkplug.primary_host import HostNews, PrimaryHost
from lineside.serving.delivery.sparkplug.settings import SparkplugSettings
from lineside.serving.delivery.sparkplug.storyteller import Storyteller
from lineside.serving.delivery.sparkplug.vocabulary import DEVICE_METRICS, NODE_METRICS
from lineside.serving.ledger import Event

_LOOK_AGAIN_S: Final = 1.0
"""Between two waits for the primary host."""

_LAST_PROOF_S: Final = 2.0
"""For the broker's last proof at the end; without it some events are told again by the next session."""

_LONGEST_CALL_S: Final = 30.0
"""Well below what delivery allows a call."""

_log = structlog.get_logger(__name__)


class SparkplugSink:
    """Births, data, commands and death of one edge node over one connection at a time.

    Data go out at quality of service 0, as Sparkplug wants it: what was under way when a connection broke may be lost.
    So the broker is asked at short intervals to prove that it has read everything, and what it did not prove is told
    again, as history, behind the next birth.

    Args:
        settings: from the delivery file.
        context: what every sink is given.

    Raises:
        SinkMisconfigured: the password is not where the settings say.
    """

    def __init__(self, settings: SparkplugSettings, context: SinkContext) -> None:
        self._address = settings.address(context.folder)
        self._client_id = client_id_of(settings, context.plant)
        self._topics = settings.topics(context.plant)
        self._patience_s = settings.host_patience_s
        self._host = PrimaryHost(settings.primary_host) if settings.primary_host is not None else None
        self._memory = NodeMemory(context.state_dir)
        self._node = EdgeNode(
            self._topics,
            clock=context.clock,
            node_metrics=NODE_METRICS,
            device_metrics=DEVICE_METRICS,
            states_types=settings.data_types == "always",
        )
        self._story = Storyteller(self._node, settings.filter.to_record(), context, self._memory)
        self._session: Session | None = None
        self._speaking = asyncio.Lock()
        self._was_born = asyncio.Event()
        self._is_asked = False
        self._catching_up: asyncio.Task[Picture] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def proof(self) -> Proof:
        """The broker read it; who reads it there is not known here."""
        return Proof.HANDED_OVER

    @property
    def lanes(self) -> int:
        """One: sequence numbers go through the whole node."""
        return 1

    async def open(self) -> None:
        """Connect and be born; with a primary host that is away, the birth comes when it does."""
        await self._catch_up()
        async with self._speaking:
            await self._drop()
            session = await self._connect()
            if self._host is None:
                await self._be_born(session)

    async def deliver(self, event: Event) -> None:
        """Tell one event; what lies behind the last birth is told as history."""
        await self._until_born()
        async with self._speaking:
            session = self._live_session()
            self._story.require_overlap(event)
            for message in await self._story.tell(event):
                await session.publish(message)
            if self._story.needs_proof:
                await self._confirm(session)

    async def idle(self) -> None:
        """Have the broker prove what it has, where it did not."""
        await self._until_born()
        async with self._speaking:
            session = self._live_session()
            if self._story.unproved:
                await self._confirm(session)

    async def close(self) -> None:
        """Die properly: NDEATH, then DISCONNECT."""
        async with self._speaking:
            session = self._session
            if session is not None and session.is_alive and self._story.unproved:
                with contextlib.suppress(Trouble, TimeoutError):
                    async with asyncio.timeout(_LAST_PROOF_S):
                        await self._confirm(session)
            await self._drop()
        for task in self._tasks:
            task.cancel()

    async def check(self) -> None:
        """Connect under another client id, without a Will, and disconnect: nobody hears of it."""
        session = await Session.connect(self._address, client_id=f"{self._client_id}-check")
        await session.close()

    async def _catch_up(self) -> None:
        """Have the present at hand before anything is said; a long way is gone on with by the next try.

        Raises:
            TryAgain: it takes longer than one call should.
            LedgerUnavailable: the database cannot be read.
        """
        if self._catching_up is None:
            self._catching_up = asyncio.create_task(self._story.catch_up())
        try:
            async with asyncio.timeout(_LONGEST_CALL_S):
                await asyncio.shield(self._catching_up)
        except TimeoutError as error:
            raise TryAgain("the edge node reads what its ledger holds", after_s=_LOOK_AGAIN_S) from error
        finally:
            if self._catching_up.done():
                self._catching_up = None

    async def _connect(self) -> Session:
        if self._host is not None:
            self._host.forget()
        session = await Session.connect(
            self._address,
            client_id=self._client_id,
            will=lambda: self._node.connecting(self._memory.next_bdseq()),
            on_message=self._hear,
        )
        self._session = session
        await session.subscribe(self._topics.commands)
        await session.subscribe(self._topics.device_commands)
        if self._host is not None:
            await session.subscribe(self._host.topic)
        return session

    async def _be_born(self, session: Session) -> None:
        for message in await self._story.births():
            await session.publish(message)
        self._was_born.set()

    async def _until_born(self) -> None:
        """Wait for the primary host with the connection open.

        Raises:
            ConnectionLost: there is no connection to wait on.
            TryAgain: it does not come.
        """
        self._live_session()
        try:
            async with asyncio.timeout(self._patience_s):
                await self._was_born.wait()
        except TimeoutError as error:
            self._live_session()
            waited_for = "its birth" if self._host is None else f"the primary host on {self._host.topic}"
            raise TryAgain(f"the edge node waits for {waited_for}", after_s=_LOOK_AGAIN_S) from error

    async def _confirm(self, session: Session) -> None:
        await session.confirm()
        self._story.proved()

    def _live_session(self) -> Session:
        if self._session is None:
            raise ConnectionLost("the edge node is not connected: its primary host went, or it was closed")
        if self._session.lost is not None:
            raise self._session.lost
        return self._session

    async def _drop(self) -> None:
        """End the session, if there is one, with the node's own death."""
        session, self._session = self._session, None
        self._was_born.clear()
        if session is None:
            return
        farewell = None
        if session.is_alive:
            with contextlib.suppress(SparkplugError):
                farewell = self._node.death()
        self._node.lost()
        self._story.interrupted()
        await session.close(farewell=farewell)

    def _hear(self, incoming: Incoming) -> None:
        """On the event loop: a STATE or a command."""
        try:
            if self._host is not None and incoming.topic == self._host.topic:
                self._hear_host(self._host, incoming)
            elif incoming.topic != self._topics.commands:
                _log.warning("sparkplug_command_ignored", topic=incoming.topic, reason="devices have nothing to write")
            elif not incoming.is_retained and self._node.asks_rebirth(incoming.payload) and not self._is_asked:
                self._is_asked = True
                self._start(self._be_born_again())
        except SparkplugError as error:
            _log.warning("sparkplug_message_unreadable", topic=incoming.topic, reason=str(error))

    def _hear_host(self, host: PrimaryHost, incoming: Incoming) -> None:
        news = host.hears(incoming.payload)
        if news is HostNews.ONLINE and not self._node.is_born:
            self._start(self._meet_host())
        elif news is HostNews.OFFLINE and self._node.is_born:
            self._start(self._leave())

    async def _meet_host(self) -> None:
        """The primary host is there: the births it waits for."""
        async with self._speaking:
            session = self._session
            if session is not None and not self._node.is_born and self._host is not None and self._host.is_online:
                await self._try_birth(session)

    async def _be_born_again(self) -> None:
        """Answer requests for rebirth, all that came so far; the first birth answers those that came before it."""
        async with self._speaking:
            self._is_asked = False
            if self._session is not None and self._node.is_born:
                await self._try_birth(self._session)

    async def _try_birth(self, session: Session) -> None:
        """Outside a call of the runner: what does not go through ends the session, and the runner hears of that."""
        try:
            await self._be_born(session)
        except LinesideError as error:
            _log.warning("sparkplug_birth_failed", topic=self._topics.birth, reason=str(error))
            await self._drop()

    async def _leave(self) -> None:
        """The primary host went: the node dies and disconnects; the runner opens again and waits."""
        async with self._speaking:
            if self._host is not None and not self._host.is_online:
                await self._drop()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def build(settings: SinkSettings, context: SinkContext) -> Sink:
    """Make the sink; nothing connects yet."""
    if not isinstance(settings, SparkplugSettings):
        raise TypeError(f"settings of kind {settings.kind!r} are none of a Sparkplug node")
    return SparkplugSink(settings, context)
