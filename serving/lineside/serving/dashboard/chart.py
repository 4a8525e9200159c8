"""The rate's chart, as Apache ECharts options."""

from collections.abc import Mapping, Sequence
from typing import Any

from lineside.serving.dashboard.line_state import RatePoint

_LINE = "#b3261e"
_BAND = "rgba(179, 38, 30, 0.16)"


def rate_options(points: Sequence[RatePoint], texts: Mapping[str, str]) -> dict[str, Any]:
    """A line with its interval as a band, percent over time; the band is two stacked areas, the lower one unseen."""
    lower = [[_millis(point), _percent(point.rate.lower)] for point in points]
    height = [[_millis(point), round(_percent(point.rate.upper) - _percent(point.rate.lower), 2)] for point in points]
    estimate = [[_millis(point), _percent(point.rate.estimate or 0.0)] for point in points]
    band = {"type": "line", "stack": "interval", "symbol": "none", "lineStyle": {"opacity": 0}, "silent": True}
    return {
        "animation": False,
        "grid": {"left": 52, "right": 18, "top": 34, "bottom": 28},
        "legend": {"top": 0, "right": 8, "data": [texts["detector_rate"], texts["interval"]], "itemHeight": 8},
        "xAxis": {"type": "time", "axisLabel": {"hideOverlap": True}},
        "yAxis": {"type": "value", "min": 0, "axisLabel": {"formatter": "{value} %"}, "name": texts["ng_rate_axis"]},
        "series": [
            band | {"data": lower, "name": "lower"},
            band
            | {
                "data": height,
                "name": texts["interval"],
                "areaStyle": {"color": _BAND},
                "itemStyle": {"color": _BAND},
            },
            {
                "type": "line",
                "name": texts["detector_rate"],
                "data": estimate,
                "symbol": "none",
                "lineStyle": {"color": _LINE, "width": 2},
                "itemStyle": {"color": _LINE},
            },
        ],
    }


def _millis(point: RatePoint) -> int:
    return int(point.at.timestamp() * 1000)


def _percent(share: float) -> float:
    return round(100 * share, 2)
