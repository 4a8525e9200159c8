"""Reads what the shells say: the ledger's head, counts, points and charts of each line, and who judges there."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from importlib.metadata import version
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, desc, select

from lineside.serving.certificates.service import CertificateService
from lineside.serving.charts.computing import ChartChoices
from lineside.serving.charts.schemas import ChartChoice, ChartPointOut, ChartScope, Counted
from lineside.serving.charts.service import ChartQuestion, ChartService
from lineside.serving.clock import Clock, ManualClock
from lineside.serving.delivery.settings import SinkSettings
from lineside.serving.deployments.service import DeploymentService
from lineside.serving.dispositions.schemas import DispositionKind
from lineside.serving.errors import ChartRefused
from lineside.serving.ledger import Ledger
from lineside.serving.ledger.tables import dispositions, events, inspections
from lineside.serving.rates.answers import RateAnswers, RateQuestion
from lineside.serving.rates.calendar_book import CalendarBook
from lineside.serving.rates.schemas import RatesOut, WindowOut
from lineside.serving.rates.service import Bucket, RateService
from lineside.serving.rates.windows import RateFilter
from lineside.serving.releases import ReleaseShelf
from lineside.serving.settings import Settings
from lineside.serving.stations import StationDirectory
from lineside.serving.twin.aas.facts import (
    CountFacts,
    LineFacts,
    PlantFacts,
    PointFact,
    StationFact,
)
from lineside.serving.twin.aas.line_releases import read_line_releases
from lineside.serving.twin.aas.sink_interfaces import open_interfaces
from lineside.serving.twin.aas.twin_file import TwinFile

HOURS: Final = 24
"""Points of the internal segment: a day by the hour, three shifts."""


@dataclass(frozen=True, slots=True)
class _Head:
    """The last event, and when it was written down."""

    sequence: int
    at: datetime


class TwinReader:
    """Reads the facts of every line.

    Times end at the ledger's last event, not at the present: the same ledger gives the same facts.

    Args:
        settings: of the server.
        twin_file: what the plant says.
        sinks: that the delivery file opens.
        clock: tells which deployments have expired.
        ledger: head and dispositions.
        stations: which lines there are.
        calendar: when production days begin.
        rates: counts and rates.
        deployments: who judges where.
        certificates: what the thresholds rest on.
        releases: their manifests.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        twin_file: TwinFile,
        sinks: Sequence[SinkSettings],
        clock: Clock,
        ledger: Ledger,
        stations: StationDirectory,
        calendar: CalendarBook,
        rates: RateAnswers,
        deployments: DeploymentService,
        certificates: CertificateService,
        releases: ReleaseShelf,
    ) -> None:
        self._settings = settings
        self._file = twin_file
        self._sinks = tuple(sinks)
        self._clock = clock
        self._ledger = ledger
        self._stations = stations
        self._calendar = calendar
        self._rates = rates
        self._deployments = deployments
        self._certificates = certificates
        self._releases = releases

    async def read(self) -> PlantFacts:
        """The facts as of the ledger's last event.

        Raises:
            LedgerUnavailable: the database cannot be read.
        """
        head = await self._ledger.read(lambda connection: _read_head(connection, self._ledger.plant))
        lines: list[LineFacts] = []
        counted_to: list[int] = []
        if head is not None:
            for line in sorted({station.line for station in self._stations.all()}):
                facts, sequence = await self._line(line, head)
                lines.append(facts)
                counted_to.append(sequence)
        settings = self._settings
        return PlantFacts(
            plant=settings.plant,
            as_of=None if head is None else head.at,
            sequence=0 if head is None else head.sequence,
            counted_to=min(counted_to, default=0),
            software_version=version("lineside"),
            is_simulated=settings.is_simulated,
            identifiers=self._file.identifiers or f"urn:lineside:{settings.plant}",
            api_url=self._file.api_url or f"http://{settings.host}:{settings.port}",
            lines=tuple(lines),
        )

    async def _line(self, line: str, head: _Head) -> tuple[LineFacts, int]:
        stations = tuple(
            StationFact(station.id, station.name) for station in self._stations.all() if station.line == line
        )
        counts, sequence = await self._counts(line, stations, head)
        points, note = await self._points(line, head)
        facts = LineFacts(
            name=line,
            nameplate=self._file.nameplate_of(line),
            stations=stations,
            counts=counts,
            points=points,
            chart_note=note,
            releases=await asyncio.to_thread(
                partial(
                    read_line_releases,
                    line,
                    deployments=self._deployments,
                    releases=self._releases,
                    certificates=self._certificates.book,
                    now=self._clock.now(),
                )
            ),
            interfaces=open_interfaces(self._sinks, plant=self._settings.plant, line=line),
        )
        return facts, sequence

    async def _counts(self, line: str, stations: Sequence[StationFact], head: _Head) -> tuple[CountFacts, int]:
        calendar = self._calendar.calendar()
        day = calendar.day_window(calendar.production_day(head.at))
        # The whole day: after a clock stepped back, parts are there that came "later" than the last event.
        answer = await self._rates.answer(RateQuestion(self._filter(line, day.start, day.end)))
        total = answer.total
        removed = await self._ledger.read(
            partial(
                _read_removed,
                plant=self._ledger.plant,
                stations=[station.id for station in stations],
                since=day.start,
                is_simulated=self._settings.is_simulated,
            )
        )
        scrapped, reworked = removed[DispositionKind.SCRAPPED], removed[DispositionKind.REWORKED]
        counts = CountFacts(
            start=day.start,
            end=day.end,
            inspected=total.inspected,
            flagged=total.flagged,
            false_calls=total.false_calls,
            escapes=total.escapes.found_in_audit + total.escapes.found_otherwise,
            not_inspected=total.not_inspected,
            scrapped=len(scrapped),
            reworked=len(reworked - scrapped),
        )
        return counts, answer.as_of_sequence

    async def _points(self, line: str, head: _Head) -> tuple[tuple[PointFact, ...], str | None]:
        hour = head.at.replace(minute=0, second=0, microsecond=0)
        start = hour - timedelta(hours=HOURS - 1)
        answer: RatesOut = await self._rates.answer(
            RateQuestion(self._filter(line, start, hour + timedelta(hours=1)), bucket=Bucket.parse("hour"))
        )
        question = ChartQuestion(
            scope=ChartScope(line=line),
            start=start,
            end=answer.asked.end,
            by="hour",
            counted=Counted.PROCESS,
            baseline=None,
            choices=ChartChoices(),
        )
        charted: Mapping[datetime, ChartPointOut] = {}
        try:
            chart = (await self._charts_at(head.at).charts(ChartChoice.P_PRIME, question)).charts[0]
        except ChartRefused as refused:
            note: str | None = str(refused)
        else:
            charted = {point.start: point for point in chart.points}
            note = "; ".join(chart.notes) or None
        return tuple(_point(window, charted.get(window.start)) for window in answer.series), note

    def _charts_at(self, instant: datetime) -> ChartService:
        """Control charts as of an instant: which points may still change is told by it, not by the present."""
        clock = ManualClock(instant)
        calendar = self._calendar.calendar
        rates = RateService(self._ledger, stations=self._stations, calendar=calendar, clock=clock)
        return ChartService(
            self._ledger,
            rates=rates,
            stations=self._stations,
            calendar=calendar,
            clock=clock,
            is_simulated=self._settings.is_simulated,
        )

    def _filter(self, line: str, start: datetime, end: datetime) -> RateFilter:
        return RateFilter(start=start, end=end, line=line, is_simulated=self._settings.is_simulated)


