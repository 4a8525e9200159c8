"""A Sparkplug sink on a scene's ledger, driven as delivery does."""

import asyncio
from typing import Any

from broker_ear import BrokerEar
from lineside.serving.delivery.errors import ConnectionLost, SendAgainFrom
from lineside.serving.delivery.kinds import SINK_KINDS
from lineside.serving.delivery.sparkplug.edge_node import REBIRTH
from lineside.serving.delivery.sparkplug.payload import DataType, Metric, encode
from lineside.serving.delivery.sparkplug.settings import SparkplugSettings
from lineside.serving.delivery.sparkplug.sink import SparkplugSink
from sink_scene import SinkScene
from sparkplug_host import Seen, SparkplugHost


def sparkplug_sink(scene: SinkScene, port: int, **more: Any) -> SparkplugSink:
    """The sink `line-1`, by its kind."""
    settings = SparkplugSettings(
        name="line-1", kind="sparkplug", host="127.0.0.1", port=port, **{"timeout_s": 5.0, **more}
    )
    sink = SINK_KINDS["sparkplug"].build(settings, scene.context)
    assert isinstance(sink, SparkplugSink)
    return sink


class PlainRunner:
    """The loop of delivery at its plainest: in order, again from where the sink asks, opened again when it was lost."""

    def __init__(self, sink: SparkplugSink, scene: SinkScene, *, position: int) -> None:
        self.sink = sink
        self.scene = scene
        self.position = position

    async def deliver_all(self) -> None:
        """Everything up to the ledger's head; raises when the broker is not there."""
        await self.scene.context.lines.refresh()
        while events := self.scene.after(self.position):
            try:
                await self.sink.deliver(events[0])
            except SendAgainFrom as wish:
                self.position = wish.sequence - 1
            except ConnectionLost:
                await self.sink.close()
                await self.sink.open()
            else:
                self.position = events[0].sequence


async def seen_by(ear: BrokerEar, host: SparkplugHost, count: int, kind: str) -> tuple[Seen, ...]:
    """Everything that a host saw, as soon as so many messages of a type came."""
    heard = await asyncio.to_thread(
        ear.wait_for,
        lambda all_: sum(f"/{kind}/" in one.topic for one in all_) >= count,
        f"{count} {kind}",
    )
    return host.decode(heard)


def command(scene: SinkScene, name: str = REBIRTH, *, value: bool = True) -> bytes:
    """A command to write one metric."""
    now = scene.clock.now()
    return encode((Metric(DataType.BOOLEAN, value=value, at=now, name=name, states_datatype=True),), at=now, seq=None)
