"""The pair of rates and the control charts on the page, from what the API's own schemas hold."""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

import pytest

from lineside.inspection.catalogue import builtin_catalogue
from lineside.serving.certificates import ThresholdStatus
from lineside.serving.charts.schemas import ChartOut, ChartPointOut, Counted, Quantity
from lineside.serving.dashboard.control_chart import chart_panel, control_chart
from lineside.serving.dashboard.rates import rate_tiles
from lineside.serving.dashboard.texts import Language
from lineside.serving.dashboard.wording import Wording, percent
from lineside.serving.rates.estimates import Belief, Estimator
from lineside.serving.rates.schemas import WindowOut
from lineside.serving.rates.windows import WindowCounts
from lineside.statistics.rates import FlaggedStratum, KnownReads, PassedStratum, RateCounts
from lineside.statistics.spc import ChartKind

START = datetime(2026, 1, 1, tzinfo=UTC)
EN = Wording(Language.EN, [builtin_catalogue("pcb")])
KO = Wording(Language.KO, [builtin_catalogue("pcb")])


def parsed(markup: str) -> ET.Element:
    return ET.fromstring(markup)  # noqa: S314 - our own markup, made a line above


def window(
    *,
    flagged: int = 24,
    read: int = 24,
    confirmed: int = 7,
    passed: int = 126,
    audited: int = 38,
    escapes: int = 1,
    golden: KnownReads | None = None,
) -> WindowOut:
    """A window as the server shows it, from its own estimator."""
    counts = RateCounts(
        (FlaggedStratum(flagged, 1.0, flagged, read, confirmed),) if flagged else (),
        (PassedStratum(passed, 0.3, audited, audited, escapes),) if passed else (),
        not_inspected=3,
    )
    held = WindowCounts(
        start=START,
        end=START + timedelta(hours=8),
        label="all",
        inspected=flagged + passed,
        flagged=flagged,
        confirmed=confirmed,
        false_calls=read - confirmed,
        escapes=escapes,
        unresolved=0,
        not_inspected=3,
        defects=0,
        true_defects=0,
        first_judged=flagged + passed,
        first_passed=passed,
        later_attempts=0,
        counts=counts,
        seeded=None,
        seeded_good=None,
        reviewers=None,
        is_provisional=read < flagged,
        is_gap=False,
        planned=timedelta(),
    )
    return Estimator().shown(held, Belief(golden=golden, reviewers=None, confidence=0.95))


@pytest.mark.parametrize("wording", [EN, KO], ids=["en", "ko"])
def test_both_rates_stand_beside_each_other_with_their_intervals(wording: Wording) -> None:
    shown = window()
    tiles = rate_tiles(shown, ThresholdStatus.UNCERTIFIED, wording)
    rate, detector = tiles.split('<div class="ls-tile detector">')
    assert shown.rate.point is not None
    assert shown.detector_rate.estimate is not None
    for tile, each in (
        (rate, (shown.rate.point, shown.rate.lower, shown.rate.upper)),
        (detector, (shown.detector_rate.estimate, shown.detector_rate.lower, shown.detector_rate.upper)),
    ):
        assert all(percent(share) in tile for share in each)
    assert wording("rate_contract", upper=percent(shown.rate.contract_upper_bound)) in rate
    assert wording("uncertified_short") in rate
    assert "Wilson" in detector
    assert "Wilson" not in rate
    assert wording("provisional") not in tiles


def test_the_bars_are_on_one_scale() -> None:
    shown = window()
    bars = [
        parsed(f"<svg{part.split('</svg>')[0]}</svg>")
        for part in rate_tiles(shown, ThresholdStatus.UNCERTIFIED, EN).split("<svg")[1:]
    ]
    scale = [float(bar.findall("rect")[1].attrib["x"]) for bar in bars]
    assert scale[0] / shown.rate.lower == pytest.approx(scale[1] / shown.detector_rate.lower, rel=1e-2)