def _read_head(connection: Connection, plant: str) -> _Head | None:
    row = connection.execute(
        select(events.c.sequence, events.c.recorded_at)
        .where(events.c.plant == plant)
        .order_by(desc(events.c.sequence))
        .limit(1)
    ).one_or_none()
    return None if row is None else _Head(row.sequence, row.recorded_at)


def _read_removed(
    connection: Connection, plant: str, *, stations: Sequence[str], since: datetime, is_simulated: bool
) -> Mapping[DispositionKind, set[str]]:
    """Parts that were scrapped or reworked, by what was written down since an instant.

    Identifiers sort by the time at which they were made, so that the primary key finds the first one.
    """
    first = str(UUID(int=int(since.timestamp() * 1000) << 80))
    kinds = (DispositionKind.SCRAPPED, DispositionKind.REWORKED)
    rows = connection.execute(
        select(dispositions.c.kind, inspections.c.part_id)
        .join(inspections, inspections.c.id == dispositions.c.inspection_id)
        .where(
            dispositions.c.id >= first,
            dispositions.c.recorded_at >= since,
            dispositions.c.kind.in_([kind.value for kind in kinds]),
            inspections.c.plant == plant,
            inspections.c.station.in_(stations),
            inspections.c.is_simulated == is_simulated,
        )
        .distinct()
    )
    found: dict[DispositionKind, set[str]] = {kind: set() for kind in kinds}
    for row in rows:
        found[DispositionKind(row.kind)].add(row.part_id)
    return found


def _point(window: WindowOut, charted: ChartPointOut | None) -> PointFact:
    is_there = window.inspected > 0
    return PointFact(
        start=window.start,
        end=window.end,
        inspected=window.inspected,
        flagged=window.flagged,
        not_inspected=window.not_inspected,
        detector_rate=window.detector_rate.estimate if is_there else None,
        detector_rate_lower=window.detector_rate.lower if is_there else None,
        detector_rate_upper=window.detector_rate.upper if is_there else None,
        rate=window.rate.point if is_there else None,
        rate_lower=window.rate.lower if is_there else None,
        rate_upper=window.rate.upper if is_there else None,
        chart_value=None if charted is None else charted.value,
        chart_lower=None if charted is None else charted.lower,
        chart_centre=None if charted is None else charted.centre,
        chart_upper=None if charted is None else charted.upper,
        rules=() if charted is None else charted.rules,
    )
