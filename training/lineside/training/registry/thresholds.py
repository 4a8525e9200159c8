"""The default thresholds of a release: given, or those of the best F on images that may choose them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lineside.datasets.labelled import Split
from lineside.training.errors import ReleaseNotBuilt
from lineside.training.evaluation.outcomes import Evaluation

UNMEASURED = 0.25
"""Where nothing says better: the training framework's own default."""

_CHOOSING = {Split.VAL.value, Split.CALIBRATION.value}
_LEAST, _MOST = 0.02, 0.95

F_SLACK = 0.005
"""How far F may lie below its highest for a lower threshold's sake; as of the starters."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Confidence by class, and where it comes from.

    Attributes:
        by_class: for each class of the model.
        source: in words, for the model card.
    """

    by_class: Mapping[str, float]
    source: str


def given_thresholds(words: Sequence[str], classes: Sequence[str]) -> Mapping[str, float]:
    """Read thresholds as people type them.

    Args:
        words: "0.3" for every class, "CLASS=0.4" for one; the later word counts.
        classes: of the model.

    Raises:
        ReleaseNotBuilt: a word is no such thing.
    """
    found: dict[str, float] = {}
    for word in words:
        name, _, number = word.rpartition("=")
        try:
            value = float(number)
        except ValueError as error:
            raise ReleaseNotBuilt(f"threshold {word!r}: expected a number, or CLASS=number") from error
        if not 0 < value <= 1:
            raise ReleaseNotBuilt(f"threshold {word!r}: expected above 0 and up to 1")
        if name and name not in classes:
            raise ReleaseNotBuilt(f"threshold {word!r}: the model's classes are {', '.join(classes)}")
        found |= {name: value} if name else dict.fromkeys(classes, value)
    return found


def choose_thresholds(
    classes: Sequence[str], *, given: Mapping[str, float], evaluation: Evaluation | None, revision: str
) -> Thresholds:
    """Put the thresholds of a release together.

    Args:
        classes: of the model.
        given: by class name; they count before what was measured.
        evaluation: whose best F by class chooses the rest; None takes 0.25.
        revision: that the model was trained on.

    Raises:
        ReleaseNotBuilt: the evaluation is on images that are to judge the release, so that thresholds chosen on them
            would be fitted to them; or of another revision, whose images no search for leaks would find.
    """
    missing = [name for name in classes if name not in given]
    if not missing:
        return Thresholds(dict(given), "given")
    if evaluation is None:
        return Thresholds(dict.fromkeys(missing, UNMEASURED) | dict(given), f"{UNMEASURED:g}, not measured")
    if not evaluation.splits or not set(evaluation.splits) <= _CHOOSING:
        raise ReleaseNotBuilt(
            f"thresholds chosen on {', '.join(evaluation.splits) or 'all images'} would be fitted to the images that "
            "judge the release; evaluate on split val (--thresholds-from), or give them (--threshold)"
        )
    if evaluation.revision != revision:
        raise ReleaseNotBuilt(
            f"thresholds chosen on revision {evaluation.revision[:12]}, and the model was trained on {revision[:12]}: "
            "the gate would not know of those images; evaluate on split val of the run's own revision, or give them by "
            "hand (--threshold)"
        )
    curves = evaluation.figures.get("curves", {})
    common = (evaluation.figures.get("deeppcb") or {}).get("threshold", UNMEASURED)
    measured = {name: _best(curves.get(name), otherwise=common) for name in missing}
    split = ", ".join(evaluation.splits)
    return Thresholds(
        {name: given.get(name, measured.get(name, UNMEASURED)) for name in classes},
        f"best F on split {split}, less {F_SLACK:g}",
    )


def _best(curve: Mapping[str, Sequence[Sequence[float]]] | None, *, otherwise: float) -> float:
    """The lowest threshold whose F is near the highest: where F is flat, an escape costs more than a false call."""
    points = [] if curve is None else curve.get("f_over_threshold", [])
    best = max((f_score for _, f_score in points), default=0.0)
    if best == 0.0:
        return round(min(max(otherwise, _LEAST), _MOST), 4)
    return min(threshold for threshold, f_score in points if f_score >= best - F_SLACK)
