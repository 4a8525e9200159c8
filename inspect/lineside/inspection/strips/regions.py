"""Verdicts of parts of a web under the recipe's limits: as soon as all of a part was looked at, else fail closed.

The rules are `verdict.judge`'s, zones and sizes included: a part is its recipe's one view, and what lies on it is
laid out in that view's pixels, whatever the camera's were. Where a defect reaches beyond the part it keeps its true
size, and counts on every part that it touches.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from lineside.inspection.detections import Detections
from lineside.inspection.errors import RecipeError
from lineside.inspection.recipe import Recipe, View
from lineside.inspection.strips.lines import LineFault
from lineside.inspection.strips.parts import WebPart
from lineside.inspection.strips.web_defects import WebDefect
from lineside.inspection.verdict import Judgement, Reason, ReasonCode, Verdict, ViewFindings, judge

_MOST_FAULTS_TOLD = 3


@dataclass(frozen=True, slots=True)
class RegionVerdict:
    """What became of a part of the web.

    Attributes:
        part: the part.
        judgement: verdict and reasons; boxes in the recipe view's pixels, from the part's begin.
        defects: on the part, in mm, whether they count or not.
        faults: that touch it.
    """

    part: WebPart
    judgement: Judgement
    defects: tuple[WebDefect, ...]
    faults: tuple[LineFault, ...]


class RegionBook:
    """Keeps the parts that are not decided yet, and what may lie on them.

    Parts come in order along the roll. Defects and faults that lie before all parts that are still to come are
    forgotten, so add a part before its place is settled.

    Args:
        recipe: the rules, of one view. Without a scale, and so without size limits and zones, a pixel of the
            judgement's boxes is a millimetre.
        class_names: that a detection can have.
        release_thresholds: the release's confidence by class name.
        web_width_mm: across.

    Raises:
        RecipeError: the recipe has several views, or zones without a scale.
    """

    def __init__(
        self,
        *,
        recipe: Recipe,
        class_names: tuple[str, ...],
        release_thresholds: Mapping[str, float],
        web_width_mm: float,
    ) -> None:
        self._recipe = recipe
        self._view = view = _only_view(recipe)
        self._mm_per_px = 1.0 if view.scale is None else view.scale.mm_per_px
        self._class_names = class_names
        self._class_ids = {name: number for number, name in enumerate(class_names)}
        self._thresholds = dict(release_thresholds)
        self._web_width_mm = web_width_mm
        self._parts: list[WebPart] = []
        self._decided_mm = -np.inf
        self._defects: list[WebDefect] = []
        self._faults: list[LineFault] = []

    @property
    def undecided(self) -> tuple[WebPart, ...]:
        """Parts without a verdict, in order."""
        return tuple(self._parts)

    def add_part(self, part: WebPart) -> None:
        """A part has been cut.

        Raises:
            ValueError: it begins before the last one's end.
        """
        last_mm = self._parts[-1].to_mm if self._parts else self._decided_mm
        if part.from_mm < last_mm:
            raise ValueError(f"part {part.part_id!r} begins at {part.from_mm} mm, before the last one's end, {last_mm}")
        self._parts.append(part)

    def add_defects(self, defects: Iterable[WebDefect]) -> None:
        """Defects that are finished."""
        self._defects += [defect for defect in defects if defect.to_mm >= self._decided_mm]

    def add_faults(self, faults: Iterable[LineFault]) -> None:
        """Stretches that cannot count as inspected."""
        self._faults += [fault for fault in faults if fault.to_mm >= self._decided_mm]

    def settle(
        self, through_mm: float, *, open_defects: Sequence[WebDefect], now: datetime
    ) -> tuple[RegionVerdict, ...]:
        """Decide the parts of which everything is known, in order.

        A part on which a defect may still grow waits, unless it is NG whatever becomes of that defect.

        Args:
            through_mm: every window that begins before this place was examined, or told as a fault.
            open_defects: those that may still grow.
            now: aware UTC instant at which expiry is decided.
        """
        verdicts = []
        while self._parts and self._parts[0].to_mm <= through_mm:
            part = self._parts[0]
            growing = [each for each in open_defects if each.touches(part.from_mm, part.to_mm)]
            # those of one class may grow together, so that one of them is sure to count
            sure = tuple({each.class_name: each for each in growing}.values())
            if growing and self._judge(part, self._on(part, sure), now=now).verdict is not Verdict.NG:
                break
            verdicts.append(self._decide(part, open_defects=sure, is_late=False, now=now))
        return tuple(verdicts)

    def expire(self, part_id: str, *, open_defects: Sequence[WebDefect], now: datetime) -> RegionVerdict:
        """Decide a part now, because it leaves the reject point: what was seen can make it NG, nothing makes it OK.

        Args:
            part_id: one that is undecided.
            open_defects: as far as they are known.
            now: aware UTC instant.

        Raises:
            KeyError: no such part is undecided.
        """
        for part in self._parts:
            if part.part_id == part_id:
                return self._decide(part, open_defects=open_defects, is_late=True, now=now)
        raise KeyError(part_id)

    def _decide(
        self, part: WebPart, *, open_defects: Sequence[WebDefect], is_late: bool, now: datetime
    ) -> RegionVerdict:
        defects = self._on(part, open_defects)
        faults = tuple(each for each in self._faults if _lies_on(each, part))
        judgement = self._judge(part, defects, now=now)
        reasons = [*self._spoiled(part, faults)]
        if is_late:
            message = (
                "it reached its reject point before all of it had been examined; judge faster, or further upstream"
            )
            reasons.append(Reason(ReasonCode.LATE, message, self._view.name))
        if reasons:
            verdict = Verdict.NG if judgement.verdict is Verdict.NG else Verdict.NOT_INSPECTED
            judgement = replace(judgement, verdict=verdict, reasons=(*judgement.reasons, *reasons))
        self._forget(part)
        return RegionVerdict(part, judgement, defects, faults)

    def _on(self, part: WebPart, open_defects: Sequence[WebDefect]) -> tuple[WebDefect, ...]:
        """What lies on a part."""
        return tuple(each for each in [*self._defects, *open_defects] if each.touches(part.from_mm, part.to_mm))

    def _judge(self, part: WebPart, defects: Sequence[WebDefect], *, now: datetime) -> Judgement:
        """What the recipe says of a part with these defects."""
        findings = {self._view.name: self._findings(part, defects)}
        return judge(self._recipe, findings, release_thresholds=self._thresholds, now=now)

    def _findings(self, part: WebPart, defects: Sequence[WebDefect]) -> ViewFindings:
        """The defects in the pixels of the recipe's view, the part's begin at the top."""
        boxes_mm = [
            (each.left_mm, each.from_mm - part.from_mm, each.right_mm, each.to_mm - part.from_mm) for each in defects
        ]
        boxes = np.array(boxes_mm, np.float64).reshape(-1, 4) / self._mm_per_px
        detections = Detections(
            boxes.astype(np.float32),
            np.array([each.confidence for each in defects], np.float32),
            np.array([self._class_ids[each.class_name] for each in defects], np.int64),
        )
        size = round(self._web_width_mm / self._mm_per_px), round(part.length_mm / self._mm_per_px)
        return ViewFindings(self._view.name, detections, self._class_names, size)

    def _spoiled(self, part: WebPart, faults: Sequence[LineFault]) -> Iterable[Reason]:
        """Why the part cannot be OK, apart from what was found on it."""
        if part.trouble is not None:
            yield Reason(ReasonCode.LINES_LOST, f"it is no whole part: {part.trouble}", self._view.name)
        spoiling = [fault for fault in faults if fault.kind.spoils]
        for fault in spoiling[:_MOST_FAULTS_TOLD]:
            message = f"{fault.kind} from {fault.from_mm:.6g} to {fault.to_mm:.6g} mm: {fault.message}"
            yield Reason(ReasonCode.LINES_LOST, message, self._view.name)
        if len(spoiling) > _MOST_FAULTS_TOLD:
            message = f"{len(spoiling) - _MOST_FAULTS_TOLD} more faults of its lines"
            yield Reason(ReasonCode.LINES_LOST, message, self._view.name)

    def _forget(self, part: WebPart) -> None:
        """The part is decided; what lies before all that may still come is not needed any more."""
        self._parts.remove(part)
        self._decided_mm = max(self._decided_mm, part.to_mm)
        needed_mm = self._parts[0].from_mm if self._parts else self._decided_mm
        self._defects = [each for each in self._defects if each.to_mm >= needed_mm]
        self._faults = [each for each in self._faults if each.to_mm >= needed_mm]


def _lies_on(fault: LineFault, part: WebPart) -> bool:
    """Whether a fault touches a part; one without length (lines were set aside there) also at the part's ends."""
    if fault.from_mm == fault.to_mm:
        return part.from_mm <= fault.from_mm <= part.to_mm
    return fault.from_mm < part.to_mm and part.from_mm < fault.to_mm


def _only_view(recipe: Recipe) -> View:
    """The one view that stands for the web."""
    if len(recipe.views) != 1:
        raise RecipeError(
            f"recipe {recipe.id!r} has the views {', '.join(recipe.views)}; a web is judged by a recipe of one view"
        )
    (view,) = recipe.views.values()
    if view.scale is None and view.zones:
        raise RecipeError(
            f"view {view.name!r} of recipe {recipe.id!r} has zones and no scale; on a web they are placed in mm"
        )
    return view
