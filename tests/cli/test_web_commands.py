"""`lineside web`: a web is drawn, judged as it runs, and its map shown."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from blob_detector import BLOB_CLASSES, Blob, TinyRelease, draw_blobs
from lineside.cli.main import app
from lineside.station.web import MarkerFailed, WebFileRefused

LINES, WIDTH_PX = 800, 160
BLOBS = (Blob(1, 40, 100), Blob(4, 120, 452))
WEB: dict[str, Any] = {
    "schema": "lineside.web-station/1",
    "roll": "ROLL-1",
    "source": {"kind": "looped", "path": "web.mono8", "width_px": WIDTH_PX},
    "encoder": {"mm_per_count": 0.5, "repeated_lines": None},
    "mm_per_px_across": 0.5,
    "parts": {"pitch_mm": 100},
    "release": "release",
    "engine": {"name": "onnxruntime-fp32", "threads": 1},
    "tiles": {"overlap_px": 32, "ring_lines": 400},
    "grades": [{"grade": "A", "max_defects": 0}, {"grade": "B", "max_defects": 1}],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("web")
    web = draw_blobs(BLOBS, (WIDTH_PX, LINES))
    web[:, -2:] = 200  # a web without any light is one whose lamp is out
    (folder / "web.mono8").write_bytes(web.tobytes())
    TinyRelease().write(folder / "release")
    (folder / "web.yaml").write_text(json.dumps(WEB))
    return folder


def test_a_web_is_judged_region_by_region_and_its_roll_is_on_disk(folder: Path) -> None:
    done = CliRunner().invoke(app, ["web", "run", str(folder / "web.yaml"), "--json"])
    assert done.exit_code == 0, done.output
    figures = json.loads(done.stdout)
    assert (figures["lines_read"], figures["lines_lost"], figures["regions"]) == (LINES, 0, {"OK": 2, "NG": 2})
    assert (figures["deployment"], figures["threshold_status"]) == (None, "uncertified")
    assert "unsigned: no deployment; thresholds uncertified" in done.stderr
    regions = [json.loads(line) for line in (folder / "out/regions.jsonl").read_text().splitlines()]
    assert [(region["verdict"], region["grade"]) for region in regions] == [
        ("NG", "B"), ("OK", "A"), ("NG", "B"), ("OK", "A"),
    ]  # fmt: skip
    cuts = list(csv.DictReader((folder / "out/cut-list.csv").read_text().splitlines()))
    assert [(cut["from_mm"], cut["to_mm"], cut["verdict"]) for cut in cuts] == [
        ("0.000", "100.000", "NG"), ("200.000", "300.000", "NG"),
    ]  # fmt: skip
    assert (folder / "out/roll-map.png").read_bytes().startswith(b"\x89PNG")


def test_a_roll_map_shows_each_defect_in_its_place(folder: Path) -> None:
    (folder / "mapped.yaml").write_text(json.dumps({**WEB, "out": "mapped"}))
    CliRunner().invoke(app, ["web", "run", str(folder / "mapped.yaml"), "--no-picture"])
    told = CliRunner().invoke(app, ["web", "map", str(folder / "mapped/roll-map.json")])
    rows = [line.split("\t") for line in told.stdout.splitlines()]
    assert [(row[0], row[2], row[5]) for row in rows] == [
        (f"{blob.top_px / 2:.2f}", f"{blob.left_px / 2:.2f}", BLOB_CLASSES[blob.class_id]) for blob in BLOBS
    ]
    drawn = CliRunner().invoke(
        app, ["web", "map", str(folder / "mapped/roll-map.json"), "--cut-list", "--picture", str(folder / "roll.svg")]
    )
    assert drawn.stdout.startswith("from_mm,")
    assert (folder / "roll.svg").read_text().startswith("<?xml")


def test_a_drawn_web_is_one_that_a_station_can_read(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["web", "draw", str(tmp_path), "--prints", "2", "--width-px", "128", "--print-px", "256", "--defects", "1"]
    )
    assert done.exit_code == 0, done.output
    pixels = np.fromfile(tmp_path / "web.mono8", np.uint8)
    assert pixels.size == 2 * (256 + 64) * 128


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"release": "starter:pcb-reference"}, "with a release that compares"),
        ({"tiles": {"ring_lines": 64}}, "expected at least two tiles"),
    ],
)
def test_a_file_that_cannot_be_put_to_use_is_refused(folder: Path, changes: dict[str, object], said: str) -> None:
    (folder / "bad.yaml").write_text(json.dumps({**WEB, **changes}))
    done = CliRunner().invoke(app, ["web", "run", str(folder / "bad.yaml")])
    assert isinstance(done.exception, WebFileRefused)
    assert said in str(done.exception)


def test_a_marker_that_takes_no_mark_ends_the_run_with_an_event(folder: Path) -> None:
    live = {"source": {**WEB["source"], "line_rate_hz": 20_000}, "reject": {"distance_mm": 5000, "speed_mm_s": 100}}
    marker = {"marker": {"kind": "file", "path": "/dev/full"}, "out": "unmarked"}
    (folder / "unmarked.yaml").write_text(json.dumps({**WEB, **live, **marker}))
    done = CliRunner().invoke(app, ["web", "run", str(folder / "unmarked.yaml"), "--no-picture"])
    assert isinstance(done.exception, MarkerFailed)
    kinds = [json.loads(line)["kind"] for line in (folder / "unmarked/events.jsonl").read_text().splitlines()]
    assert kinds[-1] == "handshake"
