"""Master samples at a whole station: announced by a person, due with the shift, and never production at the server."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lineside.cli.main import app
from lineside.client.clock import SystemClock
from lineside.inspection.verdict import Verdict
from lineside.station.agent import MasterRefused, request_master
from lineside.station.agent.master_requests import MasterRequests
from lineside.station.rig import Lane, StationState
from lineside.station.spool import booked_parts
from live_server import LiveServer
from running_station import Running, running
from signing import TestKeys
from station_scene import SIMULATED, StationScene, deployed_server, draw_parts


class SetClock(SystemClock):
    """The machine's clocks, the one on the wall as a test sets it."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.ahead


@pytest.fixture(scope="module")
def keys() -> TestKeys:
    return TestKeys()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, keys: TestKeys) -> Iterator[LiveServer]:
    with deployed_server(tmp_path_factory.mktemp("masters"), keys) as live:
        yield live


def announce(path: Path, part_id: str) -> Result:
    return CliRunner().invoke(app, ["station", "master", str(path), part_id])


async def until_masters_are_due(run: Running) -> None:
    """Wait until the station is shut, with nothing but masters in its way."""
    while run.station.scan.outputs is None or run.station.scan.outputs.state is not StationState.INITIALIZED:
        assert not run.task.done(), run.station.failure
        await asyncio.sleep(0.01)


def test_an_announced_master_opens_the_station_until_the_next_shift(
    server: LiveServer, keys: TestKeys, tmp_path: Path
) -> None:
    """The PLC names no part and the MES numbers them: which one the master is, only the person knows."""
    scene = StationScene(tmp_path, server, keys)
    draw_parts(tmp_path / "pictures", [True, *[False] * 59])
    keys.write_trust(tmp_path / "trust.json")
    said = {"truth": "defective", "classes": ["short"]}
    server.http.put("/v1/known-parts/MASTER", json=said, headers=server.authorization()).raise_for_status()
    path = scene.write(
        rig=SIMULATED.format(parts=60, ids="false"),
        rules={"masters": '{parts: {MASTER: [short]}, shifts: ["06:00", "18:00"], time_zone: Asia/Seoul}'},
        part_id="{from: mes}",
    )
    clock = SetClock()

    async def work() -> None:
        async with running(path, clock=clock) as run:
            await until_masters_are_due(run)
            told = await asyncio.to_thread(announce, path, "MASTER")
            assert told.exit_code == 0, told.output
            while not any(part.lane is Lane.PASS for part in run.line.truth.parts):
                assert not run.task.done(), run.station.failure
                await asyncio.sleep(0.01)
            clock.ahead += timedelta(hours=12)
            await until_masters_are_due(run)
            while run.station.spool.unfinished() or not await run.station.forwarder.drain():  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.02)

    asyncio.run(work())
    shown, *production = booked_parts(tmp_path / "spool")
    assert (shown.part_id or "").startswith("MASTER.")
    assert (shown.verdict, shown.lane) == (Verdict.NG, Lane.REJECT)
    assert any(part.lane is Lane.PASS for part in production)
    items = server.http.get("/v1/known-parts", headers=server.authorization()).json()["items"]
    known = {item["part_id"]: (item["truth"], item["classes"]) for item in items}
    assert known == {"MASTER": ("defective", ["short"]), shown.part_id: ("defective", ["short"])}


@pytest.mark.parametrize(("part_id", "says"), [("OTHER", "expected one of MASTER"), ("MASTER", "no station")])
def test_a_master_that_cannot_be_announced_is_refused(
    part_id: str, says: str, server: LiveServer, keys: TestKeys, tmp_path: Path
) -> None:
    path = StationScene(tmp_path, server, keys).write(
        rig=SIMULATED.format(parts=1, ids="false"), rules={"masters": "{parts: {MASTER: [short]}}"}
    )
    refused = announce(path, part_id)
    assert isinstance(refused.exception, MasterRefused)
    assert says in str(refused.exception)


def test_a_request_that_nobody_takes_is_withdrawn(tmp_path: Path) -> None:
    (tmp_path / "master-requests").mkdir()
    with pytest.raises(MasterRefused, match="does it run"):
        request_master(tmp_path, "MASTER", patience_s=0.05)
    assert list((tmp_path / "master-requests").iterdir()) == []


def test_a_station_that_knows_another_file_says_so_and_drops_what_was_asked_before_it_began(tmp_path: Path) -> None:
    (tmp_path / "master-requests").mkdir()
    (tmp_path / "master-requests" / "old.request").write_bytes(b"MASTER")
    announced: list[str] = []

    async def work() -> None:
        requests = MasterRequests(tmp_path, masters={"MASTER"}, announce=announced.append)
        task = asyncio.create_task(requests.run())
        while (tmp_path / "master-requests" / "old.request").exists():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
        with pytest.raises(MasterRefused, match="expected one of MASTER"):
            await asyncio.to_thread(request_master, tmp_path, "NEW")
        assert announced == []
        await asyncio.to_thread(request_master, tmp_path, "MASTER")
        task.cancel()

    asyncio.run(work())
    assert announced == ["MASTER"]
