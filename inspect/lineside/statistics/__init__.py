"""Numbers in, numbers out: how sure a figure of the line is."""

from lineside.statistics.binomial import (
    clopper_pearson,
    exact_lower_bound,
    exact_upper_bound,
    units_for_upper_bound,
)
from lineside.statistics.comparison import (
    BootstrapInterval,
    BoundaryShape,
    bounded_rate_e_value,
    crossing_chance,
    group_sequential_boundary,
    holm,
    mcnemar_mid_p,
    mixture_e_value,
    mixture_e_value_worse,
    noninferiority_power,
    noninferiority_sample_size,
    noninferiority_upper_bound,
    paired_bootstrap,
)
from lineside.statistics.intervals import RateInterval, wilson_interval

__all__ = [
    "BootstrapInterval",
    "BoundaryShape",
    "RateInterval",
    "bounded_rate_e_value",
    "clopper_pearson",
    "crossing_chance",
    "exact_lower_bound",
    "exact_upper_bound",
    "group_sequential_boundary",
    "holm",
    "mcnemar_mid_p",
    "mixture_e_value",
    "mixture_e_value_worse",
    "noninferiority_power",
    "noninferiority_sample_size",
    "noninferiority_upper_bound",
    "paired_bootstrap",
    "units_for_upper_bound",
    "wilson_interval",
]
