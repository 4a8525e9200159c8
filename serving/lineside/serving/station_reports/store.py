"""Reading and writing stations' reports in the ledger."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select

from lineside.serving.errors import IdempotencyConflict
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.station_tables import station_reports
from lineside.serving.station_reports.schemas import ReportKind, ReportSeverity, StationReportIn, StationReportOut

EVENT_TYPE: Final = "station_report.v1"


def record(
    transaction: Transaction,
    report_id: str,
    station: str,
    report: StationReportIn,
    *,
    hold_id: str | None,
    recorded_by: str,
) -> StationReportOut:
    """Write a report and its event; one that stands already is given back.

    Raises:
        IdempotencyConflict: its identifier stands for another report.
    """
    standing = find(transaction.connection, transaction.plant, report_id, station=station, report=report)
    if standing is not None:
        return standing
    out = StationReportOut(
        **report.model_dump(),
        id=report_id,
        station=station,
        hold_id=hold_id,
        recorded_at=transaction.now(),
        recorded_by=recorded_by,
    )
    event = transaction.append_event(
        EVENT_TYPE, station=station, occurred_at=report.at, data=out.model_dump(mode="json")
    )
    transaction.connection.execute(
        insert(station_reports),
        {
            "plant": transaction.plant,
            **out.model_dump(exclude={"evidence"}),
            "kind": out.kind.value,
            "severity": out.severity.value,
            "evidence": None if out.evidence is None else dict(out.evidence),
            "event_sequence": event.sequence,
        },
    )
    return out


def find(
    connection: Connection, plant: str, report_id: str, *, station: str, report: StationReportIn
) -> StationReportOut | None:
    """A report that stands already.

    Args:
        connection: of the ledger.
        plant: whose.
        report_id: the station's own identifier.
        station: who sends it now.
        report: what is sent now.

    Raises:
        IdempotencyConflict: the identifier stands for another report.
    """
    row = connection.execute(
        select(station_reports).where(station_reports.c.plant == plant, station_reports.c.id == report_id)
    ).one_or_none()
    if row is None:
        return None
    standing = _out(row)
    said = report.model_dump() | ({"lot": standing.lot} if report.lot is None else {})  # as the station's was filled in
    if standing.station != station or said != standing.model_dump(include=set(StationReportIn.model_fields)):
        raise IdempotencyConflict(f"report {report_id} stands for another one; use a new identifier for a new report")
    return standing


def newest(
    connection: Connection, plant: str, station: str, *, kind: ReportKind | None, limit: int
) -> Sequence[StationReportOut]:
    """A station's reports, newest first."""
    asked = select(station_reports).where(station_reports.c.plant == plant, station_reports.c.station == station)
    if kind is not None:
        asked = asked.where(station_reports.c.kind == kind.value)
    rows = connection.execute(asked.order_by(station_reports.c.event_sequence.desc()).limit(limit))
    return [_out(row) for row in rows]


def _out(row: Row[Any]) -> StationReportOut:
    return StationReportOut(
        id=row.id,
        station=row.station,
        kind=ReportKind(row.kind),
        severity=ReportSeverity(row.severity),
        message=row.message,
        at=row.at,
        part_id=row.part_id,
        acquisition_id=row.acquisition_id,
        lot=row.lot,
        evidence=row.evidence,
        hold_id=row.hold_id,
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
    )
