"""Those who are told: an idempotent receiver of webhooks and a subscriber of the broker, each a process of its own.

    python -m benchmarks.delivery_peers webhook PORT FILE
    python -m benchmarks.delivery_peers broker PORT FILE

Each writes what comes as a JSON line with the time of its arrival; the receiver does so before it answers.
"""

import asyncio
import base64
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineside.serving.delivery.sparkplug.payload import decode_commands

READY = "ready"
_READY_WITHIN_S = 30.0
_NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
_SPARKPLUG = "spBv1.0/"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One event as it came, the first time or again.

    Attributes:
        at_s: seconds since 1970.
        event_id: by which a consumer knows it again.
        sequence: its place in the plant's log.
        station: where it happened; None for the plant.
    """

    at_s: float
    event_id: str
    sequence: int
    station: str | None


@contextmanager
def listening_peer(kind: str, port: int, file: Path) -> Iterator[None]:
    """Run one until the block ends; it listens when the block starts."""
    command = [sys.executable, "-m", "benchmarks.delivery_peers", kind, str(port), str(file)]
    with subprocess.Popen(command) as process:
        try:
            ends_at_s = time.monotonic() + _READY_WITHIN_S
            while not (file.exists() and file.read_text("utf-8").startswith(f'"{READY}"')):
                if process.poll() is not None or time.monotonic() > ends_at_s:
                    raise RuntimeError(f"the {kind} peer does not listen on port {port}")
                time.sleep(0.02)
            yield
        finally:
            process.kill()


def webhook_arrivals(file: Path) -> list[Arrival]:
    """What the receiver was told, in order of arrival."""
    return [_of_cloud_event(at_s, said) for at_s, said in _lines(file)]


def mqtt_arrivals(file: Path) -> list[Arrival]:
    """What a subscriber of the plain JSON topics heard, in order."""
    return [
        _of_cloud_event(at_s, json.loads(base64.b64decode(said["payload"])))
        for at_s, said in _lines(file)
        if not said["topic"].startswith(_SPARKPLUG)
    ]


def sparkplug_arrivals(file: Path) -> list[Arrival]:
    """What a host application heard as data, told late or not, in order; aliases are those of the last birth."""
    names: dict[tuple[str, ...], dict[int | None, str]] = {}
    found: list[Arrival] = []
    for at_s, said in _lines(file):
        if not said["topic"].startswith(_SPARKPLUG):
            continue
        _, group, kind, *rest = said["topic"].split("/")
        if kind not in {"NBIRTH", "DBIRTH", "NDATA", "DDATA"}:
            continue
        speaker = (group, *rest)
        metrics = decode_commands(base64.b64decode(said["payload"]))
        if kind.endswith("BIRTH"):
            names[speaker] = {metric.alias: metric.name for metric in metrics if metric.name is not None}
            continue
        told = {names.get(speaker, {}).get(metric.alias): metric.value for metric in metrics}
        if "Event/Id" in told:
            station = rest[1] if len(rest) > 1 else None
            found.append(Arrival(at_s, str(told["Event/Id"]), int(str(told["Event/Sequence"])), station))
    return found


def _lines(file: Path) -> Iterator[tuple[float, Any]]:
    with file.open(encoding="utf-8") as lines:
        next(lines)  # READY
        for line in lines:
            if line.endswith("\n"):  # else it is being written
                at_s, said = json.loads(line)
                yield at_s, said


def _of_cloud_event(at_s: float, said: Any) -> Arrival:
    return Arrival(at_s, said["id"], int(said["sequence"]), said.get("partitionkey"))


class _Notes:
    """A file that has a line as soon as it is written."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("ab", buffering=0)

    def write(self, said: Any) -> None:
        self._file.write(json.dumps(said).encode() + b"\n")


async def _receive(port: int, notes: _Notes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                length = int(head.partition("content-length:")[2].partition("\r\n")[0])
                said = json.loads(await reader.readexactly(length))
                brief = {name: said.get(name) for name in ("id", "sequence", "partitionkey")}
                notes.write([time.time(), brief])
                writer.write(_NO_CONTENT)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    notes.write(READY)
    await server.serve_forever()


def _listen(port: int, notes: _Notes) -> None:
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    client = Client(CallbackAPIVersion.VERSION2)
    client.on_connect = lambda connected, *_: connected.subscribe([("lineside/#", 1), ("spBv1.0/#", 1)])
    client.on_subscribe = lambda *_: notes.write(READY)
    client.on_message = lambda _client, _data, message: notes.write(
        [time.time(), {"topic": message.topic, "payload": base64.b64encode(message.payload).decode()}]
    )
    client.connect("127.0.0.1", port)
    client.loop_forever()


if __name__ == "__main__":
    _kind, _port, _file = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    if _kind == "webhook":
        asyncio.run(_receive(_port, _Notes(_file)))
    else:
        _listen(_port, _Notes(_file))
