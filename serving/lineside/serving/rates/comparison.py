"""Stations or lines held against each other: corrected rates only, like with like, and no rank without its doubt."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from lineside.serving.errors import RateQuestionUnfit
from lineside.serving.rates.answers import RateAnswers
from lineside.serving.rates.schemas import ComparedSite, FilterOut, RateComparisonOut, SharedRateOut
from lineside.serving.rates.service import By, RateService, shown_filter
from lineside.serving.rates.windows import RateFilter, WindowCounts
from lineside.statistics.rates import RateEstimate
from lineside.statistics.sites import (
    ProductRate,
    SiteRate,
    StandardisedSite,
    funnel_of_rates,
    rank_sites,
    shrink_rates,
    standardise,
)

MOST_PRODUCTS: Final = 50
_NO_AUDIT = "no audit tells of its escapes, so its rate is not known"


async def compare(
    rates: RateService, answers: RateAnswers, wanted: RateFilter, *, by: By, confidence: float
) -> RateComparisonOut:
    """Compare the stations or lines of a span.

    Each product's rate is estimated by itself, and a site's ratio to what all would do with its mix of products is
    what is compared (indirect standardisation).

    Raises:
        RateQuestionUnfit: too many products.
        UnknownStation, NoShifts: see `RateService`.
    """
    context = await rates.context(wanted)
    if len(context.products) > MOST_PRODUCTS:
        raise RateQuestionUnfit(f"{len(context.products)} products were made, at most {MOST_PRODUCTS} are compared")
    by_product: dict[str, Mapping[str, WindowCounts]] = {
        product: await rates.groups(replace(wanted, product=product), by) for product in sorted(context.products)
    }
    whole = await rates.groups(wanted, by)
    estimates = await answers.estimates(by_product, wanted, confidence=confidence)
    return await asyncio.to_thread(
        partial(_compared, wanted, by, whole=whole, by_product=by_product, estimates=estimates, confidence=confidence)
    )


def _compared(
    wanted: RateFilter,
    by: By,
    *,
    whole: Mapping[str, WindowCounts],
    by_product: Mapping[str, Mapping[str, WindowCounts]],
    estimates: Mapping[tuple[str, str], RateEstimate],
    confidence: float,
) -> RateComparisonOut:
    usable: list[ProductRate] = []
    unknown: set[str] = set()
    for (site, product), estimate in estimates.items():
        made = by_product[product][site].inspected
        if estimate.point is None or not estimate.lower < estimate.upper:
            unknown |= {site} if made else set()
            continue
        own = SiteRate.from_interval(
            site, estimate.point, lower=estimate.lower, upper=estimate.upper, confidence=confidence
        )
        usable.append(ProductRate(site, product, own.rate, own.standard_error, float(made)))
    usable = [rate for rate in usable if rate.site not in unknown]
    standardised = {each.site: each for each in standardise(usable)} if usable else {}
    comparable = [
        each.standardised for each in standardised.values() if each.is_comparable and each.standardised is not None
    ]
    shared, sites = _shared(comparable, confidence)
    notes = ["rates are corrected for what was confirmed and for the escapes that the audit stands for"]
    if shared is None:
        notes.append(f"{len(comparable)} can be compared; it takes two: audit more, or ask for a longer span")
    return RateComparisonOut(
        asked=FilterOut(start=wanted.start, end=wanted.end, conditions=shown_filter(wanted)),
        by=by,
        confidence=confidence,
        products=tuple(by_product),
        shared=shared,
        sites=tuple(
            _site(name, window, standardised.get(name), sites.get(name, {}), is_unknown=name in unknown)
            for name, window in whole.items()
        ),
        notes=tuple(notes),
    )


def _shared(
    comparable: Sequence[SiteRate], confidence: float
) -> tuple[SharedRateOut | None, Mapping[str, Mapping[str, float | bool | int]]]:
    """What the sites have in common, and each one's place in it."""
    if len(comparable) < 2:
        return None, {}
    shared = shrink_rates(comparable, confidence=confidence)
    funnel = funnel_of_rates(comparable)
    ranks = {rank.site: rank for rank in rank_sites(shared)}
    placed = {site.site: site for site in funnel.sites}
    found: dict[str, Mapping[str, float | bool | int]] = {
        site.site: {
            "shrunk_rate": site.rate,
            "shrunk_lower": site.lower,
            "shrunk_upper": site.upper,
            "weight": site.weight,
            "rank_expected": ranks[site.site].expected,
            "rank_lower": ranks[site.site].lower,
            "rank_upper": ranks[site.site].upper,
            "probability_worst": ranks[site.site].worst,
            "funnel_deviate": placed[site.site].deviate,
            "is_outside_funnel": placed[site.site].is_outside,
        }
        for site in shared.sites
    }
    return (
        SharedRateOut(
            common=shared.common, between=shared.between, funnel_centre=funnel.centre, dispersion=funnel.dispersion
        ),
        found,
    )


def _site(
    name: str,
    window: WindowCounts,
    standardised: StandardisedSite | None,
    figures: Mapping[str, float | bool | int],
    *,
    is_unknown: bool,
) -> ComparedSite:
    why = None
    if is_unknown or standardised is None:
        why = _NO_AUDIT if window.inspected else "nothing was inspected there"
    elif not figures:
        why = "it shares too little with the others' products, or there is no other to compare it with"
    return ComparedSite.model_validate(
        {
            "name": name,
            "inspected": window.inspected,
            "is_provisional": window.is_provisional,
            "ratio": None if standardised is None else standardised.ratio,
            "standardised_rate": None
            if standardised is None or standardised.standardised is None
            else standardised.standardised.rate,
            "not_comparable_because": why,
            **figures,
        }
    )
