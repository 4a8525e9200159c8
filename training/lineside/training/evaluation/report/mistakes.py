"""What went wrong, part by part: escapes, false calls and parts that got no verdict, with their pictures."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup

from lineside.datasets.labelled import ImageFile
from lineside.datasets.revisions import RevisionStore
from lineside.inspection.frames import Image
from lineside.training.evaluation.evaluating import JudgedRevision
from lineside.training.evaluation.judging import JudgedPart, JudgedView
from lineside.training.evaluation.outcomes import DefectOutcome, PartOutcome
from lineside.training.evaluation.report.pictures import Outline, Window, picture
from lineside.training.evaluation.tallying import defect_outcomes, false_calls

_PICTURES_KEPT = 4  # decoded frames: the mistakes of a part follow each other


@dataclass(frozen=True, slots=True)
class Mistake:
    """One defect that was missed, or one report with nothing behind it.

    Attributes:
        title: class, and where.
        lines: what a person should know of it.
        frame: the place in the frame, with boxes.
        reference: the same place in the golden image; None where there is none.
    """

    title: str
    lines: tuple[str, ...]
    frame: Markup
    reference: Markup | None


@dataclass(frozen=True, slots=True)
class WrongPart:
    """A part with its mistakes.

    Attributes:
        part: what became of it.
        overviews: its whole images; empty where the mistakes' own pictures say enough.
        mistakes: each with its place.
    """

    part: PartOutcome
    overviews: tuple[Markup, ...]
    mistakes: tuple[Mistake, ...]


class MistakePictures:
    """Shows the mistakes of an evaluation.

    Args:
        judged: the evaluation with its parts.
        store: holds their pictures.
    """

    def __init__(self, judged: JudgedRevision, store: RevisionStore) -> None:
        self._judged = judged
        self._thresholds = judged.evaluation.thresholds
        self._pixels = lru_cache(maxsize=_PICTURES_KEPT)(store.pixels)

    def escapes(self) -> Iterator[WrongPart]:
        """Every defective part that would have passed: the whole part, and each of its defects."""
        for part, outcome in self._pairs():
            if outcome.is_escape:
                overviews = tuple(self._overview(view) for view in part.views)
                yield WrongPart(outcome, overviews, tuple(self._missed(part)))

    def false_calls(self) -> Iterator[WrongPart]:
        """Every part with a report that has nothing behind it; good parts that were rejected come first."""
        wrong = [(part, outcome) for part, outcome in self._pairs() if outcome.false_calls]
        for part, outcome in sorted(wrong, key=lambda pair: not pair[1].is_overkill):
            yield WrongPart(outcome, (), tuple(self._called(part)))

    def _pairs(self) -> Iterator[tuple[JudgedPart, PartOutcome]]:
        return zip(self._judged.parts, self._judged.evaluation.parts, strict=True)

    def _missed(self, part: JudgedPart) -> Iterator[Mistake]:
        for view in part.views:
            for defect in defect_outcomes(view, self._judged.classes):
                yield self._mistake(view, defect.class_name, defect.box_xyxy_px, self._why_missed(defect))

    def _called(self, part: JudgedPart) -> Iterator[Mistake]:
        for view in part.views:
            for defect in false_calls(view):
                threshold = self._thresholds.get(defect.class_name)
                lines = (f"confidence {defect.confidence:.2f}, threshold {_number(threshold)}",)
                yield self._mistake(view, defect.class_name, defect.box_xyxy_px, lines)

    def _why_missed(self, defect: DefectOutcome) -> tuple[str, ...]:
        size = f"{defect.size_px:.0f} px" if defect.size_mm is None else f"{defect.size_mm:.3g} mm"
        threshold = self._thresholds.get(defect.class_name)
        if defect.is_found:
            return size, "found, but allowed by the recipe"
        if threshold is None:
            return size, "the release does not know this class", _surest(defect)
        return size, f"{_surest(defect)}, threshold {_number(threshold)}"

    def _mistake(
        self, view: JudgedView, name: str, box: tuple[float, float, float, float], lines: tuple[str, ...]
    ) -> Mistake:
        labelled = view.labelled
        window = Window.around(box, labelled.image.size_wh_px)
        where = f"x {box[0]:.0f}, y {box[1]:.0f}"
        title = name if view.view == "default" else f"{name}, view {view.view}"
        return Mistake(
            title=title,
            lines=(f"at {where}", *lines),
            frame=picture(self._frame(labelled.image), window, _outlines(view), title=f"{labelled.name}, {where}"),
            reference=self._reference(labelled.reference, labelled.image, window),
        )

    def _reference(self, file: ImageFile | None, image: ImageFile, window: Window) -> Markup | None:
        if file is None or file.size_wh_px != image.size_wh_px:
            return None
        return picture(self._frame(file), window, (), title="the reference at the same place")

    def _overview(self, view: JudgedView) -> Markup:
        image = view.labelled.image
        title = f"{view.labelled.name}, the whole image"
        return picture(self._frame(image), Window.whole(image.size_wh_px), _outlines(view), title=title)

    def _frame(self, file: ImageFile) -> Image:
        return self._pixels(file)


def _outlines(view: JudgedView) -> list[Outline]:
    truth = [
        Outline("truth", (float(box[0]), float(box[1]), float(box[2]), float(box[3])))
        for box in view.judged.boxes_xyxy_px
    ]
    return [*truth, *(Outline("found", defect.box_xyxy_px) for defect in view.reported)]


def _surest(defect: DefectOutcome) -> str:
    return f"surest detection there {defect.confidence:.2f}" if defect.confidence else "nothing detected there"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:g}"
