"""Is one model better, worse or no worse than another: tests and bounds for two models on the same parts."""

from lineside.statistics.binomial import clopper_pearson
from lineside.statistics.comparison.bootstrap import BootstrapInterval, paired_bootstrap
from lineside.statistics.comparison.group_sequential import (
    BoundaryShape,
    crossing_chance,
    group_sequential_boundary,
)
from lineside.statistics.comparison.multiplicity import holm
from lineside.statistics.comparison.paired import (
    mcnemar_mid_p,
    noninferiority_power,
    noninferiority_sample_size,
    noninferiority_upper_bound,
)
from lineside.statistics.comparison.sequential import bounded_rate_e_value, mixture_e_value, mixture_e_value_worse

__all__ = [
    "BootstrapInterval",
    "BoundaryShape",
    "bounded_rate_e_value",
    "clopper_pearson",
    "crossing_chance",
    "group_sequential_boundary",
    "holm",
    "mcnemar_mid_p",
    "mixture_e_value",
    "mixture_e_value_worse",
    "noninferiority_power",
    "noninferiority_sample_size",
    "noninferiority_upper_bound",
    "paired_bootstrap",
]