def test_unconfirmed_parts_are_bounds_and_make_it_provisional() -> None:
    shown = window(read=20)
    tiles = rate_tiles(shown, ThresholdStatus.UNCERTIFIED, EN)
    assert "provisional" in tiles
    assert "4 NG not yet confirmed" in tiles
    assert percent(shown.rate.upper_if_all_unconfirmed_are_defective) in tiles


def test_without_an_audit_the_rate_is_unknown_and_the_interval_wide() -> None:
    tiles = rate_tiles(window(audited=0, escapes=0), ThresholdStatus.UNCERTIFIED, EN)
    assert '<div class="ls-figure">unknown</div>' in tiles
    assert EN("rate_no_audit") in tiles


def test_a_certified_line_says_so() -> None:
    tiles = rate_tiles(window(), ThresholdStatus.CERTIFIED, EN)
    assert EN("certified_short") in tiles
    assert EN("uncertified_short") not in tiles


def test_more_escapes_than_the_golden_set_allows_are_an_alarm() -> None:
    calm, lost = window(golden=KnownReads(190, 10)), window(golden=KnownReads(1999, 1), escapes=12)
    assert "recall alarm" not in rate_tiles(calm, ThresholdStatus.UNCERTIFIED, EN)
    assert "recall alarm" in rate_tiles(lost, ThresholdStatus.UNCERTIFIED, EN)


@pytest.mark.parametrize("wording", [EN, KO], ids=["en", "ko"])
def test_a_line_that_judged_nothing_has_no_rate(wording: Wording) -> None:
    nothing = window(flagged=0, read=0, confirmed=0, passed=0, audited=0, escapes=0)
    tiles = rate_tiles(nothing, ThresholdStatus.UNCERTIFIED, wording)
    assert tiles.count(wording("rate_empty")) == 2
    assert "%" not in tiles


def point(label: str, value: float | None, *, rules: tuple[str, ...] = (), provisional: bool = False) -> ChartPointOut:
    return ChartPointOut(
        label=label,
        start=START,
        end=START + timedelta(hours=1),
        value=value,
        lower=0.0,
        centre=0.05,
        upper=0.1,
        rules=rules,
        excluded=False,
        excluded_reason=None,
        provisional=provisional,
        count=None if value is None else round(48 * value),
        size=48,
        unsettled=0,
        value_if_confirmed=None,
    )


def chart(*points: ChartPointOut) -> ChartOut:
    return ChartOut(
        kind=ChartKind.P_PRIME,
        counted=Counted.PROCESS,
        quantity=Quantity.SHARE,
        phase="I",
        baseline=None,
        parameters={},
        points=points,
        notes=(),
    )


def test_a_chart_draws_each_point_with_what_is_to_say_of_it() -> None:
    drawn = control_chart(
        chart(
            point("<L1>", 0.02),
            point("L2", None),
            point("L3", 0.2, rules=("beyond a limit",)),
            point("L4", 0.05, provisional=True),
        ),
        EN,
    )
    svg = parsed(drawn)
    dots = svg.findall("circle")
    assert [dot.attrib["class"] for dot in dots] == ["", "signal", "open"]
    assert "<L1>: 2.0 % (1/48)" in "".join(dots[0].itertext())
    assert "beyond a limit" in "".join(dots[1].itertext())
    assert float(dots[1].attrib["cy"]) < float(dots[0].attrib["cy"])
    assert all(0 <= float(dot.attrib["cy"]) <= 190 for dot in dots)
    assert "points that break a rule: 1" in chart_panel([chart(point("L3", 0.2, rules=("x",)))], EN)


def test_a_chart_without_points_can_be_shown() -> None:
    assert parsed(control_chart(chart(), EN)).findall("circle") == []
    assert EN("chart_quiet") in chart_panel([chart()], EN)


def test_a_chart_of_many_points_shows_the_newest() -> None:
    drawn = control_chart(chart(*(point(f"L{number}", 0.05) for number in range(200))), EN)
    assert "L199" in drawn
    assert "L0<" not in drawn
