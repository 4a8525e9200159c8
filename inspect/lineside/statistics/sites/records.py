"""What is known of each site: a line, a plant, a station."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from lineside.statistics.counts import check_counts, check_share
from lineside.statistics.errors import ImpossibleCounts


@dataclass(frozen=True, slots=True)
class SiteCounts:
    """Defective parts among parts, where both were counted and neither estimated.

    Attributes:
        site: its name, unique in a comparison.
        events: defective parts.
        units: parts; 0 for a site that made none.
    """

    site: str
    events: int
    units: int

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            TypeError: a count is no integer.
            ImpossibleCounts: more parts are defective than there are.
            ValueError: a count is negative.
        """
        check_counts(events=self.events, units=self.units)
        if self.events > self.units:
            raise ImpossibleCounts(
                f"site {self.site!r} has {self.events} defective of {self.units} parts; expected no more than there are"
            )


@dataclass(frozen=True, slots=True)
class SiteRate:
    """A rate that was estimated, such as one corrected for what the detector misses and invents.

    Detectors differ from site to site: only corrected rates may be compared, never those that the detectors show.

    Attributes:
        site: its name, unique in a comparison.
        rate: its defect rate, in [0, 1].
        standard_error: of the rate, above 0.
    """

    site: str
    rate: float
    standard_error: float

    def __post_init__(self) -> None:
        """Refuse what is no rate.

        Raises:
            ValueError: the rate is outside [0, 1], or its error not a finite number above 0.
        """
        if not 0.0 <= self.rate <= 1.0:
            raise ValueError(f"site {self.site!r} has rate {self.rate}; expected a number from 0 to 1")
        if not (math.isfinite(self.standard_error) and self.standard_error > 0):
            raise ValueError(
                f"site {self.site!r} has standard error {self.standard_error}; expected a finite number above 0. A rate"
                " from no parts has none: leave the site out"
            )

    @classmethod
    def from_interval(
        cls, site: str, rate: float, *, lower: float, upper: float, confidence: float = 0.95
    ) -> "SiteRate":
        """From a point and its interval, as if the interval were a normal one.

        Raises:
            ValueError: the interval is empty or does not hold the rate, or the confidence is out of range.
        """
        check_share("confidence", confidence)
        if not lower <= rate <= upper or not lower < upper:
            raise ValueError(
                f"site {site!r} has rate {rate} with the interval {lower} to {upper}; expected an interval around it"
            )
        return cls(site, rate, (upper - lower) / 2 / NormalDist().inv_cdf(0.5 + confidence / 2))


def check_sites(names: Sequence[str]) -> None:
    """Refuse a comparison of nothing, or of one site twice.

    Raises:
        ValueError: there is no site, or a name comes twice.
    """
    if not names:
        raise ValueError("no site; expected at least one")
    if len(set(names)) < len(names):
        twice = sorted({name for name in set(names) if names.count(name) > 1})
        raise ValueError(f"sites that come more than once: {', '.join(twice[:5])}; expected each once")
