"""How sure a difference is that no formula covers, such as one of two mAP figures."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineside.statistics.counts import check_counts, check_share


@dataclass(frozen=True, slots=True)
class BootstrapInterval:
    """A difference with its bootstrap interval.

    Attributes:
        estimate: the difference on the parts as they are.
        lower: lower end of the interval.
        upper: upper end.
        confidence: nominal coverage, in (0, 1).
        units: units that were drawn from: parts, or clusters of parts.
        resamples: drawn.
    """

    estimate: float
    lower: float
    upper: float
    confidence: float
    units: int
    resamples: int


def paired_bootstrap(
    clusters: Sequence[Hashable],
    difference: Callable[[NDArray[np.int64]], float],
    *,
    seed: int,
    resamples: int = 1000,
    confidence: float = 0.95,
) -> BootstrapInterval:
    """Percentile interval of a difference between two models that judged the same parts.

    Whole clusters are drawn with replacement, and each draw serves both models: what a part or a board has of its
    own (a hard picture) cancels, and parts that fail together stay together.

    Source: B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7 (1979) 1-26; drawing
    clusters: A. C. Davison and D. V. Hinkley, "Bootstrap Methods and their Application", Cambridge (1997), 3.8.

    Assumptions: the clusters are independent and not few; below some 30 the interval is too narrow.

    Args:
        clusters: of each part, what it belongs to (its board or lot; the part itself if parts are independent).
        difference: candidate's figure less live model's, on the parts at these indices (int64, shape (n,), an index
            may occur several times).
        seed: of the draws: the same seed gives the same interval.
        resamples: how many, 1 or more.
        confidence: nominal coverage, strictly between 0 and 1.

    Raises:
        TypeError: `resamples` is not an integer.
        ValueError: there is no part, `resamples` is 0 or less, the confidence is out of range, or a difference was
            not finite.
    """
    check_counts(resamples=resamples)
    check_share("confidence", confidence)
    if resamples == 0 or not clusters:
        raise ValueError(f"{resamples} resamples of {len(clusters)} parts; expected at least one of each")
    members: dict[Hashable, list[int]] = {}
    for index, cluster in enumerate(clusters):
        members.setdefault(cluster, []).append(index)
    drawn_from = [np.array(indices, np.int64) for indices in members.values()]
    rng = np.random.default_rng(seed)
    differences = np.empty(resamples)
    for resample in range(resamples):
        draw = rng.integers(len(drawn_from), size=len(drawn_from))
        differences[resample] = difference(np.concatenate([drawn_from[cluster] for cluster in draw]))
    estimate = float(difference(np.arange(len(clusters), dtype=np.int64)))
    if not (np.isfinite(differences).all() and np.isfinite(estimate)):
        raise ValueError("a resample gave a difference that is not finite; the figure needs a value for every draw")
    lower, upper = np.quantile(differences, [(1 - confidence) / 2, (1 + confidence) / 2])
    return BootstrapInterval(estimate, float(lower), float(upper), confidence, len(drawn_from), resamples)
