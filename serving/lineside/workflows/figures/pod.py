"""Probability of detection over size: the curve with its band, what was seen, a90 and a90/95."""

from typing import TYPE_CHECKING

from lineside.workflows.figures.drawing import BLUE, INK, SOFT, VERMILION, logarithmic_x, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lineside.statistics.pod import PodEstimate


def pod_figure(estimate: "PodEstimate", *, title: str, unit: str = "mm") -> "Figure":
    """The curve over size on a logarithmic axis, with the share found in each range of sizes.

    Args:
        estimate: with its curve; without one only what was seen is drawn.
        title: above.
        unit: of the sizes.
    """
    with styled():
        figure = new_figure(height_in=4.6)
        axis = figure.subplots()
        figure.suptitle(title, x=0.01, ha="left")
        sizes = [point.size for point in estimate.curve]
        if sizes:
            axis.fill_between(
                sizes,
                [point.lower for point in estimate.curve],
                [point.upper for point in estimate.curve],
                color=BLUE,
                alpha=0.15,
                linewidth=0,
                label=f"one-sided {estimate.confidence:.0%} bounds",
            )
            axis.plot(sizes, [point.pod for point in estimate.curve], color=BLUE, linewidth=2, label="estimated")
        for place, seen in enumerate(estimate.bins):
            middle = (seen.smallest * seen.largest) ** 0.5
            share = seen.hits / seen.targets
            axis.plot([seen.smallest, seen.largest], [share, share], color=INK, linewidth=1)
            axis.plot(middle, share, "o", color=INK, markersize=5, label="found, of targets" if place == 0 else None)
            axis.annotate(
                f"{seen.hits}/{seen.targets}",
                (middle, share),
                xytext=(0, 6 if share < 0.93 else -12),
                textcoords="offset points",
                ha="center",
                fontsize=7.5,
                bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.6},
            )
        axis.axhline(estimate.probability, color=SOFT, linewidth=0.9, linestyle=(0, (1, 2)))
        percent = f"{estimate.probability * 100:g}"
        found = {
            f"a{percent}": (estimate.size_found, BLUE),
            f"a{percent}/{estimate.confidence * 100:g}": (estimate.size_bound, VERMILION),
        }
        for name, (size, colour) in found.items():
            if size is not None:
                axis.axvline(
                    size, color=colour, linewidth=1.3, linestyle=(0, (5, 2)), label=f"{name} {size:.3g} {unit}"
                )
        logarithmic_x(axis, smallest=estimate.smallest, largest=estimate.largest)
        axis.set_xlabel(f"measured size in {unit}")
        axis.set_ylim(-0.03, 1.05)
        axis.set_ylabel("probability of detection")
        axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        if estimate.is_indicative:
            axis.set_title("Indicative only: the sizes are production's", color=VERMILION)
    return figure
