"""What charts leave out of their estimates: a time or a lot, with who left it out and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from lineside.serving.charts.schemas import ExclusionChanged, ExclusionIn, ExclusionOut
from lineside.serving.errors import ExclusionEnded, UnknownExclusion
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.chart_tables import chart_exclusions
from lineside.serving.notes.schemas import WithdrawalOut

EVENT_TYPE: Final = "chart_exclusion.v1"


def record(transaction: Transaction, exclusion: ExclusionIn, *, excluded_by: str) -> ExclusionOut:
    """Leave a time or a lot out of the charts; the very same one again changes nothing."""
    for standing in standing_exclusions(transaction.connection, transaction.plant):
        if _what(standing) == _what(exclusion) and standing.reason == exclusion.reason:
            return standing
    exclusion_id = transaction.new_id()
    now = transaction.now()
    transaction.connection.execute(
        insert(chart_exclusions).values(
            id=exclusion_id,
            plant=transaction.plant,
            station=exclusion.station,
            line=exclusion.line,
            lot=exclusion.lot,
            start=exclusion.start,
            end=exclusion.end,
            reason=exclusion.reason,
            excluded_at=now,
            excluded_by=excluded_by,
        )
    )
    recorded = _one(transaction.connection, transaction.plant, exclusion_id)
    _append_event(transaction, ExclusionChanged(state="excluded", exclusion=recorded, changed_by=excluded_by), at=now)
    return recorded


def end(transaction: Transaction, exclusion_id: str, *, reason: str, ended_by: str) -> ExclusionOut:
    """Take what was left out in again. The row and its events stay.

    Raises:
        UnknownExclusion: there is none.
        ExclusionEnded: it was ended before.
    """
    found = _one(transaction.connection, transaction.plant, exclusion_id)
    if found.ended is not None:
        raise ExclusionEnded(
            f"exclusion {exclusion_id} was ended by {found.ended.by} at {found.ended.at:%Y-%m-%d %H:%M} UTC; "
            "POST /v1/chart-exclusions makes a new one"
        )
    now = transaction.now()
    transaction.connection.execute(
        update(chart_exclusions)
        .where(chart_exclusions.c.id == exclusion_id)
        .values(ended_at=now, ended_by=ended_by, ended_reason=reason)
    )
    ended = _one(transaction.connection, transaction.plant, exclusion_id)
    _append_event(transaction, ExclusionChanged(state="ended", exclusion=ended, changed_by=ended_by), at=now)
    return ended


def standing_exclusions(connection: Connection, plant: str) -> Sequence[ExclusionOut]:
    """Every exclusion that stands, newest first."""
    rows = connection.execute(
        select(chart_exclusions)
        .where(chart_exclusions.c.plant == plant, chart_exclusions.c.ended_at.is_(None))
        .order_by(chart_exclusions.c.id.desc())
    )
    return [_out(row) for row in rows]


@dataclass(frozen=True, slots=True)
class ChartPlace:
    """Where a chart is of.

    Attributes:
        station: its station; None for all.
        line: its line, or that of its station; None for the whole plant.
    """

    station: str | None
    line: str | None

    def is_covered_by(self, station: str | None, line: str | None) -> bool:
        """Whether all of the chart lies at that station, on that line, or in the plant where both are None."""
        if station is not None:
            return self.station == station
        return line is None or self.line == line


def why_excluded(
    exclusions: Sequence[ExclusionOut], place: ChartPlace, *, start: datetime, end: datetime, lot: str | None
) -> str | None:
    """Why a point of a chart is left out: the reason and who gave it; None where it is not.

    A point is left out where an exclusion covers all of it. One that covers a part of the point's time leaves it in:
    choose shorter windows to leave that part out.

    Args:
        exclusions: those that stand.
        place: where the chart is of.
        start: of the point's time.
        end: of the point's time; not part of it.
        lot: of a point that is a lot, or of a chart of one lot.
    """
    for exclusion in exclusions:
        if not place.is_covered_by(exclusion.station, exclusion.line):
            continue
        if exclusion.lot is not None:
            covers = exclusion.lot == lot
        else:
            covers = (
                exclusion.start is not None
                and exclusion.end is not None
                and exclusion.start <= start
                and end <= exclusion.end
            )
        if covers:
            return f"{exclusion.reason} ({exclusion.excluded_by})"
    return None


def _what(exclusion: ExclusionIn | ExclusionOut) -> tuple[Any, ...]:
    return (exclusion.station, exclusion.line, exclusion.lot, exclusion.start, exclusion.end)


def _one(connection: Connection, plant: str, exclusion_id: str) -> ExclusionOut:
    row = connection.execute(
        select(chart_exclusions).where(chart_exclusions.c.plant == plant, chart_exclusions.c.id == exclusion_id)
    ).one_or_none()
    if row is None:
        raise UnknownExclusion(f"no exclusion {exclusion_id!r}; GET /v1/chart-exclusions lists them")
    return _out(row)


def _out(row: Row[Any]) -> ExclusionOut:
    ended = None
    if row.ended_at is not None:
        ended = WithdrawalOut(at=row.ended_at, by=row.ended_by, reason=row.ended_reason)
    return ExclusionOut(
        id=row.id,
        station=row.station,
        line=row.line,
        lot=row.lot,
        start=row.start,
        end=row.end,
        reason=row.reason,
        excluded_at=row.excluded_at,
        excluded_by=row.excluded_by,
        ended=ended,
    )


def _append_event(transaction: Transaction, change: ExclusionChanged, *, at: datetime) -> None:
    transaction.append_event(
        EVENT_TYPE, station=change.exclusion.station, occurred_at=at, data=change.model_dump(mode="json")
    )
