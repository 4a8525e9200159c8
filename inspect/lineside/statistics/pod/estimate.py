"""Probability of detection over defect size, from hits and misses on defects whose size was measured elsewhere."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from scipy.optimize import brentq  # type: ignore[import-untyped]  # scipy ships no types
from scipy.special import chdtri, expit, logit  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.binomial import clopper_pearson
from lineside.statistics.counts import check_counts, check_share
from lineside.statistics.intervals import RateInterval
from lineside.statistics.pod.errors import (
    NoOverlap,
    ProductionSizes,
    SeveralTargetsPerPart,
    SizeDoesNotHelp,
    TooFewTargets,
)
from lineside.statistics.pod.likelihood import Fit, LogisticLikelihood

LEAST_TARGETS = 60
"""Of a hit/miss study; MIL-HDBK-1823A asks for as many. Below, a90/95 is far too large or not to be believed."""

_FARTHEST = 12.0
"""How many times e beyond the best a90 a bound is looked for: 160 000 times its size is no bound."""
_FLATTEST = 50.0
"""How many times e away from the studied sizes a50 or a90 may lie: beyond, numbers themselves end."""
CURVE_POINTS = 61
"""Close enough that straight lines between them look smooth."""


class SizeDesign(StrEnum):
    """How the sizes of a study came about."""

    DESIGNED = "designed"
    """Chosen before anything was inspected, over the whole range, small ones included."""
    PRODUCTION = "production"
    """As the line made them and somebody noticed: small defects that nobody found are missing."""


class ProductionUse(StrEnum):
    """What is made of a study of production sizes."""

    REFUSE = "refuse"
    INDICATIVE = "indicative"
    """Its figures are given, marked as indicative: they flatter, by how much nobody knows."""


@dataclass(frozen=True, slots=True)
class Target:
    """One defect whose size was measured by something else than the system under study.

    Attributes:
        part_id: the part that carries it; each part carries one.
        size: positive and finite, all of a study in the same unit.
        is_hit: whether the system found it.
    """

    part_id: str
    size: float
    is_hit: bool

    def __post_init__(self) -> None:
        if not (math.isfinite(self.size) and self.size > 0):
            raise ValueError(f"the size of the target on part {self.part_id} is {self.size}; expected more than 0")


@dataclass(frozen=True, slots=True)
class PodPoint:
    """The curve at one size.

    Attributes:
        size: in the study's unit.
        pod: estimated probability of detection.
        lower: one-sided lower bound at the study's confidence.
        upper: one-sided upper bound.
    """

    size: float
    pod: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class SizeBin:
    """What was seen in a range of sizes, to hold the curve against.

    Attributes:
        smallest, largest: sizes of the range's targets.
        targets: how many there are.
        hits: how many of them were found.
    """

    smallest: float
    largest: float
    targets: int
    hits: int


@dataclass(frozen=True, slots=True)
class PodEstimate:
    """A probability of detection with what it rests on.

    Attributes:
        design: how the sizes came about.
        is_indicative: the sizes are production's: no figure of this record may be relied on.
        fit: what was maximised.
        targets, hits: defects of known size, and how many of them were found.
        smallest, largest: their sizes.
        intercept, slope: log-odds of a hit = intercept + slope ln(size).
        log_likelihood: of the targets.
        probability: the probability of detection that `size_found` is about, 0.9 for a90.
        confidence: one-sided, of `size_bound` and of each edge of the curve's band.
        a50: the size that is found half of the time.
        size_found: a90: the size that is found with that probability, by the best curve.
        size_bound: a90/95: with this confidence the true one is no larger; None where no size is large enough for
            that, because the slope itself is not sure.
        is_extrapolated: a90 or a90/95 lies beyond the sizes of the study.
        false_calls: share of defect-free parts that were called, with its exact interval.
        curve: over the study's sizes, ascending.
        bins: about equally filled ranges of sizes with what was seen.
        notes: what a reader must know.
    """

    design: SizeDesign
    is_indicative: bool
    fit: Fit
    targets: int
    hits: int
    smallest: float
    largest: float
    intercept: float
    slope: float
    log_likelihood: float
    probability: float
    confidence: float
    a50: float
    size_found: float
    size_bound: float | None
    is_extrapolated: bool
    false_calls: RateInterval
    curve: tuple[PodPoint, ...]
    bins: tuple[SizeBin, ...]
    notes: tuple[str, ...]


def estimate_pod(
    targets: Sequence[Target],
    *,
    design: SizeDesign,
    defect_free: int,
    false_calls: int,
    production: ProductionUse = ProductionUse.REFUSE,
    probability: float = 0.9,
    confidence: float = 0.95,
    fit: Fit = Fit.FIRTH,
    least_targets: int = LEAST_TARGETS,
    curve_points: int = CURVE_POINTS,
) -> PodEstimate:
    """Estimate the curve, a90 and a90/95.

    A logistic curve over ln(size), fitted by Firth's penalised likelihood; a90/95 is the largest size at which the
    curve may pass through 0.9 without losing more of the profile penalised likelihood than a one-sided 95 % bound
    allows: half the 0.90 quantile of chi-square with one degree of freedom. The band is made the same way, so that its
    lower edge reaches 0.9 at a90/95.

    Source: the model and a90/95 as in MIL-HDBK-1823A, "Nondestructive evaluation system reliability assessment"
    (2009), appendix G (hit/miss); the fit and the profile as `LogisticLikelihood` cites. The Wald bound is not given:
    in 1000 simulated studies each of 60 and 120 targets (log-uniform sizes from 0.04 to 0.8, true a90 0.30) it covered
    89 and 91 % where 95 % was asked for, the profile of the plain likelihood 94 and 94 %, this one 97 and 97 %.

    Assumptions: one target per part, independent; sizes designed and measured by something better than the system;
    log-odds linear in ln(size): hold `bins` against `curve`.

    Args:
        targets: every defect of known size that the system saw, hit or missed.
        design: how their sizes came about.
        defect_free: parts without a defect that it also saw.
        false_calls: how many of those it called.
        production: what to do with production's sizes.
        probability: which detection probability the size is wanted for.
        confidence: one-sided.
        fit: what is maximised; ML only to compare with published figures.
        least_targets: fewer are refused; lower it only to compare with published figures.
        curve_points: how many points the curve has; 0 for none, which is much quicker.

    Raises:
        PodRefused: what is missing; see `lineside.statistics.pod.errors`.
        TypeError: a count is not an integer.
        ValueError: a figure is out of its range, such as more false calls than defect-free parts.
    """
    check_share("probability", probability)
    check_share("confidence", confidence)
    check_counts(
        defect_free=defect_free, false_calls=false_calls, least_targets=least_targets, curve_points=curve_points
    )
    calls = clopper_pearson(false_calls, defect_free)
    _check_design(design, production)
    _check_targets(targets, least_targets)
    sizes, hits = [each.size for each in targets], [each.is_hit for each in targets]
    likelihood = LogisticLikelihood(sizes, hits, fit=fit)
    line = likelihood.best
    if line.slope <= 0:
        raise SizeDoesNotHelp(
            f"larger defects are not found more often: the slope is {line.slope:.3g} per unit of ln(size), expected "
            "more than 0; check the measured sizes and which result belongs to which part"
        )
    allowed = float(chdtri(1, 2 * (1 - confidence)))  # of twice the log-likelihood: 2.706 at 95 %
    wanted = float(logit(probability))
    log_found = (wanted - line.intercept) / line.slope
    log_half = -line.intercept / line.slope
    if max(abs(log_size - math.log(targets[0].size)) for log_size in (log_found, log_half)) > _FLATTEST:
        raise SizeDoesNotHelp(
            f"larger defects are hardly found more often: the slope is {line.slope:.3g} per unit of ln(size), and a "
            f"size found with probability {probability:g} lies beyond any; check the measured sizes"
        )
    log_bound = _bound(likelihood, log_found, wanted, allowed)
    size_found = math.exp(log_found)
    size_bound = None if log_bound is None else math.exp(log_bound)
    smallest, largest = min(sizes), max(sizes)
    is_extrapolated = size_bound is None or not smallest <= size_found <= size_bound <= largest
    estimate = PodEstimate(
        design=design,
        is_indicative=design is SizeDesign.PRODUCTION,
        fit=fit,
        targets=len(targets),
        hits=sum(hits),
        smallest=smallest,
        largest=largest,
        intercept=line.intercept,
        slope=line.slope,
        log_likelihood=line.log_likelihood,
        probability=probability,
        confidence=confidence,
        a50=math.exp(log_half),
        size_found=size_found,
        size_bound=size_bound,
        is_extrapolated=is_extrapolated,
        false_calls=calls,
        curve=_curve(likelihood, np.linspace(math.log(smallest), math.log(largest), curve_points).tolist(), allowed),
        bins=_bins(targets),
        notes=(),
    )
    return _noted(estimate)


def _check_design(design: SizeDesign, production: ProductionUse) -> None:
    if design is SizeDesign.PRODUCTION and production is ProductionUse.REFUSE:
        raise ProductionSizes(
            "the sizes are production's, expected a designed set: small defects that nobody found are not in it, so "
            "the curve would flatter. Make parts with defects of chosen, measured sizes, or ask for indicative figures"
        )


def _check_targets(targets: Sequence[Target], least: int) -> None:
    seen = Counter(each.part_id for each in targets)
    several = tuple(sorted(part for part, count in seen.items() if count > 1))
    if several:
        raise SeveralTargetsPerPart(several)
    if len(targets) < max(least, 1):
        raise TooFewTargets(needed=max(least, 1), found=len(targets))
    hit = [each.size for each in targets if each.is_hit]
    missed = [each.size for each in targets if not each.is_hit]
    if not hit or not missed:
        what, add = ("found", "smaller") if hit else ("missed", "larger")
        raise NoOverlap(f"all {len(targets)} targets were {what}; expected hits and misses: add {add} defects")
    if max(missed) <= min(hit):
        raise NoOverlap(
            f"every hit is at least {min(hit):g} and every miss at most {max(missed):g}; expected sizes at which some "
            "are found and some are missed: add defects of sizes between and around the two"
        )


def _bound(likelihood: LogisticLikelihood, log_found: float, wanted: float, allowed: float) -> float | None:
    """The largest log size at which the curve may pass through the wanted log-odds."""

    def excess(log_size: float) -> float:
        return likelihood.drop_at(log_size, wanted) - allowed

    if likelihood.drop_of_flat() <= allowed:
        return None
    beyond = 0.125
    while excess(log_found + beyond) <= 0:
        beyond *= 2
        if beyond > _FARTHEST:
            return None
    return float(brentq(excess, log_found, log_found + beyond, xtol=1e-9))


def _curve(likelihood: LogisticLikelihood, log_sizes: Sequence[float], allowed: float) -> tuple[PodPoint, ...]:
    line = likelihood.best
    points = []
    for log_size in log_sizes:
        odds = line.intercept + line.slope * log_size
        lower, upper = (_edge(likelihood, log_size, odds, allowed, side) for side in (-1.0, 1.0))
        points.append(PodPoint(math.exp(log_size), float(expit(odds)), float(expit(lower)), float(expit(upper))))
    return tuple(points)


def _edge(likelihood: LogisticLikelihood, log_size: float, odds: float, allowed: float, side: float) -> float:
    """The log-odds on one side at which the profile has lost what it may."""

    def excess(away: float) -> float:
        return likelihood.drop_at(log_size, odds + side * away) - allowed

    away = 0.5
    while excess(away) <= 0:
        away *= 2
        if away > 500.0:  # expit has long been 0 or 1
            return odds + side * away
    return odds + side * float(brentq(excess, 0.0, away, xtol=1e-4))


def _bins(targets: Sequence[Target]) -> tuple[SizeBin, ...]:
    ascending = sorted(targets, key=lambda each: each.size)
    groups = np.array_split(np.arange(len(ascending)), max(1, min(10, len(ascending) // 10)))
    return tuple(
        SizeBin(
            ascending[group[0]].size,
            ascending[group[-1]].size,
            len(group),
            sum(ascending[index].is_hit for index in group),
        )
        for group in groups
    )


def _noted(estimate: PodEstimate) -> PodEstimate:
    notes = []
    percent = f"{estimate.confidence:.0%}"
    if estimate.is_indicative:
        notes.append(
            "INDICATIVE ONLY: production's sizes, not a designed set. Small defects that nobody found are missing, so "
            "the true probability of detection is lower than this curve"
        )
    if estimate.size_bound is None:
        notes.append(
            f"no size can be named that is found with probability {estimate.probability:g} at {percent} confidence: "
            "the data do not show surely enough that size matters; add targets"
        )
    elif estimate.is_extrapolated:
        notes.append(
            f"a{estimate.probability * 100:g} or its bound lies outside the studied sizes ({estimate.smallest:g} to "
            f"{estimate.largest:g}): add targets of that size before relying on it"
        )
    if estimate.false_calls.units == 0:
        notes.append(
            "the study has no defect-free part: its false-call rate is unknown, and a system that calls every part "
            "would look perfect"
        )
    if estimate.fit is Fit.ML:
        notes.append("plain maximum likelihood: its bound falls short of its confidence in small studies")
    return replace(estimate, notes=tuple(notes))
