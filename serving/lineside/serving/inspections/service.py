"""The main job: a frame is admitted, examined, judged, written down and answered, within its deadline."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from sqlalchemy import Connection

from lineside.inspection.audit import PlantSecret
from lineside.inspection.inspector import EncodedFrame, Examination, Inspector
from lineside.inspection.verdict import Reason, ReasonCode, Verdict, ViewNotInspected
from lineside.serving.certificates.service import CertificateService
from lineside.serving.clock import Clock
from lineside.serving.deployments.assignment import Refusal
from lineside.serving.deployments.book import Scope
from lineside.serving.deployments.service import DeploymentService
from lineside.serving.errors import AttemptClosed, UnknownView
from lineside.serving.images import ImageStore
from lineside.serving.inspections import store
from lineside.serving.inspections.admission import Admission
from lineside.serving.inspections.attempts import AttemptKey, OpenAttempt, OpenAttempts, Turns
from lineside.serving.inspections.binding import Binder
from lineside.serving.inspections.camera_memory import Before, CameraMemory
from lineside.serving.inspections.closing import Closing
from lineside.serving.inspections.content_digest import CheckedBody
from lineside.serving.inspections.deadlines import Deadlines
from lineside.serving.inspections.inspectors import InspectorKey, InspectorPool, examine
from lineside.serving.inspections.recording import Recorder, pending_answer
from lineside.serving.inspections.schemas import ReleaseOut
from lineside.serving.inspections.submission import Answer, Submission
from lineside.serving.ledger import Ledger
from lineside.serving.metrics import Metrics
from lineside.serving.recipes import RecipeBook, StoredRecipe
from lineside.serving.settings import Settings
from lineside.serving.shadowing.queue import SeenView, ShadowJob
from lineside.serving.shadowing.schemas import FindingsOut
from lineside.serving.shadowing.service import Shadowing
from lineside.serving.stations import BoundContext, StationDirectory

PARALLEL = 2
"""Frames on the processor at once: one engine stream each; more only queue inside the engine."""

_NO_RECIPE_DEADLINE_S = 1.0  # a station without a recipe still gets its answer quickly


class InspectionService:
    """Judges what stations send. One for each app; start it before use, stop it at the end."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        ledger: Ledger,
        images: ImageStore,
        stations: StationDirectory,
        recipes: RecipeBook,
        inspectors: InspectorPool,
        deployments: DeploymentService,
        binder: Binder,
        admission: Admission,
        shadowing: Shadowing,
        certificates: CertificateService,
        metrics: Metrics,
        audit_secret: PlantSecret,
        retention_secret: PlantSecret,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._ledger = ledger
        self._stations = stations
        self._recipes = recipes
        self._inspectors = inspectors
        self._deployments = deployments
        self._binder = binder
        self._admission = admission
        self._shadowing = shadowing
        self._recorder = Recorder(
            settings=settings,
            clock=clock,
            ledger=ledger,
            images=images,
            closing=Closing(
                settings=settings,
                clock=clock,
                certificates=certificates,
                audit_secret=audit_secret,
                retention_secret=retention_secret,
            ),
            metrics=metrics,
        )
        self._turns = Turns()
        self._open = OpenAttempts()
        self._deadlines = Deadlines(recorder=self._recorder, attempts=self._open, clock=clock)
        self._memory = CameraMemory()
        self._processors = ThreadPoolExecutor(PARALLEL, thread_name_prefix="inspect")
        self._background: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Close what a crash left open, then load the releases that the stations' recipes name."""
        await self._recorder.close_left_open()
        for scope, stored in self._deployments.scopes():
            await self.prepare(stored.recipe.id, stored.recipe.version, line=scope.line)

    async def prepare(self, recipe_id: str, version: int, *, line: str) -> None:
        """Load what a recipe needs before parts come; a release that fails leaves its parts NOT_INSPECTED."""
        for key in self._deployments.keys_for(self._recipes.get(recipe_id, version), line):
            await self._inspectors.prepare(key)

    async def stop(self) -> None:
        """Let the frames inside finish, then free the threads."""
        await self._deadlines.stop()
        await self._inspectors.stop()
        if self._background:
            await asyncio.wait(self._background)
        await asyncio.to_thread(self._processors.shutdown)
        await self._recorder.stop()

    @property
    def admission(self) -> Admission:
        """The door, for metrics and probes."""
        return self._admission

    @property
    def open_attempts(self) -> int:
        """Attempts in memory: being judged, or waiting for views."""
        return len(self._open)

    def unready_reason(self) -> str | None:
        """Why the parts of some station cannot be judged now; None when all can."""
        for scope, stored in self._deployments.scopes():
            reason = self.why_not_judged(scope, stored)
            if reason is not None:
                return reason
        return None

    def why_not_judged(self, scope: Scope, stored: StoredRecipe) -> str | None:
        """Why the parts of a recipe cannot be judged at a line now; None if they can."""
        live = self._binder.live(scope)
        if live.refusal is not None:
            return live.refusal.message
        if live.judge is None:
            return None
        return self._inspectors.unready_reason(InspectorKey(stored.recipe.id, stored.recipe.version, live.judge))

    async def submit(
        self,
        submission: Submission,
        *,
        read_body: Callable[[], Awaitable[CheckedBody]],
        idempotency: tuple[str, str] | None,
    ) -> Answer:
        """Take one view and answer with the verdict, or with what is missing.

        Args:
            submission: the view without its body.
            read_body: gives the body, held to its Content-Digest; called once the frame is admitted.
            idempotency: (scope, key) if the client sent an idempotency key.

        Raises:
            UnknownStation, UnknownView: the request names what does not exist.
            Shed: no room, or the deadline cannot be met.
            IdempotencyConflict, ViewConflict, AttemptOutOfOrder, AttemptClosed: it contradicts what was received.
        """
        opened_s = self._clock.monotonic()
        key = AttemptKey(submission.station, submission.part_id, submission.attempt)
        attempt = self._open.get(key)
        if attempt is None:
            context = self._stations.bind(submission.station, submission.part_id, submission.encoder)
            attempt = self._new_attempt(key, submission, context, opened_s)
        _check_view(attempt, submission.view)
        async with (
            self._admission.enter(attempt.deadline_s - opened_s),
            self._turns.hold((key, submission.view)),
        ):
            body = await read_body()
            promise = None
            if idempotency is not None:
                promise = store.Promise(*idempotency, submission.request_digest(body.digest))
            standing = await self._standing(submission, body.digest, promise)
            if isinstance(standing, Answer):
                return standing
            store.check_order(submission, standing)
            made_for = standing.last_context
            if submission.attempt > 1 and made_for.product not in {None, attempt.context.product}:
                # Retested after a changeover: the part is still what it was made for.
                attempt = self._new_attempt(key, submission, made_for, opened_s)
                _check_view(attempt, submission.view)
            with self._open.using(attempt) as attempt:
                if submission.view in attempt.frames:
                    return pending_answer(attempt)  # this very view came before, and others are missing still
                return await self._examine_and_record(attempt, submission, body, promise)

    async def _standing(
        self, submission: Submission, digest: str, promise: store.Promise | None
    ) -> Answer | store.Earlier:
        """The answer if this request was answered before, else where its part stands."""

        def find(connection: Connection) -> Answer | store.Earlier:
            return store.find_earlier(connection, self._settings.plant, submission, digest=digest, promise=promise)

        standing = await self._ledger.read(find)
        if isinstance(standing, Answer) or standing.last_is_closed:
            return standing
        if self._open.get(AttemptKey(submission.station, submission.part_id, standing.last_attempt)) is None:
            # Written by a commit that was reported as failed: nobody waits for it, and it must not block its part.
            await self._recorder.close_left_open(submission.station, submission.part_id)
            return await self._ledger.read(find)
        return standing

    def _new_attempt(
        self, key: AttemptKey, submission: Submission, context: BoundContext, opened_s: float
    ) -> OpenAttempt:
        recipe = None
        if context.recipe_id is not None and context.recipe_version is not None:
            recipe = self._recipes.get(context.recipe_id, context.recipe_version)
        deadline_s = _NO_RECIPE_DEADLINE_S if recipe is None else recipe.recipe.deadline_ms / 1000.0
        return OpenAttempt(
            inspection_id=self._ledger.new_id(),
            key=key,
            cause=submission.cause,
            parent_id=submission.parent_id,
            context=context if submission.lot is None else context.with_lot(submission.lot),
            recipe=recipe,
            opened_at=self._clock.now(),
            opened_s=opened_s,
            deadline_s=opened_s + deadline_s,
        )

    async def _examine_and_record(
        self,
        attempt: OpenAttempt,
        submission: Submission,
        body: CheckedBody,
        promise: store.Promise | None,
    ) -> Answer:
        staging = self._recorder.stage(body)
        examination = await self._examine(attempt, submission, body)
        staged = await staging
        async with attempt.lock:
            if attempt.is_closed:
                if staged is not None:
                    self._recorder.discard(staged)
                raise AttemptClosed(
                    f"inspection {attempt.inspection_id} has its verdict, and view {submission.view!r} came too late "
                    "for it; send the next attempt"
                )
            row = store.FrameRow.of(
                submission,
                examination.findings,
                digest=body.digest,
                size_bytes=len(body.content),
                kept=False,
                received_at=self._clock.now(),
                measures=examination.measures,
            )
            with attempt.adding(examination, row):
                if attempt.missing_views():
                    answer = await self._recorder.record_pending(attempt, submission.view, staged, promise)
                    self._deadlines.watch(attempt)
                else:
                    answer = await self._recorder.record_verdict(attempt, submission.view, staged, promise)
                    self._deadlines.forget(attempt)
                    self._compare(attempt, answer)
            return answer

    def _compare(self, attempt: OpenAttempt, answer: Answer) -> None:
        """Have a judged part looked at by the release that is compared with its judge."""
        binding, recipe = attempt.binding, attempt.recipe
        if binding is None or recipe is None or binding.loaded is None or binding.assignment.candidate is None:
            return
        assignment, loaded, body = binding.assignment, binding.loaded, answer.body
        candidate = binding.assignment.candidate
        if assignment.candidate_judges:
            self._shadowing.canary_judged(candidate, body)
        if assignment.observer is None or body["verdict"] == Verdict.NOT_INSPECTED:
            return  # what its judge could not look at is compared with nothing
        self._shadowing.offer(
            ShadowJob(
                inspection_id=attempt.inspection_id,
                station=attempt.key.station,
                part_id=attempt.key.part_id,
                recipe=recipe,
                views=tuple(attempt.seen.values()),
                judged=FindingsOut(
                    release=ReleaseOut.of(loaded.release),
                    engine=loaded.detector.engine_name,
                    verdict=body["verdict"],
                    reasons=body["reasons"],
                    defects=body["defects"],
                ),
                candidate=candidate,
                candidate_judged=assignment.candidate_judges,
                observer=assignment.observer,
            )
        )

    async def _examine(self, attempt: OpenAttempt, submission: Submission, body: CheckedBody) -> Examination:
        """Examine on a worker thread; past the deadline the view is late, whatever the worker still finds."""
        if attempt.recipe is None:
            reason = Reason(ReasonCode.NO_RECIPE, "the station has no recipe", submission.view)
            return Examination(ViewNotInspected(submission.view, reason), {})
        recipe = attempt.recipe.recipe
        station = self._stations.get(submission.station)
        if attempt.binding is None or attempt.binding.inspector is None:
            attempt.binding = self._binder.bind(
                attempt.recipe, line=station.line, part_id=attempt.key.part_id, lot=attempt.context.lot
            )
            if attempt.binding.missing_candidate is not None:
                self._shadowing.canary_missing(attempt.binding.missing_candidate)
        binding = attempt.binding
        if binding.inspector is None or binding.lease is None:
            refusal = binding.refusal or Refusal(ReasonCode.NO_RELEASE, "no release may judge")
            reason = Reason(refusal.code, refusal.message, submission.view)
            return Examination(ViewNotInspected(submission.view, reason), {})
        encoded = EncodedFrame(
            body.content,
            submission.media_type,
            body.digest,
            submission.view,
            submission.raw,
            submission.captured_at,
            expected=station.expected_geometry,
            is_intact=body.is_intact,
        )
        before = self._memory.meet(attempt.key, submission.view, digest=body.digest, recipe=(recipe.id, recipe.version))
        if binding.assignment.observer is not None:
            attempt.seen[submission.view] = SeenView(encoded, before.digest)
        begun = asyncio.Event()
        lease = binding.lease.share()  # a view that is too late for its verdict is still being examined
        task = asyncio.create_task(self._run_examination(attempt.key, binding.inspector, encoded, before, begun))
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        task.add_done_callback(lambda _: lease.end())
        remaining_s = attempt.deadline_s - self._clock.monotonic() - self._settings.commit_reserve_ms / 1000.0
        done, _ = await asyncio.wait({task}, timeout=max(0.0, remaining_s))
        if done:
            return task.result()
        if begun.is_set():
            self._admission.keep_inside(task)
        else:
            task.cancel()  # still in the queue: its verdict is given, and those behind it need the time
        reason = Reason(
            ReasonCode.LATE,
            f"the deadline of {recipe.deadline_ms:g} ms passed while the view was examined",
            submission.view,
        )
        return Examination(ViewNotInspected(submission.view, reason), {})

    async def _run_examination(
        self, key: AttemptKey, inspector: Inspector, encoded: EncodedFrame, before: Before, begun: asyncio.Event
    ) -> Examination:
        async with self._admission.run():
            begun.set()
            now = self._clock.now()
            work = partial(examine, inspector, encoded, previous_digest=before.digest, now=now, past=before.past)
            examination = await asyncio.get_running_loop().run_in_executor(self._processors, work)
        self._memory.keep(key, encoded.view, digest=encoded.digest, past=examination.past)
        return examination


def _check_view(attempt: OpenAttempt, view: str) -> None:
    """Refuse a view that the attempt's recipe does not ask for."""
    if attempt.recipe is not None and view not in attempt.recipe.recipe.views:
        raise UnknownView(
            f"recipe {attempt.recipe.recipe.id!r} asks for the views "
            f"{', '.join(sorted(attempt.recipe.recipe.views))}; there is no {view!r}"
        )
