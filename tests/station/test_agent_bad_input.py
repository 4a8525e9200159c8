"""What goes wrong around a station, met by a whole one: a defined state, an event, no permit."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from lineside.serving.ledger.tables import frames
from lineside.station.rig import Lane
from lineside.station.rig.line.truth import LineTruth
from live_server import LiveServer
from running_station import running
from signing import TestKeys
from socket_relay import socket_relay
from station_scene import SIMULATED, StationScene, deployed_server


@pytest.fixture(scope="module")
def keys() -> TestKeys:
    return TestKeys()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, keys: TestKeys) -> Iterator[LiveServer]:
    with deployed_server(tmp_path_factory.mktemp("bad-input"), keys) as live:
        yield live


@pytest.fixture
def scene(server: LiveServer, keys: TestKeys, tmp_path: Path) -> StationScene:
    return StationScene(tmp_path, server, keys)


def simulated(parts: int) -> str:
    return SIMULATED.format(parts=parts, ids="false")


def test_a_server_behind_a_socket_file_judges_raw_pixels(scene: StationScene) -> None:
    is_bad = scene.draw(4, bad_every=2)

    async def work(socket: Path) -> LineTruth:
        path = scene.write(rig=simulated(len(is_bad)), part_id="{from: mes}")
        path.write_text(path.read_text().replace(f'url: "{scene.server.url}"', f"unix_socket: {socket}"))
        async with socket_relay(socket, urlsplit(scene.server.url).port or 0), running(path) as run:
            await run.until_all_is_told()
            return run.line.truth

    with tempfile.TemporaryDirectory(prefix="ls-") as short:  # a socket's name has about a hundred characters at most
        truth = asyncio.run(work(Path(short) / "server.sock"))
    assert truth.lanes[Lane.PASS] == is_bad.count(False)
    kinds = scene.server.services.ledger.read_blocking(
        lambda connection: {row[0] for row in connection.execute(select(frames.c.media_type))}
    )
    assert kinds == {"application/vnd.lineside.raw"}
