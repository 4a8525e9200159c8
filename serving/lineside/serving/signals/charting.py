"""The watch of the control charts: holds the newest points of each frozen baseline's chart against it."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import structlog

from lineside.inspection.recipe import HoldTrigger
from lineside.serving.charts.baselines import latest_baselines
from lineside.serving.charts.schemas import BaselineOut, ChartChoice
from lineside.serving.charts.service import ChartService
from lineside.serving.errors import ChartRefused, RateQuestionUnfit, UnknownStation
from lineside.serving.ledger import Ledger, Transaction
from lineside.serving.metrics import Metrics
from lineside.serving.recipes import RecipeBook
from lineside.serving.signals import store
from lineside.serving.signals.chart_signals import question_for, signals_of
from lineside.serving.signals.rules import HoldWanted, Occasion, all_wanted
from lineside.serving.signals.schemas import ChartSignalTold
from lineside.serving.stations import Station, StationDirectory

_log = structlog.get_logger(__name__)


class ChartWatch:
    """Looks at the charts with a frozen baseline, the latest version of each.

    Args:
        ledger: holds the baselines, and which points were told.
        charts: draws them.
        stations: whose recipes' rules are obeyed.
        recipes: hold the rules.
        metrics: told of signals.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        charts: ChartService,
        stations: StationDirectory,
        recipes: RecipeBook,
        metrics: Metrics,
    ) -> None:
        self._ledger = ledger
        self._charts = charts
        self._stations = stations
        self._recipes = recipes
        self._metrics = metrics
        self._refused: dict[tuple[str, int], str] = {}

    async def look(self, *, since: datetime, now: datetime) -> int:
        """Tell the signals that were not told; how many those were.

        A chart that cannot be drawn is said once, and looked at again the next time.

        Args:
            since: what ended before is history; aware UTC.
            now: aware UTC.

        Raises:
            LedgerUnavailable, LedgerBusy, LedgerClosed: the rest is told the next time.
        """
        number = 0
        for baseline in await self._ledger.read(partial(latest_baselines, plant=self._ledger.plant)):
            this = (baseline.id, baseline.version)
            try:
                signals = await self._signals(baseline, since=since, now=now)
                self._refused.pop(this, None)
            except (ChartRefused, RateQuestionUnfit, UnknownStation) as error:
                if self._refused.get(this) != str(error):
                    _log.info("chart_not_watched", baseline=baseline.id, version=baseline.version, reason=str(error))
                self._refused[this] = str(error)
                continue
            for signal in signals:
                await self._tell(signal)
                number += 1
        return number

    async def _signals(self, baseline: BaselineOut, *, since: datetime, now: datetime) -> Sequence[ChartSignalTold]:
        question = question_for(baseline, now=now)
        drawn = await self._charts.charts(ChartChoice(baseline.kind.value), question)
        found = list(
            signals_of(
                drawn.charts[0],
                baseline,
                since=max(since, baseline.created_at),
                now=now,
                stations=tuple(station.id for station in self._charted(baseline)),
            )
        )
        if not found:
            return ()
        told = await self._ledger.read(partial(store.told_points, plant=self._ledger.plant, baseline=found[0].baseline))
        return [signal for signal in found if signal.point.label not in told]

    def _charted(self, baseline: BaselineOut) -> Sequence[Station]:
        scope = baseline.scope
        return [
            station
            for station in self._stations.all()
            if scope.station in {None, station.id} and scope.line in {None, station.line}
        ]

    async def _tell(self, signal: ChartSignalTold) -> None:
        wanted = [each for station in signal.stations for each in self._wanted(signal, self._stations.get(station))]

        def write(transaction: Transaction) -> None:
            store.tell_chart_signal(transaction, signal)
            store.decide(transaction, wanted)

        await self._ledger.write(write)
        self._metrics.signal_told(store.CHART_SIGNAL_EVENT, signal.scope.station or "")
        _log.warning("chart_signal", baseline=signal.baseline.id, reason=signal.message)

    def _wanted(self, signal: ChartSignalTold, station: Station) -> Sequence[HoldWanted]:
        """What the recipe in force at a station asks for; nothing where other products are charted."""
        if station.recipe_id is None or signal.scope.product not in {None, station.product}:
            return ()
        baseline = signal.baseline
        occasion = Occasion(
            trigger=HoldTrigger.CHART_SIGNAL,
            key=f"{baseline.id}@{baseline.version} {signal.point.label}",
            station=station.id,
            lot=signal.scope.lot or station.lot,
            reason=signal.message,
            evidence=({"kind": "chart_signal", **signal.model_dump(mode="json")},),
        )
        return tuple(all_wanted(self._recipes.get(station.recipe_id, station.recipe_version).recipe, occasion))
