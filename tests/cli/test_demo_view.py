"""The demonstration's views, drawn on a real console."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from lineside.cli.demo_texts import TEXTS
from lineside.cli.demo_view import LivePanel, PlainView, print_summary
from lineside.inspection.verdict import Verdict
from lineside.statistics.rates import FlaggedStratum, PassedStratum, RateCounts, estimate_rate, wilson_interval
from lineside.workflows.demo import DemoPlan, DemoSite, DemoSummary, Outcome, RunRate, Tally
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


def run_rate(*, passed: int, false_calls: int, hits: int, audited: int, escapes: int = 0) -> RunRate:
    flagged = hits + false_calls
    counts = RateCounts(
        (FlaggedStratum(flagged, 1.0, flagged, flagged, hits),),
        (PassedStratum(passed, 0.25, audited, audited, escapes),),
    )
    return RunRate(estimate_rate(counts), audited, escapes, "vague")


def summary_of(rate: RunRate, *, outcomes: dict[Outcome, int]) -> DemoSummary:
    """The summary of a run of which only the counts matter."""
    ng = outcomes.get(Outcome.HIT, 0) + outcomes.get(Outcome.FALSE_CALL, 0)
    ok = outcomes.get(Outcome.ESCAPE, 0) + outcomes.get(Outcome.CORRECT_PASS, 0)
    parts = sum(outcomes.values())
    return DemoSummary(
        parts=parts,
        defective=outcomes.get(Outcome.HIT, 0) + outcomes.get(Outcome.ESCAPE, 0),
        marked=11,
        faint=2,
        defect_rate=0.05,
        outcomes=outcomes,
        verdicts={Verdict.NG: ng, Verdict.OK: ok},
        reviews={},
        detector_rate=wilson_interval(ng, ng + ok),
        rate=rate,
        latency_p50_ms=None,
        latency_p99_ms=None,
        duration_s=1.0,
        seed=1,
        run_id="R",
        data_dir=Path("data"),
    )


def printed(summary: DemoSummary, language: str) -> list[str]:
    console, written = terminal()
    print_summary(summary, console, language=language)
    return written.getvalue().splitlines()


@pytest.mark.parametrize("language", TEXTS)
def test_the_summary_says_of_each_interval_whether_it_holds_the_truth(language: str) -> None:
    texts = TEXTS[language]
    outcomes = {Outcome.HIT: 7, Outcome.ESCAPE: 1, Outcome.FALSE_CALL: 17, Outcome.CORRECT_PASS: 125}
    rate = run_rate(passed=126, false_calls=17, hits=7, audited=38)
    lines = printed(summary_of(rate, outcomes=outcomes), language)
    [truth, detector, ours] = [
        next(line for line in lines if line.strip().startswith(texts[name]))
        for name in ("true_rate", "detector_rate", "rate")
    ]
    assert "5.3%" in truth
    assert "16.0%" in detector
    assert "11.0% .. 22.7%" in detector
    assert detector.rstrip().endswith(texts["outside"])
    assert f"{rate.estimate.lower:.1%} .. {rate.estimate.upper:.1%}" in ours
    assert ours.rstrip().endswith(texts["inside"])
    rests = texts["rests_on"].format(confirmed=7, escapes=0, audited=38, open=0)
    assert any(rests in line for line in lines)


def test_the_summary_does_not_hide_that_the_rates_interval_missed() -> None:
    outcomes = {Outcome.HIT: 2, Outcome.ESCAPE: 40, Outcome.FALSE_CALL: 0, Outcome.CORRECT_PASS: 108}
    lines = printed(summary_of(run_rate(passed=148, false_calls=0, hits=2, audited=37), outcomes=outcomes), "en")
    ours = next(line for line in lines if line.strip().startswith("defect rate"))
    assert ours.rstrip().endswith("outside")


@pytest.mark.parametrize("language", TEXTS)
def test_without_an_audit_the_rate_is_unknown(language: str) -> None:
    outcomes = {Outcome.HIT: 7, Outcome.FALSE_CALL: 17, Outcome.CORRECT_PASS: 126}
    lines = printed(summary_of(run_rate(passed=126, false_calls=17, hits=7, audited=0), outcomes=outcomes), language)
    ours = next(line for line in lines if line.strip().startswith(TEXTS[language]["rate"]))
    assert TEXTS[language]["unknown"] in ours
    assert f"{7 / 150:.1%} .. {133 / 150:.1%}" in ours


def test_a_line_that_judged_nothing_has_no_rate_and_no_truth() -> None:
    summary = summary_of(run_rate(passed=0, false_calls=0, hits=0, audited=0), outcomes={Outcome.UNANSWERED: 4})
    assert summary.true_rate_inspected is None
    assert summary.is_truth_in_rate is None
    lines = printed(summary, "en")
    assert not any(word in line for line in lines for word in ("inside", "outside"))
