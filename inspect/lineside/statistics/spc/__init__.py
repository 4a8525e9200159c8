"""Control charts: is the process as it was, and what does it do next?"""

from lineside.statistics.spc.bernoulli import (
    bernoulli_cusum,
    bernoulli_limit,
    parts_until_signal,
    reference_value,
)
from lineside.statistics.spc.chart import DEFAULT_KINDS, control_chart, default_charts
from lineside.statistics.spc.errors import BaselineMismatch, NothingToChart, UnequalSizes, UnknownExclusion
from lineside.statistics.spc.forecast import LimitForecast, LimitOutlook, forecast_limit, remaining_life
from lineside.statistics.spc.gaps import gap_chart, gaps_between, parts_quantile
from lineside.statistics.spc.memory import cumulative_sums, exponential_averages
from lineside.statistics.spc.options import ChartOptions, Tails, TimeLimits
from lineside.statistics.spc.records import (
    Baseline,
    ChartKind,
    ChartPoint,
    ControlChart,
    Gap,
    Measure,
    Subgroup,
)
from lineside.statistics.spc.rules import (
    BEYOND_LIMITS,
    EIGHT_AWAY,
    EIGHT_ON_ONE_SIDE,
    FIFTEEN_CLOSE,
    FOUR_OF_FIVE,
    FOURTEEN_ALTERNATING,
    NELSON,
    NINE_ON_ONE_SIDE,
    SIX_IN_A_TREND,
    TWO_OF_THREE,
    WESTERN_ELECTRIC,
    Rule,
    broken_rules,
)

__all__ = [
    "BEYOND_LIMITS",
    "DEFAULT_KINDS",
    "EIGHT_AWAY",
    "EIGHT_ON_ONE_SIDE",
    "FIFTEEN_CLOSE",
    "FOURTEEN_ALTERNATING",
    "FOUR_OF_FIVE",
    "NELSON",
    "NINE_ON_ONE_SIDE",
    "SIX_IN_A_TREND",
    "TWO_OF_THREE",
    "WESTERN_ELECTRIC",
    "Baseline",
    "BaselineMismatch",
    "ChartKind",
    "ChartOptions",
    "ChartPoint",
    "ControlChart",
    "Gap",
    "LimitForecast",
    "LimitOutlook",
    "Measure",
    "NothingToChart",
    "Rule",
    "Subgroup",
    "Tails",
    "TimeLimits",
    "UnequalSizes",
    "UnknownExclusion",
    "bernoulli_cusum",
    "bernoulli_limit",
    "broken_rules",
    "control_chart",
    "cumulative_sums",
    "default_charts",
    "exponential_averages",
    "forecast_limit",
    "gap_chart",
    "gaps_between",
    "parts_quantile",
    "parts_until_signal",
    "reference_value",
    "remaining_life",
]
