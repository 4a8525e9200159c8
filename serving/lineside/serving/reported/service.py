"""Taking in what a station judged while the server was away: both judgements are kept, the part is counted once."""

import asyncio
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection

from lineside.inspection.canonical_json import canonical_json
from lineside.inspection.frames import MediaType, RawGeometry
from lineside.inspection.inspector import EncodedFrame, Examination
from lineside.inspection.verdict import Judgement, Reason, ReasonCode, Verdict, ViewFindings, ViewNotInspected, judge
from lineside.serving.certificates import ThresholdStatus
from lineside.serving.certificates.service import CertificateService
from lineside.serving.clock import Clock
from lineside.serving.deployments.assignment import Refusal
from lineside.serving.deployments.book import Scope
from lineside.serving.errors import (
    AttemptClosed,
    DigestMismatch,
    IdempotencyConflict,
    Shed,
    UnknownView,
    ViewConflict,
)
from lineside.serving.images import ImageStore
from lineside.serving.inspections import store
from lineside.serving.inspections.attempts import Turns
from lineside.serving.inspections.binding import Binder
from lineside.serving.inspections.closing import verdict_columns
from lineside.serving.inspections.inspectors import InspectorKey, InspectorPool, ReadyInspector, examine
from lineside.serving.inspections.schemas import FrameOut, InspectionOut, RecipeOut, ReleaseOut
from lineside.serving.inspections.submission import Answer, Submission
from lineside.serving.ledger import Ledger, Transaction
from lineside.serving.metrics import Metrics
from lineside.serving.recipes import RecipeBook, StoredRecipe
from lineside.serving.releases import LoadedRelease
from lineside.serving.reported.schemas import RejudgementOut, ReportedFrameIn, ReportIn
from lineside.serving.settings import Settings
from lineside.serving.stations import StationDirectory

EVENT_TYPE = "rejudgement.v1"
_MOST_INSIDE = 4  # reports with their images in memory: stations hand in a whole outage at once
_RETRY_AFTER_S = 2  # a report takes some frames' time
_NO_FRAME = ReportedFrameIn(view="default", digest="0" * 64, size_bytes=0, media_type=MediaType.PNG)
"""Asks the ledger where a part stands that has no frame; it is written nowhere, and no picture has this digest."""
_SCOPE = "reported"  # of the answers kept for retries; keys of the other scopes are key identifiers, which are UUIDs


