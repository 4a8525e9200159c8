"""Forecasts over the ledger: the confirmed rate by window, and the measures of pictures since the last repair."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from lineside.inspection.image_health import HealthLimits
from lineside.serving.charts.schemas import ChartScope, Counted
from lineside.serving.charts.subgroups import count_window
from lineside.serving.clock import Clock
from lineside.serving.drift.service import DriftService
from lineside.serving.errors import ChartRefused
from lineside.serving.forecasts.schemas import ForecastOut, ForecastSubject
from lineside.serving.ledger import Ledger
from lineside.serving.notes import NoteKind, NoteOut
from lineside.serving.notes.places import concerns
from lineside.serving.notes.store import notes_between
from lineside.serving.rates.service import Bucket, RateService
from lineside.serving.rates.windows import RateFilter
from lineside.serving.recipes import RecipeBook
from lineside.serving.stations import StationDirectory
from lineside.statistics.errors import TooFewParts
from lineside.statistics.spc import ChartKind, LimitForecast, forecast_limit

_DAY_S: Final = 86_400.0
_MEASURES: Final = {ForecastSubject.LAMP: "mean", ForecastSubject.FOCUS: "sharpness"}
_RENEWED_BY: Final = {
    ForecastSubject.LAMP: frozenset({NoteKind.LAMP, NoteKind.CAMERA}),
    ForecastSubject.FOCUS: frozenset({NoteKind.LENS, NoteKind.CAMERA}),
}


@dataclass(frozen=True, slots=True)
class ForecastQuestion:
    """What is asked of a forecast.

    Attributes:
        scope: of which parts; a lamp or a lens is of one station.
        start: aware UTC.
        end: aware UTC; not part of it.
        by: windows of the rate.
        view: of which picture the lamp or focus is.
        limit: the level to be reached; None for the one of the station's recipe.
        confidence: of the interval.
    """

    scope: ChartScope
    start: datetime
    end: datetime
    by: str
    view: str
    limit: float | None
    confidence: float


@dataclass(frozen=True, slots=True)
class _Series:
    """Values over time and where they come from."""

    measure: str
    values: Sequence[tuple[datetime, float]]
    limit: float
    limit_from: str
    since: datetime
    because: str | None = None
    notes: tuple[str, ...] = ()


class ForecastService:
    """Answers when a trend reaches its limit.

    Args:
        ledger: holds the notes.
        rates: counts parts in windows.
        drift: has the measures of pictures.
        stations: what is in force at each.
        recipes: their health limits.
        clock: tells which windows may still change.
        is_simulated: whether the rate is that of a simulated line's parts; never of both.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        rates: RateService,
        drift: DriftService,
        stations: StationDirectory,
        recipes: RecipeBook,
        clock: Clock,
        is_simulated: bool,
    ) -> None:
        self._ledger = ledger
        self._rates = rates
        self._drift = drift
        self._stations = stations
        self._recipes = recipes
        self._clock = clock
        self._is_simulated = is_simulated

    async def forecast(self, subject: ForecastSubject, question: ForecastQuestion) -> ForecastOut:
        """When the subject's trend reaches its limit.

        Raises:
            ChartRefused: there is no limit, or there are too few values for a trend.
            UnknownStation, RateQuestionUnfit, NoShifts: what is asked for is not there.
        """
        series = await (self._rate(question) if subject is ForecastSubject.RATE else self._life(subject, question))
        origin = series.values[0][0] if series.values else question.start
        try:
            found = await asyncio.to_thread(
                partial(
                    forecast_limit,
                    [(at - origin).total_seconds() for at, _ in series.values],
                    [value for _, value in series.values],
                    limit=series.limit,
                    confidence=question.confidence,
                )
            )
        except TooFewParts as error:
            raise ChartRefused(
                f"{len(series.values)} values of the {series.measure} since {series.since:%Y-%m-%d %H:%M} UTC; a "
                f"trend needs {error.needed}: ask for a longer time"
            ) from error
        return _answer(subject, question, series, found, origin)

    async def _rate(self, question: ForecastQuestion) -> _Series:
        if question.limit is None or not 0.0 < question.limit < 1.0:
            raise ChartRefused(
                f"the limit is {question.limit}; expected a rate between 0 and 1 with limit=..., such as 0.02"
            )
        scope = question.scope
        wanted = RateFilter(
            start=question.start,
            end=question.end,
            station=scope.station,
            line=scope.line,
            lot=scope.lot,
            product=scope.product,
            class_name=scope.class_name,
            is_simulated=self._is_simulated,
        )
        windows = await self._rates.series(wanted, Bucket.parse(question.by))
        now = self._clock.now()
        counted = [count_window(window, ChartKind.P, Counted.PROCESS, now=now) for window in windows]
        settled = [window for window in counted if window.size and not window.is_provisional]
        provisional = sum(window.is_provisional and window.size > 0 for window in counted)
        return _Series(
            measure="confirmed rate",
            values=[(window.start + (window.end - window.start) / 2, window.count / window.size) for window in settled],
            limit=question.limit,
            limit_from="the question",
            since=question.start,
            notes=(f"{provisional} windows that may still change are left out",) if provisional else (),
        )

    async def _life(self, subject: ForecastSubject, question: ForecastQuestion) -> _Series:
        station_id = question.scope.station
        if station_id is None:
            raise ChartRefused(f"the {subject.value} of no station; expected one with station=...")
        station = self._stations.get(station_id)
        measure = _MEASURES[subject]
        limit, limit_from = question.limit, "the question"
        if limit is None:
            limit, limit_from = self._limit_of_recipe(station_id, measure)
        renewed = await self._renewed(subject, question, station_id, line=station.line)
        since = question.start if renewed is None else max(renewed.at, question.start)
        values = await self._drift.health_series(station_id, question.view, measure, since, question.end)
        return _Series(
            measure=measure,
            values=[(at, value) for at, value in values if math.isfinite(value)],
            limit=limit,
            limit_from=limit_from,
            since=since,
            because=None if renewed is None else f"{renewed.kind.value}: {renewed.text} ({renewed.recorded_by})",
            notes=()
            if renewed is not None
            else (f"no note says when the {subject.value} was last renewed: POST /v1/notes when it is",),
        )

    async def _renewed(
        self, subject: ForecastSubject, question: ForecastQuestion, station: str, *, line: str
    ) -> NoteOut | None:
        """The last note of a repair at the station within the time that is asked for."""
        notes = await self._ledger.read(
            partial(notes_between, plant=self._ledger.plant, start=question.start, end=question.end, limit=None)
        )
        for note in notes:
            is_here = concerns(note.station, note.line, station=station, lines=frozenset({line}))
            if note.kind in _RENEWED_BY[subject] and is_here:
                return note
        return None

    def _limit_of_recipe(self, station_id: str, measure: str) -> tuple[float, str]:
        context = self._stations.get(station_id).context
        if context.recipe_id is not None:
            stored = self._recipes.get(context.recipe_id, context.recipe_version)
            limit = _least(stored.recipe.health, measure)
            if limit is not None:
                return limit, f"recipe {stored.recipe.id} version {stored.recipe.version}"
        raise ChartRefused(
            f"the recipe in force at station {station_id!r} has no least {measure}; give the level with limit=..., or "
            f"set min_{measure} in the recipe's health limits"
        )


