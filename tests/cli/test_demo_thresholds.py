"""The demonstration says whether its thresholds are certified."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from lineside.cli.demo_view import LivePanel
from lineside.client import InspectionAnswer
from lineside.client.records import Cause
from lineside.inspection.verdict import Verdict
from lineside.workflows.demo import DemoPlan, DemoSite, Tally
from lineside.workflows.demo.virtual_line import virtual_parts

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


def answer(part_id: str, status: str) -> InspectionAnswer:
    return InspectionAnswer(
        id="i-1",
        plant="plant-1",
        station="aoi-1",
        part_id=part_id,
        attempt=1,
        cause=Cause.FIRST,
        parent_id=None,
        product="BRD",
        lot=None,
        order_id=None,
        verdict=Verdict.OK,
        reasons=(),
        defects=(),
        audit=False,
        confirmation=False,
        recipe=None,
        release=None,
        engine=None,
        thresholds={},
        threshold_status=status,
        judged_by="server",
        is_simulated=True,
        opened_at=NOW,
        judged_at=NOW,
        deadline_ms=500.0,
        timings_ms={},
        frames=(),
    )


@pytest.mark.parametrize(
    ("status", "language", "said"),
    [
        ("uncertified", "en", "uncertified: no miss rate is guaranteed"),
        ("certified", "en", "certified"),
        ("uncertified", "ko", "미인증"),
    ],
)
def test_the_live_panel_says_what_the_last_answer_said(status: str, language: str, said: str) -> None:
    plan = DemoPlan(Path("data"), parts=2, language=language)
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=120, height=40, color_system=None)
    tally = Tally()
    with LivePanel(plan, console) as view:
        view.running(DemoSite("http://127.0.0.1:1", "http://127.0.0.1:1/page", "lsk_viewer", None))
        view.stage("line")
        for part in virtual_parts(plan, run_id="R"):
            view.judged(tally.add(part, answer(part.part_id, status), latency_ms=20.0), tally)
    assert said in written.getvalue()
    if status == "certified":
        assert "uncertified" not in written.getvalue()