class ReportedInspections:
    """Writes stations' own records down beside what the server finds in their frames."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        ledger: Ledger,
        images: ImageStore,
        recipes: RecipeBook,
        stations: StationDirectory,
        inspectors: InspectorPool,
        binder: Binder,
        certificates: CertificateService,
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._ledger = ledger
        self._images = images
        self._recipes = recipes
        self._stations = stations
        self._inspectors = inspectors
        self._binder = binder
        self._certificates = certificates
        self._metrics = metrics
        self._one_at_a_time = asyncio.Semaphore(1)  # a backlog must not delay the verdicts of parts on the line
        self._turns = Turns()
        self._inside = 0

    @contextmanager
    def room(self) -> Iterator[None]:
        """Take a place for a report before its images are read.

        Raises:
            Shed: as many as memory allows are inside.
        """
        if self._inside >= _MOST_INSIDE:
            raise Shed(
                f"{self._inside} reports are being judged again: send this one in {_RETRY_AFTER_S} s",
                retry_after_s=_RETRY_AFTER_S,
            )
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    async def take_in(self, inspection_id: str, report: ReportIn, bodies: Mapping[str, bytes]) -> Answer:
        """Record a station's judgement, judge its frames again, and record that too.

        Args:
            inspection_id: the identifier that the station gave the inspection; sending it again gives the same answer.
            report: the station's record.
            bodies: by view, the images that the station still has.

        Raises:
            UnknownRecipe: the report names a recipe version that this server does not have.
            UnknownView, DigestMismatch: an image that the report does not list, or that is not the one it lists.
            IdempotencyConflict: this identifier was used for another report, or the server judged that frame itself.
            AttemptClosed, AttemptOutOfOrder: the server judged that attempt itself, or misses the one before.
        """
        recipe = None if report.recipe_id is None else self._recipes.get(report.recipe_id, report.recipe_version)
        await asyncio.to_thread(_check_bodies, recipe, report, bodies)
        async with self._turns.hold(inspection_id):
            return await self._take_in(inspection_id, report, recipe, bodies)

    async def _take_in(
        self, inspection_id: str, report: ReportIn, recipe: StoredRecipe | None, bodies: Mapping[str, bytes]
    ) -> Answer:
        promise = store.Promise(
            _SCOPE, inspection_id, hashlib.sha256(canonical_json(report.model_dump(mode="json")).encode()).hexdigest()
        )
        standing = await self._ledger.read(partial(_standing, self._settings.plant, report, promise))
        if isinstance(standing, Answer):
            return standing
        async with self._one_at_a_time:
            examinations = await self._examine(recipe, report, bodies)
            kept = await asyncio.to_thread(self._keep, report, bodies)
        return await self._record(inspection_id, report, recipe, examinations, kept=kept, promise=promise)

    async def _examine(
        self, recipe: StoredRecipe | None, report: ReportIn, bodies: Mapping[str, bytes]
    ) -> tuple[dict[str, Examination], LoadedRelease | None]:
        """Look at the frames with the release that is live where the station stands now."""
        if recipe is None or not report.frames:
            return {}, None
        line = self._stations.get(report.station).line
        live = self._binder.live(Scope(line, recipe.recipe.product, recipe.recipe.release))
        ready = None
        if live.judge is not None:
            key = InspectorKey(recipe.recipe.id, recipe.recipe.version, live.judge)
            await self._inspectors.prepare(key)
            ready = self._inspectors.ready(key)
        refusal = live.refusal or Refusal(ReasonCode.NO_RELEASE, "no release could judge it")
        lease = None if ready is None else ready.lease.share()
        try:
            return await self._look(report, bodies, ready, refusal), None if ready is None else ready.loaded
        finally:
            if lease is not None:
                lease.end()

    async def _look(
        self, report: ReportIn, bodies: Mapping[str, bytes], ready: ReadyInspector | None, refusal: Refusal
    ) -> dict[str, Examination]:
        examinations: dict[str, Examination] = {}
        for frame in report.frames:
            body = bodies.get(frame.view)
            if ready is None or body is None:
                reason = Reason(refusal.code, refusal.message, frame.view)
                if body is None:
                    reason = Reason(ReasonCode.MISSING_VIEW, "the station no longer had the image", frame.view)
                examinations[frame.view] = Examination(ViewNotInspected(frame.view, reason), {})
                continue
            encoded = EncodedFrame(
                body, frame.media_type, frame.digest, frame.view, _raw(frame), frame.captured_at, is_intact=True
            )
            # A backlog arrives out of camera order, so "the same as the frame before" says nothing about it.
            examinations[frame.view] = await asyncio.to_thread(
                examine, ready.inspector, encoded, previous_digest=None, now=report.opened_at
            )
        return examinations

    def _keep(self, report: ReportIn, bodies: Mapping[str, bytes]) -> frozenset[str]:
        """Keep every image that came: what was judged without us is looked at again."""
        for frame in report.frames:
            if frame.view in bodies:
                self._images.keep(self._images.stage(bodies[frame.view], digest=frame.digest))
        return frozenset(bodies)

    async def _record(
        self,
        inspection_id: str,
        report: ReportIn,
        recipe: StoredRecipe | None,
        examined: tuple[dict[str, Examination], LoadedRelease | None],
        *,
        kept: frozenset[str],
        promise: store.Promise,
    ) -> Answer:
        examinations, loaded = examined
        now = self._clock.now()
        findings: dict[str, ViewFindings | ViewNotInspected] = {
            view: examination.findings for view, examination in examinations.items()
        }
        judgement = _judgement(report, recipe, findings, loaded, now=now)
        answer = self._as_answer(inspection_id, report, recipe, kept)
        status = self._certificates.status(
            station=report.station,
            release_digest=None if loaded is None else loaded.release.digest,
            engine=None if loaded is None else loaded.detector.engine_name,
            thresholds=judgement.thresholds,
            now=now,
        )
        rejudgement = _rejudgement(inspection_id, report, judgement, loaded, status=status, now=now)
        columns = {**self._columns(answer), **verdict_columns(answer)}
        rows = [
            store.FrameRow.of(
                _submission(report, frame),
                examinations[frame.view].findings,
                digest=frame.digest,
                size_bytes=frame.size_bytes,
                kept=frame.view in kept,
                received_at=now,
            )
            for frame in report.frames
        ]
        body = rejudgement.model_dump(mode="json")

        def write(transaction: Transaction) -> None:
            store.close_attempt(transaction, answer, values=columns, is_open=False)
            for row in rows:
                store.add_frame(transaction, inspection_id, row)
            transaction.append_event(EVENT_TYPE, station=report.station, occurred_at=now, data=body)
            store.keep_promise(transaction, promise, answer=Answer(201, body), inspection_id=inspection_id, now=now)

        await self._ledger.write(write)
        # an order that begins with this part began while we were away; by encoder, the next frame brings it into force
        self._stations.bind(report.station, report.part_id, None)
        self._metrics.inspection_closed(answer)
        return Answer(201, body)

    def _as_answer(
        self, inspection_id: str, report: ReportIn, recipe: StoredRecipe | None, kept: frozenset[str]
    ) -> InspectionOut:
        return InspectionOut(
            id=inspection_id,
            plant=self._settings.plant,
            station=report.station,
            part_id=report.part_id,
            attempt=report.attempt,
            cause=report.cause,
            parent_id=report.parent_id,
            product=report.product,
            lot=report.lot,
            order_id=report.order_id,
            verdict=report.verdict,
            reasons=report.reasons,
            defects=report.defects,
            audit=False,
            audit_probability=0.0,  # the station has no part in the plant's draw, so its parts stand for no others
            confirmation=report.verdict is Verdict.NG,  # all that it flagged are looked at
            confirmation_probability=1.0 if report.verdict is Verdict.NG else 0.0,
            recipe=None if recipe is None else RecipeOut.of(recipe),
            release=report.release,
            engine=report.engine,
            thresholds=report.thresholds,
            threshold_status=ThresholdStatus.UNCERTIFIED,  # on whose host it ran, the server cannot see
            judged_by="station",
            is_simulated=self._settings.is_simulated,
            opened_at=report.opened_at,
            judged_at=report.judged_at,
            deadline_ms=0.0 if recipe is None else float(recipe.recipe.deadline_ms),
            timings_ms={},
            frames=tuple(
                FrameOut(view=frame.view, digest=frame.digest, kept=frame.view in kept) for frame in report.frames
            ),
        )

    def _columns(self, answer: InspectionOut) -> dict[str, Any]:
        return {
            "id": answer.id,
            "plant": answer.plant,
            "station": answer.station,
            "part_id": answer.part_id,
            "attempt": answer.attempt,
            "cause": answer.cause.value,
            "parent_id": answer.parent_id,
            "lot": answer.lot,
            "product": answer.product,
            "order_id": answer.order_id,
            "recipe_id": answer.recipe and answer.recipe.id,
            "recipe_version": answer.recipe and answer.recipe.version,
            "recipe_digest": answer.recipe and answer.recipe.digest,
            "judged_by": answer.judged_by,
            "is_simulated": answer.is_simulated,
            "opened_at": answer.opened_at,
            "deadline_at": None,
        }


def _standing(plant: str, report: ReportIn, promise: store.Promise, connection: Connection) -> Answer | None:
    """The answer that this very report was given before; None if it is new and follows from what stands.

    Raises:
        IdempotencyConflict: the identifier was used for another report, or the server judged that frame itself.
        ViewConflict: the server has that view of that attempt with another body.
        AttemptClosed, AttemptOutOfOrder: the attempt does not follow from what is known of the part.
    """
    submission = _submission(report, report.frames[0] if report.frames else _NO_FRAME)
    digest = report.frames[0].digest if report.frames else _NO_FRAME.digest
    try:
        earlier = store.find_earlier(connection, plant, submission, digest=digest, promise=promise)
        if isinstance(earlier, Answer):
            return _same_answer(earlier)
        store.check_order(submission, earlier)
    except (AttemptClosed, ViewConflict) as error:
        error.inspection_id = store.closed_inspection(connection, plant, submission)
        raise
    return None


def _same_answer(earlier: Answer) -> Answer:
    if earlier.status == 200 and "station_verdict" not in earlier.body:
        raise IdempotencyConflict(
            f"the server judged this very frame itself, as inspection {earlier.body['id']}: keep that one",
            inspection_id=str(earlier.body["id"]),
        )
    return earlier


def _judgement(
    report: ReportIn,
    recipe: StoredRecipe | None,
    findings: Mapping[str, ViewFindings | ViewNotInspected],
    loaded: LoadedRelease | None,
    *,
    now: datetime,
) -> Judgement:
    """What the server makes of a station's frames; of a part that has none it can only say the same."""
    if recipe is None or not report.frames:
        reasons = tuple(Reason(reason.code, reason.message, reason.view) for reason in report.reasons)
        return Judgement(Verdict.NOT_INSPECTED, reasons, (), {})
    thresholds = {} if loaded is None else loaded.release.thresholds
    return judge(recipe.recipe, findings, release_thresholds=thresholds, now=now)


