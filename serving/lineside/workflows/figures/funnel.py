"""Lines side by side: rates over the number of parts behind them, within what chance alone makes of equal lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lineside.workflows.figures.drawing import BLUE, INK, SOFT, VERMILION, logarithmic_x, new_figure, styled
from lineside.workflows.figures.scales import Quantity, scale_for

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_LOGARITHMIC_FROM = 20  # times as many parts at the largest line as at the smallest


@dataclass(frozen=True, slots=True)
class FunnelRow:
    """One line, station or plant.

    Attributes:
        label: its name.
        parts: inspected parts.
        rate: its defect rate, or its rate over what its mix of products lets expect.
        lower: lower limit of the funnel at its number of parts.
        upper: upper limit there.
        is_outlier: whether it lies outside.
    """

    label: str
    parts: float
    rate: float
    lower: float
    upper: float
    is_outlier: bool


def funnel_figure(
    rows: Sequence[FunnelRow], *, title: str, centre: float, quantity: Quantity = Quantity.SHARE, confidence: float
) -> "Figure":
    """Rates over the number of parts, with the limits within which lines of one true rate lie.

    Args:
        rows: one for each line.
        title: above.
        centre: the rate of all together.
        quantity: shares, or ratios to what is expected.
        confidence: of the limits, over-dispersion taken in.
    """
    scale = scale_for(quantity, (value for row in rows for value in (row.rate, row.upper)))
    with styled():
        figure = new_figure(height_in=4.4)
        axis = figure.subplots()
        figure.suptitle(title, x=0.01, ha="left")
        ordered = sorted(rows, key=lambda row: row.parts)
        parts = [row.parts for row in ordered]
        for number, limits in enumerate(([row.upper for row in ordered], [row.lower for row in ordered])):
            axis.plot(
                parts,
                [limit * scale.factor for limit in limits],
                color=VERMILION,
                linewidth=1.1,
                linestyle=(0, (5, 2)),
                label=f"{confidence:.1%} limits" if number == 0 else None,
            )
        axis.axhline(centre * scale.factor, color=INK, linewidth=1.1, label=f"all together {scale.text(centre)}")
        for is_outlier, marker, colour, name in (
            (False, "o", BLUE, "within chance"),
            (True, "s", VERMILION, "outside"),
        ):
            chosen = [row for row in rows if row.is_outlier is is_outlier]
            if chosen:
                axis.scatter(
                    [row.parts for row in chosen],
                    [row.rate * scale.factor for row in chosen],
                    marker=marker,
                    color=colour,
                    s=34,
                    zorder=3,
                    label=name,
                )
        for place, row in enumerate(ordered):
            axis.annotate(
                row.label,
                (row.parts, row.rate * scale.factor),
                xytext=(0, 7 if place % 2 == 0 else -13),  # neighbours' names stand apart
                textcoords="offset points",
                ha="center",
                fontsize=8,
                bbox={"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.4},
            )
        if parts and max(parts) > _LOGARITHMIC_FROM * max(min(parts), 1):
            logarithmic_x(axis, smallest=max(min(parts), 1), largest=max(parts))
        axis.set_ylim(bottom=min(0.0, *(row.lower * scale.factor for row in rows)) if rows else 0.0)
        axis.set_xlabel("inspected parts", color=SOFT)
        axis.set_ylabel(scale.unit or "observed over expected")
        axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure
