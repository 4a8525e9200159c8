"""The figures: what they show, in the same bytes each time, without a word on stderr."""

import logging
import math
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import pytest
from matplotlib.figure import Figure

from lineside.statistics.pod import PodEstimate, SizeDesign, Target, estimate_pod
from lineside.statistics.rates import SamplingPlan, operating_characteristic
from lineside.workflows.errors import FigureFormatUnknown
from lineside.workflows.figures import (
    FunnelRow,
    Mark,
    Panel,
    Quantity,
    RateRow,
    chart_figure,
    figure_bytes,
    funnel_figure,
    oc_figure,
    pod_figure,
    rate_figure,
    save_figure,
)


@dataclass(frozen=True)
class Point:
    label: str
    value: float
    lower: float | None = None
    centre: float = 0.01
    upper: float | None = 0.03
    rules: tuple[str, ...] = ()
    excluded: bool = False


@dataclass(frozen=True)
class Chart:
    points: Sequence[Point]


def panel(*points: Point, provisional: Sequence[str] = (), quantity: Quantity = Quantity.SHARE) -> Panel:
    return Panel(Chart(points), "p' chart", quantity, provisional=provisional)


IN_CONTROL = tuple(Point(f"hour {hour}", 0.01 + hour % 3 / 200) for hour in range(8))


def texts(figure: Figure) -> str:
    """Everything that is written on a figure: the SVG has each text as a comment beside its outline."""
    return "\n".join(re.findall(r"<!-- (.*?) -->", figure_bytes(figure, "svg").decode(), flags=re.DOTALL))


def test_the_same_chart_gives_the_same_bytes_and_no_date() -> None:
    first, second = (chart_figure([panel(*IN_CONTROL)], title="aoi-1") for _ in range(2))
    for kind in ("svg", "png"):
        assert figure_bytes(first, kind) == figure_bytes(second, kind)
    svg = figure_bytes(first, "svg")
    assert b"date" not in svg
    assert b"Matplotlib" not in svg


def test_a_figure_is_written_as_its_suffix_says(tmp_path: Path) -> None:
    figure = chart_figure([panel(*IN_CONTROL)], title="aoi-1")
    for name in ("chart.svg", "chart.png"):
        save_figure(figure, tmp_path / name)
    picture = cv2.imread(str(tmp_path / "chart.png"))
    assert picture is not None
    assert picture.shape[1] == 1296
    assert (tmp_path / "chart.svg").read_text("utf-8").startswith("<?xml")
    with pytest.raises(FigureFormatUnknown, match=r"expected a file that ends in \.svg or \.png"):
        save_figure(figure, tmp_path / "chart.jpg")


def test_signals_exclusions_and_provisional_points_are_told_apart() -> None:
    points = (
        *IN_CONTROL,
        Point("hour 8", 0.05, rules=("beyond a limit",)),
        Point("hour 9", 0.09, excluded=True),
        Point("hour 10", 0.04, rules=("beyond a limit",)),
        Point("hour 11", 0.01),
    )
    said = texts(chart_figure([panel(*points, provisional=("hour 10", "hour 11"))], title="aoi-1"))
    for name in ("in control", "in control, provisional", "signal", "signal, provisional", "excluded"):
        assert f"\n{name}\n" in f"\n{said}\n"
    assert "upper limit 3 %" in said
    assert "centre 1 %" in said


def test_what_happened_is_numbered_on_the_chart_and_listed_below() -> None:
    marks = [Mark("hour 2", "lamp changed"), Mark("hour 2", "recipe 2"), Mark("another day", "not on this chart")]
    said = texts(chart_figure([panel(*IN_CONTROL)], title="aoi-1", marks=marks))
    assert "lamp changed" in said
    assert "1-2" in said
    assert "not on this chart" not in said


def test_small_shares_are_written_in_ppm() -> None:
    said = texts(chart_figure([panel(Point("a", 1e-4, centre=1e-4, upper=4e-4))], title="x"))
    assert "centre 100 ppm" in said


def test_hours_are_labelled_shortly_unless_a_change_of_the_clocks_makes_two_alike() -> None:
    plain = [Point(f"2026-10-24T{hour:02d}:00+02:00", 0.01) for hour in range(4)]
    assert "10-24 03:00" in texts(chart_figure([panel(*plain)], title="x"))
    twice = [Point("2026-10-25T02:00+02:00", 0.01), Point("2026-10-25T02:00+01:00", 0.01)]
    said = texts(chart_figure([panel(*twice)], title="x"))
    assert "10-25 02:00+02:00" in said
    assert "10-25 02:00+01:00" in said


