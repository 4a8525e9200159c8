"""Rates with their intervals: one row each, the detector's own rate told apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lineside.workflows.figures.drawing import AMBER, BLUE, GREEN, SOFT, new_figure, styled
from lineside.workflows.figures.scales import Quantity, scale_for

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ROW_IN = 0.42


@dataclass(frozen=True, slots=True)
class RateRow:
    """One rate.

    Attributes:
        label: of what.
        point: the rate, 0 to 1; None where nothing is known.
        lower: lower end of its interval.
        upper: upper end.
        inspected: parts behind it.
        detector_lower: lower end of the detector rate's interval; None to leave that rate out.
        detector_rate: share of parts that the detector called.
        detector_upper: upper end.
        truth: the true rate, where somebody knows it, as of a demonstration line.
    """

    label: str
    point: float | None
    lower: float
    upper: float
    inspected: int
    detector_rate: float | None = None
    detector_lower: float | None = None
    detector_upper: float | None = None
    truth: float | None = None


def rate_figure(rows: Sequence[RateRow], *, title: str, confidence: float = 0.95) -> "Figure":
    """Rates as dots on their intervals, one below the other.

    Args:
        rows: from top to bottom.
        title: above.
        confidence: of the intervals.
    """
    scale = scale_for(Quantity.SHARE, (value for row in rows for value in (row.upper, row.detector_upper, row.truth)))
    with styled():
        figure = new_figure(height_in=1.5 + _ROW_IN * max(len(rows), 1))
        axis = figure.subplots()
        figure.suptitle(title, x=0.01, ha="left")
        said: set[str] = set()

        def once(name: str) -> str | None:
            """A name for the legend, the first time only."""
            if name in said:
                return None
            said.add(name)
            return name

        for place, row in enumerate(rows):
            ends = [row.lower * scale.factor, row.upper * scale.factor]
            axis.plot(ends, [place, place], color=BLUE, linewidth=3, solid_capstyle="butt", label=once("interval"))
            if row.point is not None:
                axis.plot(row.point * scale.factor, place, "o", color=BLUE, markersize=7, label=once("defect rate"))
            if row.detector_rate is not None:
                at = place + 0.24
                if row.detector_lower is not None and row.detector_upper is not None:
                    axis.plot(
                        [row.detector_lower * scale.factor, row.detector_upper * scale.factor],
                        [at, at],
                        color=AMBER,
                        linewidth=1.4,
                    )
                axis.plot(
                    row.detector_rate * scale.factor,
                    at,
                    "D",
                    color=AMBER,
                    markerfacecolor="white",
                    markersize=5,
                    label=once("detector rate (what it called)"),
                )
            if row.truth is not None:
                at_truth = row.truth * scale.factor
                axis.plot(
                    [at_truth, at_truth], [place - 0.3, place + 0.3], color=GREEN, linewidth=2.4, label=once("truth")
                )
        axis.set_yticks(range(len(rows)), [f"{row.label}\n{row.inspected:,} parts" for row in rows])
        axis.set_ylim(max(len(rows), 1) - 0.4, -0.6)
        axis.set_xlim(left=0)
        axis.grid(visible=True, axis="x")
        axis.grid(visible=False, axis="y")
        axis.set_xlabel(f"defect rate in {scale.unit}, with its {confidence:.0%} interval", color=SOFT)
        if rows:
            axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure
