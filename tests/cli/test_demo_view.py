"""The demonstration's views, drawn on a real console."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from lineside.cli.demo_view import LivePanel, PlainView, print_summary
from lineside.workflows.demo import DemoPlan, DemoSite, DemoSummary, Outcome, Tally
from lineside.workflows.demo.virtual_line import virtual_parts

SITE = DemoSite("http://127.0.0.1:1", "http://127.0.0.1:1/page", "lsk_viewer", None)


def terminal() -> tuple[Console, io.StringIO]:
    written = io.StringIO()
    return Console(file=written, force_terminal=True, width=120, height=40, color_system=None), written


def run_line(view: LivePanel | PlainView, plan: DemoPlan) -> Tally:
    """Ten parts that nobody answered: the views need no server."""
    tally = Tally()
    view.stage("server")
    view.running(SITE)
    view.stage("line")
    for part in virtual_parts(plan, run_id="R"):
        view.judged(tally.add(part, None, latency_ms=20.0), tally)
    view.stage("closing")
    return tally


@pytest.mark.parametrize(("language", "unanswered"), [("en", "unanswered"), ("ko", "응답 없음")])
def test_the_live_panel_shows_where_to_look_and_how_it_stands(language: str, unanswered: str) -> None:
    plan = DemoPlan(Path("data"), parts=10, language=language)
    console, written = terminal()
    with LivePanel(plan, console) as view:
        run_line(view, plan)
    text = written.getvalue()
    assert "http://127.0.0.1:1/page" in text
    assert "lsk_viewer" in text
    assert "10 / 10" in text
    assert "R-N0003-2" in text
    assert unanswered in text


def test_plain_lines_say_the_same_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    plan = DemoPlan(Path("data"), parts=10)
    with PlainView(plan) as view:
        run_line(view, plan)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "log in with lsk_viewer" in captured.err
    assert "10 parts: 0 OK, 0 NG, 0 NOT_INSPECTED" in captured.err
    assert "\x1b" not in captured.err


def test_the_summary_names_the_interval_and_the_true_rate() -> None:
    console, written = terminal()
    tally = run_line(PlainView(DemoPlan(Path("data"), parts=4)), DemoPlan(Path("data"), parts=4, defect_rate=1.0))
    summary = DemoSummary(
        parts=4,
        defective=4,
        defect_rate=1.0,
        outcomes=dict(tally.outcomes),
        verdicts={},
        reviews={},
        detector_rate=tally.detector_rate(),
        latency_p50_ms=None,
        latency_p99_ms=None,
        duration_s=1.0,
        seed=1,
        run_id="R",
        data_dir=Path("data"),
    )
    print_summary(summary, console, language="en")
    text = written.getvalue()
    assert "95 % interval (Wilson)" in text
    assert "100.0% (4/4); the line was set to 100.0%" in text
    assert summary.outcomes == {Outcome.UNANSWERED: 4}
