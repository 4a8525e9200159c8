"""What a sampling plan lets through: the chance of a lot to be accepted, whatever its share of defective parts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq  # type: ignore[import-untyped]  # scipy ships no types
from scipy.stats import binom, hypergeom  # type: ignore[import-untyped]  # as above

from lineside.statistics.counts import check_counts, check_share
from lineside.statistics.errors import ImpossibleCounts, SampleLargerThanLot


@dataclass(frozen=True, slots=True)
class SamplingPlan:
    """Read `sample` parts, accept the lot when at most `accept` of them are defective.

    The audit of passed parts is such a plan: its sample is what was read, `accept` what the plant tolerates.

    Attributes:
        sample: parts read, 1 or more.
        accept: the acceptance number.

    Raises:
        TypeError: a number is not an integer.
        ImpossibleCounts: the acceptance number is not below the sample.
        ValueError: a number is negative.
    """

    sample: int
    accept: int

    def __post_init__(self) -> None:
        """Refuse a plan that decides nothing."""
        check_counts(sample=self.sample, accept=self.accept)
        if self.accept >= self.sample:
            raise ImpossibleCounts(
                f"a sample of {self.sample} with acceptance number {self.accept} accepts every lot; expected a number"
                " below the sample"
            )

    @property
    def reject(self) -> int:
        """The rejection number."""
        return self.accept + 1


@dataclass(frozen=True, slots=True)
class OperatingCharacteristic:
    """The OC curve of a plan.

    Attributes:
        plan: the plan.
        lot: parts of the lot; None for a process or a lot that is large against the sample.
        shares: of defective parts, in [0, 1], shape (n,).
        acceptance: chance of acceptance at each, shape (n,).
        producer_share: share that is accepted with 95 %.
        consumer_share: share that is accepted with 10 % (LTPD, LQ10).
    """

    plan: SamplingPlan
    lot: int | None
    shares: tuple[float, ...]
    acceptance: tuple[float, ...]
    producer_share: float
    consumer_share: float


def acceptance_probability(plan: SamplingPlan, share: float, *, lot: int | None = None) -> float:
    """The chance that a lot with such a share of defective parts is accepted.

    Binomial (type B) for a process or a large lot, hypergeometric (type A) for a lot of a known size, whose defective
    parts are then rounded to a whole number. Source: D. C. Montgomery, "Introduction to Statistical Quality Control",
    chapter on lot-by-lot acceptance sampling for attributes. Assumes a random sample and reviewers who are right.

    Raises:
        SampleLargerThanLot: the lot is smaller than the sample.
        ValueError: the share is outside [0, 1] or no number.

    >>> round(acceptance_probability(SamplingPlan(sample=80, accept=2), 0.01), 4)
    0.9534
    """
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"the share is {share}; expected a number from 0 to 1")
    if lot is None:
        return float(binom.cdf(plan.accept, plan.sample, share))
    check_counts(lot=lot)
    if plan.sample > lot:
        raise SampleLargerThanLot(drawn=plan.sample, parts=lot)
    return float(hypergeom.cdf(plan.accept, lot, round(share * lot), plan.sample))


def share_accepted_with(plan: SamplingPlan, probability: float) -> float:
    """The share of defective parts that a plan accepts with such a probability (binomial).

    With 0.10 it is the LTPD, the quality that a lot which was accepted is at least as good as in nine of ten cases in
    which it is at its limit.

    Raises:
        ValueError: the probability is out of range.

    >>> round(100 * share_accepted_with(SamplingPlan(sample=80, accept=2), 0.10), 2)
    6.52
    """
    check_share("probability", probability)
    return float(brentq(lambda share: binom.cdf(plan.accept, plan.sample, share) - probability, 0.0, 1.0, xtol=1e-12))


def operating_characteristic(
    plan: SamplingPlan, *, shares: Sequence[float] | None = None, lot: int | None = None
) -> OperatingCharacteristic:
    """The OC curve of a plan, or of the audit that was actually done.

    Args:
        plan: the plan.
        shares: where to work it out, in [0, 1]; 101 evenly spaced ones up to three times the LTPD without.
        lot: parts of a finite lot; the two named shares stay those of a large lot.

    Raises:
        SampleLargerThanLot: the lot is smaller than the sample.
        ValueError: a share is outside [0, 1] or no number.
    """
    consumer = share_accepted_with(plan, 0.10)
    if shares is None:
        shares = np.linspace(0.0, min(1.0, 3 * consumer), 101).tolist()
    return OperatingCharacteristic(
        plan=plan,
        lot=lot,
        shares=tuple(shares),
        acceptance=tuple(acceptance_probability(plan, share, lot=lot) for share in shares),
        producer_share=share_accepted_with(plan, 0.95),
        consumer_share=consumer,
    )
