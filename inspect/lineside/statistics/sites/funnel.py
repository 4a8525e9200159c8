"""Funnel plots: which site differs from all by more than its size, and the usual differences, explain."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.counts import check_share
from lineside.statistics.errors import TooFewParts
from lineside.statistics.sites.records import SiteCounts, SiteRate, check_sites

Floats = NDArray[np.float64]

WINSORISED_SHARE = 0.1
"""On each side: how many of the most deviant sites are pulled in before the spread is judged (Spiegelhalter 2005)."""

LIMITS = (0.95, 0.998)
"""About two and three standard deviations."""


@dataclass(frozen=True, slots=True)
class FunnelSite:
    """A site on the plot.

    Attributes:
        site: its name.
        rate: its own.
        precision_units: parts that its rate is worth: those made, or of a corrected rate r (1 - r) / error^2 at the
            common rate r. The plot's horizontal axis.
        deviate: standard deviations from the centre, the spread between sites taken in.
        limits: (lower, upper) for each confidence of the plot, in its order, with the spread between sites.
        is_outside: whether it is beyond the widest of them.
    """

    site: str
    rate: float
    precision_units: float
    deviate: float
    limits: tuple[tuple[float, float], ...]
    is_outside: bool


@dataclass(frozen=True, slots=True)
class Funnel:
    """A funnel plot.

    Attributes:
        sites: in the order given, without those that made no part.
        centre: the common rate.
        dispersion: mean square of the pulled-in deviates, phi; 1 where chance explains the differences.
        between: additive standard deviation between sites, tau: on the scale of arcsin sqrt(rate) for counts, of the
            rate for corrected rates; 0 where phi is explained by chance.
        confidences: of the limits.
    """

    sites: tuple[FunnelSite, ...]
    centre: float
    dispersion: float
    between: float
    confidences: tuple[float, ...]


def funnel_of_counts(sites: Sequence[SiteCounts], *, confidences: Sequence[float] = LIMITS) -> Funnel:
    """Funnel of shares of parts, on the scale of arcsin sqrt(rate), on which chance has variance 1 / (4 n).

    Sources: D. J. Spiegelhalter, "Funnel plots for comparing institutional performance", Statistics in Medicine 24
    (2005) 1185-1202, and "Handling over-dispersion of performance indicators", Quality and Safety in Health Care 14
    (2005) 347-351: deviates pulled in to their 10th and 90th percentiles, phi their mean square; where phi exceeds
    (n - 1) / n the random effect adds tau^2 = (n phi - (n - 1)) / (sum w - sum w^2 / sum w) with w = 1 / s^2 (after
    DerSimonian and Laird 1986) to each site's variance.

    Assumptions: parts are independent; most sites are as they should be. Tests of many sites: at 0.998 one of 500 that
    are alike is outside. Fewer than about 4 expected defects make even this scale rough.

    Args:
        sites: names unique; those without a part are left out.
        confidences: of the limits, each two-sided.

    Raises:
        TooFewParts: no site with a part.
        ValueError: a name comes twice, or a confidence is out of range.
    """
    check_sites([site.site for site in sites])
    filled = [site for site in sites if site.units > 0]
    if not filled:
        raise TooFewParts("a funnel plot", needed=1, found=0)
    units = np.array([site.units for site in filled], np.float64)
    events = np.array([site.events for site in filled], np.float64)
    centre = float(events.sum() / units.sum())
    middle = math.asin(math.sqrt(centre))
    errors = 0.5 / np.sqrt(units)
    dispersion, between = over_dispersion((np.arcsin(np.sqrt(events / units)) - middle) / errors, errors)
    spread = np.sqrt(errors**2 + between**2)
    deviates = (np.arcsin(np.sqrt(events / units)) - middle) / spread

    def back(values: Floats) -> Floats:
        return np.asarray(np.sin(np.clip(values, 0.0, math.pi / 2)) ** 2)

    limits = [
        (back(middle - quantile * spread), back(middle + quantile * spread)) for quantile in _quantiles(confidences)
    ]
    names = [site.site for site in filled]
    placed = _placed(names, events / units, units, deviates, limits)
    return Funnel(placed, centre, dispersion, between, tuple(confidences))


def funnel_of_rates(sites: Sequence[SiteRate], *, confidences: Sequence[float] = LIMITS) -> Funnel:
    """Funnel of corrected rates with their own errors, on the scale of the rate.

    As `funnel_of_counts`; the centre is the mean weighted by precision. Assumes near-normal estimates.

    Args:
        sites: names unique.
        confidences: of the limits, each two-sided.

    Raises:
        ValueError: there is no site, a name comes twice, or a confidence is out of range.
    """
    check_sites([site.site for site in sites])
    rates = np.array([site.rate for site in sites])
    errors = np.array([site.standard_error for site in sites])
    weights = 1 / errors**2
    centre = float(weights @ rates / weights.sum())
    dispersion, between = over_dispersion((rates - centre) / errors, errors)
    spread = np.sqrt(errors**2 + between**2)
    limits = [
        (np.maximum(centre - quantile * spread, 0.0), np.minimum(centre + quantile * spread, 1.0))
        for quantile in _quantiles(confidences)
    ]
    worth = centre * (1 - centre) * weights
    placed = _placed([site.site for site in sites], rates, worth, (rates - centre) / spread, limits)
    return Funnel(placed, centre, dispersion, between, tuple(confidences))


def over_dispersion(deviates: Floats, errors: Floats) -> tuple[float, float]:
    """Spiegelhalter's phi and tau, from sites' deviates by chance alone.

    Args:
        deviates: in standard errors from the centre, shape (n,), one or more.
        errors: standard error of each, above 0, shape (n,).

    Returns:
        phi, and tau in the errors' unit; tau is 0 where phi is at most (n - 1) / n, and for a single site.
    """
    count = deviates.size
    low, high = np.quantile(deviates, [WINSORISED_SHARE, 1 - WINSORISED_SHARE])
    phi = float(np.mean(np.clip(deviates, low, high) ** 2))
    if count < 2 or phi <= (count - 1) / count:
        return phi, 0.0
    weights = 1 / errors**2
    tau_square = (count * phi - (count - 1)) / float(weights.sum() - (weights**2).sum() / weights.sum())
    return phi, math.sqrt(max(tau_square, 0.0))


def _quantiles(confidences: Sequence[float]) -> list[float]:
    if not confidences:
        raise ValueError("no limits; expected at least one confidence")
    for confidence in confidences:
        check_share("a confidence", confidence)
    return [float(ndtri(0.5 + confidence / 2)) for confidence in confidences]


def _placed(
    names: Sequence[str], rates: Floats, worth: Floats, deviates: Floats, limits: Sequence[tuple[Floats, Floats]]
) -> tuple[FunnelSite, ...]:
    placed = []
    for k, name in enumerate(names):
        own = tuple((float(lower[k]), float(upper[k])) for lower, upper in limits)
        is_outside = all(not lower <= rates[k] <= upper for lower, upper in own)
        placed.append(FunnelSite(name, float(rates[k]), float(worth[k]), float(deviates[k]), own, is_outside))
    return tuple(placed)
