"""Lots whose truth is known, and what each method makes of them: the matter of the coverage study."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from lineside.statistics import wilson_interval
from lineside.statistics.rates import (
    FlaggedStratum,
    KnownReads,
    PassedStratum,
    RateCounts,
    RateEstimate,
    ReviewerReads,
    estimate_rate,
)

LOT_PARTS = 10_000
FALSE_CALL = 0.01
RECALL_CALIBRATED, RECALL_DRIFTED = 0.9, 0.6
GOLDEN_DEFECTIVE, GOLDEN_GOOD = 200, 1000
KNOWN_DEFECTIVE, KNOWN_GOOD = 200, 1000  # reads of parts whose truth is known, by the line's reviewers

RATES = (0.0002, 0.005, 0.01, 0.02, 0.05)
AUDITS = (50, 300, 3000)
REVIEWER_ERRORS = (0.0, 0.02)
LOTS = (1, 10)

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Cell:
    """One set of circumstances.

    Attributes:
        rate: chance of a part to be defective.
        audit: passed parts audited in each lot.
        is_drifted: whether the recall has fallen from 0.9 to 0.6 since the golden set was run.
        reviewer_error: chance of a reviewer to be wrong, on good and on defective parts alike.
        lots: pooled.
    """

    rate: float
    audit: int
    is_drifted: bool
    reviewer_error: float
    lots: int

    @property
    def key(self) -> tuple[int, ...]:
        """Seeds the cell's own random numbers, whatever other cells are run."""
        return (
            round(self.rate * 1e6),
            self.audit,
            int(self.is_drifted),
            round(self.reviewer_error * 1e6),
            self.lots,
        )


def all_cells() -> Iterator[Cell]:
    """The whole grid: 120 cells."""
    for reviewer_error in REVIEWER_ERRORS:
        for is_drifted in (False, True):
            for lots in LOTS:
                for audit in AUDITS:
                    for rate in RATES:
                        yield Cell(rate, audit, is_drifted, reviewer_error, lots)


@dataclass(frozen=True, slots=True)
class Observed:
    """One simulated lot, or ten pooled: what people see of it, and the truth.

    Attributes:
        truth: share of defective parts among those inspected.
        counts: what Lineside is given.
        golden: what the golden set's defective parts showed, before any drift.
        golden_good: what its good parts showed: "hits" are flagged.
        reviewers: reads of known parts; None where reviewers make no error.
        sample_table: reads of a simple random sample of all parts, as many as were read in all here, by
            (flagged, called defective): for methods that know no strata. Shape (2, 2).
    """

    truth: float
    counts: RateCounts
    golden: KnownReads
    golden_good: KnownReads
    reviewers: ReviewerReads | None
    sample_table: np.ndarray[tuple[int, ...], np.dtype[np.int64]]


def observe(cell: Cell, rng: np.random.Generator) -> Observed:
    """Make the parts, judge them, confirm and audit."""
    recall = RECALL_DRIFTED if cell.is_drifted else RECALL_CALIBRATED
    wrong = cell.reviewer_error
    defective = rng.binomial(LOT_PARTS, cell.rate, cell.lots)
    hits = rng.binomial(defective, recall)
    misses = defective - hits
    false_calls = rng.binomial(LOT_PARTS - defective, FALSE_CALL)
    flagged = hits + false_calls
    passed = LOT_PARTS - flagged
    seen = rng.hypergeometric(misses, passed - misses, cell.audit)
    confirmed = rng.binomial(hits, 1 - wrong) + rng.binomial(false_calls, wrong)
    escapes = rng.binomial(seen, 1 - wrong) + rng.binomial(cell.audit - seen, wrong)
    read = int(flagged.sum()) + cell.audit * cell.lots
    tp, fn, fp = int(hits.sum()), int(misses.sum()), int(false_calls.sum())
    parts = LOT_PARTS * cell.lots
    table = rng.multivariate_hypergeometric([tp, fp, fn, parts - tp - fp - fn], read)
    called = np.array([rng.binomial(table[0], 1 - wrong), rng.binomial(table[2], 1 - wrong)])
    called += np.array([rng.binomial(table[1], wrong), rng.binomial(table[3], wrong)])
    totals = np.array([table[0] + table[1], table[2] + table[3]])
    golden_hits = int(rng.binomial(GOLDEN_DEFECTIVE, RECALL_CALIBRATED))
    golden_calls = int(rng.binomial(GOLDEN_GOOD, FALSE_CALL))
    reviewers = None
    if wrong:
        missed, alarms = int(rng.binomial(KNOWN_DEFECTIVE, wrong)), int(rng.binomial(KNOWN_GOOD, wrong))
        reviewers = ReviewerReads(KNOWN_DEFECTIVE - missed, missed, KNOWN_GOOD - alarms, alarms)
    return Observed(
        truth=int(defective.sum()) / parts,
        counts=RateCounts(
            (FlaggedStratum(int(flagged.sum()), 1.0, int(flagged.sum()), int(flagged.sum()), int(confirmed.sum())),),
            (
                PassedStratum(
                    int(passed.sum()),
                    cell.audit / LOT_PARTS,
                    cell.audit * cell.lots,
                    cell.audit * cell.lots,
                    int(escapes.sum()),
                ),
            ),
        ),
        golden=KnownReads(golden_hits, GOLDEN_DEFECTIVE - golden_hits),
        golden_good=KnownReads(golden_calls, GOLDEN_GOOD - golden_calls),
        reviewers=reviewers,
        sample_table=np.stack([called, totals - called], axis=1),
    )


