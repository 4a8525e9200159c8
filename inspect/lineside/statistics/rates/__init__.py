"""Defect rates that hold up: what was found, what got past, and how sure both are."""

from lineside.statistics.intervals import RateInterval, wilson_interval
from lineside.statistics.rates.contract import audits_needed, contract_upper_bound
from lineside.statistics.rates.estimate import EscapeEstimate, RateEstimate, estimate_rate
from lineside.statistics.rates.recall import seeded_recall
from lineside.statistics.rates.records import FlaggedStratum, KnownReads, PassedStratum, RateCounts, ReviewerReads

__all__ = [
    "EscapeEstimate",
    "FlaggedStratum",
    "KnownReads",
    "PassedStratum",
    "RateCounts",
    "RateEstimate",
    "RateInterval",
    "ReviewerReads",
    "audits_needed",
    "contract_upper_bound",
    "estimate_rate",
    "seeded_recall",
    "wilson_interval",
]
