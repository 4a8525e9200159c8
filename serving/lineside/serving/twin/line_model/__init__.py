"""A line as a queueing model (SimPy): numbers in, numbers out; no ledger, no clock, no settings."""

from lineside.serving.twin.line_model.arrivals import (
    LONGEST_S,
    Arrivals,
    RandomArrivals,
    RecordedArrivals,
    RegularArrivals,
)
from lineside.serving.twin.line_model.comparing import (
    Change,
    Comparison,
    OptionOutcome,
    Runs,
    Standing,
    check_size,
    compare,
    run_lines,
)
from lineside.serving.twin.line_model.durations import Always, Durations, Exponential, Measured
from lineside.serving.twin.line_model.errors import ImpossibleLine, RunTooLarge, UnstableLine
from lineside.serving.twin.line_model.estimating import Estimate, Prediction, estimate, predict
from lineside.serving.twin.line_model.line import Line, Load, Retest, Rework, check_stable, load_of
from lineside.serving.twin.line_model.outcome import Costs, Measure, PeriodOutcome
from lineside.serving.twin.line_model.parts import ALWAYS_FLAGGED, NEVER_FLAGGED, Chances, PartMix, Purpose
from lineside.serving.twin.line_model.simulating import simulate

__all__ = [
    "ALWAYS_FLAGGED",
    "LONGEST_S",
    "NEVER_FLAGGED",
    "Always",
    "Arrivals",
    "Chances",
    "Change",
    "Comparison",
    "Costs",
    "Durations",
    "Estimate",
    "Exponential",
    "ImpossibleLine",
    "Line",
    "Load",
    "Measure",
    "Measured",
    "OptionOutcome",
    "PartMix",
    "PeriodOutcome",
    "Prediction",
    "Purpose",
    "RandomArrivals",
    "RecordedArrivals",
    "RegularArrivals",
    "Retest",
    "Rework",
    "RunTooLarge",
    "Runs",
    "Standing",
    "UnstableLine",
    "check_size",
    "check_stable",
    "compare",
    "estimate",
    "load_of",
    "predict",
    "run_lines",
    "simulate",
]
