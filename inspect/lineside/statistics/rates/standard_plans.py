"""Single sampling plans by lot size and AQL, with the numbers of ANSI/ASQ Z1.4 and ISO 2859-1."""

from types import MappingProxyType

from lineside.statistics.counts import check_counts
from lineside.statistics.rates.operating_characteristic import SamplingPlan

_LOT_LIMITS = (8, 15, 25, 50, 90, 150, 280, 500, 1200, 3200, 10_000, 35_000, 150_000, 500_000)
"""Largest lot of each code letter from A on, general inspection level II; larger lots have the last letter."""

_SAMPLES = (2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800, 1250, 2000)
"""Sample size of code letters A, B, C, D, E, F, G, H, J, K, L, M, N, P, Q, R; R is only reached by an arrow."""

_ZERO_PLANS = MappingProxyType(
    {
        0.010: 14, 0.015: 13, 0.025: 12, 0.040: 11, 0.065: 10, 0.10: 9, 0.15: 8, 0.25: 7,
        0.40: 6, 0.65: 5, 1.0: 4, 1.5: 3, 2.5: 2, 4.0: 1, 6.5: 0,
    }
)  # fmt: skip
"""AQL in percent: place of the code letter whose plan accepts with 0 defective parts. Each step of the AQL moves the
diagonal of the table by one letter."""

_ACCEPTANCE = (0, 0, 1, 1, 2, 3, 5, 7, 10, 14, 21)
"""Acceptance numbers along a column from its zero plan on; the two places after it are arrows to their
neighbours and are never read."""


def single_sampling_plan(lot: int, *, aql_percent: float) -> SamplingPlan:
    """The single sampling plan for normal inspection at general level II.

    Args:
        lot: parts of the lot, 2 or more.
        aql_percent: acceptance quality limit in percent nonconforming, one of the standard's: 0.010 to 6.5.

    Returns:
        Sample and acceptance number. Where the standard's plan asks for more parts than the lot has, the lot is read
        whole, with the same acceptance number.

    Raises:
        TypeError: the lot is not an integer.
        ValueError: the lot has fewer than 2 parts, or the AQL is none of the standard's.

    >>> single_sampling_plan(1000, aql_percent=1.0)
    SamplingPlan(sample=80, accept=2)
    """
    check_counts(lot=lot)
    if lot < 2:
        raise ValueError(f"a lot of {lot} parts; expected at least 2")
    if aql_percent not in _ZERO_PLANS:
        known = ", ".join(f"{aql:g}" for aql in _ZERO_PLANS)
        raise ValueError(f"the AQL is {aql_percent} %; expected one of {known}")
    letter = sum(lot > limit for limit in _LOT_LIMITS)
    zero = _ZERO_PLANS[aql_percent]
    step = max(letter - zero, 0)
    if step == 1:  # an arrow up: the plan above
        step = 0
    elif step == 2:  # an arrow down: the plan below
        step = 3
    step = min(step, len(_ACCEPTANCE) - 1)  # from there on, arrows up
    return SamplingPlan(min(_SAMPLES[zero + step], lot), _ACCEPTANCE[step])
