import asyncio
import socket

import pytest

from broker_ear import broker_ear
from lineside.serving.delivery.mqtt.addresses import BrokerAddress
from lineside.serving.delivery.mqtt.messages import Message
from lineside.serving.delivery.mqtt.session import Session
from lineside.workflows.demo.broker import demo_broker


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
