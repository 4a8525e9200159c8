"""Drift without labels: did the line, its cameras or the model's scores change since all was well?

A watch of scores and pictures cannot replace the audit of passed parts; `CANNOT_SEE` says what it is blind to.
"""

from lineside.statistics.drift.batches import BATCH_PARTS, PICTURE_MEASURES, Batch, MeasuredPart
from lineside.statistics.drift.change_point import change_point
from lineside.statistics.drift.errors import NonFiniteMeasure
from lineside.statistics.drift.levels import (
    CusumRun,
    Level,
    LevelShift,
    cusum,
    cusum_limit,
    level_shift,
)
from lineside.statistics.drift.novelty import PictureModel
from lineside.statistics.drift.reference import Reference
from lineside.statistics.drift.samples import ScoreShift, ShareShift, dispersion, score_shift, share_shift
from lineside.statistics.drift.watching import CANNOT_SEE, Finding, Look, Signal, WatchLimits, look

__all__ = [
    "BATCH_PARTS",
    "CANNOT_SEE",
    "PICTURE_MEASURES",
    "Batch",
    "CusumRun",
    "Finding",
    "Level",
    "LevelShift",
    "Look",
    "MeasuredPart",
    "NonFiniteMeasure",
    "PictureModel",
    "Reference",
    "ScoreShift",
    "ShareShift",
    "Signal",
    "WatchLimits",
    "change_point",
    "cusum",
    "cusum_limit",
    "dispersion",
    "level_shift",
    "look",
    "score_shift",
    "share_shift",
]
