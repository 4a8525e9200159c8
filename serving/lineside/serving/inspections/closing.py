"""Closing an attempt: findings become a verdict, an answer and the columns of its row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from lineside.inspection.audit import AuditDraw, PlantSecret, draw_audit, draw_confirmation
from lineside.inspection.verdict import Judgement, Reason, ReasonCode, Verdict, judge
from lineside.serving.certificates import ThresholdStatus
from lineside.serving.certificates.service import CertificateService
from lineside.serving.clock import Clock
from lineside.serving.inspections.attempts import OpenAttempt
from lineside.serving.inspections.schemas import FrameOut, InspectionOut, MeasuresOut, ReasonOut, RecipeOut, ReleaseOut
from lineside.serving.inspections.submission import Cause
from lineside.serving.settings import Settings

_NOT_DRAWN = AuditDraw(is_drawn=False, probability=0.0)

IMAGE_NOT_STORED = "image_not_stored"
"""Note of a frame whose image was worth keeping and could not be."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt, before it is written down.

    Attributes:
        judgement: verdict, reasons and defects.
        judged_at: when, aware UTC.
        audit: the draw of a passed part for human review.
        confirmation: the draw of a flagged part for confirmation.
        keep_images: whether the frames are worth keeping.
    """

    judgement: Judgement
    judged_at: datetime
    audit: AuditDraw
    confirmation: AuditDraw
    keep_images: bool


class Closing:
    """Turns open attempts into outcomes, and those into answers."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        certificates: CertificateService,
        audit_secret: PlantSecret,
        retention_secret: PlantSecret,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._certificates = certificates
        self._audit_secret = audit_secret
        self._retention_secret = retention_secret

    def judge(self, attempt: OpenAttempt) -> Outcome:
        """Judge what came of an attempt.

        Args:
            attempt: with an examination for each view that came.
        """
        judged_at = self._clock.now()
        judgement = self._in_time(attempt, self._judge(attempt, judged_at))
        audit = self._audit(attempt, judgement)
        keep = judgement.verdict is not Verdict.OK or audit.is_drawn or self._is_retained(attempt, judgement)
        return Outcome(judgement, judged_at, audit, self._confirmation(attempt, judgement), keep)

    def answer(self, attempt: OpenAttempt, outcome: Outcome) -> InspectionOut:
        """What the station gets: the outcome with everything that explains it.

        Args:
            attempt: with the views whose image is durable in `stored`.
            outcome: of `judge`.
        """
        loaded, judgement, audit = attempt.loaded, outcome.judgement, outcome.audit
        reasons, defects = InspectionOut.reasons_and_defects(judgement)
        return InspectionOut(
            id=attempt.inspection_id,
            plant=self._settings.plant,
            station=attempt.key.station,
            part_id=attempt.key.part_id,
            attempt=attempt.key.attempt,
            cause=attempt.cause,
            parent_id=attempt.parent_id,
            product=attempt.context.product,
            lot=attempt.context.lot,
            order_id=attempt.context.order_id,
            verdict=judgement.verdict,
            reasons=reasons,
            defects=defects,
            audit=audit.is_drawn,
            audit_probability=audit.probability,
            confirmation=outcome.confirmation.is_drawn,
            confirmation_probability=outcome.confirmation.probability,
            recipe=None if attempt.recipe is None else RecipeOut.of(attempt.recipe),
            release=None if loaded is None else ReleaseOut.of(loaded.release),
            engine=None if loaded is None else loaded.detector.engine_name,
            thresholds={name: round(value, 6) for name, value in judgement.thresholds.items()},
            threshold_status=self._certificates.status(
                station=attempt.key.station,
                release_digest=None if loaded is None else loaded.release.digest,
                engine=None if loaded is None else loaded.detector.engine_name,
                thresholds=judgement.thresholds,
                now=outcome.judged_at,
            ),
            judged_by="server",
            is_simulated=self._settings.is_simulated,
            opened_at=attempt.opened_at,
            judged_at=outcome.judged_at,
            deadline_ms=round((attempt.deadline_s - attempt.opened_s) * 1000.0, 3),
            timings_ms=self._timings_ms(attempt),
            frames=tuple(self._frame(attempt, view, keep=outcome.keep_images) for view in attempt.frames),
        )

    def _frame(self, attempt: OpenAttempt, view: str, *, keep: bool) -> FrameOut:
        is_kept = keep and view in attempt.stored
        examination = attempt.examinations[view]
        notes = examination.notes
        return FrameOut(
            view=view,
            digest=attempt.frames[view].digest,
            kept=is_kept,
            notes=notes if is_kept or not keep else (*notes, IMAGE_NOT_STORED),
            measures=None if examination.measures is None else MeasuresOut.of(examination.measures),
        )

    def _in_time(self, attempt: OpenAttempt, judgement: Judgement) -> Judgement:
        """The judgement, or NOT_INSPECTED where a pass would come after the deadline: the part is gone."""
        late_s = self._clock.monotonic() - attempt.deadline_s
        if judgement.verdict is not Verdict.OK or late_s <= 0:
            return judgement
        reason = Reason(ReasonCode.LATE, f"the verdict came {late_s * 1000.0:.0f} ms after the deadline", None)
        return replace(judgement, verdict=Verdict.NOT_INSPECTED, reasons=(reason,))

    def _judge(self, attempt: OpenAttempt, now: datetime) -> Judgement:
        if attempt.recipe is None:
            reason = Reason(
                ReasonCode.NO_RECIPE,
                f"station {attempt.key.station!r} has no recipe: bind one with PUT /v1/stations/{attempt.key.station}",
                None,
            )
            return Judgement(Verdict.NOT_INSPECTED, (reason,), (), {})
        findings = {view: examination.findings for view, examination in attempt.examinations.items()}
        thresholds: Mapping[str, float] = {} if attempt.loaded is None else attempt.loaded.release.thresholds
        return judge(attempt.recipe.recipe, findings, release_thresholds=thresholds, now=now)

    def _audit(self, attempt: OpenAttempt, judgement: Judgement) -> AuditDraw:
        """Draw a passed part for human review; the probability is stored with it, also when it was not drawn."""
        if judgement.verdict is not Verdict.OK or attempt.recipe is None:
            return _NOT_DRAWN
        share = attempt.recipe.recipe.audit_share
        return draw_audit(self._audit_secret, part_id=attempt.key.part_id, lot=attempt.context.lot, share=share)

    def _confirmation(self, attempt: OpenAttempt, judgement: Judgement) -> AuditDraw:
        """Draw a flagged part for confirmation; the probability is stored with it, also when it was not drawn."""
        if judgement.verdict is not Verdict.NG or attempt.recipe is None:
            return _NOT_DRAWN
        share = attempt.recipe.recipe.confirmation_share
        return draw_confirmation(self._audit_secret, part_id=attempt.key.part_id, lot=attempt.context.lot, share=share)

    def _is_retained(self, attempt: OpenAttempt, judgement: Judgement) -> bool:
        """Draw the share of OK parts whose images the recipe keeps, independently of the audit; keep the near ones."""
        if attempt.recipe is None:
            return True
        retention = attempt.recipe.recipe.retention
        if retention.is_near_threshold(_peak_score(attempt), judgement.thresholds):
            return True
        share = retention.ok_share
        draw = draw_audit(self._retention_secret, part_id=attempt.key.part_id, lot=attempt.context.lot, share=share)
        return draw.is_drawn

    def _timings_ms(self, attempt: OpenAttempt) -> dict[str, float]:
        """Stages summed over the views, and the time from the first view's arrival to the verdict."""
        timings_ms: dict[str, float] = {}
        for examination in attempt.examinations.values():
            for stage, taken_ms in examination.timings_ms.items():
                timings_ms[stage] = timings_ms.get(stage, 0.0) + taken_ms
        timings_ms["to_verdict"] = (self._clock.monotonic() - attempt.opened_s) * 1000.0
        return {stage: round(taken_ms, 3) for stage, taken_ms in timings_ms.items()}


