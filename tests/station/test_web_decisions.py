"""What the web station decides without any line: deadlines, speed, grades, marks, and what stands in a file."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dark_streaks import CLASSES, THRESHOLDS
from lineside.inspection.strips import LineFault, LineFaultKind, WebDefect
from lineside.inspection.verdict import Judgement, Reason, ReasonCode, Verdict
from lineside.station.cameras import VirtualSettings
from lineside.station.cameras.genicam_settings import GenicamSettings
from lineside.station.web import (
    FileMarker,
    GradeRule,
    MarkerFailed,
    RegionOutcome,
    RejectPoint,
    WebFileRefused,
    grade_of,
    parse_web_file,
    pulses_of,
)
from lineside.station.web.planning import plan_of
from lineside.station.web.reject_point import WebSpeed
from lineside.station.web.web_findings import WebFindings
from lineside.station.web.web_lines import WebLines
from web_scene import WebScene, web_recipe

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def _defect(from_mm: float, to_mm: float) -> WebDefect:
    return WebDefect("scratch", 0.9, left_mm=4.0, right_mm=5.0, from_mm=from_mm, to_mm=to_mm)


def _outcome(
    verdict: Verdict, *defects: WebDefect, grade: str | None = "B", why: ReasonCode | None = None
) -> RegionOutcome:
    code = why or (ReasonCode.DEFECT_LIMIT if verdict is Verdict.NG else ReasonCode.LATE)
    reasons = () if verdict is Verdict.OK else (Reason(code, "why not"),)
    return RegionOutcome(
        "ROLL-1-000003", 3, 100.0, 200.0, Judgement(verdict, reasons, (), {}), defects, grade, NOW, 0.5
    )


class TestRejectPoint:
    def test_the_time_ends_when_the_regions_beginning_is_an_actuators_way_before_the_marker(self) -> None:
        reject = RejectPoint(distance_mm=400.0, actuator_s=0.1, nominal_mm_s=100.0)
        assert reject.slack_mm(1000.0, camera_mm=1000.0, speed_mm_s=100.0) == pytest.approx(390.0)
        assert reject.slack_mm(1000.0, camera_mm=1390.0, speed_mm_s=100.0) == pytest.approx(0.0)
        assert reject.slack_mm(1000.0, camera_mm=1390.0, speed_mm_s=200.0) < 0, "a faster web leaves less"

    def test_a_marker_that_is_slower_than_the_web_is_refused(self) -> None:
        with pytest.raises(ValueError, match="move the marker away"):
            RejectPoint(distance_mm=10.0, actuator_s=0.1, nominal_mm_s=100.0)

    def test_the_speed_is_the_nominal_one_until_two_places_are_known_and_that_of_the_last_moments_after(self) -> None:
        speed = WebSpeed(nominal_mm_s=50.0)
        assert speed.mm_s == 50.0
        for step in range(20):
            speed.note(step * 0.1, step * 20.0)
        assert speed.mm_s == pytest.approx(200.0)
        for step in range(20, 40):
            speed.note(step * 0.1, 380.0)
        assert speed.mm_s == pytest.approx(0.0), "the web stands"


class TestGradesAndMarks:
    @pytest.mark.parametrize(
        ("defects", "grade"),
        [
            pytest.param((), "A", id="none"),
            pytest.param((_defect(100, 101),), "B", id="one short"),
            pytest.param((_defect(100, 104),), "scrap", id="one too long"),
            pytest.param((_defect(100, 101),) * 3, "scrap", id="too many"),
        ],
    )
    def test_a_region_has_the_grade_of_the_first_rule_that_it_keeps(
        self, defects: tuple[WebDefect, ...], grade: str
    ) -> None:
        rules = [GradeRule("A", 0), GradeRule("B", 2, max_defect_mm=2.0)]
        assert grade_of(defects, rules, otherwise="scrap") == grade

    def test_an_ok_region_is_not_marked(self) -> None:
        assert pulses_of(_outcome(Verdict.OK, _defect(120, 130)), web_width_mm=40.0) == ()

    def test_a_defect_that_runs_on_is_marked_in_each_region_where_it_lies_in_it(self) -> None:
        [pulse] = pulses_of(_outcome(Verdict.NG, _defect(50, 150)), web_width_mm=40.0)
        assert (pulse.from_mm, pulse.to_mm, pulse.left_mm, pulse.right_mm) == (100.0, 150.0, 4.0, 5.0)

    def test_a_region_that_was_not_inspected_is_marked_as_a_whole(self) -> None:
        [pulse] = pulses_of(_outcome(Verdict.NOT_INSPECTED, _defect(120, 130), grade=None), web_width_mm=40.0)
        assert (pulse.from_mm, pulse.to_mm, pulse.left_mm, pulse.right_mm) == (100.0, 200.0, 0.0, 40.0)
        assert pulse.grade == "not inspected"

    def test_what_nobody_looked_at_in_a_region_that_is_ng_anyhow_is_marked_with_it_as_a_whole(self) -> None:
        defect, whole = pulses_of(_outcome(Verdict.NG, _defect(120, 130), why=ReasonCode.LATE), web_width_mm=40.0)
        assert (defect.from_mm, defect.to_mm, defect.what) == (120.0, 130.0, "scratch")
        assert (whole.from_mm, whole.to_mm, whole.what) == (100.0, 200.0, "NOT_INSPECTED")

    def test_a_file_has_a_permit_for_ok_alone(self, tmp_path: Path) -> None:
        async def told() -> None:
            async with FileMarker(tmp_path / "marks.jsonl") as marker:
                for verdict in Verdict:
                    outcome = _outcome(verdict, _defect(120, 130))
                    await marker.region(outcome, pulses_of(outcome, web_width_mm=40.0))

        asyncio.run(told())
        lines = [json.loads(line) for line in (tmp_path / "marks.jsonl").read_text().splitlines()]
        assert [(line["permit"], len(line["marks"])) for line in lines] == [(True, 0), (False, 1), (False, 1)]

    def test_a_marker_without_a_place_is_an_error_that_stops_the_run(self, tmp_path: Path) -> None:
        async def told() -> None:
            async with FileMarker(tmp_path / "nowhere" / "marks.jsonl"):
                pass

        with pytest.raises(MarkerFailed, match="No such file"):
            asyncio.run(told())


def test_a_bad_roll_is_kept_by_its_stretches_however_often_it_is_told() -> None:
    scene = WebScene()
    findings = WebFindings(
        scene.plan(),
        WebLines(scene.plan()),
        classes=CLASSES,
        release_thresholds=THRESHOLDS,
        recipe=web_recipe(),
        segmenter=scene.segmenter,
        why_not=lambda: None,
    )
    for place in range(500):
        for kind in (LineFaultKind.SPEED, LineFaultKind.REPEATED):
            findings.add_faults([LineFault(kind, place, place + 1, place, place + 1.0, "")])
    findings.add_faults([LineFault(LineFaultKind.SPEED, 600, 601, 600.0, 601.0, "")])
    assert findings.faults_held == 3
    assert [(fault.kind.value, fault.from_mm, fault.to_mm) for fault in findings.roll_map().faults] == [
        ("repeated", 0.0, 500.0), ("speed", 0.0, 500.0), ("speed", 600.0, 601.0),
    ]  # fmt: skip


SERVER = {"url": "http://127.0.0.1:8470", "station": "web-1", "key_file": "station.key"}


def _text(**changes: Any) -> str:
    document = {
        "schema": "lineside.web-station/1",
        "roll": "ROLL-7",
        "source": {"kind": "looped", "path": "web.mono8", "width_px": 2048, "line_rate_hz": 6000},
        "encoder": {"mm_per_count": 0.02},
        "mm_per_px_across": 0.02,
        "parts": {"pitch_mm": 68.0},
        "reject": {"distance_mm": 400, "speed_mm_s": 120},
        "grades": [{"grade": "A", "max_defects": 0}],
        "marker": {"kind": "file"},
        **changes,
    }
    return json.dumps({key: value for key, value in document.items() if value is not None})


def _camera(**settings: Any) -> dict[str, Any]:
    return {"source": {"kind": "camera", "camera": settings, "width_px": 64, "lines_per_frame": 8}}


class TestFile:
    def test_a_file_with_all_that_is_needed_is_read(self) -> None:
        file = parse_web_file(_text(), source="web.yaml").file
        assert (file.roll, file.parts.pitch_mm, file.tiles.overlap_px) == ("ROLL-7", 68.0, 128)

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            pytest.param({"reject": None}, "a marker without `reject`", id="marks without a deadline"),
            pytest.param(
                {"source": {"kind": "folder", "folder": "x", "width_px": 100}}, "a source that waits", id="no pace"
            ),
            pytest.param({"parts": {"pitch_mm": 500.0}}, "its beginning would be there", id="region longer than way"),
            pytest.param({"source": {"kind": "tape"}}, "source", id="unknown source"),
            pytest.param({"tiles": {"overlap_px": 31}}, "overlap_px", id="speed of a region's end not known in time"),
            pytest.param({"grade": []}, "did you mean 'grades'", id="unknown key"),
            pytest.param({"encoder": {"mm_per_count": 0}}, "mm_per_count", id="no scale"),
            pytest.param({"parts": {"pitch_mm": 68.0, "marks": "marks.txt"}}, "go together", id="no tolerance"),
            pytest.param(
                {"parts": {"pitch_mm": 68.0, "marks": "marks.txt", "tolerance_mm": 40.0}}, "half a region", id="loose"
            ),
            pytest.param(
                {
                    "parts": {"pitch_mm": 68.0, "marks": "marks.txt", "tolerance_mm": 4.0},
                    "marker": {"kind": "rig", "rig": {"kind": "simulated"}},
                },
                "the PLC counts regions of one pitch",
                id="marks with a rig",
            ),
            pytest.param({"server": SERVER, "release": "release"}, "promote the release", id="past the gate"),
            pytest.param({"server": SERVER, "release": "starter:pcb-single"}, "needs `recipe`", id="starter, no rules"),
            pytest.param({"server": SERVER}, "without trust_file", id="trusts nobody"),
            pytest.param(
                {"server": SERVER | {"trust_file": "trust.json"}, "recipe": "own.yaml"},
                "both come with the signed deployment",
                id="a recipe past the gate",
            ),
            pytest.param(
                {"source": {"kind": "camera", "camera": {"kind": "x"}, "width_px": 64, "lines_per_frame": 8}},
                "no kind of camera",
                id="unknown camera",
            ),
            pytest.param(_camera(kind="virtual", delivery="newest"), "passes over frames", id="newest of a replay"),
            pytest.param(
                _camera(kind="genicam", producer="v.cti", delivery="newest"), "passes over frames", id="newest"
            ),
            pytest.param(_camera(kind="rtsp", url="rtsp://10.0.0.1/live"), "another kind", id="a stream"),
        ],
    )
    def test_a_file_that_cannot_be_is_refused_with_the_reason(self, changes: dict[str, Any], said: str) -> None:
        with pytest.raises(WebFileRefused, match=said):
            parse_web_file(_text(**changes), source="web.yaml")

    @pytest.mark.parametrize("settings", [{"kind": "virtual"}, {"kind": "genicam", "producer": "v.cti"}])
    def test_a_line_camera_gives_every_frame_without_being_told(self, settings: dict[str, Any]) -> None:
        camera = parse_web_file(_text(**_camera(**settings)), source="web.yaml").camera
        assert isinstance(camera, VirtualSettings | GenicamSettings)
        assert camera.delivery == "every"

    def test_windows_that_overlap_by_all_they_have_are_refused(self) -> None:
        settings = parse_web_file(_text(tiles={"overlap_px": 640}), source="web.yaml")
        with pytest.raises(WebFileRefused, match="less than the model's input"):
            plan_of(settings, tile_wh_px=(640, 640))
