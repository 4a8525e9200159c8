"""What goes wrong around a station, met by a whole one: a defined state, an event, no permit."""

import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import replace
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
from station_scene import SIMULATED, StationScene, deployed_server, draw_parts


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


def test_a_missed_master_holds_the_lot_of_what_passed_since_the_last_pass(scene: StationScene) -> None:
    """Masters are shown again and again under one name: they are no duplicates, and never pass the gate."""
    masters, production, after = range(1, 4), range(4, 10), range(11, 14)
    draw_parts(scene.folder / "pictures", [number in masters for number in range(1, after.stop)])
    scene.keys.write_trust(scene.folder / "trust.json")
    scene.server.put_station("aoi-1", recipe={"id": "board", "version": 1}, lot="L-7").raise_for_status()

    def name(number: int) -> str:
        return f"P{number}" if number in production or number in after else "MASTER"

    async def work() -> LineTruth:
        path = scene.write(rig=simulated(after.stop - 1), rules={"masters": "{parts: {MASTER: [short]}}"})
        async with running(path) as run:
            run.line.settings = replace(run.line.settings, part_ids=name)
            run.line.plant_blind_triggers(len(masters))  # a person lays them on the belt while Ready is off
            await run.until_all_is_told()
            return run.line.truth

    truth = asyncio.run(work())
    passed = {part.part_id for part in truth.parts if part.lane is Lane.PASS}
    assert passed
    assert passed <= {f"P{number}" for number in production}
    assert [kind for kind in reported(scene) if kind.startswith("master_")][-1] == "master_missed"
    items = scene.server.http.get("/v1/holds", headers=scene.server.authorization()).json()["items"]
    (hold,) = (each for each in items if each["lot"] is not None)
    assert (hold["lot"], hold["state"]) == ("L-7", "held")
    named = set(hold["evidence"][1]["inspections_since_last_pass"])
    for part_id in passed:
        assert {row["id"] for row in scene.server.attempts_of(str(part_id))} <= named


def reported(scene: StationScene) -> list[str]:
    """The kinds of everything that the station reported, in order."""
    answer = scene.server.http.get("/v1/stations/aoi-1/reports", headers=scene.server.authorization()).json()
    return [each["kind"] for each in reversed(answer["items"])]
