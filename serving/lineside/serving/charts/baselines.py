"""Frozen baselines in the ledger: versions that are only ever added."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select

from lineside.serving.charts.schemas import BaselineIn, BaselineOut, BaselineStored, FrozenParameters
from lineside.serving.errors import UnknownBaseline
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.chart_tables import chart_baselines
from lineside.statistics.spc import ControlChart

EVENT_TYPE: Final = "chart_baseline.v1"


def freeze(
    transaction: Transaction, baseline_id: str, wanted: BaselineIn, chart: ControlChart, *, created_by: str
) -> BaselineOut:
    """Store what a chart of phase I estimated as the next version of a baseline; the first is 1.

    Args:
        transaction: where.
        baseline_id: its name.
        wanted: which chart of what, and why.
        chart: of phase I over that time.
        created_by: who froze it.
    """
    last = transaction.connection.execute(
        select(func.max(chart_baselines.c.version)).where(
            chart_baselines.c.plant == transaction.plant, chart_baselines.c.id == baseline_id
        )
    ).scalar_one()
    now = transaction.now()
    baseline = BaselineOut(
        id=baseline_id,
        version=(last or 0) + 1,
        kind=wanted.kind,
        counted=wanted.counted,
        by=wanted.by,
        scope=wanted.scope,
        start=wanted.start,
        end=wanted.end,
        excluded=sum(point.excluded for point in chart.points),
        signals=sum(bool(point.rules) and not point.excluded for point in chart.points),
        parameters=FrozenParameters.of(chart.baseline),
        reason=wanted.reason,
        created_at=now,
        created_by=created_by,
    )
    transaction.connection.execute(
        insert(chart_baselines).values(
            plant=transaction.plant,
            id=baseline_id,
            version=baseline.version,
            document=baseline.model_dump(mode="json"),
            created_at=now,
            created_by=created_by,
        )
    )
    transaction.append_event(
        EVENT_TYPE,
        station=wanted.scope.station,
        occurred_at=now,
        data=BaselineStored(baseline=baseline, changed_by=created_by).model_dump(mode="json"),
    )
    return baseline


def latest_baselines(connection: Connection, plant: str) -> Sequence[BaselineOut]:
    """The latest version of each, by name."""
    latest = (
        select(chart_baselines.c.id, func.max(chart_baselines.c.version).label("version"))
        .where(chart_baselines.c.plant == plant)
        .group_by(chart_baselines.c.id)
        .subquery()
    )
    rows = connection.execute(
        select(chart_baselines)
        .join(latest, (latest.c.id == chart_baselines.c.id) & (latest.c.version == chart_baselines.c.version))
        .where(chart_baselines.c.plant == plant)
        .order_by(chart_baselines.c.id)
    )
    return [_out(row) for row in rows]


def versions_of(connection: Connection, plant: str, baseline_id: str) -> Sequence[BaselineOut]:
    """Every version of a baseline, newest first.

    Raises:
        UnknownBaseline: there is none of that name.
    """
    rows = connection.execute(
        select(chart_baselines)
        .where(chart_baselines.c.plant == plant, chart_baselines.c.id == baseline_id)
        .order_by(chart_baselines.c.version.desc())
    ).all()
    if not rows:
        raise UnknownBaseline(f"no chart baseline {baseline_id!r}; GET /v1/chart-baselines lists them")
    return [_out(row) for row in rows]


def baseline_version(connection: Connection, plant: str, baseline_id: str, version: int | None) -> BaselineOut:
    """One version of a baseline; the latest where None is named.

    Raises:
        UnknownBaseline: there is none.
    """
    found = versions_of(connection, plant, baseline_id)
    for baseline in found:
        if version is None or baseline.version == version:
            return baseline
    raise UnknownBaseline(
        f"chart baseline {baseline_id!r} has no version {version}; it has {found[-1].version} to {found[0].version}"
    )


def _out(row: Row[Any]) -> BaselineOut:
    return BaselineOut.model_validate(row.document)
