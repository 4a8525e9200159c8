"""From the bytes of one view to findings: decode, health, reference, detect, failing closed at each step."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import TypeVar

from lineside.inspection.camera_past import CameraPast
from lineside.inspection.decoding import DecodingLimits, ExpectedGeometry, decode
from lineside.inspection.detections import Detections
from lineside.inspection.detector import Detector
from lineside.inspection.errors import EngineError, FrameError, NonFiniteOutput
from lineside.inspection.frames import Frame, Image, MediaType, RawGeometry
from lineside.inspection.image_health import HealthFault, assess
from lineside.inspection.measures import FrameMeasures
from lineside.inspection.recipe import Recipe, View
from lineside.inspection.reference import PreparedReference, Registration, compose, register, to_gray
from lineside.inspection.release import InputKind, Release
from lineside.inspection.verdict import Reason, ReasonCode, ViewFindings, ViewNotInspected, effective_thresholds

T = TypeVar("T")

Detect = Callable[[Image, Mapping[str, float]], Detections]
"""Finds the defects in a frame, or in the three channels of a reference release, from these thresholds on."""


_FAULTS: Mapping[HealthFault, str] = MappingProxyType(
    {
        HealthFault.BLANK: "blank",
        HealthFault.FROZEN: "frozen (the frame before it once more)",
        HealthFault.UNDER_EXPOSED: "under-exposed",
        HealthFault.OVER_EXPOSED: "over-exposed",
        HealthFault.DEFOCUSED: "out of focus",
        HealthFault.LINES_DROPPED: "missing rows or columns of the sensor",
        HealthFault.LIGHT_DRIFTED: "much brighter or darker than this camera's last ones",
    }
)
"""What each fault is called to a person."""


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One view as a station sent it.

    Attributes:
        body: the encoded picture.
        media_type: what the sender says it is.
        digest: lowercase hex SHA-256 of `body`.
        view: the view of the recipe that this is.
        raw: geometry of a raw body; None for the others.
        captured_at: aware UTC instant of exposure, None if unknown.
        expected: what the enrolled camera delivers; None leaves it to the recipe's view.
        is_intact: whether the body's digest was compared with its sender's.
    """

    body: bytes
    media_type: MediaType
    digest: str
    view: str = "default"
    raw: RawGeometry | None = None
    captured_at: datetime | None = None
    expected: ExpectedGeometry | None = None
    is_intact: bool = False