def test_a_chart_without_points_says_so_and_one_without_limits_is_drawn() -> None:
    assert "nothing to chart" in texts(chart_figure([panel()], title="x"))
    assert "limit" not in texts(chart_figure([panel(Point("a", 0.1, upper=None))], title="x"))
    with pytest.raises(ValueError, match="at least one"):
        chart_figure([], title="x")


def test_names_with_dollar_signs_are_names() -> None:
    """matplotlib would set them as mathematics, or fail."""
    assert "station $1_$" in texts(chart_figure([panel(*IN_CONTROL)], title="station $1_$"))


def test_many_points_have_labels_that_do_not_overlap() -> None:
    points = [Point(f"2026-11-{1 + hour // 24:02d}T{hour % 24:02d}:00+00:00", 0.01) for hour in range(500)]
    said = texts(chart_figure([panel(*points)], title="x"))
    assert 5 <= len(re.findall(r"^11-\d\d \d\d:\d\d$", said, flags=re.MULTILINE)) <= 14


def test_the_detector_rate_is_named_so_and_the_truth_is_shown_where_it_is_known() -> None:
    rows = [RateRow("aoi-1", 0.01, 0.008, 0.013, 12000, 0.019, 0.016, 0.021, truth=0.01), RateRow("new", None, 0, 1, 3)]
    said = texts(rate_figure(rows, title="Defect rate"))
    assert "detector rate" in said
    assert "truth" in said
    assert "12,000 parts" in said
    assert "truth" not in texts(rate_figure(rows[1:], title="Defect rate"))


def study() -> PodEstimate:
    targets = [Target(f"p{n}", 0.1 * 1.04**n, is_hit=n > 25 or n % 3 == 0) for n in range(64)]
    return estimate_pod(targets, design=SizeDesign.DESIGNED, defect_free=100, false_calls=2)


def test_the_detection_curve_shows_a90_and_its_bound() -> None:
    estimate = study()
    assert estimate.size_bound is not None
    said = texts(pod_figure(estimate, title="POD of short"))
    assert f"a90 {estimate.size_found:.3g} mm" in said
    assert f"a90/95 {estimate.size_bound:.3g} mm" in said
    assert math.isfinite(estimate.size_bound)


def test_an_audits_curve_shows_what_it_lets_through() -> None:
    curve = operating_characteristic(SamplingPlan(sample=80, accept=2))
    said = texts(oc_figure([curve], title="The audit of lot 7"))
    assert "80 parts, at most 2 defective" in said
    assert f"{100 * curve.producer_share:.4g} % accepted with 95 %" in said
    assert f"{100 * curve.consumer_share:.4g} % with 10 %" in said
    with pytest.raises(ValueError, match="expected 1 to 4"):
        oc_figure([curve] * 5, title="too many")


def test_a_funnel_names_every_line_and_which_are_outside() -> None:
    rows = [
        FunnelRow("line 1", 1000, 0.01, 0.003, 0.017, is_outlier=False),
        FunnelRow("line 2", 50_000, 0.03, 0.006, 0.014, is_outlier=True),
    ]
    said = texts(funnel_figure(rows, title="Lines", centre=0.01, confidence=0.998)).splitlines()
    assert {"line 1", "line 2", "outside", "within chance", "99.8% limits", "all together 1 %", "10,000"} <= set(said)
    assert "within chance" not in texts(funnel_figure(rows[1:], title="Lines", centre=0.01, confidence=0.998))
    assert "Lines" in texts(funnel_figure([], title="Lines", centre=0.01, confidence=0.998))


def test_drawing_says_nothing_and_touches_no_window_system(tmp_path: Path) -> None:
    """Also at the first use on a machine, when the list of fonts is made, and where it cannot be kept."""
    program = (
        "import sys, pathlib\n"
        "import lineside.workflows.figures as figures\n"
        "assert 'matplotlib' not in sys.modules\n"
        "row = figures.RateRow('a', .1, .05, .2, 10)\n"
        "figures.save_figure(figures.rate_figure([row], title='t'), pathlib.Path(sys.argv[1]))\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    nowhere = tmp_path / "a file"
    nowhere.write_text("no folder")
    environment = {"MPLCONFIGDIR": str(nowhere), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(tmp_path / "x.svg")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_drawing_leaves_the_levels_of_loggers_as_they_were() -> None:
    logger = logging.getLogger("matplotlib.font_manager")
    before = logger.level
    rate_figure([], title="x")
    assert logger.level == before
