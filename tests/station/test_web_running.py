"""One roll with its files: a marker is told what stands on disk, and nothing once it is too late."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pytest

from blob_detector import TinyRelease
from lineside.client import LinesideClient
from lineside.client.clock import ManualClock
from lineside.inspection.errors import GeometryMismatch
from lineside.inspection.frames import Image
from lineside.inspection.strips import LineChunk
from lineside.station.web import OpenedWeb, RegionOutcome, WebFileRefused, WebRun, open_web, parse_web_file, run_web
from lineside.station.web.line_sources import LineSource
from lineside.station.web.records import WebEvent
from lineside.station.web.region_spool import RegionSpool
from web_scene import ArrayLines, chunks_of

LINES, WIDTH_PX = 1000, 160
FIRST_IS_SEEN = 8
"""Chunks of 40 lines after which the two rows of tiles that show the first region are full."""

WEB: dict[str, Any] = {
    "schema": "lineside.web-station/1",
    "roll": "ROLL-1",
    "source": {"kind": "looped", "path": "web.mono8", "width_px": WIDTH_PX, "line_rate_hz": 200},
    "encoder": {"mm_per_count": 0.5, "repeated_lines": None},
    "mm_per_px_across": 0.5,
    "parts": {"pitch_mm": 100},
    "reject": {"distance_mm": 200, "actuator_ms": 50, "speed_mm_s": 100},
    "release": "release",
    "engine": {"name": "onnxruntime-fp32", "threads": 1},
    "tiles": {"overlap_px": 32, "ring_lines": 1000},
    "grades": [{"grade": "A", "max_defects": 0}],
    "marker": {"kind": "file"},
}


class SlowSpool(RegionSpool):
    """Writes nothing, and takes until all lines have come."""

    def __init__(self, begun: asyncio.Event, all_came: asyncio.Event) -> None:
        self.begun, self.all_came = begun, all_came
        self.client = LinesideClient("http://127.0.0.1:9", "nobody asks")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def region(self, outcome: RegionOutcome, picture: Image | None) -> str:
        self.begun.set()
        await self.all_came.wait()
        return outcome.part_id

    async def disposed(self, identifier: str, outcome: RegionOutcome) -> None:
        pass

    async def event(self, event: WebEvent) -> None:
        pass


@dataclass(frozen=True, slots=True, kw_only=True)
class LineOfChunks(OpenedWeb):
    """Lines from memory; a slow spool begins to write the first region while it is in time."""

    chunks: Sequence[LineChunk] = ()
    is_slow: bool = False
    begun: asyncio.Event
    all_came: asyncio.Event

    def source(self) -> LineSource:
        given_out = 0

        async def after() -> None:
            nonlocal given_out
            given_out += 1
            await (self.begun.wait() if self.is_slow and given_out == FIRST_IS_SEEN else asyncio.sleep(0.0))
            if given_out == len(self.chunks):
                self.all_came.set()

        return ArrayLines(self.chunks, is_live=True, width_px=WIDTH_PX, after=after)

    def region_spool(self) -> RegionSpool | None:
        return SlowSpool(self.begun, self.all_came) if self.is_slow else None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    TinyRelease().write(tmp_path / "release")
    return tmp_path


def _run(folder: Path, *, lines: int = LINES, is_slow: bool = False, **changes: Any) -> WebRun:
    clock = ManualClock(datetime(2026, 5, 1, tzinfo=UTC))
    web = np.zeros((lines, WIDTH_PX), np.uint8)
    web[:, -2:] = 200
    chunks = list(chunks_of(web, (40,), clock=clock))
    settings = parse_web_file(json.dumps(WEB | changes), source="web.yaml")
    with open_web(settings, folder=folder, clock=clock, engine_cache=None) as opened:
        kept = {each.name: getattr(opened, each.name) for each in fields(opened)}

        async def running() -> WebRun:
            live = LineOfChunks(**kept, chunks=chunks, is_slow=is_slow, begun=asyncio.Event(), all_came=asyncio.Event())
            return await run_web(live, stop=asyncio.Event())

        return asyncio.run(running())


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_region_that_is_too_late_once_it_is_written_down_has_no_permit_and_its_record_says_so(folder: Path) -> None:
    ran = _run(folder, is_slow=True)
    first = [each["verdict"] for each in _read(folder / "out/regions.jsonl") if each["part_id"] == "ROLL-1-000001"]
    assert first == ["OK", "NOT_INSPECTED"]
    assert [(each["part_id"][-1], each["permit"]) for each in _read(folder / "out/marks.jsonl")] == [
        ("1", False), ("2", False), ("3", False), ("4", False), ("5", True),
    ]  # fmt: skip
    assert [region.verdict.value for region in ran.roll_map.regions] == [*["NOT_INSPECTED"] * 4, "OK"]
    assert [each["from_mm"] for each in _read(folder / "out/events.jsonl") if each["kind"] == "web_region_late"] == [
        0.0, 100.0, 200.0, 300.0,
    ]  # fmt: skip


def test_a_roll_that_the_folder_holds_is_not_judged_again_and_another_one_leaves_nothing_of_it(folder: Path) -> None:
    """No permit of an earlier run stands for web that nobody has looked at yet."""
    _run(folder)
    before = (folder / "out/marks.jsonl").read_text()
    with pytest.raises(WebFileRefused, match=r"holds regions of roll 'ROLL-1'.*another name"):
        _run(folder, lines=200)
    assert (folder / "out/marks.jsonl").read_text() == before
    (folder / "out/roll-map.png").write_bytes(b"of the roll before")
    with pytest.raises(GeometryMismatch):
        _run(folder, roll="ROLL-2", source=WEB["source"] | {"width_px": 200})
    assert (folder / "out/marks.jsonl").read_text() == ""
    assert not (folder / "out/roll-map.png").exists()
    _run(folder, roll="ROLL-2", lines=200)
    assert [each["part_id"] for each in _read(folder / "out/marks.jsonl")] == ["ROLL-2-000001"]


def test_a_folder_whose_roll_cannot_be_told_is_not_written_over(folder: Path) -> None:
    _run(folder, lines=200)
    (folder / "out/judged-with.json").write_text('{"roll": "RO')
    with pytest.raises(WebFileRefused, match="already holds"):
        _run(folder, roll="ROLL-2")