def _peak_score(attempt: OpenAttempt) -> float | None:
    """The surest score of any view."""
    measures = (examination.measures for examination in attempt.examinations.values())
    return max((each.peak_score for each in measures if each is not None and each.peak_score is not None), default=None)


def attempt_columns(attempt: OpenAttempt, *, plant: str, is_simulated: bool) -> dict[str, Any]:
    """The columns of an attempt that are known when its first view comes."""
    recipe = attempt.recipe
    return {
        "id": attempt.inspection_id,
        "plant": plant,
        "station": attempt.key.station,
        "part_id": attempt.key.part_id,
        "attempt": attempt.key.attempt,
        "cause": attempt.cause.value,
        "parent_id": attempt.parent_id,
        "lot": attempt.context.lot,
        "product": attempt.context.product,
        "order_id": attempt.context.order_id,
        "recipe_id": attempt.context.recipe_id,
        "recipe_version": attempt.context.recipe_version,
        "recipe_digest": recipe and recipe.digest,
        "judged_by": "server",
        "reasons": [],
        "thresholds": {},
        "timings": {},
        "is_simulated": is_simulated,
        "opened_at": attempt.opened_at,
        "deadline_at": attempt.opened_at + timedelta(seconds=attempt.deadline_s - attempt.opened_s),
    }


