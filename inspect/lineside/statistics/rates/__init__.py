"""Defect rates that hold up: what was found, what got past, and how sure both are."""

from lineside.statistics.intervals import RateInterval, wilson_interval
from lineside.statistics.rates.contract import audits_needed, contract_upper_bound
from lineside.statistics.rates.estimate import EscapeEstimate, RateEstimate, estimate_rate
from lineside.statistics.rates.operating_characteristic import (
    OperatingCharacteristic,
    SamplingPlan,
    acceptance_probability,
    operating_characteristic,
    share_accepted_with,
)
from lineside.statistics.rates.pooling import LotCount, ProcessRate, process_rate
from lineside.statistics.rates.recall import seeded_recall
from lineside.statistics.rates.records import FlaggedStratum, KnownReads, PassedStratum, RateCounts, ReviewerReads
from lineside.statistics.rates.standard_plans import single_sampling_plan
from lineside.statistics.rates.yields import (
    defective_ppm,
    defects_per_million_opportunities,
    defects_per_unit,
    first_pass_yield,
    rolled_throughput_yield,
)

__all__ = [
    "EscapeEstimate",
    "FlaggedStratum",
    "KnownReads",
    "LotCount",
    "OperatingCharacteristic",
    "PassedStratum",
    "ProcessRate",
    "RateCounts",
    "RateEstimate",
    "RateInterval",
    "ReviewerReads",
    "SamplingPlan",
    "acceptance_probability",
    "audits_needed",
    "contract_upper_bound",
    "defective_ppm",
    "defects_per_million_opportunities",
    "defects_per_unit",
    "estimate_rate",
    "first_pass_yield",
    "operating_characteristic",
    "process_rate",
    "rolled_throughput_yield",
    "seeded_recall",
    "share_accepted_with",
    "single_sampling_plan",
    "wilson_interval",
]
