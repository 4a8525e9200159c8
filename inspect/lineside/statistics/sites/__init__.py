"""Across lines and plants: which differ, by how much, and how sure that is. Compare corrected rates only."""

from lineside.statistics.sites.case_mix import ProductRate, StandardisedSite, standardise
from lineside.statistics.sites.funnel import Funnel, FunnelSite, funnel_of_counts, funnel_of_rates, over_dispersion
from lineside.statistics.sites.ranks import SiteRank, rank_sites
from lineside.statistics.sites.records import SiteCounts, SiteRate
from lineside.statistics.sites.shrinkage import (
    SharedRates,
    ShrunkSite,
    between_variance,
    shrink_counts,
    shrink_rates,
)

__all__ = [
    "Funnel",
    "FunnelSite",
    "ProductRate",
    "SharedRates",
    "ShrunkSite",
    "SiteCounts",
    "SiteRank",
    "SiteRate",
    "StandardisedSite",
    "between_variance",
    "funnel_of_counts",
    "funnel_of_rates",
    "over_dispersion",
    "rank_sites",
    "shrink_counts",
    "shrink_rates",
    "standardise",
]
