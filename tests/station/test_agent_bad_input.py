"""What goes wrong around a station, met by a whole one: a defined state, an event, no permit."""

import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from lineside.client.clock import SystemClock
from lineside.serving.ledger.tables import frames
from lineside.station.rig import Lane, StationState
from lineside.station.rig.line.truth import LineTruth
from lineside.station.spool.reconciliation import reconcile
from lineside.station.spool.status import spool_status
from live_server import LiveServer
from running_station import running
from signing import TestKeys
from socket_relay import socket_relay
from station_scene import SIMULATED, StationScene, deployed_server, draw_parts
from twisting_server import twisting_server


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
    is_bad = scene.draw(6, bad_every=3)

    async def work(socket: Path) -> LineTruth:
        path = scene.write(rig=simulated(len(is_bad)), part_id="{from: mes}")
        path.write_text(path.read_text().replace(f'url: "{scene.server.url}"', f"unix_socket: {socket}"))
        async with socket_relay(socket, urlsplit(scene.server.url).port or 0), running(path) as run:
            await run.until_all_is_told()
            return run.line.truth

    with tempfile.TemporaryDirectory(prefix="ls-") as short:  # a socket's name has about a hundred characters at most
        truth = asyncio.run(work(Path(short) / "server.sock"))
    assert 0 < truth.lanes[Lane.PASS] <= is_bad.count(False)
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


def another_part(answer: dict[str, Any]) -> None:
    answer["part_id"] = "of-somebody-else"


def test_a_server_that_answers_for_another_part_earns_no_permit_and_is_told_about(scene: StationScene) -> None:
    scene.draw(4, bad_every=100)

    async def work(url: str) -> LineTruth:
        async with running(scene.write(rig=simulated(4), part_id="{from: mes}", url=url)) as run:
            await run.until_all_is_told()
            assert run.station.failure is None
            return run.line.truth

    with twisting_server(scene.server.url, another_part) as url:
        truth = asyncio.run(work(url))
    assert (truth.lanes[Lane.PASS], truth.counts.permits) == (0, 0)
    assert "wrong_part" in reported(scene)
    check_books(scene, truth)


def test_two_triggers_in_one_frame_time_are_two_records_and_no_permit_for_nobody(scene: StationScene) -> None:
    """The sensor bounces: the second trigger has an id of its own, and no part."""
    scene.draw(12, bad_every=100)

    async def work() -> LineTruth:
        path = scene.write(rig=simulated(6), part_id="{from: mes}", rules={"stop_after_not_inspected": "null"})
        path.write_text(path.read_text().replace("pace: trigger", "rate_hz: 10"))  # up to 100 ms for a frame
        async with running(path) as run:
            run.line.plant_double_triggers(3)
            await run.until_all_is_told()
            assert run.station.failure is None
            return run.line.truth

    truth = asyncio.run(work())
    assert truth.counts.phantom_triggers > 0
    assert truth.passed_without_permit == ()
    assert "trigger_while_busy" in reported(scene)
    check_books(scene, truth)


@dataclass
class SteppingClock(SystemClock):
    """The machine's clocks, which can be set back."""

    back: timedelta = timedelta(0)
    back_s: float = 0.0

    def now(self) -> datetime:
        """The wall clock, as it was set."""
        return super().now() - self.back

    def monotonic(self) -> float:
        """The other one, which no machine should set back."""
        return super().monotonic() - self.back_s


def test_a_wall_clock_that_is_set_back_changes_nothing_but_instants(scene: StationScene) -> None:
    is_bad, clock = scene.draw(8, bad_every=5), SteppingClock()

    async def work() -> LineTruth:
        async with running(scene.write(rig=simulated(len(is_bad)), part_id="{from: mes}"), clock=clock) as run:
            await run.until_left(1)
            clock.back = timedelta(hours=2)
            await run.until_all_is_told()
            assert run.station.failure is None
            return run.line.truth

    truth = asyncio.run(work())
    assert any(part.lane is Lane.PASS for part in truth.parts[4:])
    assert truth.passed_without_permit == ()
    check_books(scene, truth)


def test_a_monotonic_clock_that_steps_back_is_an_error_until_a_person_resets_it(scene: StationScene) -> None:
    scene.draw(12, bad_every=100)
    clock = SteppingClock()

    async def work() -> tuple[int, LineTruth]:
        async with running(scene.write(rig=simulated(12), part_id="{from: mes}"), clock=clock) as run:
            await run.until_left(2)
            clock.back_s = 0.3
            await run.until(lambda: run.state is StationState.ERROR)
            permits = run.line.truth.counts.permits
            await run.until_left(5)
            before = run.line.truth.counts.permits - permits
            run.line.press_reset()
            await run.until_all_is_told()
            assert run.station.failure is None
            return before, run.line.truth

    permits_in_error, truth = asyncio.run(work())
    assert permits_in_error == 0
    assert truth.parts[-1].lane is Lane.PASS
    assert "clock" in reported(scene)
    check_books(scene, truth)


def check_books(scene: StationScene, truth: LineTruth) -> None:
    """Every trigger has one record, one verdict and one fate, here and at the server, and nothing waits."""
    counts = reconcile(scene.folder / "spool")
    assert counts.is_even, counts
    assert counts.triggers == truth.counts.triggers - truth.counts.triggers_unanswered
    status = spool_status(scene.folder / "spool")
    assert (sum(status.waiting.values()), status.parked) == (0, ())


def reported(scene: StationScene) -> list[str]:
    """The kinds of everything that the station reported, in order."""
    answer = scene.server.http.get("/v1/stations/aoi-1/reports", headers=scene.server.authorization()).json()
    return [each["kind"] for each in reversed(answer["items"])]
