"""The page's pair of rates: the defect rate and, beside it, what the detector alone would have us believe."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Final

from lineside.serving.certificates import ThresholdStatus
from lineside.serving.charts.computing import ChartChoices
from lineside.serving.charts.schemas import ChartChoice, ChartScope, ChartsOut, Counted
from lineside.serving.charts.service import ChartQuestion
from lineside.serving.dashboard.wording import Wording, percent
from lineside.serving.errors import ChartRefused
from lineside.serving.rates.answers import RateQuestion
from lineside.serving.rates.schemas import WindowOut
from lineside.serving.rates.windows import RateFilter
from lineside.serving.services import Services

_NOTHING: Final = "-"
_ALARM: Final = 0.95
"""Belief in lost recall from which the page calls it an alarm."""

_CHART_SPAN: Final = timedelta(days=1)
_LEAST_POINTS: Final = 8
"""Fewer moving ranges say so little of the spread that the limits mean nothing."""

_BAR_WH: Final = (100.0, 4.0)
_ROOM: Final = 1.1  # of the scale beyond the widest interval


@dataclass(frozen=True, slots=True)
class ShownRates:
    """What the page shows of the production day so far.

    Attributes:
        window: the whole day so far.
        charts: control charts of the last day; None where they are refused.
    """

    window: WindowOut
    charts: ChartsOut | None


async def shown_rates(services: Services) -> ShownRates:
    """Ask the server's own services, as a request would.

    Raises:
        LinesideError: the ledger cannot be read.
    """
    now = services.clock.now()
    calendar = services.calendar.calendar()
    start = calendar.day_window(calendar.production_day(now)).start
    wanted = RateFilter(
        start=min(start, now - timedelta(seconds=1)), end=now, is_simulated=services.settings.is_simulated
    )
    answer = await services.rate_answers.answer(RateQuestion(wanted))
    return ShownRates(answer.total, await _charts(services, now))


async def _charts(services: Services, now: datetime) -> ChartsOut | None:
    """By lot where the line has lots, else by hour: the first that has enough points."""
    for by in ("lot", "hour"):
        question = ChartQuestion(
            scope=ChartScope(),
            start=now - _CHART_SPAN,
            end=now,
            by=by,
            counted=Counted.PROCESS,
            baseline=None,
            choices=ChartChoices(),
        )
        try:
            charts = await services.charts.charts(ChartChoice.DEFAULT, question)
        except ChartRefused:  # too few points, or none that counts
            continue
        if sum(point.value is not None for point in charts.charts[0].points) >= _LEAST_POINTS:
            return charts
    return None


def rate_tiles(window: WindowOut, threshold_status: ThresholdStatus, wording: Wording) -> str:
    """Two tiles on one scale: the rate with its interval, and the detector rate with its own.

    Args:
        window: the parts that both are of.
        threshold_status: certified only if every threshold in force is.
        wording: of the page.
    """
    detector = window.detector_rate
    if not window.inspected:
        tiles = ((wording("rate"), "rate", "rate_empty"), (wording("detector_rate"), "detector", "rate_empty"))
        return "".join(
            _tile(name, kind, chips="", figure=_NOTHING, lines=[wording(hint)], bar="") for name, kind, hint in tiles
        )
    since = f"{window.start.astimezone():%H:%M}"
    highest = min(1.0, _ROOM * max(window.rate.upper, detector.upper, 1e-6))
    rate = _tile(
        wording("rate"),
        "rate",
        chips=_chips(window, threshold_status, wording),
        figure=wording("rate_unknown") if window.rate.point is None else percent(window.rate.point),
        lines=_rate_lines(window, wording, since),
        bar=_bar(window.rate.lower, window.rate.point, window.rate.upper, highest=highest),
    )
    hint = wording("rate_hint", ng=detector.events, inspected=detector.units)
    return rate + _tile(
        wording("detector_rate"),
        "detector",
        chips="",
        figure=_NOTHING if detector.estimate is None else percent(detector.estimate),
        lines=[
            wording("detector_interval", lower=percent(detector.lower), upper=percent(detector.upper)),
            wording("detector_means", since=since, counts=hint),
        ],
        bar=_bar(detector.lower, detector.estimate, detector.upper, highest=highest),
    )


def _rate_lines(window: WindowOut, wording: Wording, since: str) -> list[str]:
    rate = window.rate
    lines = [
        wording("rate_interval", lower=percent(rate.lower), upper=percent(rate.upper)),
        wording(
            "rate_rests_on",
            since=since,
            confirmed=window.confirmed,
            escapes=window.escapes.found_in_audit,
            audited=window.audited,
            inspected=window.inspected,
            not_inspected=window.not_inspected,
        ),
    ]
    if rate.point is None:
        lines.append(wording("rate_no_audit"))
    if window.unconfirmed:
        lines.append(
            wording(
                "rate_bounds",
                unconfirmed=window.unconfirmed,
                lower=percent(rate.lower_if_none_unconfirmed_is_defective),
                upper=percent(rate.upper_if_all_unconfirmed_are_defective),
            )
        )
    lines.append(wording("rate_contract", upper=percent(rate.contract_upper_bound)))
    return lines


def _chips(window: WindowOut, threshold_status: ThresholdStatus, wording: Wording) -> str:
    is_certified = threshold_status is ThresholdStatus.CERTIFIED
    chips = [("ok" if is_certified else "ni", f"{threshold_status.value}_short", "")]
    if window.is_provisional:
        chips.insert(0, ("ni", "provisional", wording("provisional_hint")))
    if window.recall_alarm is not None and window.recall_alarm >= _ALARM:
        chips.append(("escape", "recall_alarm", wording("recall_alarm_hint")))
    return "".join(
        f'<span class="ls-chip {kind}" title="{escape(hint, quote=True)}">{escape(wording(name))}</span>'
        for kind, name, hint in chips
    )


def _tile(name: str, kind: str, *, chips: str, figure: str, lines: list[str], bar: str) -> str:
    hints = "".join(f'<div class="ls-hint">{escape(line)}</div>' for line in lines)
    return (
        f'<div class="ls-tile {kind}"><div class="ls-name">{escape(name)} {chips}</div>'
        f'<div class="ls-figure">{escape(figure)}</div>{bar}{hints}</div>'
    )


def _bar(lower: float, point: float | None, upper: float, *, highest: float) -> str:
    """The interval as a bar on a scale from 0; the point as a line on it."""
    width, height = _BAR_WH

    def at(share: float) -> float:
        return width * min(1.0, share / highest)

    mark = "" if point is None else f'<line x1="{at(point):.2f}" x2="{at(point):.2f}" y1="0" y2="{height}"/>'
    return (
        f'<svg class="ls-interval" viewBox="0 0 {width:g} {height:g}" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="scale" width="{width:g}" height="{height:g}"/>'
        f'<rect x="{at(lower):.2f}" width="{max(0.4, at(upper) - at(lower)):.2f}" height="{height:g}"/>{mark}</svg>'
    )