def raw_wilson(seen: Observed) -> Interval:
    """The share of NG parts with Wilson's interval: the rate that most systems show."""
    found = wilson_interval(seen.counts.parts_flagged, seen.counts.inspected)
    return found.lower, found.upper


def rogan_gladen(seen: Observed) -> Interval:
    """The share of NG parts corrected with the golden set's recall and false calls, interval by the delta method.

    Source: W. J. Rogan and B. Gladen, "Estimating prevalence from the results of a screening test", American Journal of
    Epidemiology 107 (1978) 71-76. Without the audit, and without a reviewer.
    """
    parts = seen.counts.inspected
    return rogan_gladen_interval(
        seen.counts.parts_flagged / parts,
        parts,
        sensitivity=seen.golden.hits / GOLDEN_DEFECTIVE,
        sensitivity_parts=GOLDEN_DEFECTIVE,
        specificity=seen.golden_good.misses / GOLDEN_GOOD,
        specificity_parts=GOLDEN_GOOD,
    )[1:]


def rogan_gladen_interval(
    share: float,
    parts: int,
    *,
    sensitivity: float,
    sensitivity_parts: int,
    specificity: float,
    specificity_parts: int,
) -> tuple[float, float, float]:
    """Point, lower and upper end, cut to [0, 1]."""
    youden = sensitivity + specificity - 1
    if youden <= 0:
        return 0.0, 0.0, 1.0
    point = (share + specificity - 1) / youden
    variance = (
        share * (1 - share) / parts
        + point**2 * sensitivity * (1 - sensitivity) / sensitivity_parts
        + (1 - point) ** 2 * specificity * (1 - specificity) / specificity_parts
    ) / youden**2
    half = 1.959963985 * math.sqrt(variance)
    return tuple(min(max(value, 0.0), 1.0) for value in (point, point - half, point + half))  # type: ignore[return-value]  # three values in, three out


def ppi_plus_plus(seen: Observed) -> Interval:
    """Prediction-powered inference with power tuning, normal interval.

    Source: A. N. Angelopoulos, J. C. Duchi and T. Zrnic, "PPI++: Efficient prediction-powered inference",
    arXiv:2311.01453 (2023), for a mean. It reads as many parts as Lineside does (flagged and audited together), drawn
    at random from the whole lot.
    """
    (flagged_bad, flagged_good), (passed_bad, passed_good) = seen.sample_table.tolist()
    read = flagged_bad + flagged_good + passed_bad + passed_good
    parts = seen.counts.inspected
    share_flagged = seen.counts.parts_flagged / parts
    mean_y = (flagged_bad + passed_bad) / read
    mean_f = (flagged_bad + flagged_good) / read
    variance_f = share_flagged * (1 - share_flagged)
    covariance = flagged_bad / read - mean_y * mean_f
    power = covariance / ((1 + read / parts) * variance_f) if variance_f else 0.0
    power = min(max(power, 0.0), 1.0)
    point = power * share_flagged + mean_y - power * mean_f
    variance_y, variance_sample_f = mean_y * (1 - mean_y), mean_f * (1 - mean_f)
    residual = variance_y - 2 * power * covariance + power**2 * variance_sample_f
    half = 1.959963985 * math.sqrt(max(residual, 0.0) / read + power**2 * variance_f / parts)
    return max(point - half, 0.0), min(point + half, 1.0)


BASELINES: Mapping[str, Callable[[Observed], Interval]] = MappingProxyType(
    {"raw + Wilson": raw_wilson, "Rogan-Gladen": rogan_gladen, "PPI++": ppi_plus_plus}
)


def rate(seen: Observed) -> RateEstimate:
    """What Lineside shows."""
    return estimate_rate(seen.counts, golden=seen.golden, reviewers=seen.reviewers)


def rate_without_golden(seen: Observed) -> Interval:
    """The remedy where nothing watches the recall."""
    found = estimate_rate(seen.counts, reviewers=seen.reviewers)
    return found.lower, found.upper


def rate_trusting_reviewers(seen: Observed) -> Interval:
    """As if reviewers were always right."""
    found = estimate_rate(seen.counts, golden=seen.golden)
    return found.lower, found.upper
