"""Gauge R&R: how much of the spread of measured sizes comes from measuring, by analysis of variance."""

from lineside.statistics.gauge.records import (
    GRR_SHARE,
    LEAST_CATEGORIES,
    Component,
    GaugeRefused,
    GaugeStudy,
    Interval,
    MeanSquare,
)
from lineside.statistics.gauge.study import analyse_gauge

__all__ = [
    "GRR_SHARE",
    "LEAST_CATEGORIES",
    "Component",
    "GaugeRefused",
    "GaugeStudy",
    "Interval",
    "MeanSquare",
    "analyse_gauge",
]