@dataclass(frozen=True, slots=True)
class Examination:
    """What looking at one view gave.

    Attributes:
        findings: detections, or why there are none.
        timings_ms: milliseconds by stage, only of the stages that ran.
        notes: what a reader of the record should know, e.g. "exif_orientation_ignored".
        measures: of the picture and the model's scores, as far as the examination came; None if the frame could not
            be decoded.
        past: what to hold the camera's next frame against; None if this one could not be decoded.
    """

    findings: ViewFindings | ViewNotInspected
    timings_ms: Mapping[str, float]
    notes: tuple[str, ...] = ()
    measures: FrameMeasures | None = None
    past: CameraPast | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Inspector:
    """Examines views under one recipe with one loaded release. Thread-safe: holds no state of its own.

    Attributes:
        recipe: the rules.
        release: the release that `detector` runs.
        detector: the loaded model.
        references: prepared references by view; empty for a single-image release.
        limits: decoding limits.
        monotonic: seconds of a monotonic clock, for the timings.
    """

    recipe: Recipe
    release: Release
    detector: Detector
    references: Mapping[str, Sequence[PreparedReference]]
    limits: DecodingLimits
    monotonic: Callable[[], float] = field(repr=False)

    def examine(
        self,
        encoded: EncodedFrame,
        *,
        previous_digest: str | None,
        now: datetime,
        detect: Detect | None = None,
        past: CameraPast | None = None,
    ) -> Examination:
        """Examine one view; an expected failure becomes a `ViewNotInspected` with its reason.

        Args:
            encoded: the view as received; `encoded.view` must be one of the recipe's.
            previous_digest: digest of the frame before it from the same camera; equal means a frozen image.
            now: aware UTC instant, for the expiry of references.
            detect: called instead of the detector with what it would look at and the effective thresholds; an
                evaluation looks at what lies below them, too.
            past: of the camera's frame before it, as its examination left it; None if there is none.
        """
        view = self.recipe.views[encoded.view]
        thresholds = effective_thresholds(self.recipe, self.release.thresholds)
        look = detect or self._detect
        timings_ms: dict[str, float] = {}
        notes: tuple[str, ...] = ()
        measures: FrameMeasures | None = None
        left: CameraPast | None = None
        try:
            frame = self._timed("decode", timings_ms, lambda: self._decode(encoded, view))
            notes = frame.notes
            health = self._timed(
                "health",
                timings_ms,
                lambda: assess(
                    frame.image, self.recipe.health, previous_digest=previous_digest, digest=frame.digest, past=past
                ),
            )
            left = health.past
            measures = FrameMeasures.of_picture(health)
            if health.faults:
                reason = Reason(
                    ReasonCode.UNHEALTHY,
                    _unhealthy(health.faults),
                    encoded.view,
                )
                return Examination(ViewNotInspected(encoded.view, reason), timings_ms, notes, measures, left)
            network_image, registration = self._timed(
                "register", timings_ms, lambda: self._network_image(frame, view, now)
            )
            if registration is not None:
                measures = _with_registration(measures, registration)
            detections = self._timed("detect", timings_ms, lambda: look(network_image, thresholds))
        except FrameError as error:
            reason = Reason(ReasonCode(error.reason), str(error), encoded.view)
            return Examination(ViewNotInspected(encoded.view, reason), timings_ms, notes, measures, left)
        except NonFiniteOutput as error:
            reason = Reason(ReasonCode.NON_FINITE_OUTPUT, str(error), encoded.view)
            return Examination(ViewNotInspected(encoded.view, reason), timings_ms, notes, measures, left)
        except EngineError as error:
            reason = Reason(ReasonCode.ENGINE_FAILURE, str(error), encoded.view)
            return Examination(ViewNotInspected(encoded.view, reason), timings_ms, notes, measures, left)
        findings = ViewFindings(encoded.view, detections, self.release.classes, frame.size_wh_px)
        return Examination(findings, timings_ms, notes, replace(measures, peak_score=detections.peak_score), left)

    def _detect(self, image: Image, thresholds: Mapping[str, float]) -> Detections:
        return self.detector.detect(image, thresholds=thresholds)

    def _decode(self, encoded: EncodedFrame, view: View) -> Frame:
        expected = encoded.expected
        if expected is None and view.size_wh_px is not None:
            expected = ExpectedGeometry(view.size_wh_px)  # `judge` holds the frame to it in any case
        return decode(
            encoded.body,
            encoded.media_type,
            limits=self.limits,
            raw=encoded.raw,
            expected=expected,
            sixteen_bit=view.sixteen_bit,
            is_intact=encoded.is_intact,
            digest=encoded.digest,
            view=encoded.view,
            captured_at=encoded.captured_at,
        )

    def _network_image(self, frame: Frame, view: View, now: datetime) -> tuple[Image, Registration | None]:
        """The picture the model looks at: the frame itself, or frame, reference and difference with how they lie."""
        if self.release.input_kind is InputKind.SINGLE:
            return frame.image, None
        gray = to_gray(frame.image)
        registration = register(gray, self.references[frame.view], limits=view.registration, now=now)
        return compose(gray, registration), registration

    def _timed(self, stage: str, timings_ms: dict[str, float], work: Callable[[], T]) -> T:
        started_s = self.monotonic()
        try:
            return work()
        finally:
            timings_ms[stage] = (self.monotonic() - started_s) * 1000.0


def _with_registration(measures: FrameMeasures, registration: Registration) -> FrameMeasures:
    shift_x_px, shift_y_px = registration.shift_xy_px
    return replace(measures, shift_x_px=shift_x_px, shift_y_px=shift_y_px, registration_residual=registration.residual)


def _unhealthy(faults: Sequence[HealthFault]) -> str:
    return f"the image is {' and '.join(_FAULTS[fault] for fault in faults)}; check camera, lens and light"
