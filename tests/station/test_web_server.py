"""Regions of a web at a server: judged by its signed deployment, each there once; without it they wait on disk."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from blob_detector import Blob, TinyRelease, draw_blobs
from in_a_loop import in_a_loop
from lineside.client import LinesideClient
from lineside.client.clock import Clock, ManualClock, SystemClock
from lineside.inspection.release import TrustStore
from lineside.serving.security import Role
from lineside.station.own_engine import NoKit
from lineside.station.web import KitWatch, WebEvent, WebRun, open_web, parse_web_file, run_web, take_kit
from lineside.station.web.server_link import kit_keeper
from live_server import LiveServer, live_server
from odd_releases import Workshop
from signing import TestKeys

WIDTH_PX, LINES = 160, 800
DAY_S = 24 * 3600.0
AWAY = "http://127.0.0.1:9"
RECIPE = """\
schema: lineside.recipe/1
id: film
version: 1
product: FILM
catalogue: {id: pcb, version: 1}
release: blobs
deadline_ms: 20000
views: {web: {size_wh_px: [160, 200]}}
scale: {mm_per_px: 0.5, calibration: {id: CAL-1, method: glass scale, at: 2026-04-01T08:00:00+09:00}}
health: {min_std: null, min_brightest: null, max_black_share: null, min_mean: null, min_sharpness: null}
"""


@dataclass
class Site:
    """A server with a signed release in force, and who signed it."""

    server: LiveServer
    keys: TestKeys
    released: Path
    serial: int = 1
    ids: dict[int, str] = field(default_factory=dict)

    def deploy(self, **fields: object) -> None:
        self.serial += 1
        signed = self.keys.deploy_release(self.released, serial=self.serial, **fields)
        self.ids[self.serial] = self.server.deploy(signed).raise_for_status().json()["deployment"]["id"]

    def withdraw(self, serial: int) -> None:
        where = f"/v1/deployments/{self.ids[serial]}"
        self.server.http.delete(
            where, params={"reason": "a test"}, headers=self.server.authorization(Role.MLOPS)
        ).raise_for_status()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder, keys = tmp_path_factory.mktemp("server"), TestKeys()
    releases = folder / "releases"
    releases.mkdir()
    released = Workshop(releases, keys).write(TinyRelease()).rename(releases / "blobs")
    with live_server(folder, releases=(), trust_file=keys.write_trust(folder / "trust.json")) as server:
        server.put_recipe("film", RECIPE).raise_for_status()
        server.put_station("aoi-1", recipe={"id": "film", "version": 1}).raise_for_status()
        site = Site(server, keys, released)
        site.deploy()
        yield site


def _file(folder: Path, site: Site, *, roll: str, url: str | None = None) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "web.mono8").write_bytes(draw_blobs([Blob(1, 40, 300)], (WIDTH_PX, LINES)).tobytes())
    (folder / "station.key").write_text(site.server.keys[Role.STATION])
    if not (folder / "trust.json").exists():
        site.keys.write_trust(folder / "trust.json")
    file = {
        "schema": "lineside.web-station/1",
        "roll": roll,
        "source": {"kind": "looped", "path": "web.mono8", "width_px": WIDTH_PX, "chunk_lines": 20},
        "encoder": {"mm_per_count": 0.5, "repeated_lines": None},
        "mm_per_px_across": 0.5,
        "parts": {"pitch_mm": 100},
        "engine": {"name": "onnxruntime-fp32", "threads": 1},
        "tiles": {"overlap_px": 32, "ring_lines": 1000},
        "server": {
            "url": url or site.server.url,
            "station": "aoi-1",
            "key_file": "station.key",
            "trust_file": "trust.json",
            "lot": "LOT-1",
        },
    }
    return json.dumps(file)


def _judged(
    folder: Path,
    site: Site,
    *,
    roll: str,
    url: str | None = None,
    clock: Clock | None = None,
    before_lines: Callable[[], object] = lambda: None,
) -> WebRun:
    settings = parse_web_file(_file(folder, site, roll=roll, url=url), source="web.yaml")
    clock = clock or SystemClock()
    taken = asyncio.run(take_kit(settings, folder=folder, clock=clock))
    before_lines()
    with open_web(settings, folder=folder, clock=clock, engine_cache=None, taken=taken) as opened:
        return asyncio.run(run_web(opened, stop=asyncio.Event()))


def _verdicts(run: WebRun) -> list[str]:
    return [region.verdict.value for region in run.roll_map.regions]


def _at_server(site: Site, roll: str) -> list[tuple[str, str]]:
    found = site.server.http.get(
        "/v1/inspections", params={"station": "aoi-1", "limit": 100}, headers=site.server.authorization(Role.QUALITY)
    )
    found.raise_for_status()
    items = [(item["part_id"], item["verdict"]) for item in found.json()["items"] if item["part_id"].startswith(roll)]
    return sorted(items)


def _refusals(site: Site) -> list[str]:
    found = site.server.http.get(
        "/v1/stations/aoi-1/reports", headers=site.server.authorization(Role.QUALITY), params={"limit": 100}
    )
    found.raise_for_status()
    return [each["message"] for each in found.json()["items"] if each["kind"] == "deployment_refused"]


def test_each_region_is_an_inspection_judged_by_the_signed_deployment(site: Site, tmp_path: Path) -> None:
    run = _judged(tmp_path, site, roll="ROLL-1")
    verdicts = [(region.part.part_id, region.verdict.value) for region in run.roll_map.regions]
    assert [verdict for _, verdict in verdicts] == ["OK", "NG", "OK", "OK"]
    assert _at_server(site, "ROLL-1") == verdicts
    judged_with = json.loads((tmp_path / "out/judged-with.json").read_text())
    assert judged_with["deployment"]["serial"] == site.serial
    assert (judged_with["recipe"]["id"], judged_with["release"]["name"]) == ("film", "blobs")


def test_while_the_server_is_away_the_kept_kit_judges_and_the_next_run_hands_the_regions_in_once(
    site: Site, tmp_path: Path
) -> None:
    _judged(tmp_path, site, roll="ROLL-4")
    run = _judged(tmp_path, site, roll="ROLL-2", url=AWAY)
    assert len(run.roll_map.regions) == 4
    assert _at_server(site, "ROLL-2") == []
    _judged(tmp_path, site, roll="ROLL-3")
    assert [verdict for _, verdict in _at_server(site, "ROLL-2")] == ["OK", "NG", "OK", "OK"]
    assert len(_at_server(site, "ROLL-3")) == 4


def test_a_deployment_that_does_not_verify_lets_no_roll_begin_and_the_server_is_told(
    site: Site, tmp_path: Path
) -> None:
    (tmp_path / "trust.json").write_bytes(TrustStore([site.keys.build.public]).to_json())
    before = len(_refusals(site))
    with pytest.raises(NoKit, match="not signed"):
        _judged(tmp_path, site, roll="ROLL-5")
    assert len(_refusals(site)) == before + 1
    assert not (tmp_path / "out").exists()


def test_without_an_answer_and_a_kept_kit_no_roll_begins(site: Site, tmp_path: Path) -> None:
    settings = parse_web_file(_file(tmp_path, site, roll="ROLL-6"), source="web.yaml")
    (tmp_path / "station.key").write_text("lsk_no_key_of_this_server")
    with pytest.raises(NoKit, match="no kit"):
        asyncio.run(take_kit(settings, folder=tmp_path, clock=SystemClock()))


def test_a_deployment_that_expires_as_the_roll_begins_inspects_nothing(site: Site, tmp_path: Path) -> None:
    clock = ManualClock(datetime.now(UTC))
    run = _judged(tmp_path, site, roll="ROLL-7", clock=clock, before_lines=lambda: clock.advance(40 * DAY_S))
    assert _verdicts(run) == ["NOT_INSPECTED"] * 4
    assert {reason.code.value for region in run.roll_map.regions for reason in region.reasons} == {"deployment_expired"}
    assert any("expired" in each for each in _refusals(site))
    marked = [json.loads(line)["verdict"] for line in (tmp_path / "out/regions.jsonl").read_text().splitlines()]
    assert marked == _verdicts(run)


@in_a_loop
async def test_a_kit_is_watched_while_the_roll_runs(site: Site, tmp_path: Path) -> None:
    """A renewal goes on judging, and a revoked key ends it; each told once."""
    clock = ManualClock(datetime.now(UTC))
    settings = parse_web_file(_file(tmp_path, site, roll="ROLL-8"), source="web.yaml")
    taken = await take_kit(settings, folder=tmp_path, clock=clock)
    assert taken is not None
    told: list[str] = []

    async def on_event(event: WebEvent) -> None:
        told.append(f"{event.kind.value}: {event.message}")

    async with LinesideClient(site.server.url, site.server.keys[Role.STATION]) as client:
        watch = KitWatch(taken, client, clock=clock, on_event=on_event)
        site.deploy(expires_at=datetime.now(UTC).replace(microsecond=0) + timedelta(days=90))
        await watch.look()
        clock.advance(40 * DAY_S)
        await watch.look()
        assert (watch.why_not(), told) == (None, [])
        (tmp_path / "trust.json").write_bytes(TrustStore([site.keys.build.public]).to_json())
        for _ in range(2):
            await watch.look()
        refusal = watch.why_not()
    assert refusal is not None
    assert (refusal.code.value, len(told)) == ("no_release", 1)
    assert "not signed" in told[0]


@in_a_loop
async def test_what_expires_during_a_roll_stays_so_though_the_clock_is_set_back(site: Site, tmp_path: Path) -> None:
    clock = ManualClock(datetime.now(UTC))
    settings = parse_web_file(_file(tmp_path, site, roll="ROLL-8"), source="web.yaml")
    taken = await take_kit(settings, folder=tmp_path, clock=clock)
    assert taken is not None

    async def on_event(event: WebEvent) -> None:
        """It is asked, not told."""

    async with LinesideClient(AWAY, site.server.keys[Role.STATION], timeout_s=0.1) as client:
        watch = KitWatch(taken, client, clock=clock, on_event=on_event)
        clock.advance(400 * DAY_S)
        await watch.look()
    assert watch.why_not() is not None
    assert settings.file.server is not None
    with pytest.raises(NoKit, match="expired"):
        kit_keeper(settings.file.server, folder=tmp_path, clock=SystemClock()).kept()


@in_a_loop
async def test_other_rules_wait_for_the_next_roll_and_a_withdrawn_deployment_ends_this_one(
    site: Site, tmp_path: Path
) -> None:
    settings = parse_web_file(_file(tmp_path, site, roll="ROLL-9"), source="web.yaml")
    taken = await take_kit(settings, folder=tmp_path, clock=SystemClock())
    assert taken is not None
    told: list[str] = []

    async def on_event(event: WebEvent) -> None:
        told.append(event.message)

    site.server.put_recipe("film", RECIPE.replace("version: 1\nproduct", "version: 2\nproduct")).raise_for_status()
    site.server.put_station("aoi-1", recipe={"id": "film", "version": 2}).raise_for_status()
    async with LinesideClient(site.server.url, site.server.keys[Role.STATION]) as client:
        watch = KitWatch(taken, client, clock=SystemClock(), on_event=on_event)
        await watch.look()
        site.deploy()
        await watch.look()
        assert (watch.why_not(), told) == (None, [])
        site.withdraw(taken.kit.deployment.serial)
        await watch.look()
    assert watch.why_not() is not None
    assert told == [f"deployment {taken.kit.deployment.serial} was withdrawn: start the next roll"]
