"""What a reviewer's word is worth: how well a number of defective parts fits what people called defective.

A reviewer calls a defective part defective with probability s (sensitivity) and a good part defective with probability
f (false alarm), each part independently; s and f are believed to follow Beta(right + 1/2, wrong + 1/2), the Jeffreys
posterior of reads whose truth is known. Left out, a false alarm of 0.5 % in the audit adds 0.5 points to the rate.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import PchipInterpolator  # type: ignore[import-untyped]  # scipy ships no types
from scipy.special import betaincinv, betaln, gammaln  # type: ignore[import-untyped]  # as above

from lineside.statistics.rates.distributions import Floats
from lineside.statistics.rates.records import ReviewerReads

_DENSE_KNOTS = 24
_SPARSE_KNOTS = 48
"""The likelihood is computed for the first counts one by one, then at ever wider places, and interpolated in its
logarithm: it has one broad hump there."""


_KNOWN = 1e8
"""Reads behind a share that is as good as known."""

_TAIL_LEFT = 1e-4
"""Belief in the false alarm rate that is left out at either end."""


@dataclass(frozen=True, slots=True)
class BetaShape:
    """A belief in a share: Beta(a, b)."""

    a: float
    b: float

    @property
    def mean(self) -> float:
        """Expected share."""
        return self.a / (self.a + self.b)

    def scaled(self, factor: float) -> "BetaShape":
        """A beta distribution with the mean and the variance of `factor` (over 0 to 1) times this share."""
        if factor == 1.0:
            return self.limited()
        mean = factor * self.mean
        variance = factor**2 * self.mean * (1 - self.mean) / (self.a + self.b + 1)
        size = mean * (1 - mean) / variance - 1
        return BetaShape(mean * size, (1 - mean) * size).limited()

    def limited(self) -> "BetaShape":
        """The same mean behind at most `_KNOWN` reads: beyond, differences of logarithms lose their digits."""
        excess = max((self.a + self.b) / _KNOWN, 1.0)
        return BetaShape(self.a / excess, self.b / excess)


@dataclass(frozen=True, slots=True)
class ReadingErrors:
    """What is believed of the reviewers.

    Attributes:
        sensitivity: share of defective parts that are called defective; None where taken to be 1.
        false_alarm: share of good parts that are called defective; None where taken to be 0.
    """

    sensitivity: BetaShape | None
    false_alarm: BetaShape | None

    def at_false_alarms(self, nodes: int, *, at_most: float) -> tuple[tuple["ReadingErrors", float], ...]:
        """Cases with a false alarm rate that is as good as known, each with the log of its weight.

        Gauss-Legendre quadrature over the square root of the rate (a Jeffreys belief is flat in it near 0), between
        the rates that the belief leaves and the calls allow: reads of the audit often tell more of the false alarms
        than the reads of known parts do, and then the rate lies in the belief's tail.

        Args:
            nodes: cases.
            at_most: rate over which so few calls as there were would be a wonder, over 0.
        """
        if self.false_alarm is None:
            return ((self, 0.0),)
        a, b = self.false_alarm.a, self.false_alarm.b
        low, high = betaincinv(a, b, _TAIL_LEFT), min(betaincinv(a, b, 1 - _TAIL_LEFT), at_most)
        low = min(low, high / 2)
        places, shares = np.polynomial.legendre.leggauss(nodes)
        roots = np.sqrt(low) + (np.sqrt(high) - np.sqrt(low)) * (places + 1) / 2
        rates = np.clip(roots**2, 1e-9, 1 - 1e-9)
        log_weights = np.log(shares * roots) + (a - 1) * np.log(rates) + (b - 1) * np.log1p(-rates)
        return tuple(
            (replace(self, false_alarm=BetaShape(float(rate) * _KNOWN, (1 - float(rate)) * _KNOWN)), float(log_weight))
            for rate, log_weight in zip(rates, log_weights, strict=True)
        )


def reading_errors(reviewers: ReviewerReads | None) -> ReadingErrors | None:
    """The belief that reads of known parts leave; None where reviewers are taken to be right.

    A kind of part that nobody has read (no good part, or no defective one) is taken to be read rightly.
    """
    if reviewers is None or reviewers.good + reviewers.defective == 0:
        return None
    return ReadingErrors(
        sensitivity=BetaShape(reviewers.defective_right + 0.5, reviewers.defective_wrong + 0.5).limited()
        if reviewers.defective
        else None,
        false_alarm=BetaShape(reviewers.good_wrong + 0.5, reviewers.good_right + 0.5).limited()
        if reviewers.good
        else None,
    )


def log_call_likelihood(defective: Floats, *, parts: int, read: int, called: int, errors: ReadingErrors) -> Floats:
    """Log probability that reviewers call `called` parts defective, of a random sample of `read` among `parts`.

    The number of defective parts that are in the sample and called so is taken as binomial with chance s * read / parts
    each: exact where all are read, and a little wide (by the share of defective parts) where a part of them is. Both s
    and f are integrated out in closed form, which leaves beta-binomial distributions; they are summed over how many of
    the calls were right.

    Args:
        defective: defective parts among `parts`, ascending, shape (n,).
        parts: parts the sample was drawn from.
        read: parts read.
        called: parts called defective, 0 to `read`.
        errors: of the reviewers.
    """

    def exactly(counts: Floats) -> Floats:
        share = read / parts
        true, right = counts[:, None], called - wrongly[None, :]
        if errors.sensitivity is None:
            seen = _log_binomial(right, true, share)
        else:
            shape = errors.sensitivity.scaled(share)
            seen = log_beta_binomial(right, true, shape.a, shape.b)
        if errors.false_alarm is None:
            return np.asarray(seen[:, 0])
        good: Floats = np.asarray(np.maximum(read - true * share, 0.0))
        heights = seen + log_beta_binomial(wrongly, good, errors.false_alarm.a, errors.false_alarm.b)
        tops = np.maximum(heights.max(axis=1), _LEAST_LOG)
        with np.errstate(divide="ignore"):  # no way at all to such a number of calls: -inf
            return np.asarray(tops + np.log(np.exp(heights - tops[:, None]).sum(axis=1)))

    wrongly = _false_alarms(read, called, errors.false_alarm)
    return _on_knots(exactly, defective)


def _false_alarms(read: int, called: int, false_alarm: BetaShape | None) -> Floats:
    """The numbers of false alarms among the calls that are worth a thought, shape (n,), from 0 on.

    Fewer good parts only make false alarms rarer, so what is negligible with all of them good is so always.
    """
    if false_alarm is None:
        return np.zeros(1)
    alarms = np.arange(called + 1.0)
    likely = log_beta_binomial(alarms, read, false_alarm.a, false_alarm.b) > _NEGLIGIBLE_LOG
    return alarms[: int(np.flatnonzero(likely)[-1]) + 1] if likely.any() else alarms


_NEGLIGIBLE_LOG = -46.0
"""e^-46 = 1e-20: numbers of false alarms that are rarer than this are left out."""

_LEAST_LOG = -1e300
"""Stands for the log of nothing where a difference must stay a number."""


def log_beta_binomial(events: Floats, units: Floats | float, a: Floats | float, b: Floats | float) -> Floats:
    """Log probability of `events` in `units` when their share follows Beta(a, b).

    -inf outside 0 to `units`. The arguments broadcast; each term is worked out in the shape of what it depends on.
    """
    possible = (np.asarray(events) >= 0) & (np.asarray(events) <= units)
    events = np.maximum(events, 0.0)
    rest = np.subtract(units, events)
    others = np.maximum(rest, 0.0)
    ways = gammaln(np.add(units, 1)) - gammaln(np.add(events, 1)) - gammaln(others + 1)
    chance = gammaln(a + events) + gammaln(b + others) - gammaln(np.add(a, b) + units) - betaln(a, b)
    mass: Floats = np.where(possible, ways + chance, -np.inf)
    return mass


def _log_binomial(events: Floats, units: Floats, share: float) -> Floats:
    if share == 1.0:
        return np.where(events == units, 0.0, -np.inf)
    possible = events <= units
    x = np.where(possible, events, 0.0)
    ways = gammaln(units + 1) - gammaln(x + 1) - gammaln(units - x + 1)
    return np.where(possible, ways + x * np.log(share) + (units - x) * np.log1p(-share), -np.inf)


def _on_knots(exactly: Callable[[Floats], Floats], counts: Floats) -> Floats:
    if len(counts) <= _DENSE_KNOTS + _SPARSE_KNOTS:
        return exactly(counts)
    sparse = np.geomspace(_DENSE_KNOTS, len(counts) - 1, _SPARSE_KNOTS)
    places = np.unique(np.concatenate((np.arange(_DENSE_KNOTS), np.rint(sparse).astype(np.int64))))
    heights = exactly(counts[places])
    if not np.all(np.isfinite(heights)):  # a sharp edge, where nothing can be interpolated
        return exactly(counts)
    between: Floats = PchipInterpolator(counts[places], heights)(counts)
    return between
