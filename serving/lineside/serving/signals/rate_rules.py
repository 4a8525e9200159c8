"""Holding the rates of lots and windows against the limits of recipes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, select

from lineside.inspection.recipe import HoldOf, HoldRule, HoldTrigger, RateCounted, Recipe
from lineside.inspection.verdict import Verdict
from lineside.serving.ledger import Ledger
from lineside.serving.ledger.tables import inspections
from lineside.serving.rates.answers import RateAnswers, RateQuestion
from lineside.serving.rates.schemas import WindowOut
from lineside.serving.rates.service import RateService
from lineside.serving.rates.windows import RateFilter
from lineside.serving.recipes import RecipeBook
from lineside.serving.signals.rules import HoldWanted, Occasion, key_of, rules_for, wanted_by
from lineside.serving.signals.seen import SeenPart, SeenReview
from lineside.serving.signals.store import decided_keys
from lineside.serving.signals.windows import window_of
from lineside.statistics.rates import wilson_interval

_LOT_LASTS: Final = timedelta(days=7)
_MOST_INSPECTIONS: Final = 50
"""Named as evidence, the newest ones."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """One rule to hold one rate against.

    Attributes:
        rule: which.
        recipe: whose.
        station: where.
        lot: of the parts; None for those of the station.
        key: names the lot or window.
        acting: names the acting of the rule.
        wanted: the parts.
    """

    rule: HoldRule
    recipe: Recipe
    station: str
    lot: str | None
    key: str
    acting: str
    wanted: RateFilter


def exceeds(rule: HoldRule, *, inspected: int, lower: float) -> bool:
    """Whether a rate breaks a rule's limit.

    Args:
        rule: of a rate.
        inspected: parts that the rate is of.
        lower: lower end of its two-sided interval of the rule's confidence.
    """
    return rule.limit is not None and inspected >= rule.min_parts and lower > rule.limit


class RateRules:
    """Looks at the rates of the lots and windows in which parts or reviews came.

    Args:
        ledger: names the inspections.
        recipes: hold the rules.
        rates: count the parts.
        answers: give the estimated rates.
        length: of the station's windows.
        is_simulated: whose parts are looked at.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        recipes: RecipeBook,
        rates: RateService,
        answers: RateAnswers,
        length: timedelta,
        is_simulated: bool,
    ) -> None:
        self._ledger = ledger
        self._recipes = recipes
        self._rates = rates
        self._answers = answers
        self._length = length
        self._is_simulated = is_simulated

    async def broken_by(self, touched: Iterable[SeenPart | SeenReview], *, now: datetime) -> tuple[HoldWanted, ...]:
        """What the rules ask for that are broken now and were not acted on."""
        asked = {each.acting: each for part in touched for each in self._asked(part, now)}
        if not asked:
            return ()
        decided = await self._ledger.read(partial(decided_keys, plant=self._ledger.plant, keys=tuple(asked)))
        found = [await self._broken(each) for acting, each in asked.items() if acting not in decided]
        return tuple(each for each in found if each is not None)

    def _asked(self, part: SeenPart | SeenReview, now: datetime) -> Iterator[_Asked]:
        if part.recipe is None or part.is_simulated != self._is_simulated:
            return
        recipe = self._recipes.get(*part.recipe).recipe
        for rule in rules_for(HoldTrigger.RATE_ABOVE, recipe):
            if isinstance(part, SeenReview) and rule.counted is RateCounted.DETECTOR:
                continue  # what people say changes nothing of what the detector called
            lot = part.lot if rule.of is HoldOf.LOT else None
            window = window_of(part, self._length)
            if lot is None and window.end + self._length < now:
                continue  # handed in or reviewed long after: the station makes other parts now
            station = part.station
            # A lot that two stations inspect is held against the rate of each, and so may be held for either.
            key = f"rate at {station}" if lot is not None else f"rate from {window.start.isoformat()}"
            yield _Asked(
                rule=rule,
                recipe=recipe,
                station=station,
                lot=lot,
                key=key,
                acting=key_of(rule, recipe, key, station=station if lot is None else None, lot=lot),
                wanted=RateFilter(
                    start=window.start if lot is None else now - _LOT_LASTS,
                    end=window.end if lot is None else now + timedelta(hours=1),
                    station=station,
                    lot=lot,
                    product=part.product or "",
                    is_simulated=self._is_simulated,
                ),
            )

    async def _broken(self, asked: _Asked) -> HoldWanted | None:
        rule = asked.rule
        is_process = rule.counted is RateCounted.PROCESS
        if not is_process:  # most looks end here, without an estimate
            counts = await self._rates.window(asked.wanted)
            interval = wilson_interval(counts.flagged, counts.inspected, confidence=rule.confidence)
            if not exceeds(rule, inspected=counts.inspected, lower=interval.lower):
                return None
        answer = await self._answers.answer(RateQuestion(wanted=asked.wanted, confidence=rule.confidence))
        figures = answer.total
        lower = figures.rate.lower if is_process else figures.detector_rate.lower
        if answer.rebuilding or not exceeds(rule, inspected=figures.inspected, lower=lower):
            return None
        inspection_ids = await self._ledger.read(partial(_found_defective, plant=self._ledger.plant, asked=asked))
        place = f"lot {asked.lot!r} at station {asked.station!r}" if asked.lot else f"station {asked.station!r}"
        what = "the estimated defect rate" if is_process else "the share of NG parts"
        occasion = Occasion(
            trigger=HoldTrigger.RATE_ABOVE,
            key=asked.key,
            station=asked.station,
            lot=asked.lot,
            reason=(
                f"{place}: {what} of {figures.inspected} parts is at least {lower:.4g} with {rule.confidence:g} "
                f"confidence, above the limit {rule.limit:g}"
            ),
            evidence=(
                _rate_shown(asked, figures, as_of_sequence=answer.as_of_sequence),
                {"kind": "inspections", "verdict": Verdict.NG.value, "inspection_ids": list(inspection_ids)},
            ),
        )
        return wanted_by(rule, asked.recipe, occasion)


def _rate_shown(asked: _Asked, figures: WindowOut, *, as_of_sequence: int) -> Mapping[str, Any]:
    return {
        "kind": "rate",
        "station": asked.station,
        "lot": asked.lot,
        "product": asked.wanted.product or None,
        "start": figures.start.isoformat(),
        "end": figures.end.isoformat(),
        "as_of_sequence": as_of_sequence,
        "inspected": figures.inspected,
        "flagged": figures.flagged,
        "confirmed": figures.confirmed,
        "not_inspected": figures.not_inspected,
        "detector_rate": figures.detector_rate.model_dump(mode="json"),
        "rate": figures.rate.model_dump(mode="json"),
    }


def _found_defective(connection: Connection, plant: str, *, asked: _Asked) -> Sequence[str]:
    """The newest NG inspections of the parts, oldest first."""
    wanted, row = asked.wanted, inspections.c
    query = select(row.id).where(
        row.plant == plant,
        row.station == asked.station,
        row.verdict == Verdict.NG.value,
        row.opened_at >= wanted.start,
        row.opened_at < wanted.end,
        row.is_simulated == wanted.is_simulated,
    )
    if asked.lot is not None:
        query = query.where(row.lot == asked.lot)
    query = query.where(row.product == wanted.product if wanted.product else row.product.is_(None))
    found = connection.execute(query.order_by(row.opened_at.desc(), row.id.desc()).limit(_MOST_INSPECTIONS))
    return tuple(found.scalars())[::-1]
