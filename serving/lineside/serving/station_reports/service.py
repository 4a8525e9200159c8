"""Taking in a station's report, and holding the parts that it puts in doubt."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from lineside.serving.holds import HoldBook
from lineside.serving.inspections.attempts import Turns
from lineside.serving.ledger import Ledger
from lineside.serving.station_reports import store
from lineside.serving.station_reports.schemas import ReportKind, StationReportIn, StationReportOut
from lineside.serving.stations import StationDirectory

_MOST_SAID: Final = 3000
"""Characters of a report's message in its hold's reason, which has room for 4000; the report has them all."""


class StationReports:
    """What stations say of themselves.

    Args:
        ledger: where it is written.
        stations: which there are.
        holds: holds the parts that a report puts in doubt.
    """

    def __init__(self, ledger: Ledger, *, stations: StationDirectory, holds: HoldBook) -> None:
        self._ledger = ledger
        self._stations = stations
        self._holds = holds
        self._turns = Turns()

    async def take_in(
        self, report_id: str, station_id: str, report: StationReportIn, *, recorded_by: str
    ) -> StationReportOut:
        """Record a report once, however often it comes.

        A turned bypass key, a missed master sample and a part seen on the wrong lane hold the lot; without a lot, the
        station's parts. The hold stands before the report is acknowledged: a report that was lost in between comes
        again.

        Raises:
            UnknownStation: there is none.
            IdempotencyConflict: the identifier stands for another report.
        """
        async with self._turns.hold(report_id):  # of two at once one is recorded, and that one holds
            return await self._take_in(report_id, station_id, report, recorded_by=recorded_by)

    async def _take_in(
        self, report_id: str, station_id: str, report: StationReportIn, *, recorded_by: str
    ) -> StationReportOut:
        station = self._stations.get(station_id)
        plant = self._ledger.plant
        standing = await self._ledger.read(
            lambda connection: store.find(connection, plant, report_id, station=station_id, report=report)
        )
        if standing is not None:
            return standing
        if report.lot is None:
            report = report.model_copy(update={"lot": station.lot})
        hold_id = None
        if report.kind.holds_parts:
            held = await self._holds.hold(
                station=station_id if report.lot is None else None,
                lot=report.lot,
                reason=_reason(station_id, report),
                by=f"station {station_id}",
                evidence=[
                    {"report_id": report_id, "at": report.at.isoformat()},
                    *([] if report.evidence is None else [report.evidence]),
                ],
            )
            hold_id = held.id
        return await self._ledger.write(
            partial(
                store.record,
                report_id=report_id,
                station=station_id,
                report=report,
                hold_id=hold_id,
                recorded_by=recorded_by,
            )
        )

    async def newest(self, station_id: str, *, kind: ReportKind | None, limit: int) -> Sequence[StationReportOut]:
        """A station's reports, newest first.

        Raises:
            UnknownStation: there is none.
        """
        self._stations.get(station_id)
        return await self._ledger.read(
            partial(store.newest, plant=self._ledger.plant, station=station_id, kind=kind, limit=limit)
        )


def _reason(station_id: str, report: StationReportIn) -> str:
    said = report.message if len(report.message) <= _MOST_SAID else f"{report.message[:_MOST_SAID]}…"
    return f"{report.kind.value} at {station_id}: {said}"
