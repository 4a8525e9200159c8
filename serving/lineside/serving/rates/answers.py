"""Puts one answer of `GET /v1/rates` together: counts, beliefs, and the figures that follow."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from lineside.serving.deployments.book import DeploymentBook
from lineside.serving.rates.calendar_book import CalendarBook
from lineside.serving.rates.estimates import Belief, Estimator, shown_process
from lineside.serving.rates.priors import Prior, RecallBelief, RecallPriors
from lineside.serving.rates.schemas import FilterOut, GroupOut, RatesOut, RecallPrior, WindowOut
from lineside.serving.rates.service import Bucket, By, RateService, shown_filter
from lineside.serving.rates.store import Context
from lineside.serving.rates.windows import RateFilter, WindowCounts
from lineside.serving.recipes import RecipeBook
from lineside.statistics.rates import RateEstimate


@dataclass(frozen=True, slots=True)
class RateQuestion:
    """What one caller wants to know.

    Attributes:
        wanted: which parts.
        by: what to tell apart; None for the whole only.
        bucket: how to cut the span into windows; None for none.
        confidence: of the intervals.
        recall: what is believed of the recall before the line has told anything.
    """

    wanted: RateFilter
    by: By | None = None
    bucket: Bucket | None = None
    confidence: float = 0.95
    recall: RecallBelief = RecallBelief.GOLDEN


class RateAnswers:
    """Answers questions about rates.

    Args:
        rates: counts.
        calendar: the plant's.
        priors: what is believed of the recall beforehand.
        recipes: say how many opportunities a part has.
        deployments: the book in force, which names the releases' deployments.
    """

    def __init__(
        self,
        rates: RateService,
        *,
        calendar: CalendarBook,
        priors: RecallPriors,
        recipes: RecipeBook,
        deployments: Callable[[], DeploymentBook],
    ) -> None:
        self._rates = rates
        self._calendar = calendar
        self._priors = priors
        self._recipes = recipes
        self._deployments = deployments
        self._estimator = Estimator()
        self._one_at_a_time = asyncio.Lock()

    async def answer(self, question: RateQuestion) -> RatesOut:
        """Everything that was asked for.

        Raises:
            RateQuestionUnfit, NoShifts, UnknownStation: see `RateService`.
        """
        wanted = question.wanted
        position = await self._rates.position()
        context = await self._rates.context(wanted)
        total = await self._rates.window(wanted)
        series = () if question.bucket is None else await self._rates.series(wanted, question.bucket)
        groups = {} if question.by is None else await self._rates.groups(wanted, question.by)
        prior = await asyncio.to_thread(
            partial(
                self._priors.of,
                context.release_digests,
                products=context.products,
                class_name=wanted.class_name,
                recall=question.recall,
            )
        )
        async with self._one_at_a_time:
            shown_total, shown_series, shown_groups = await asyncio.to_thread(
                partial(self._figures, question, context, prior, total=total, series=series, groups=groups)
            )
        stored = self._calendar.stored
        return RatesOut(
            asked=FilterOut(start=wanted.start, end=wanted.end, conditions=shown_filter(wanted)),
            as_of_sequence=0 if position is None else position.sequence,
            rebuilding=position is None or position.rebuilding,
            time_zone=stored.calendar.time_zone,
            calendar_version=stored.version,
            recall_prior=RecallPrior(
                source=prior.source,
                hits=None if prior.reads is None else prior.reads.hits,
                misses=None if prior.reads is None else prior.reads.misses,
            ),
            total=shown_total,
            groups=shown_groups,
            series=shown_series,
            process=shown_process(series, question.confidence)
            if question.bucket is not None and question.bucket.kind == "lot"
            else None,
        )

    async def estimates(
        self, by_product: Mapping[str, Mapping[str, WindowCounts]], wanted: RateFilter, *, confidence: float
    ) -> Mapping[tuple[str, str], RateEstimate]:
        """The estimates of each group of each product, by group and product."""
        total = await self._rates.window(wanted)
        context = await self._rates.context(wanted)

        def estimate_all() -> dict[tuple[str, str], RateEstimate]:
            found: dict[tuple[str, str], RateEstimate] = {}
            for product, groups in by_product.items():
                prior = self._priors.of(context.release_digests, products=frozenset({product}))
                belief = Belief(prior.reads, total.reviewers, confidence)
                for name, window in groups.items():
                    found[name, product] = self._estimator.estimate(window.counts, belief)
            return found

        async with self._one_at_a_time:
            return await asyncio.to_thread(estimate_all)

    def _figures(
        self,
        question: RateQuestion,
        context: Context,
        prior: Prior,
        *,
        total: WindowCounts,
        series: tuple[WindowCounts, ...],
        groups: Mapping[str, WindowCounts],
    ) -> tuple[WindowOut, tuple[WindowOut, ...], tuple[GroupOut, ...]]:
        belief = Belief(
            golden=prior.reads,
            reviewers=total.reviewers,
            confidence=question.confidence,
            opportunities=self._opportunities(context.products),
        )
        return (
            self._estimator.shown(total, belief),
            tuple(self._estimator.shown(window, belief) for window in series),
            tuple(self._group(question, context, name, window, belief) for name, window in groups.items()),
        )

    def _group(
        self, question: RateQuestion, context: Context, name: str, window: WindowCounts, belief: Belief
    ) -> GroupOut:
        """One group; what is believed of it is its own where the group itself says so."""
        digests, products, class_name = context.release_digests, context.products, question.wanted.class_name
        if question.by is By.DEPLOYMENT:
            digests = frozenset({name} - {""})
        elif question.by is By.PRODUCT:
            products = frozenset({name} - {""})
        elif question.by is By.CLASS:
            class_name = name
        own = Belief(
            golden=self._priors.of(digests, products=products, class_name=class_name, recall=question.recall).reads,
            reviewers=belief.reviewers,
            confidence=belief.confidence,
            opportunities=self._opportunities(products),
        )
        serials: tuple[int, ...] = ()
        if question.by is By.DEPLOYMENT:
            serials = tuple(
                record.serial for record in self._deployments().records if record.deployment.release.digest == name
            )
        shown = self._estimator.shown(window, own)
        return GroupOut(**shown.model_dump(), name=name, deployments=serials)

    def _opportunities(self, products: frozenset[str]) -> int | None:
        """Places of a part that a defect can be at, where all the products have one and the same number."""
        of_product = {
            stored.recipe.product: stored.recipe.opportunities
            for stored in self._recipes.latest()
            if stored.recipe.product in products
        }
        numbers = set(of_product.values())
        return numbers.pop() if len(numbers) == 1 and set(of_product) == products else None
