"""Regions of a web at a server: each is there once, in order, with its fate; while it is away they wait on disk."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from blob_detector import Blob, TinyRelease, draw_blobs
from lineside.client.clock import SystemClock
from lineside.serving.security import Role
from lineside.station.web import WebRun, open_web, parse_web_file, run_web
from live_server import LiveServer, live_server

WIDTH_PX, LINES = 160, 800
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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with live_server(tmp_path_factory.mktemp("server")) as server:
        server.put_recipe("film", RECIPE).raise_for_status()
        server.put_station("aoi-1", recipe={"id": "film", "version": 1}).raise_for_status()
        yield server


def _judged(folder: Path, server: LiveServer, *, roll: str, url: str | None = None) -> WebRun:
    folder.mkdir(exist_ok=True)
    (folder / "web.mono8").write_bytes(draw_blobs([Blob(1, 40, 300)], (WIDTH_PX, LINES)).tobytes())
    (folder / "film.yaml").write_text(RECIPE)
    (folder / "station.key").write_text(server.keys[Role.STATION])
    if not (folder / "release").exists():
        TinyRelease().write(folder / "release")
    file = {
        "schema": "lineside.web-station/1",
        "roll": roll,
        "source": {"kind": "looped", "path": "web.mono8", "width_px": WIDTH_PX},
        "encoder": {"mm_per_count": 0.5, "repeated_lines": None},
        "mm_per_px_across": 0.5,
        "parts": {"pitch_mm": 100},
        "release": "release",
        "recipe": "film.yaml",
        "engine": {"name": "onnxruntime-fp32", "threads": 1},
        "tiles": {"overlap_px": 32, "ring_lines": 1000},
        "server": {"url": url or server.url, "station": "aoi-1", "key_file": "station.key", "lot": "LOT-1"},
    }
    settings = parse_web_file(json.dumps(file), source="web.yaml")
    with open_web(settings, folder=folder, clock=SystemClock(), engine_cache=None) as opened:
        return asyncio.run(run_web(opened, stop=asyncio.Event()))


def _regions(server: LiveServer, roll: str) -> list[tuple[str, str]]:
    found = server.http.get(
        "/v1/inspections", params={"station": "aoi-1", "limit": 100}, headers=server.authorization(Role.QUALITY)
    )
    found.raise_for_status()
    items = [(item["part_id"], item["verdict"]) for item in found.json()["items"] if item["part_id"].startswith(roll)]
    return sorted(items)


def test_each_region_is_an_inspection_judged_by_the_station(server: LiveServer, tmp_path: Path) -> None:
    run = _judged(tmp_path, server, roll="ROLL-1")
    verdicts = [(region.part.part_id, region.verdict.value) for region in run.roll_map.regions]
    assert [verdict for _, verdict in verdicts] == ["OK", "NG", "OK", "OK"]
    assert _regions(server, "ROLL-1") == verdicts


def test_while_the_server_is_away_regions_wait_on_disk_and_the_next_run_hands_them_in_once(
    server: LiveServer, tmp_path: Path
) -> None:
    run = _judged(tmp_path, server, roll="ROLL-2", url="http://127.0.0.1:9")
    assert len(run.roll_map.regions) == 4
    assert _regions(server, "ROLL-2") == []
    _judged(tmp_path, server, roll="ROLL-3")
    assert [verdict for _, verdict in _regions(server, "ROLL-2")] == ["OK", "NG", "OK", "OK"]
    assert len(_regions(server, "ROLL-3")) == 4
