"""Probability of detection over defect size: how large a defect must be to be found nine times out of ten."""

from lineside.statistics.pod.errors import (
    NoOverlap,
    PodRefused,
    ProductionSizes,
    SeveralTargetsPerPart,
    SizeDoesNotHelp,
    TooFewTargets,
)
from lineside.statistics.pod.estimate import (
    LEAST_TARGETS,
    PodEstimate,
    PodPoint,
    ProductionUse,
    SizeBin,
    SizeDesign,
    Target,
    estimate_pod,
)
from lineside.statistics.pod.likelihood import Fit

__all__ = [
    "LEAST_TARGETS",
    "Fit",
    "NoOverlap",
    "PodEstimate",
    "PodPoint",
    "PodRefused",
    "ProductionSizes",
    "ProductionUse",
    "SeveralTargetsPerPart",
    "SizeBin",
    "SizeDesign",
    "SizeDoesNotHelp",
    "Target",
    "TooFewTargets",
    "estimate_pod",
]
