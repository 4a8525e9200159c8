"""Reading and writing jobs in the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, union, update

from lineside.serving.errors import JobEnded, UnknownJob
from lineside.serving.jobs.schemas import JobChanged, JobIn, JobOut, JobState
from lineside.serving.ledger import LedgerReadOnly, Transaction
from lineside.serving.ledger.context_tables import jobs
from lineside.serving.ledger.tables import inspections

EVENT_TYPE: Final = "job.v1"


@dataclass(frozen=True, slots=True)
class OpenJob:
    """A job that waits for its part.

    Attributes:
        id: its identifier.
        station: where.
        part_id: the part; None for whichever comes next.
        after_sequence: the inspection that ends it is later in the log than this.
    """

    id: str
    station: str
    part_id: str | None
    after_sequence: int


def start(transaction: Transaction, station: str, job: JobIn, *, by: str) -> JobOut:
    """Write down that a job waits for its part."""
    if transaction.head is None:
        raise LedgerReadOnly("only the process that holds the writer lock (the server) starts jobs")
    job_id = transaction.new_id()
    transaction.connection.execute(
        insert(jobs).values(
            id=job_id,
            plant=transaction.plant,
            station=station,
            meas_id=job.meas_id,
            part_id=job.part_id,
            recipe_id=job.recipe_id,
            product=job.product,
            state=JobState.STARTED.value,
            after_sequence=transaction.head.sequence,
            started_by=by,
            started_at=transaction.now(),
        )
    )
    return _changed(transaction, job_id, changed_by=by)


def finish(transaction: Transaction, job_id: str, *, inspection_id: str) -> bool:
    """Write down that an inspection ended a job.

    Returns:
        Whether the job waits no more; it does where the inspection had ended another one before.
    """
    ended = transaction.connection.execute(
        select(jobs.c.id).where(jobs.c.plant == transaction.plant, jobs.c.inspection_id == inspection_id)
    ).scalar_one_or_none()
    if ended is not None:
        return bool(ended == job_id)
    done = transaction.connection.execute(
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.state == JobState.STARTED.value)
        .values(state=JobState.DONE.value, ended_at=transaction.now(), inspection_id=inspection_id)
    )
    if done.rowcount == 1:
        _changed(transaction, job_id, changed_by=None)
    return True


def abort(transaction: Transaction, job_id: str, *, reason: str, by: str) -> JobOut:
    """End a job without a result; the very same abort again changes nothing.

    Raises:
        UnknownJob: there is none.
        JobEnded: it was done, or aborted by somebody else or for another reason.
    """
    found = find(transaction.connection, transaction.plant, job_id)
    if found.state is not JobState.STARTED:
        if (found.state, found.ended_by, found.reason) == (JobState.ABORTED, by, reason):
            return found
        how = (
            f"done by inspection {found.inspection_id}" if found.state is JobState.DONE else f"aborted: {found.reason}"
        )
        raise JobEnded(f"job {job_id} has ended at {found.ended_at:%Y-%m-%d %H:%M:%S} UTC, {how}")
    transaction.connection.execute(
        update(jobs)
        .where(jobs.c.id == job_id)
        .values(state=JobState.ABORTED.value, ended_by=by, ended_at=transaction.now(), reason=reason)
    )
    return _changed(transaction, job_id, changed_by=by)


def find(connection: Connection, plant: str, job_id: str) -> JobOut:
    """One job.

    Raises:
        UnknownJob: there is none.
    """
    row = connection.execute(select(jobs).where(jobs.c.plant == plant, jobs.c.id == job_id)).one_or_none()
    if row is None:
        raise UnknownJob(f"no job {job_id!r}; GET /v1/stations/<id>/jobs lists a station's")
    return _out(row)


def jobs_of(
    connection: Connection, plant: str, *, station: str, state: JobState | None, limit: int
) -> Sequence[JobOut]:
    """A station's jobs, newest first."""
    query = select(jobs).where(jobs.c.plant == plant, jobs.c.station == station)
    if state is not None:
        query = query.where(jobs.c.state == state.value)
    return [_out(row) for row in connection.execute(query.order_by(jobs.c.id.desc()).limit(limit))]


def jobs_for_part(connection: Connection, plant: str, part_id: str, *, limit: int) -> Sequence[JobOut]:
    """Jobs that named a part or that its inspections ended, newest first."""
    ended = select(inspections.c.id).where(inspections.c.plant == plant, inspections.c.part_id == part_id)
    of_part = union(  # each by an index of its own
        select(jobs.c.id).where(jobs.c.plant == plant, jobs.c.part_id == part_id),
        select(jobs.c.id).where(jobs.c.plant == plant, jobs.c.inspection_id.in_(ended)),
    )
    rows = connection.execute(select(jobs).where(jobs.c.id.in_(of_part)).order_by(jobs.c.id.desc()).limit(limit))
    return [_out(row) for row in rows]


def open_jobs(connection: Connection, plant: str) -> Sequence[OpenJob]:
    """Every job that waits for its part, oldest first."""
    rows = connection.execute(
        select(jobs.c.id, jobs.c.station, jobs.c.part_id, jobs.c.after_sequence)
        .where(jobs.c.plant == plant, jobs.c.state == JobState.STARTED.value)
        .order_by(jobs.c.id)
    )
    return [OpenJob(row.id, row.station, row.part_id, row.after_sequence) for row in rows]


def open_job(connection: Connection, job_id: str) -> OpenJob:
    """One job as something that waits."""
    row = connection.execute(
        select(jobs.c.id, jobs.c.station, jobs.c.part_id, jobs.c.after_sequence).where(jobs.c.id == job_id)
    ).one()
    return OpenJob(row.id, row.station, row.part_id, row.after_sequence)


def _out(row: Row[Any]) -> JobOut:
    return JobOut(
        id=row.id,
        station=row.station,
        meas_id=row.meas_id,
        part_id=row.part_id,
        recipe_id=row.recipe_id,
        product=row.product,
        state=JobState(row.state),
        started_by=row.started_by,
        started_at=row.started_at,
        ended_by=row.ended_by,
        ended_at=row.ended_at,
        reason=row.reason,
        inspection_id=row.inspection_id,
    )


def _changed(transaction: Transaction, job_id: str, *, changed_by: str | None) -> JobOut:
    """Append the event of what stands now, and give that back."""
    job = find(transaction.connection, transaction.plant, job_id)
    event = JobChanged(state=job.state, job=job, changed_by=changed_by)
    transaction.append_event(
        EVENT_TYPE, station=job.station, occurred_at=transaction.now(), data=event.model_dump(mode="json")
    )
    return job
