"""From findings to a verdict under a recipe: a pure function that fails closed.

A part is OK only if every view that its recipe asks for was looked at and nothing found exceeds a limit. The
same findings under the same recipe, thresholds and instant always give the same judgement.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np

from lineside.inspection.catalogue import Severity
from lineside.inspection.detections import Detections
from lineside.inspection.recipe import ClassLimit, Recipe, View
from lineside.inspection.sizes import SizeDefinition, box_size_mm
from lineside.inspection.zones import BoxXyxyPx


class Verdict(StrEnum):
    """What may happen to a part: only OK earns it a pass permit."""

    OK = "OK"
    NG = "NG"
    NOT_INSPECTED = "NOT_INSPECTED"


class ReasonCode(StrEnum):
    """Why a part is not OK, for programs to read."""

    DEFECT_LIMIT = "defect_limit"
    """NG: more defects of a class than the recipe allows."""
    SIZE_LIMIT = "size_limit"
    """NG: a defect larger than the recipe allows."""
    UNDECODABLE = "undecodable"
    TOO_LARGE = "too_large"
    GEOMETRY_MISMATCH = "geometry_mismatch"
    UNHEALTHY = "unhealthy"
    REGISTRATION_REFUSED = "registration_refused"
    MISSING_VIEW = "missing_view"
    LATE = "late"
    NO_RECIPE = "no_recipe"
    NO_RELEASE = "no_release"
    DEPLOYMENT_EXPIRED = "deployment_expired"
    """The signed permission of the release that judges here has ended."""
    ENGINE_FAILURE = "engine_failure"
    NON_FINITE_OUTPUT = "non_finite_output"
    RECIPE_EXPIRED = "recipe_expired"
    """No reference image of a view may be used any more, or the calibration of its scale has expired."""
    INTERRUPTED = "interrupted"
    """The program stopped between taking the part in and judging it."""
    SHED = "shed"
    NO_FRAME = "no_frame"
    """The station's camera gave no whole frame of the part."""
    CODE_UNREAD = "code_unread"
    CODE_DUPLICATE = "code_duplicate"
    """The part's code was read on another part before: one of the two is not what it says."""
    BYPASSED = "bypassed"
    """The station's bypass key was turned: nobody looked."""
    NO_SERVER = "no_server"
    """The server gave no answer in time, and the station may not judge by itself."""
    STATION_FAULT = "station_fault"
    LINES_LOST = "lines_lost"
    """Lines of a strip are missing or not where the encoder says."""

    @property
    def makes_ng(self) -> bool:
        """Whether it makes a part NG; every other reason makes it NOT_INSPECTED."""
        return self in (ReasonCode.DEFECT_LIMIT, ReasonCode.SIZE_LIMIT)


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason why a part is not OK.

    Attributes:
        code: for programs.
        message: for people: what was found and what was allowed.
        view: the view it is about, None where it is about the part.
    """

    code: ReasonCode
    message: str
    view: str | None = None


@dataclass(frozen=True, slots=True)
class Defect:
    """A detection that counts under the recipe.

    Attributes:
        view: the view it was found in.
        class_name: its class in the defect catalogue.
        confidence: the detector's, in [0, 1]; at least the effective threshold.
        box_xyxy_px: left, top, right, bottom in the view's pixels.
        size_mm: its size in mm, in mm² where `size_definition` is area; None without a scale.
        size_definition: which size that is.
        zone: the first limit zone, in the recipe's order, that its box touches; None outside all of them.
        severity: as the catalogue ranks its class.
    """

    view: str
    class_name: str
    confidence: float
    box_xyxy_px: BoxXyxyPx
    size_mm: float | None
    size_definition: SizeDefinition
    zone: str | None
    severity: Severity


@dataclass(frozen=True, slots=True)
class ViewFindings:
    """A view that was looked at.

    Attributes:
        view: its name in the recipe.
        detections: everything the detector reported, whether it will count or not; may be empty.
        class_names: the release's classes; `detections.class_ids` index into it.
        size_wh_px: width and height of the frame.
    """

    view: str
    detections: Detections
    class_names: tuple[str, ...]
    size_wh_px: tuple[int, int]

    def __post_init__(self) -> None:
        """Refuse detections that cannot be judged: read wrongly they could hide a defect."""
        class_ids, boxes = self.detections.class_ids, self.detections.boxes_xyxy_px
        if len(class_ids) and not (class_ids.min() >= 0 and class_ids.max() < len(self.class_names)):
            raise ValueError(
                f"view {self.view!r}: class ids {class_ids.min()}..{class_ids.max()} do not fit "
                f"{len(self.class_names)} class names; does the release's manifest name every class?"
            )
        if not bool(np.all(boxes[:, :2] <= boxes[:, 2:])):
            raise ValueError(f"view {self.view!r}: a box is inside out; expected left <= right and top <= bottom")


@dataclass(frozen=True, slots=True)
class ViewNotInspected:
    """A view that was not, or could not be, looked at.

    Attributes:
        view: its name in the recipe.
        reason: why; never one that makes a part NG.
    """

    view: str
    reason: Reason

    def __post_init__(self) -> None:
        """Refuse a reason that claims a finding."""
        if self.reason.code.makes_ng:
            raise ValueError(f"view {self.view!r}: {self.reason.code} is a finding, not a reason for having none")


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and everything needed to explain it.

    Attributes:
        verdict: OK, NG or NOT_INSPECTED.
        reasons: why it is not OK: limits exceeded, then views not inspected; empty exactly when it is OK.
        defects: every detection that counts, tolerated ones of an OK part included.
        thresholds: the effective confidence threshold of each class.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]
    defects: tuple[Defect, ...]
    thresholds: Mapping[str, float]

    def __post_init__(self) -> None:
        """Refuse a judgement that contradicts itself."""
        if (self.verdict is Verdict.OK) != (not self.reasons):
            raise ValueError(
                f"a verdict {self.verdict} with {len(self.reasons)} reasons; only OK has none, and OK has none"
            )


def effective_thresholds(recipe: Recipe, release_thresholds: Mapping[str, float]) -> dict[str, float]:
    """The confidence from which each class counts: the recipe's where it gives one, else the release's.

    Args:
        recipe: the rules.
        release_thresholds: the release's default by class name, each in [0, 1].

    Returns:
        By class name, for every class of the release; hand it to the detector and record it.

    Raises:
        ValueError: a threshold is not in [0, 1]. (NaN would compare as "below" and let every defect through.)
    """
    thresholds = {}
    for class_name, release_threshold in release_thresholds.items():
        own = recipe.limit_for(class_name).confidence
        threshold = release_threshold if own is None else own
        if not 0.0 <= threshold <= 1.0:
            raise ValueError(f"the threshold of class {class_name!r} is {threshold}; expected a number in [0, 1]")
        thresholds[class_name] = float(threshold)
    return thresholds


def judge(
    recipe: Recipe,
    findings: Mapping[str, ViewFindings | ViewNotInspected],
    *,
    release_thresholds: Mapping[str, float],
    now: datetime,
) -> Judgement:
    """Judge one part.

    A detection counts as a defect if its confidence reaches the class's effective threshold, it is at least
    `min_size_mm` large, and it does not lie wholly inside an ignore zone. Defects are counted over all views
    of the part. A defect whose box touches a limit zone is held to that zone's limits, in each zone that it
    touches; unless it lies wholly inside one of them it is also held to the part's limits.

    A class without any threshold counts from confidence 0; a class that the recipe does not know allows
    nothing. A view that was not inspected, is absent, has another size than the recipe says, or rests on an
    expired calibration or has no usable reference left makes the part NOT_INSPECTED, unless what was seen makes
    it NG: then it is NG, with both reasons.

    Args:
        recipe: the rules bound to the part.
        findings: by view name; a view of the recipe may be absent, one that it does not have may not be
            present.
        release_thresholds: the release's default confidence by class name.
        now: aware UTC instant at which expiry is decided.

    Raises:
        ValueError: `findings` holds a view that the recipe does not have, a key and its view's name differ, a
            threshold is not in [0, 1], or `now` is naive.
    """
    if now.tzinfo is None:
        raise ValueError(f"now is {now}, without a time zone; expected an aware UTC instant")
    for name, finding in findings.items():
        if name not in recipe.views or finding.view != name:
            raise ValueError(
                f"findings of view {finding.view!r} under the key {name!r}; recipe {recipe.id!r} has the views "
                f"{', '.join(recipe.views)}"
            )
    seen = (name for finding in findings.values() if isinstance(finding, ViewFindings) for name in finding.class_names)
    thresholds = effective_thresholds(recipe, {**dict.fromkeys(seen, 0.0), **release_thresholds})
    tally = _Tally(recipe, thresholds)
    not_inspected = []
    for view in recipe.views.values():
        reason = _reason_not_to_judge(view, findings.get(view.name), now=now)
        if reason is not None:
            not_inspected.append(reason)
            continue
        finding = findings[view.name]
        if isinstance(finding, ViewFindings):
            tally.add(view, finding)
    exceeded = tally.exceeded_limits()
    verdict_unless_ng = Verdict.NOT_INSPECTED if not_inspected else Verdict.OK
    verdict = Verdict.NG if exceeded else verdict_unless_ng
    return Judgement(verdict, (*exceeded, *not_inspected), tuple(tally.defects), thresholds)


def _reason_not_to_judge(
    view: View, finding: ViewFindings | ViewNotInspected | None, *, now: datetime
) -> Reason | None:
    """Why what is known of a view cannot count as looked at; None if it can."""
    if finding is None:
        return Reason(ReasonCode.MISSING_VIEW, f"no frame of view {view.name!r} arrived", view.name)
    if isinstance(finding, ViewNotInspected):
        return finding.reason
    if view.size_wh_px is not None and finding.size_wh_px != view.size_wh_px:
        message = f"the frame is {_size(finding.size_wh_px)}, the recipe expects {_size(view.size_wh_px)}"
        return Reason(ReasonCode.GEOMETRY_MISMATCH, message, view.name)
    if view.scale is not None and view.scale.calibration.is_expired(now):
        calibration = view.scale.calibration
        message = f"calibration {calibration.id!r} expired at {calibration.expires_at}: calibrate again"
        return Reason(ReasonCode.RECIPE_EXPIRED, message, view.name)
    if view.references and not any(reference.is_usable(now) for reference in view.references):
        names = ", ".join(repr(reference.id) for reference in view.references)
        message = f"no reference image may be used now ({names}): approve a new one"
        return Reason(ReasonCode.RECIPE_EXPIRED, message, view.name)
    return None


def _size(size_wh_px: tuple[int, int]) -> str:
    return f"{size_wh_px[0]}x{size_wh_px[1]} px"


class _Tally:
    """Defects of one part, counted by the scope whose limits they are held to."""

    def __init__(self, recipe: Recipe, thresholds: Mapping[str, float]) -> None:
        self.defects: list[Defect] = []
        self._recipe = recipe
        self._thresholds = thresholds
        # (view and zone, or None for the part as a whole; class) -> its limit and the defects held to it
        self._held: dict[tuple[tuple[str, str] | None, str], tuple[ClassLimit, list[Defect]]] = {}

    def add(self, view: View, findings: ViewFindings) -> None:
        """Count what one view shows."""
        detections = findings.detections
        for box, confidence, class_id in zip(
            detections.boxes_xyxy_px, detections.confidences, detections.class_ids, strict=True
        ):
            class_name = findings.class_names[int(class_id)]
            # float32, as the detector compares: a confidence that prints as 0.7 must reach a threshold of 0.7
            if confidence >= np.float32(self._thresholds[class_name]):
                left, top, right, bottom = (float(side) for side in box)
                self._hold(view, class_name, float(confidence), (left, top, right, bottom))

    def _hold(self, view: View, class_name: str, confidence: float, box_xyxy_px: BoxXyxyPx) -> None:
        """Count one detection in every scope whose limits it is held to, if it counts in any."""
        if any(zone.polygon.encloses(box_xyxy_px) for zone in view.ignore_zones):
            return
        touched = [zone for zone in view.limit_zones if zone.polygon.touches(box_xyxy_px)]
        scopes: list[tuple[tuple[str, str] | None, ClassLimit]] = [
            ((view.name, zone.name), zone.limit_for(class_name)) for zone in touched
        ]
        if not any(zone.polygon.encloses(box_xyxy_px) for zone in touched):
            scopes.append((None, self._recipe.limit_for(class_name)))
        definition = self._recipe.limit_for(class_name).size_definition
        size_mm = None if view.scale is None else box_size_mm(box_xyxy_px, view.scale.mm_per_px, definition=definition)
        counting = [
            (scope, limit) for scope, limit in scopes if size_mm is None or size_mm >= (limit.min_size_mm or 0.0)
        ]
        if not counting:
            return
        defect = Defect(
            view=view.name,
            class_name=class_name,
            confidence=confidence,
            box_xyxy_px=box_xyxy_px,
            size_mm=size_mm,
            size_definition=definition,
            zone=touched[0].name if touched else None,
            severity=self._recipe.limit_for(class_name).severity,
        )
        self.defects.append(defect)
        for scope, limit in counting:
            self._held.setdefault((scope, class_name), (limit, []))[1].append(defect)

    def exceeded_limits(self) -> list[Reason]:
        """A reason for every limit that is exceeded, in the order in which the defects were found."""
        return [
            reason
            for (scope, class_name), (limit, defects) in self._held.items()
            for reason in _exceeded(scope, class_name, limit, defects)
        ]


def _exceeded(
    scope: tuple[str, str] | None, class_name: str, limit: ClassLimit, defects: Sequence[Defect]
) -> Iterator[Reason]:
    where = "" if scope is None else f" in zone {scope[1]!r}"
    views = {defect.view for defect in defects}
    view = views.pop() if len(views) == 1 else None
    if len(defects) > limit.max_count:
        message = f"{len(defects)} x {class_name}{where}; the recipe allows {limit.max_count}"
        yield Reason(ReasonCode.DEFECT_LIMIT, message, view)
    if limit.max_size_mm is None:
        return
    too_large = [defect for defect in defects if defect.size_mm is not None and defect.size_mm > limit.max_size_mm]
    if too_large:
        largest = max(too_large, key=lambda defect: defect.size_mm or 0.0)
        unit = limit.size_definition.unit
        message = (
            f"{class_name}{where} with {limit.size_definition} {largest.size_mm:.4g} {unit}; "
            f"the recipe allows {limit.max_size_mm:g} {unit}"
        )
        yield Reason(ReasonCode.SIZE_LIMIT, message, largest.view)
