"""The JSON of an inspection: the answer to the station, the record's reading, and the event's data, in one shape."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from lineside.inspection.frames import MediaType, PixelFormat, RawGeometry
from lineside.inspection.measures import FrameMeasures
from lineside.inspection.release import Release
from lineside.inspection.verdict import Defect, Judgement, Reason, ReasonCode, Verdict, ViewFindings
from lineside.serving.certificates import ThresholdStatus
from lineside.serving.inspections.submission import Cause, Submission
from lineside.serving.recipes import StoredRecipe

Identifier = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""A name from the shop floor: printable, of bounded length."""

_LARGEST_COUNT = 2**63 - 1  # what the ledger's integer columns hold


class SubmissionIn(BaseModel):
    """What a station says of a frame, from the query or from `Lineside-*` headers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    station: Identifier
    part_id: Identifier
    view: Identifier = "default"
    attempt: int = Field(default=1, ge=1, le=1000)
    cause: Cause = Cause.FIRST
    parent_id: Identifier | None = None
    lot: Identifier | None = None
    sequence: int | None = Field(default=None, ge=0, le=_LARGEST_COUNT)
    captured_at: AwareDatetime | None = None
    encoder: int | None = Field(default=None, ge=-_LARGEST_COUNT, le=_LARGEST_COUNT)
    width: int | None = Field(default=None, ge=1, le=1_000_000)
    height: int | None = Field(default=None, ge=1, le=1_000_000)
    pixel_format: PixelFormat | None = None

    @model_validator(mode="after")
    def _attempt_and_cause_agree(self) -> Self:
        if (self.attempt == 1) != (self.cause is Cause.FIRST):
            raise ValueError(
                f"attempt {self.attempt} with cause {self.cause.value!r}: attempt 1 has the cause 'first', "
                "a later one 'retest' or 'after_rework'"
            )
        return self

    @model_validator(mode="after")
    def _geometry_is_whole(self) -> Self:
        given = [self.width, self.height, self.pixel_format]
        if any(value is not None for value in given) and None in given:
            raise ValueError("a raw body needs width, height and pixel_format, all three")
        return self

    def to_submission(self, media_type: MediaType, *, station_raw: RawGeometry | None) -> Submission:
        """The submission, once the body's media type is known.

        Args:
            media_type: what the body is.
            station_raw: geometry of the station's raw bodies that do not state their own.

        Raises:
            ValueError: a raw body without geometry, or another with one.
        """
        raw = None
        if self.width is not None and self.height is not None and self.pixel_format is not None:
            raw = RawGeometry(self.width, self.height, self.pixel_format)
        elif media_type is MediaType.RAW:
            raw = station_raw
        return Submission(
            station=self.station,
            part_id=self.part_id,
            media_type=media_type,
            view=self.view,
            attempt=self.attempt,
            cause=self.cause,
            parent_id=self.parent_id,
            lot=self.lot,
            sequence=self.sequence,
            captured_at=None if self.captured_at is None else self.captured_at.astimezone(UTC),
            encoder=self.encoder,
            raw=raw,
        )


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ReasonOut(_Out):
    """Why a verdict is what it is."""

    code: ReasonCode
    message: str
    view: str | None

    @classmethod
    def of(cls, reason: Reason) -> "ReasonOut":
        """The reason as JSON."""
        return cls(code=reason.code, message=reason.message, view=reason.view)


class DefectOut(_Out):
    """A detection that counts under the recipe."""

    view: str
    class_name: str
    confidence: float
    box_xyxy_px: tuple[float, float, float, float]
    size_mm: float | None
    size_definition: str | None
    zone: str | None
    severity: str

    @classmethod
    def of(cls, defect: Defect) -> "DefectOut":
        """The defect as JSON, with coordinates to a hundredth of a pixel."""
        left, top, right, bottom = (round(float(value), 2) for value in defect.box_xyxy_px)
        return cls(
            view=defect.view,
            class_name=defect.class_name,
            confidence=round(float(defect.confidence), 4),
            box_xyxy_px=(left, top, right, bottom),
            size_mm=None if defect.size_mm is None else round(float(defect.size_mm), 4),
            size_definition=defect.size_definition,
            zone=defect.zone,
            severity=defect.severity,
        )


class RecipeOut(_Out):
    """The recipe that was bound to the part at its trigger."""

    id: str
    version: int
    digest: str

    @classmethod
    def of(cls, stored: StoredRecipe) -> "RecipeOut":
        """Which recipe it is."""
        return cls(id=stored.recipe.id, version=stored.recipe.version, digest=stored.digest)


class ReleaseOut(_Out):
    """The release that judged."""

    name: str
    version: str
    digest: str

    @classmethod
    def of(cls, release: Release) -> "ReleaseOut":
        """Which release it is."""
        return cls(name=release.name, version=release.version, digest=release.digest)


class MeasuresOut(_Out):
    """What the server measured on a view besides its defects; the watch for drift looks at it."""

    mean: float
    std: float
    black_share: float
    white_share: float
    sharpness: float | None
    shift_x_px: float | None
    shift_y_px: float | None
    registration_residual: float | None
    peak_score: float | None

    @classmethod
    def of(cls, measures: FrameMeasures) -> "MeasuresOut":
        """The measures as JSON, to six significant digits: scores far below a threshold still differ."""
        return cls(
            mean=_six_digits(measures.mean),
            std=_six_digits(measures.std),
            black_share=_six_digits(measures.black_share),
            white_share=_six_digits(measures.white_share),
            sharpness=_known(measures.sharpness),
            shift_x_px=_known(measures.shift_x_px),
            shift_y_px=_known(measures.shift_y_px),
            registration_residual=_known(measures.registration_residual),
            peak_score=_known(measures.peak_score),
        )


def _six_digits(value: float) -> float:
    return float(f"{value:.6g}")


def _known(value: float | None) -> float | None:
    return None if value is None else _six_digits(value)


class FrameOut(_Out):
    """One view of the inspection; `measures` are absent where the server did not decode it itself."""

    view: str
    digest: str
    kept: bool
    notes: tuple[str, ...] = ()
    measures: MeasuresOut | None = None


class InspectionOut(_Out):
    """One judged attempt. Also the data of the event `inspection.v1`."""

    id: str
    plant: str
    station: str
    part_id: str
    attempt: int
    cause: Cause
    parent_id: str | None
    product: str | None
    lot: str | None
    order_id: str | None
    verdict: Verdict
    reasons: tuple[ReasonOut, ...]
    defects: tuple[DefectOut, ...]
    audit: bool
    audit_probability: float
    confirmation: bool
    confirmation_probability: float
    recipe: RecipeOut | None
    release: ReleaseOut | None
    engine: str | None
    thresholds: Mapping[str, float]
    threshold_status: ThresholdStatus
    judged_by: Literal["server", "station"]
    is_simulated: bool
    opened_at: datetime
    judged_at: datetime
    deadline_ms: float
    timings_ms: Mapping[str, float]
    frames: tuple[FrameOut, ...]

    @classmethod
    def reasons_and_defects(cls, judgement: Judgement) -> tuple[tuple[ReasonOut, ...], tuple[DefectOut, ...]]:
        """The judgement's reasons and defects as JSON."""
        return (
            tuple(ReasonOut.of(reason) for reason in judgement.reasons),
            tuple(DefectOut.of(defect) for defect in judgement.defects),
        )


class PendingOut(_Out):
    """The answer while views of the attempt are missing."""

    id: str
    status: Literal["pending"] = "pending"
    missing_views: tuple[str, ...]
    deadline_at: datetime


def detection_rows(findings: ViewFindings) -> list[dict[str, Any]]:
    """Every detection of a view as JSON, by falling confidence, whether it counted or not."""
    detections = findings.detections
    return [
        {
            "class_name": findings.class_names[int(class_id)],
            "confidence": round(float(confidence), 4),
            "box_xyxy_px": [round(float(side), 2) for side in box],
        }
        for box, confidence, class_id in zip(
            detections.boxes_xyxy_px, detections.confidences, detections.class_ids, strict=True
        )
    ]
