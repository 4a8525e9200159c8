import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from broker_ear import BrokerEar, broker_ear
from lineside.serving.delivery.mqtt.addresses import BrokerAddress
from lineside.serving.delivery.mqtt.messages import Message
from lineside.serving.delivery.mqtt.session import Session
from lineside.workflows.demo.broker import demo_broker
from sink_scene import SinkScene, sink_scene
from sparkplug_host import sparkplug_host
from sparkplug_scene import seen_by, sparkplug_sink


def test_the_demonstrations_broker_takes_a_message_and_gives_it_to_who_listens() -> None:
    async def run() -> None:
        async with demo_broker() as port:
            with_ear = asyncio.to_thread(_hear_one, port)
            heard = asyncio.create_task(with_ear)
            session = await Session.connect(BrokerAddress("127.0.0.1", port), client_id="one")
            while not heard.done():
                await session.publish(Message("lineside/test", b"here", qos=1))
                await session.confirm()
                await asyncio.sleep(0.02)
            assert await heard == b"here"
            await session.close()

    asyncio.run(run())


def test_it_listens_on_the_loopback_alone() -> None:
    async def run() -> None:
        async with demo_broker() as port:
            with pytest.raises(OSError, match=r"refused|unreachable|assign"):  # whoever listens everywhere answers here
                socket.create_connection(("127.0.0.2", port), timeout=1.0)

    asyncio.run(run())


def _hear_one(port: int) -> bytes:
    with broker_ear(port, "lineside/test") as ear:
        return ear.wait_for(bool, "the message")[0].payload


def test_an_edge_node_lives_on_it(tmp_path: Path) -> None:
    """Birth, data, a death of its own and a Will: what the demonstration shows of Sparkplug."""

    async def run(scene: SinkScene) -> list[str]:
        async with demo_broker() as port:
            with sparkplug_host() as host:
                async with listening(port) as ear:
                    sink = sparkplug_sink(scene, port)
                    await sink.open()
                    await sink.deliver(scene.judge())
                    await sink.idle()
                    await sink.close()
                    seen = await seen_by(ear, host, 1, "NDEATH")
        return [one.type for one in seen]

    with sink_scene(tmp_path) as scene:
        assert asyncio.run(run(scene)) == ["NBIRTH", "DBIRTH", "DBIRTH", "DDATA", "NDEATH"]


@asynccontextmanager
async def listening(port: int) -> AsyncIterator[BrokerEar]:
    """An ear whose blocking calls leave the loop to the broker."""
    context = broker_ear(port, "spBv1.0/#")
    ear = await asyncio.to_thread(context.__enter__)
    try:
        yield ear
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)
