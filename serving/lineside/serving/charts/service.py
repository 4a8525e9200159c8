"""Control charts over the ledger's windows: which points, held against what, and what happened meanwhile."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from lineside.serving.charts import baselines, exclusions
from lineside.serving.charts.annotations import Happening, concerning, happenings, label_at
from lineside.serving.charts.computing import (
    QUANTITIES,
    ChartChoices,
    ComputedChart,
    compute_window_chart,
)
from lineside.serving.charts.exclusions import ChartPlace, why_excluded
from lineside.serving.charts.gap_charts import compute_gap_chart
from lineside.serving.charts.gaps import read_defectives
from lineside.serving.charts.schemas import (
    AnnotationOut,
    BaselineIn,
    BaselineOut,
    BaselineRef,
    ChartChoice,
    ChartOut,
    ChartPointOut,
    ChartScope,
    ChartsOut,
    Counted,
    ExclusionOut,
)
from lineside.serving.charts.subgroups import count_window
from lineside.serving.clock import Clock
from lineside.serving.errors import ChartRefused
from lineside.serving.ledger import Ledger
from lineside.serving.rates.calendar import PlantCalendar
from lineside.serving.rates.service import Bucket, RateService
from lineside.serving.rates.store import Question
from lineside.serving.rates.windows import RateFilter
from lineside.serving.stations import StationDirectory
from lineside.statistics.spc import ChartKind

_GAP_KINDS: Final = frozenset({ChartKind.G_R, ChartKind.T})
_MOST_SHIFT_CHANGES: Final = 60
"""More shift changes than that are a pattern on every chart, and no news."""


@dataclass(frozen=True, slots=True)
class ChartQuestion:
    """What is asked of a chart.

    Attributes:
        scope: of which parts.
        start: aware UTC.
        end: aware UTC; not part of it.
        by: what one point is of.
        counted: whose count.
        baseline: NAME or NAME@VERSION to hold the points against; None for phase I.
        choices: of the statistics.
    """

    scope: ChartScope
    start: datetime
    end: datetime
    by: str
    counted: Counted
    baseline: str | None
    choices: ChartChoices


class ChartService:
    """Answers what the control charts show.

    Args:
        ledger: holds the cells, the events and what people added.
        rates: counts parts in windows.
        stations: which are there, and on which lines.
        calendar: the plant's, as it is in force now.
        clock: tells which points may still change.
        is_simulated: whether the parts of a simulated line are charted; never both in one chart.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        rates: RateService,
        stations: StationDirectory,
        calendar: Callable[[], PlantCalendar],
        clock: Clock,
        is_simulated: bool = False,
    ) -> None:
        self._ledger = ledger
        self._rates = rates
        self._stations = stations
        self._calendar = calendar
        self._clock = clock
        self._is_simulated = is_simulated

    async def charts(self, choice: ChartChoice, question: ChartQuestion) -> ChartsOut:
        """The charts of a choice, with what happened meanwhile.

        Raises:
            ChartRefused: the counts or the question cannot carry the chart.
            UnknownBaseline, UnknownStation, RateQuestionUnfit, NoShifts: what is asked for is not there.
        """
        held_against = await self._baseline(question, choice)
        drawn = [await self._chart(kind, question, held_against) for kind in choice.kinds()]
        points = drawn[0].points
        return ChartsOut(
            scope=question.scope,
            by=question.by,
            start=question.start,
            end=question.end,
            charts=tuple(drawn),
            annotations=tuple(await self._annotations(question, points)),
        )

    async def freeze(self, baseline_id: str, wanted: BaselineIn, *, created_by: str) -> BaselineOut:
        """Freeze what a chart estimates from a time as the next version of a baseline.

        Points that may still change are left out of the estimate, as are those that somebody excluded.

        Raises:
            ChartRefused, UnknownStation, RateQuestionUnfit, NoShifts: as `charts`.
        """
        question = ChartQuestion(
            scope=wanted.scope,
            start=wanted.start,
            end=wanted.end,
            by=wanted.by,
            counted=wanted.counted,
            baseline=None,
            choices=ChartChoices(),
        )
        chart = (await self._drawn(wanted.kind, question, None)).chart
        return await self._ledger.write(
            lambda transaction: baselines.freeze(transaction, baseline_id, wanted, chart, created_by=created_by)
        )

    async def _baseline(self, question: ChartQuestion, choice: ChartChoice) -> BaselineOut | None:
        if question.baseline is None:
            return None
        name, _, number = question.baseline.partition("@")
        if number and not (number.isascii() and number.isdecimal()):
            raise ChartRefused(f"baseline {question.baseline!r} has no version {number!r}; expected NAME or NAME@3")
        found = await self._ledger.read(
            partial(
                baselines.baseline_version,
                plant=self._ledger.plant,
                baseline_id=name,
                version=int(number) if number else None,
            )
        )
        differing = [
            f"{name} {was} there and {asked} here"
            for name, was, asked in (
                (
                    "scope",
                    found.scope.model_dump_json(exclude_none=True),
                    question.scope.model_dump_json(exclude_none=True),
                ),
                ("counted", found.counted.value, question.counted.value),
            )
            if was != asked
        ]
        if differing:
            raise ChartRefused(
                f"baseline {found.id} version {found.version} is of other parts: {'; '.join(differing)}. "
                f"Freeze one of these parts with PUT /v1/chart-baselines/..., or ask {choice.value} without a baseline"
            )
        return found

    async def _chart(self, kind: ChartKind, question: ChartQuestion, held_against: BaselineOut | None) -> ChartOut:
        drawn = await self._drawn(kind, question, held_against)
        return ChartOut(
            kind=kind,
            counted=Counted.PROCESS if kind in _GAP_KINDS else question.counted,
            quantity=QUANTITIES[kind],
            phase="I" if held_against is None else "II",
            baseline=None if held_against is None else BaselineRef(id=held_against.id, version=held_against.version),
            parameters=dict(drawn.chart.parameters),
            points=drawn.points,
            notes=(*drawn.notes, *_notes_on(held_against, question)),
        )

    async def _drawn(self, kind: ChartKind, question: ChartQuestion, held_against: BaselineOut | None) -> ComputedChart:
        frozen = None if held_against is None else held_against.parameters.to_record()
        left_out = await self._ledger.read(partial(exclusions.standing_exclusions, plant=self._ledger.plant))
        wanted = self._filter(question)
        if kind in _GAP_KINDS:
            if question.counted is Counted.DETECTOR:
                raise ChartRefused(
                    f"a {kind.value} chart is of the gaps between confirmed defective parts; expected counted=process"
                )
            found = await self._ledger.read(lambda connection: read_defectives(connection, self._question(wanted)))
            return await asyncio.to_thread(
                compute_gap_chart,
                kind,
                found,
                baseline=frozen,
                why=self._why(question, left_out),
                choices=question.choices,
            )
        windows = await self._rates.series(wanted, Bucket.parse(question.by))
        now = self._clock.now()
        counted = [count_window(window, kind, question.counted, now=now) for window in windows]
        return await asyncio.to_thread(
            compute_window_chart,
            kind,
            counted,
            baseline=frozen,
            why=self._why(question, left_out),
            choices=question.choices,
        )

    def _filter(self, question: ChartQuestion) -> RateFilter:
        scope = question.scope
        return RateFilter(
            start=question.start,
            end=question.end,
            station=scope.station,
            line=scope.line,
            lot=scope.lot,
            product=scope.product,
            class_name=scope.class_name,
            is_simulated=self._is_simulated,
        )

    def _question(self, wanted: RateFilter) -> Question:
        if wanted.station is not None:
            self._stations.get(wanted.station)
        stations = tuple(
            station.id
            for station in self._stations.all()
            if wanted.station in {None, station.id} and wanted.line in {None, station.line}
        )
        return Question(self._ledger.plant, stations, wanted)

    def _line(self, question: ChartQuestion) -> str | None:
        scope = question.scope
        return scope.line if scope.station is None else self._stations.get(scope.station).line

    def _why(
        self, question: ChartQuestion, left_out: Sequence[ExclusionOut]
    ) -> Callable[[datetime, datetime, str], str | None]:
        place = ChartPlace(question.scope.station, self._line(question))

        def why(start: datetime, end: datetime, label: str) -> str | None:
            lot = label if question.by == "lot" else question.scope.lot
            return why_excluded(left_out, place, start=start, end=end, lot=lot)

        return why

    async def _annotations(self, question: ChartQuestion, points: Sequence[ChartPointOut]) -> Sequence[AnnotationOut]:
        line_of = {station.id: station.line for station in self._stations.all()}
        found = await self._ledger.read(
            lambda connection: happenings(
                connection, self._ledger.plant, start=question.start, end=question.end, line_of=line_of
            )
        )
        line = self._line(question)
        chosen = concerning(
            found, station=question.scope.station, lines=frozenset() if line is None else frozenset({line})
        )
        chosen = sorted([*chosen, *self._shift_changes(question)], key=lambda each: each.at)
        in_order = sorted(points, key=lambda point: point.start)
        starts, labels = [point.start for point in in_order], [point.label for point in in_order]
        return [
            AnnotationOut(
                at=each.at,
                label=label,
                kind=each.kind,
                station=each.station,
                line=next(iter(each.lines)) if len(each.lines) == 1 else None,
                text=each.text,
            )
            for each in chosen
            if (label := label_at(starts, labels, each.at)) is not None
        ]

    def _shift_changes(self, question: ChartQuestion) -> Sequence[Happening]:
        """Where shifts begin, on charts whose points are shorter than a shift."""
        calendar = self._calendar()
        if not calendar.shifts or question.by in {"shift", "day", "lot"}:
            return ()
        found: list[Happening] = []
        for window in calendar.shift_windows(question.start, question.end):
            if window.start >= question.start:
                found.append(Happening(window.start, "shift", f"{window.name} begins"))
            if len(found) > _MOST_SHIFT_CHANGES:
                return ()
        return found


def _notes_on(held_against: BaselineOut | None, question: ChartQuestion) -> tuple[str, ...]:
    if held_against is None or held_against.by == question.by:
        return ()
    note = (
        f"the baseline was estimated by {held_against.by}, the points are by {question.by}: how much points vary "
        "beyond chance depends on their length, so the limits are not quite theirs"
    )
    return (note,)
