"""Sites that make different products: each is held against what all sites would do with its own mix."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lineside.statistics.sites.records import SiteCounts, SiteRate

LEAST_SHARED = 0.5
"""Share of a site's expected defects in products that others make too, below which it is not comparable."""


@dataclass(frozen=True, slots=True)
class ProductRate:
    """What one site did with one product.

    Attributes:
        site: its name.
        product: what was made, or the class of defect.
        rate: its corrected rate, in [0, 1].
        standard_error: of the rate, above 0.
        units: parts made, above 0.
    """

    site: str
    product: str
    rate: float
    standard_error: float
    units: float

    def __post_init__(self) -> None:
        """Refuse what is no rate.

        Raises:
            ValueError: a figure is out of its range.
        """
        SiteRate(self.site, self.rate, self.standard_error)
        if not (math.isfinite(self.units) and self.units > 0):
            raise ValueError(f"{self.site!r} made {self.units} of {self.product!r}; expected a finite number above 0")

    @classmethod
    def from_counts(cls, product: str, counts: SiteCounts) -> "ProductRate":
        """From counted parts; a rate of 0 or 1 gets the error of half a part more of each kind.

        Raises:
            ValueError: the site made none.
        """
        if counts.units == 0:
            raise ValueError(f"{counts.site!r} made none of {product!r}; expected one part or more. Leave the pair out")
        smoothed = (counts.events + 0.5) / (counts.units + 1)
        error = math.sqrt(smoothed * (1 - smoothed) / counts.units)
        return cls(counts.site, product, counts.events / counts.units, error, counts.units)


@dataclass(frozen=True, slots=True)
class StandardisedSite:
    """A site against what all sites would do with its mix.

    Attributes:
        site: its name.
        observed: defects, as corrected.
        expected: defects if each product went as over all sites.
        ratio: observed / expected; above 1 is worse than the mix explains. None where nothing is expected.
        standardised: the site's rate if it had the average mix, ratio times the overall rate; None likewise.
        shared: share of the expected defects in products that at least one other site makes.
        is_comparable: whether that share is at least `LEAST_SHARED`; otherwise the site is mostly held against itself.
    """

    site: str
    observed: float
    expected: float
    ratio: float | None
    standardised: SiteRate | None
    shared: float
    is_comparable: bool


def standardise(rates: Sequence[ProductRate]) -> tuple[StandardisedSite, ...]:
    """Indirect standardisation over products.

    Source: N. E. Breslow and N. E. Day, "Statistical Methods in Cancer Research II" (1987), chapter 2: the ratio of
    observed to expected, with the rates of all sites together as the standard.

    Assumptions: what a site does to a product's rate is a factor, the same for all its products; two sites are then
    comparable with the whole, and with each other only as far as their mixes are alike. The standard's own error is
    left out.

    Args:
        rates: one for each site and product made there. Where classes of defects stand for products, give every site
            its parts for each class.

    Returns:
        One for each site, in the order in which they first come. `standardised` of the comparable ones goes into
        `shrink_rates` and `funnel_of_rates`.

    Raises:
        ValueError: a site and product come twice, or there is none.
    """
    if not rates:
        raise ValueError("no site and product; expected at least one")
    pairs = {(rate.site, rate.product) for rate in rates}
    if len(pairs) < len(rates):
        raise ValueError(f"{len(rates)} rates of {len(pairs)} sites and products; expected each pair once")
    made: dict[str, float] = {}
    spoiled: dict[str, float] = {}
    makers: dict[str, int] = {}
    for rate in rates:
        made[rate.product] = made.get(rate.product, 0.0) + rate.units
        spoiled[rate.product] = spoiled.get(rate.product, 0.0) + rate.units * rate.rate
        makers[rate.product] = makers.get(rate.product, 0) + 1
    overall = sum(spoiled.values()) / sum(made.values())
    standard = {product: spoiled[product] / made[product] for product in made}
    found = []
    for site in dict.fromkeys(rate.site for rate in rates):
        own = [rate for rate in rates if rate.site == site]
        observed = sum(rate.units * rate.rate for rate in own)
        error = math.sqrt(sum((rate.units * rate.standard_error) ** 2 for rate in own))
        expected = sum(rate.units * standard[rate.product] for rate in own)
        common = sum(rate.units * standard[rate.product] for rate in own if makers[rate.product] > 1)
        shared = common / expected if expected > 0 else 0.0
        ratio = observed / expected if expected > 0 else None
        rate_like = None
        if ratio is not None and overall > 0 and ratio * overall <= 1:
            rate_like = SiteRate(site, ratio * overall, error / expected * overall)
        found.append(StandardisedSite(site, observed, expected, ratio, rate_like, shared, shared >= LEAST_SHARED))
    return tuple(found)
