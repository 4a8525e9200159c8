"""Which site is the worst, and how sure that is."""

from dataclasses import dataclass

import numpy as np

from lineside.statistics.counts import check_counts
from lineside.statistics.sites.shrinkage import SharedRates

DRAWS = 20_000
"""Standard error of a probability from so many: at most 0.0036."""


@dataclass(frozen=True, slots=True)
class SiteRank:
    """Where a site stands; rank 1 has the highest defect rate.

    Attributes:
        site: its name.
        expected: posterior mean of its rank; sites are ordered by it.
        lower: least rank in the posterior interval.
        upper: largest rank in it.
        worst: probability that its rate is the highest of all.
        among_worst: probability that it is one of the `worst_count` highest.
    """

    site: str
    expected: float
    lower: int
    upper: int
    worst: float
    among_worst: float


def rank_sites(rates: SharedRates, *, worst_count: int = 3, draws: int = DRAWS, seed: int = 0) -> tuple[SiteRank, ...]:
    """Ranks of sites with their uncertainty, from draws of all posteriors.

    Source: H. Goldstein and D. J. Spiegelhalter, "League tables and their limitations", Journal of the Royal
    Statistical Society A 159 (1996) 385-443; expected ranks: N. M. Laird and T. A. Louis, "Empirical Bayes ranking
    methods", Journal of Educational Statistics 14 (1989) 29-46.

    Assumptions: those of the rates; errors of sites do not depend on each other.

    Args:
        rates: from `shrink_counts` or `shrink_rates`. The interval of the ranks has their confidence.
        worst_count: of `among_worst`, 1 or more; with as many as there are sites it is 1 for all.
        draws: how many, 100 or more.
        seed: the same one gives the same ranks.

    Returns:
        Ordered by expected rank, the worst first.

    Raises:
        TypeError: a number is no integer.
        ValueError: `worst_count` is 0, or there are fewer than 100 draws.
    """
    check_counts(worst_count=worst_count, draws=draws, seed=seed)
    if worst_count == 0 or draws < 100:
        raise ValueError(f"worst_count {worst_count} and {draws} draws; expected 1 or more, and 100 draws or more")
    drawn = rates.draws(draws, np.random.default_rng(seed))
    places = np.empty(drawn.shape, np.int64)
    np.put_along_axis(places, np.argsort(-drawn, axis=1), np.arange(1, drawn.shape[1] + 1)[None, :], axis=1)
    tail = (1 - rates.confidence) / 2
    lower = np.quantile(places, tail, axis=0, method="inverted_cdf")
    upper = np.quantile(places, 1 - tail, axis=0, method="inverted_cdf")
    ranks = [
        SiteRank(
            site=site.site,
            expected=float(places[:, k].mean()),
            lower=int(lower[k]),
            upper=int(upper[k]),
            worst=float((places[:, k] == 1).mean()),
            among_worst=float((places[:, k] <= worst_count).mean()),
        )
        for k, site in enumerate(rates.sites)
    ]
    return tuple(sorted(ranks, key=lambda rank: rank.expected))
