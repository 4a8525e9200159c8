"""How surely a release finds the defect of each defective part: the scores that a threshold is certified on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lineside.inspection.verdict import Verdict
from lineside.training.evaluation.judging import JudgedPart, JudgedView
from lineside.training.evaluation.matching import touches


@dataclass(frozen=True, slots=True)
class CalibrationScores:
    """Scores of the parts that have a defect of one class, or any defect.

    Attributes:
        class_name: the class; None for any defect.
        scores: one per inspected part, in [0, 1]; 0 where nothing that lies on the defect was found.
        groups: boards or lots that these parts come from.
        not_inspected: parts with such a defect that got no verdict on their merits. They pass nobody, so they are no
            misses, and are none of the parts either.
    """

    class_name: str | None
    scores: tuple[float, ...]
    groups: int
    not_inspected: int


def calibration_scores(
    parts: Iterable[JudgedPart], classes: Sequence[str], *, class_name: str | None
) -> CalibrationScores:
    """The scores of the parts that have a defect of a class.

    A part counts once, however many defects of the class it has: it is found if **one** of them is, since one is enough
    to reject it. Its score is the confidence of the surest detection that lies on a labelled defect (`touches`). For a
    class both the defect and the detection must be of it; for any defect, none needs to be of the right class. What was
    found beside the defects, though it would reject the part as well, finds nothing.

    Args:
        parts: judged with everything kept that the detector found, also below every threshold.
        classes: names by the class ids of `parts`.
        class_name: one of them; None for any defect.
    """
    wanted = None if class_name is None else classes.index(class_name)
    scores: list[float] = []
    groups: set[str] = set()
    not_inspected = 0
    for part in parts:
        if not any(_has(view, wanted) for view in part.views):
            continue
        if part.judgement.verdict is Verdict.NOT_INSPECTED or any(view.judged.is_refused for view in part.views):
            not_inspected += 1
            continue
        scores.append(max(_score(view, wanted) for view in part.views))
        groups.add(part.first.group)
    return CalibrationScores(class_name, tuple(scores), len(groups), not_inspected)


def _has(view: JudgedView, wanted: int | None) -> bool:
    labelled = view.judged.class_ids
    return bool(len(labelled) if wanted is None else (labelled == wanted).any())


def _score(view: JudgedView, wanted: int | None) -> float:
    judged = view.judged
    truth, found = judged.boxes_xyxy_px, judged.found
    if wanted is not None:
        truth = truth[judged.class_ids == wanted]
    lies_on = touches(truth, found.boxes_xyxy_px).any(axis=0)
    if wanted is not None:
        lies_on &= found.class_ids == wanted
    return float(found.confidences[lies_on].max(initial=0.0))
