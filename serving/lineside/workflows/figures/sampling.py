"""What a sampling plan lets through: its operating characteristic."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lineside.workflows.figures.drawing import AMBER, BLUE, GREEN, SOFT, VERMILION, new_figure, styled
from lineside.workflows.figures.scales import Quantity, scale_for

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lineside.statistics.rates import OperatingCharacteristic

_LOOKS = ((BLUE, "solid"), (VERMILION, (0, (5, 2))), (GREEN, (0, (1, 1.5))), (AMBER, (0, (8, 2, 2, 2))))


def oc_figure(curves: Sequence["OperatingCharacteristic"], *, title: str) -> "Figure":
    """The chance of acceptance over the share of defective parts, of one plan or of several to compare.

    Args:
        curves: at least one; at most four can be told apart.
        title: above.

    Raises:
        ValueError: there are none, or more than four.
    """
    if not 1 <= len(curves) <= len(_LOOKS):
        raise ValueError(f"{len(curves)} plans; expected 1 to {len(_LOOKS)}, more cannot be told apart")
    scale = scale_for(Quantity.SHARE, (share for curve in curves for share in curve.shares))
    with styled():
        figure = new_figure(height_in=4.2)
        axis = figure.subplots()
        figure.suptitle(title, x=0.01, ha="left")
        for curve, (colour, dashes) in zip(curves, _LOOKS, strict=False):
            of_lot = "" if curve.lot is None else f" of {curve.lot:,}"
            axis.plot(
                [share * scale.factor for share in curve.shares],
                curve.acceptance,
                color=colour,
                linestyle=dashes,
                linewidth=2,
                label=f"{curve.plan.sample:,} parts{of_lot}, at most {curve.plan.accept} defective:\n"
                f"{scale.text(curve.producer_share)} accepted with 95 %, {scale.text(curve.consumer_share)} with 10 %",
            )
            for chance, share in ((0.95, curve.producer_share), (0.10, curve.consumer_share)):
                axis.plot(share * scale.factor, chance, "o", color=colour, markersize=6)
        for chance in (0.95, 0.10):
            axis.axhline(chance, color=SOFT, linewidth=0.8, linestyle=(0, (1, 2)))
        axis.set_xlim(left=0)
        axis.set_ylim(-0.02, 1.04)
        axis.set_xlabel(f"share of defective parts in {scale.unit}", color=SOFT)
        axis.set_ylabel("chance of acceptance")
        axis.legend(loc="center right", frameon=True, facecolor="white", edgecolor="none", framealpha=0.9)
    return figure