def verdict_columns(answer: InspectionOut) -> dict[str, Any]:
    """The columns that the verdict fills."""
    body = answer.model_dump(mode="json", include={"reasons", "thresholds", "threshold_status", "timings_ms"})
    return {
        "release_name": answer.release and answer.release.name,
        "release_version": answer.release and answer.release.version,
        "release_digest": answer.release and answer.release.digest,
        "engine": answer.engine,
        "verdict": answer.verdict.value,
        "reasons": body["reasons"],
        "thresholds": body["thresholds"],
        "threshold_status": body["threshold_status"],
        "timings": body["timings_ms"],
        "audit": answer.audit,
        "audit_probability": answer.audit_probability,
        "confirmation": answer.confirmation,
        "confirmation_probability": answer.confirmation_probability,
        "judged_at": answer.judged_at,
    }


def interrupted_answer(
    row: Mapping[str, Any], frames: Sequence[Mapping[str, Any]], *, deadline_ms: float, now: datetime
) -> InspectionOut:
    """The answer for an attempt that is in the ledger without a verdict and in nobody's memory.

    Args:
        row: its row in the ledger.
        frames: view, digest and kept of each frame that came.
        deadline_ms: from its first view to its deadline.
        now: aware UTC instant.
    """
    reason = ReasonOut(
        code=ReasonCode.INTERRUPTED,
        message="the server stopped, or lost its ledger, before all views had come; send the next attempt",
        view=None,
    )
    return InspectionOut(
        id=row["id"],
        plant=row["plant"],
        station=row["station"],
        part_id=row["part_id"],
        attempt=row["attempt"],
        cause=Cause(row["cause"]),
        parent_id=row["parent_id"],
        product=row["product"],
        lot=row["lot"],
        order_id=row["order_id"],
        verdict=Verdict.NOT_INSPECTED,
        reasons=(reason,),
        defects=(),
        audit=False,
        audit_probability=0.0,
        confirmation=False,
        confirmation_probability=0.0,
        recipe=row["recipe_id"]
        and RecipeOut(id=row["recipe_id"], version=row["recipe_version"], digest=row["recipe_digest"]),
        release=None,
        engine=None,
        thresholds={},
        threshold_status=ThresholdStatus.UNCERTIFIED,
        judged_by="server",
        is_simulated=row["is_simulated"],
        opened_at=row["opened_at"],
        judged_at=now,
        deadline_ms=deadline_ms,
        timings_ms={},
        frames=tuple(FrameOut(view=frame["view"], digest=frame["digest"], kept=frame["kept"]) for frame in frames),
    )
