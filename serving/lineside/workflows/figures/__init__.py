"""Figures for a quality folder: control charts, rates with intervals, funnels, detection curves, sampling curves.

Each function gives a matplotlib figure; `save_figure` writes it as SVG or PNG, the same bytes each time.
"""

from lineside.workflows.figures.control import DrawnChart, DrawnPoint, Mark, Panel, chart_figure, short_labels
from lineside.workflows.figures.drawing import figure_bytes, save_figure
from lineside.workflows.figures.funnel import FunnelRow, funnel_figure
from lineside.workflows.figures.pod import pod_figure
from lineside.workflows.figures.rates import RateRow, rate_figure
from lineside.workflows.figures.sampling import oc_figure
from lineside.workflows.figures.scales import Quantity, scale_for

__all__ = [
    "DrawnChart",
    "DrawnPoint",
    "FunnelRow",
    "Mark",
    "Panel",
    "Quantity",
    "RateRow",
    "chart_figure",
    "figure_bytes",
    "funnel_figure",
    "oc_figure",
    "pod_figure",
    "rate_figure",
    "save_figure",
    "scale_for",
    "short_labels",
]
