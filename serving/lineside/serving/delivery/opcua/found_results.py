"""Results of a station as the ledger has them: whoever missed an event finds its result here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, and_, or_, select

from lineside.inspection.verdict import Verdict
from lineside.serving.ledger import Event, Ledger
from lineside.serving.ledger.context_tables import jobs
from lineside.serving.ledger.tables import events, inspections

_MOST_DIGITS: Final = 9
"""Of a recipe's version; the databases take no longer ones."""


@dataclass(frozen=True, slots=True)
class FoundResult:
    """One judged attempt.

    Attributes:
        data: as the station was answered; also the data of its `inspection.v1`.
        job_id: of the job that asked for it; the attempt's own id where no client asked.
        meas_id: what that client calls it; empty where none asked.
    """

    data: Mapping[str, Any]
    job_id: str
    meas_id: str


@dataclass(frozen=True, slots=True)
class ResultQuery:
    """Which results are wanted; an empty text, and None, do not filter.

    Attributes:
        verdicts: any of these.
        release_name: of the release that judged.
    """

    verdicts: frozenset[Verdict] | None = None
    meas_id: str = ""
    part_id: str = ""
    product: str = ""
    job_id: str = ""
    recipe_id: str = ""
    recipe_version: str = ""
    release_name: str = ""
    release_version: str = ""

    def narrow(self, query: Select[Any]) -> Select[Any]:
        """The query with these conditions."""
        columns = inspections.c
        equal = (
            (jobs.c.meas_id, self.meas_id),
            (columns.part_id, self.part_id),
            (columns.product, self.product),
            (columns.recipe_id, self.recipe_id),
            (columns.release_name, self.release_name),
            (columns.release_version, self.release_version),
        )
        for column, value in equal:
            if value:
                query = query.where(column == value)
        if self.recipe_version:
            # A version that is no number is no version of ours: nothing has it.
            is_version = self.recipe_version.isdecimal() and len(self.recipe_version) <= _MOST_DIGITS
            number = int(self.recipe_version) if is_version else -1
            query = query.where(columns.recipe_version == number)
        if self.job_id:
            query = query.where(or_(jobs.c.id == self.job_id, and_(jobs.c.id.is_(None), columns.id == self.job_id)))
        if self.verdicts is not None:
            query = query.where(columns.verdict.in_(sorted(verdict.value for verdict in self.verdicts)))
        return query


class ResultShelf:
    """Looks results up.

    Args:
        ledger: open to read.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def one(self, station: str, inspection_id: str) -> FoundResult | None:
        """The result with that id at that station.

        Raises:
            LedgerUnavailable: the database cannot be reached.
        """
        query = self._of(station).where(inspections.c.id == inspection_id)
        row = await self._ledger.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else _found(row)

    async def page(
        self, station: str, wanted: ResultQuery, *, start: int, limit: int
    ) -> tuple[Sequence[FoundResult], bool]:
        """Results of a station, newest first.

        Args:
            station: whose.
            wanted: which of them.
            start: how many to pass over.
            limit: how many at most.

        Returns:
            The results, and whether there are no more.
        """
        query = (
            wanted.narrow(self._of(station))
            .order_by(inspections.c.opened_at.desc(), inspections.c.id.desc())
            .offset(start)
            .limit(limit + 1)
        )
        rows = await self._ledger.read(lambda connection: connection.execute(query).all())
        return tuple(_found(row) for row in rows[:limit]), len(rows) <= limit

    async def of_event(self, event: Event) -> FoundResult:
        """The result that an `inspection.v1` tells of, with the job that it ends or is about to end."""
        job = await self._ledger.read(lambda connection: self._job_of(connection, event))
        job_id, meas_id = (event.data["id"], "") if job is None else (job.id, job.meas_id or "")
        return FoundResult(event.data, job_id=job_id, meas_id=meas_id)

    def _of(self, station: str) -> Select[Any]:
        return (
            select(events.c.data, inspections.c.id, jobs.c.id.label("job_id"), jobs.c.meas_id)
            .join_from(
                inspections,
                events,
                and_(events.c.plant == inspections.c.plant, events.c.sequence == inspections.c.event_sequence),
            )
            .outerjoin(jobs, and_(jobs.c.plant == inspections.c.plant, jobs.c.inspection_id == inspections.c.id))
            .where(inspections.c.plant == self._ledger.plant, inspections.c.station == station)
        )

    def _job_of(self, connection: Connection, event: Event) -> Any:
        of_plant = select(jobs.c.id, jobs.c.meas_id).where(jobs.c.plant == self._ledger.plant)
        ended = connection.execute(of_plant.where(jobs.c.inspection_id == event.data["id"])).one_or_none()
        if ended is not None:
            return ended
        # The server ends a job right behind the verdict: it may still stand open when the event is read.
        waiting = of_plant.where(
            jobs.c.station == event.station,
            jobs.c.state == "started",
            jobs.c.after_sequence < event.sequence,
            or_(jobs.c.part_id == event.data["part_id"], jobs.c.part_id.is_(None)),
        )
        return connection.execute(waiting.order_by(jobs.c.part_id.is_(None), jobs.c.id).limit(1)).one_or_none()


def _found(row: Row[Any]) -> FoundResult:
    return FoundResult(row.data, job_id=row.job_id or row.id, meas_id=row.meas_id or "")