def _check_bodies(recipe: StoredRecipe | None, report: ReportIn, bodies: Mapping[str, bytes]) -> None:
    listed = {frame.view: frame for frame in report.frames}
    for view in listed:
        if recipe is None or view not in recipe.recipe.views:
            raise UnknownView(f"recipe {report.recipe_id!r} does not ask for view {view!r}")
    for view, body in bodies.items():
        if view not in listed:
            raise UnknownView(f"an image of view {view!r} came, and the record does not list it")
        digest = hashlib.sha256(body).hexdigest()
        if digest != listed[view].digest:
            raise DigestMismatch(
                f"the image of view {view!r} has the SHA-256 {digest}, its record says {listed[view].digest}"
            )


def _rejudgement(
    inspection_id: str,
    report: ReportIn,
    judgement: Judgement,
    loaded: LoadedRelease | None,
    *,
    status: ThresholdStatus,
    now: datetime,
) -> RejudgementOut:
    reasons, defects = InspectionOut.reasons_and_defects(judgement)
    return RejudgementOut(
        inspection_id=inspection_id,
        station=report.station,
        part_id=report.part_id,
        station_verdict=report.verdict,
        verdict=judgement.verdict,
        agrees=judgement.verdict is report.verdict,
        reasons=reasons,
        defects=defects,
        release=None if loaded is None else ReleaseOut.of(loaded.release),
        engine=None if loaded is None else loaded.detector.engine_name,
        thresholds={name: round(value, 6) for name, value in judgement.thresholds.items()},
        threshold_status=status,
        judged_at=now,
    )


def _submission(report: ReportIn, frame: ReportedFrameIn) -> Submission:
    return Submission(
        station=report.station,
        part_id=report.part_id,
        media_type=frame.media_type,
        view=frame.view,
        attempt=report.attempt,
        cause=report.cause,
        parent_id=report.parent_id,
        lot=report.lot,
        sequence=frame.sequence,
        captured_at=frame.captured_at,
        encoder=frame.encoder,
        raw=_raw(frame),
    )


def _raw(frame: ReportedFrameIn) -> RawGeometry | None:
    if frame.width is None or frame.height is None or frame.pixel_format is None:
        return None
    return RawGeometry(frame.width, frame.height, frame.pixel_format)
