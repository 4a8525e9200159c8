"""The plant's jobs: started by programs, ended right behind the inspection of their part."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from lineside.serving.errors import JobUnfit
from lineside.serving.idempotency import RequestKey, answered_once
from lineside.serving.jobs import store
from lineside.serving.jobs.schemas import JobIn, JobOut, JobState
from lineside.serving.jobs.store import OpenJob
from lineside.serving.ledger import Ledger, Transaction
from lineside.serving.security import Principal
from lineside.serving.stations import StationDirectory
from lineside.serving.stations.following import InspectionFollower, JudgedPart

MOST_OPEN: Final = 64
"""Jobs that may wait at a station: more than parts are ever on their way to it, so a caller has lost count."""

_REST_S: Final = 0.02


class JobBook:
    """Jobs that wait, and what became of the others. Open it with `open`, then run its `follower`.

    A job never alters how its part is judged, and no verdict waits for one: jobs are ended by what the log says.
    """

    def __init__(self, ledger: Ledger, *, stations: StationDirectory) -> None:
        self._ledger = ledger
        self._stations = stations
        self._open: dict[str, OpenJob] = {}
        self.follower = InspectionFollower(ledger, self._take, is_waiting=lambda: bool(self._open), rest_s=_REST_S)

    @classmethod
    async def open(cls, ledger: Ledger, *, stations: StationDirectory) -> "JobBook":
        """Read which jobs wait; parts that were judged just before a crash end theirs now."""
        book = cls(ledger, stations=stations)
        for job in await ledger.read(partial(store.open_jobs, plant=ledger.plant)):
            book._wait_for(job)
        return book

    async def start(self, station_id: str, job: JobIn, *, principal: Principal, key: RequestKey | None) -> JobOut:
        """Have a station judge a part once.

        Args:
            station_id: which station.
            job: what is asked for.
            principal: who asks.
            key: the request's idempotency key; the same one again gives the same job.

        Raises:
            UnknownStation: there is none.
            JobUnfit: the station works by another recipe or on another product; it has a job for that part, or too
                many.
            IdempotencyConflict: the key stands for another request.
        """
        self._check_fits(station_id, job)

        def write(transaction: Transaction) -> tuple[Mapping[str, Any], OpenJob]:
            def act() -> Mapping[str, Any]:
                _check_room(store.open_jobs(transaction.connection, transaction.plant), station_id, job)
                return store.start(transaction, station_id, job, by=principal.name).model_dump(mode="json")

            body = answered_once(
                transaction,
                key,
                caller=principal.key_id,
                request_body=job.model_dump(mode="json"),
                inspection_id=None,
                act=act,
            )
            return body, store.open_job(transaction.connection, body["id"])

        body, opened = await self._ledger.write(write)
        current = await self.get(body["id"])  # a repeated request may find it ended
        if current.state is JobState.STARTED:
            self._wait_for(opened)
        return current

    async def abort(self, job_id: str, *, reason: str, by: str) -> JobOut:
        """End a job without a result; a part that is being judged is judged all the same.

        Raises:
            UnknownJob: there is none.
            JobEnded: it was done, or aborted by somebody else or for another reason.
        """
        aborted = await self._ledger.write(partial(store.abort, job_id=job_id, reason=reason, by=by))
        self._open.pop(job_id, None)
        return aborted

    async def get(self, job_id: str) -> JobOut:
        """One job.

        Raises:
            UnknownJob: there is none.
        """
        return await self._ledger.read(partial(store.find, plant=self._ledger.plant, job_id=job_id))

    async def jobs(self, station_id: str, *, state: JobState | None = None, limit: int) -> Sequence[JobOut]:
        """A station's jobs, newest first.

        Raises:
            UnknownStation: there is none.
        """
        self._stations.get(station_id)
        return await self._ledger.read(
            partial(store.jobs_of, plant=self._ledger.plant, station=station_id, state=state, limit=limit)
        )

    def _wait_for(self, job: OpenJob) -> None:
        self._open[job.id] = job
        self.follower.follow_from(job.after_sequence)

    async def _take(self, judged: Sequence[JudgedPart]) -> None:
        """End the jobs that judged parts belong to."""
        for part in judged:
            job = _job_for(part, self._open.values())
            if job is not None:
                finish = partial(store.finish, job_id=job.id, inspection_id=part.inspection_id)
                if await self._ledger.write(finish):
                    self._open.pop(job.id, None)

    def _check_fits(self, station_id: str, job: JobIn) -> None:
        context = self._stations.get(station_id).context
        if job.recipe_id is not None and job.recipe_id != context.recipe_id:
            raise JobUnfit(
                f"the job asks for recipe {job.recipe_id!r}, and station {station_id!r} works by "
                f"{context.recipe_id!r}: give it the order for that product first"
            )
        if job.product is not None and job.product != context.product:
            raise JobUnfit(
                f"the job asks for product {job.product!r}, and station {station_id!r} works on {context.product!r}: "
                "give it the order for that product first"
            )


def _check_room(open_jobs: Sequence[OpenJob], station_id: str, job: JobIn) -> None:
    there = [each for each in open_jobs if each.station == station_id]
    if job.part_id is not None:
        for each in there:
            if each.part_id == job.part_id:
                raise JobUnfit(
                    f"job {each.id} waits for part {job.part_id!r} at station {station_id!r} already: abort it first"
                )
    if len(there) >= MOST_OPEN:
        raise JobUnfit(
            f"{len(there)} jobs wait at station {station_id!r}, and at most {MOST_OPEN} may: abort those whose parts "
            "will not come"
        )


def _job_for(part: JudgedPart, waiting: Iterable[OpenJob]) -> OpenJob | None:
    """The job that a judged part ends: the oldest one for that part, else the oldest one for whichever part comes."""
    there = sorted(
        (job for job in waiting if job.station == part.station and job.after_sequence < part.sequence),
        key=lambda job: (job.after_sequence, job.id),  # the log's order: clocks may step back
    )
    named = next((job for job in there if job.part_id == part.part_id), None)
    return named or next((job for job in there if job.part_id is None), None)
