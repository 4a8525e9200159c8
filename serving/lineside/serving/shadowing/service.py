"""A second release looks at judged parts, off the verdict's path and only while no verdict is waited for.

One part at a time, on one thread of the lowest priority, with rests in between: a bounded share of the machine. What
does not fit into the queue is dropped and counted.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from lineside.inspection.errors import LinesideError
from lineside.inspection.inspector import Examination
from lineside.inspection.verdict import Verdict, judge
from lineside.serving.clock import Clock
from lineside.serving.deployments.book import DeploymentRecord
from lineside.serving.images import ImageStore, ImageStoreError
from lineside.serving.inspections.admission import Admission
from lineside.serving.inspections.inspectors import InspectorKey, InspectorPool, ReadyInspector, examine
from lineside.serving.inspections.schemas import InspectionOut, ReleaseOut
from lineside.serving.ledger import Ledger
from lineside.serving.low_priority import low_priority_thread
from lineside.serving.metrics import Metrics
from lineside.serving.releases import Purpose
from lineside.serving.settings import Settings
from lineside.serving.shadowing import store
from lineside.serving.shadowing.agreement import agreement_of
from lineside.serving.shadowing.queue import ShadowJob, ShadowQueue
from lineside.serving.shadowing.schemas import ComparisonOut, DisagreementOut, FindingsOut
from lineside.serving.shadowing.store import Counts
from lineside.serving.shadowing.watch import CanaryWatch

_log = structlog.get_logger(__name__)
_WRITE_EVERY_S = 5.0  # counts of parts that agree: a crash loses no more of them
_INFERENCE_FAILED = "engine_failure", "non_finite_output"


@dataclass(frozen=True, slots=True)
class _Seen:
    findings: FindingsOut
    taken_s: float


class Shadowing:
    """Compares releases. One for each app; `start` it before use and `stop` it at the end."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        ledger: Ledger,
        images: ImageStore,
        inspectors: InspectorPool,
        admission: Admission,
        watch: CanaryWatch,
        metrics: Metrics,
    ) -> None:
        self._busy_share = settings.shadow_busy_share
        self._clock = clock
        self._ledger = ledger
        self._images = images
        self._inspectors = inspectors
        self._admission = admission
        self._watch = watch
        self._metrics = metrics
        self._queue = ShadowQueue(most_jobs=settings.shadow_queue_bound, most_bytes=settings.shadow_queue_bytes)
        self._arrived = asyncio.Event()
        self._at_rest = asyncio.Event()
        self._at_rest.set()
        self._unwritten: dict[str, Counts] = {}
        self._written_s = clock.monotonic()
        self._thread = low_priority_thread("shadow")
        self._task: asyncio.Task[None] | None = None
        self._background: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to look at what waits."""
        self._task = asyncio.get_running_loop().create_task(self._run_forever())

    async def stop(self) -> None:
        """Let the part under way finish, and write the counts down."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._background:
            await asyncio.wait(self._background)
        await asyncio.to_thread(self._thread.shutdown)
        with contextlib.suppress(LinesideError):
            await self._write_counts()

    @property
    def waiting(self) -> int:
        """Parts in the queue."""
        return len(self._queue)

    async def settle(self) -> None:
        """Wait until nothing waits and all counts are in the ledger; for tests and measurements."""
        await self._at_rest.wait()
        if self._background:
            await asyncio.wait(self._background)
        await self._write_counts()

    def offer(self, job: ShadowJob) -> None:
        """Have a judged part looked at again, or count it as dropped; never waits."""
        if self._queue.put(job):
            self._arrived.set()
            self._at_rest.clear()
        else:
            self._drop(job.candidate)

    def canary_judged(self, candidate: DeploymentRecord, answer: Mapping[str, object]) -> None:
        """Count a part that a canary's release gave the verdict on, and end the canary if it failed."""
        reasons = answer["reasons"]
        codes = [str(reason["code"]) for reason in reasons] if isinstance(reasons, Sequence) else []
        failed = answer["verdict"] == Verdict.NOT_INSPECTED and any(code in _OF_THE_RELEASE for code in codes)
        self._count(candidate, Counts(canary_parts=1, canary_failures=int(failed)))
        if any(code in _INFERENCE_FAILED for code in codes):
            self._in_background(self._watch.engine_failed(candidate, self._unwritten_of(candidate.id)))
        elif failed:
            self._in_background(self._watch.consider(candidate.id, self._unwritten_of(candidate.id)))

    def canary_missing(self, candidate: DeploymentRecord) -> None:
        """A canary's release cannot be loaded: end it."""
        message = "its release cannot be loaded; the server's log says why"
        self._in_background(self._watch.end(candidate, "unusable", message, self._unwritten_of(candidate.id)))

    async def reviewed(self, inspection_id: str) -> None:
        """People have said something of a part: if two releases see it differently, it may decide a canary."""
        for deployment_id in await self._ledger.read(partial(store.disputed_under, inspection_id=inspection_id)):
            await self._watch.consider(deployment_id, self._unwritten_of(deployment_id))

    async def comparison(self, deployment_id: str) -> ComparisonOut:
        """What is known of two releases under a deployment."""
        unwritten = self._unwritten_of(deployment_id)
        return await self._ledger.read(partial(store.comparison_of, deployment_id=deployment_id, unwritten=unwritten))

    async def _run_forever(self) -> None:
        while True:
            await self._arrived.wait()
            await self._admission.wait_until_idle()
            job = self._queue.take()
            if job is None:
                self._arrived.clear()
                self._at_rest.set()
                continue
            try:
                taken_s = await self._compare(job)
                if self._clock.monotonic() - self._written_s > _WRITE_EVERY_S:
                    await self._write_counts()
            except (LinesideError, OSError) as error:
                _log.error("comparison_not_recorded", inspection=job.inspection_id, reason=str(error))
                self._drop(job.candidate)
                continue
            # The rest that keeps the share: on a machine with one core, a part at a time is still all of it.
            await asyncio.sleep(taken_s * (1.0 - self._busy_share) / self._busy_share)

    async def _compare(self, job: ShadowJob) -> float:
        """Look at one part and write down what differs; seconds that it took."""
        ready = self._inspectors.ready(
            InspectorKey(job.recipe.recipe.id, job.recipe.recipe.version, job.observer, Purpose.OBSERVE)
        )
        if ready is None:
            self._drop(job.candidate)
            return 0.0
        lease = ready.lease.share()
        try:
            seen = await asyncio.get_running_loop().run_in_executor(self._thread, self._look, ready, job)
        finally:
            lease.end()
        live, candidate = (seen.findings, job.judged) if job.candidate_judged else (job.judged, seen.findings)
        agreement = agreement_of(live, candidate)
        if agreement.is_whole:
            self._count(job.candidate, Counts(agreements=1))
            self._metrics.shadow_compared("agreement")
            return seen.taken_s
        found = DisagreementOut(
            id=self._ledger.new_id(),
            deployment_id=job.candidate.id,
            serial=job.candidate.serial,
            inspection_id=job.inspection_id,
            station=job.station,
            part_id=job.part_id,
            candidate_judged=job.candidate_judged,
            verdict_differs=not agreement.same_verdict,
            live=live,
            candidate=candidate,
        )
        stored = await asyncio.to_thread(self._keep_images, job)
        await self._ledger.write(lambda transaction: store.add_disagreement(transaction, found, stored_digests=stored))
        self._count(job.candidate, Counts(disagreements=1))
        self._metrics.shadow_compared("disagreement")
        await self._watch.consider(job.candidate.id, self._unwritten_of(job.candidate.id))
        return seen.taken_s

    def _look(self, ready: ReadyInspector, job: ShadowJob) -> _Seen:
        """Examine and judge, on the shadow's own thread."""
        began_s, now = self._clock.monotonic(), self._clock.now()
        examinations: dict[str, Examination] = {
            view.encoded.view: examine(ready.inspector, view.encoded, previous_digest=view.previous_digest, now=now)
            for view in job.views
        }
        findings = {name: examination.findings for name, examination in examinations.items()}
        release = ready.loaded.release
        judgement = judge(job.recipe.recipe, findings, release_thresholds=release.thresholds, now=now)
        reasons, defects = InspectionOut.reasons_and_defects(judgement)
        return _Seen(
            FindingsOut(
                release=ReleaseOut.of(release),
                engine=ready.loaded.detector.engine_name,
                verdict=judgement.verdict,
                reasons=reasons,
                defects=defects,
            ),
            self._clock.monotonic() - began_s,
        )

    def _keep_images(self, job: ShadowJob) -> list[str]:
        """Keep the part's images for whoever decides who is right; their digests, as far as the disk takes them."""
        stored = []
        for view in job.views:
            with contextlib.suppress(ImageStoreError, OSError):
                self._images.keep(self._images.stage(view.encoded.body, digest=view.encoded.digest))
                stored.append(view.encoded.digest)
        return stored

    def _drop(self, candidate: DeploymentRecord) -> None:
        self._count(candidate, Counts(dropped=1))
        self._metrics.shadow_compared("dropped")

    def _count(self, candidate: DeploymentRecord, more: Counts) -> None:
        self._unwritten[candidate.id] = self._unwritten_of(candidate.id).plus(more)

    def _unwritten_of(self, deployment_id: str) -> Counts:
        return self._unwritten.get(deployment_id, Counts())

    async def _write_counts(self) -> None:
        counts, self._unwritten = self._unwritten, {}
        self._written_s = self._clock.monotonic()
        if not counts:
            return
        try:
            await self._ledger.write(lambda transaction: store.add_counts(transaction, counts))
        except LinesideError:
            for deployment_id, not_written in counts.items():
                self._unwritten[deployment_id] = self._unwritten_of(deployment_id).plus(not_written)
            raise

    def _in_background(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


_OF_THE_RELEASE = frozenset({*_INFERENCE_FAILED, "late", "no_release"})
"""Reasons of NOT_INSPECTED that speak of the release; the others speak of the picture."""