def _least(health: HealthLimits, measure: str) -> float | None:
    return health.min_mean if measure == "mean" else health.min_sharpness


def _answer(
    subject: ForecastSubject, question: ForecastQuestion, series: _Series, found: LimitForecast, origin: datetime
) -> ForecastOut:
    def instant(seconds: float | None) -> datetime | None:
        return None if seconds is None else origin + timedelta(seconds=seconds)

    return ForecastOut(
        subject=subject,
        scope=question.scope,
        view=None if subject is ForecastSubject.RATE else question.view,
        measure=series.measure,
        limit=series.limit,
        limit_from=series.limit_from,
        since=series.since,
        since_because=series.because,
        outlook=found.outlook,
        reached_at=instant(found.reached_s),
        earliest=instant(found.earliest_s),
        latest=instant(found.latest_s),
        remaining_hours=None if found.remaining_s is None else found.remaining_s / 3600.0,
        level=found.level,
        slope_per_day=found.slope_per_s * _DAY_S,
        slope_per_day_lower=found.slope_lower * _DAY_S,
        slope_per_day_upper=found.slope_upper * _DAY_S,
        observations=found.observations,
        last_at=origin + timedelta(seconds=found.last_s),
        horizon_hours=found.horizon_s / 3600.0,
        confidence=found.confidence,
        notes=series.notes,
    )
