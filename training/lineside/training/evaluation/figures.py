"""All figures of an evaluation, as JSON values.

A share is `{"events", "units", "rate", "lower", "upper"}` with an exact (Clopper-Pearson) 95 % interval, `rate` null
where there is no unit. Another figure is `[value, lower, upper]` with a bootstrap interval, null where it has no value.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lineside.inspection.verdict import Verdict
from lineside.statistics import RateInterval, clopper_pearson
from lineside.training.evaluation.coco import CocoPrecision, coco_precision
from lineside.training.evaluation.confusion import confusion
from lineside.training.evaluation.curves import Froc, class_curve
from lineside.training.evaluation.intervals import Interval, Resampling, Weights
from lineside.training.evaluation.judging import JudgedPart
from lineside.training.evaluation.outcomes import DefectOutcome, PartOutcome
from lineside.training.evaluation.protocol import ProtocolCurve, protocol_curve
from lineside.training.evaluation.ranked import RankedClass, mean_average_precisions
from lineside.training.evaluation.sizes import recall_by_size
from lineside.training.evaluation.tallying import false_calls

FALSE_CALLS_A_PART = (0.01, 0.05, 0.1, 0.5, 1.0, 2.0)
"""Where the sensitivity is stated."""

_SHARE_DIGITS = 6
_FIGURE_DIGITS = 4


def all_figures(
    judged: Sequence[JudgedPart],
    outcomes: Sequence[PartOutcome],
    classes: Sequence[str],
    *,
    release_classes: Sequence[str],
    resamples: int,
) -> dict[str, Any]:
    """Everything that is counted.

    Args:
        judged: the parts, at least one.
        outcomes: of the same parts, in the same order.
        classes: names by class id.
        release_classes: those that the release can find.
        resamples: bootstrap draws per interval.
    """
    views = [view for part in judged for view in part.views]
    froc = Froc.of([view.judged for view in views], parts=len(judged))
    images = [view.judged for view in views]
    resampling = Resampling.of(
        [view.labelled.part_id for view in views], [view.labelled.group for view in views], resamples=resamples
    )
    ranked = [RankedClass.of(images, class_id) for class_id in range(len(classes))]
    labelled = {box.class_name for view in views for box in view.labelled.boxes}
    matrix = confusion(views, classes)
    return {
        **part_figures(outcomes),
        "classes": {
            "labelled": [name for name in classes if name in labelled],
            "unknown_to_release": [name for name in classes if name in labelled and name not in release_classes],
            "never_labelled": [name for name in release_classes if name not in labelled],
        },
        "intervals": {
            "confidence": 0.95,
            "resampled": "group" if resampling.is_by_group else "part",
            "units": resampling.units,
            "resamples": resamples,
        },
        "defects_by_class": {
            name: _defect_shares([defect for part in outcomes for defect in part.defects if defect.class_name == name])
            for name in classes
            if name in labelled
        },
        "false_calls": _false_call_record(judged, resampling),
        "detection": detection_figures(ranked, froc, resampling)
        | _coco_record(coco_precision(images, classes), classes),
        "deeppcb": _protocol_record(protocol_curve(images), resampling) if labelled else None,
        "curves": {name: _curve_record(one) for name, one in zip(classes, ranked, strict=True) if name in labelled},
        "froc": [list(_rounded(point)) for point in froc.points()],
        "confusion": {
            "labels": list(matrix.labels),
            "counts": matrix.counts.tolist(),
            "duplicates": matrix.duplicates,
        },
        "size_recall": _size_record([defect for part in outcomes for defect in part.defects]),
        "by_product": _by(outcomes, [part.product for part in outcomes]),
        "by_line": _by(outcomes, [part.line for part in outcomes]),
    }


def part_figures(outcomes: Sequence[PartOutcome]) -> dict[str, Any]:
    """Counts and rates of a set of parts; rates are over the parts that got a verdict on their merits."""
    defective = [part for part in outcomes if part.is_defective]
    good = [part for part in outcomes if not part.is_defective]
    judged_defective = [part for part in defective if part.is_inspected]
    judged_good = [part for part in good if part.is_inspected]
    return {
        "counts": {
            "parts": len(outcomes),
            "groups": len({part.group for part in outcomes}),
            "images": sum(len(part.image_digests) for part in outcomes),
            "defective": len(defective),
            "good": len(good),
            "defects": sum(len(part.defects) for part in outcomes),
            "verdicts": {verdict.value: sum(part.verdict is verdict for part in outcomes) for verdict in Verdict},
            "not_inspected": {
                "defective": len(defective) - len(judged_defective),
                "good": len(good) - len(judged_good),
            },
        },
        "escapes": share(clopper_pearson(sum(part.is_escape for part in judged_defective), len(judged_defective))),
        "overkill": share(clopper_pearson(sum(part.is_overkill for part in judged_good), len(judged_good))),
        "false_calls": {"count": sum(part.false_calls for part in outcomes), "per_part": None},
        "defects": _defect_shares([defect for part in outcomes for defect in part.defects]),
    }


def detection_figures(ranked: Sequence[RankedClass], froc: Froc, resampling: Resampling) -> dict[str, Any]:
    """Figures of the ranking of all detections, with their intervals."""

    def score(weights: Weights) -> list[float]:
        return [
            *mean_average_precisions(ranked, weights),
            *(froc.sensitivity_at(allowed, weights) for allowed in FALSE_CALLS_A_PART),
        ]

    map50, map50_95, *sensitivities = resampling.intervals(score)
    return {
        "map50": triple(map50),
        "map50_95": triple(map50_95),
        "sensitivity_at_false_calls_per_part": {
            f"{allowed:g}": triple(interval)
            for allowed, interval in zip(FALSE_CALLS_A_PART, sensitivities, strict=True)
        },
    }


def share(interval: RateInterval) -> dict[str, Any]:
    """A share with its interval and the counts behind it."""
    return {
        "events": interval.events,
        "units": interval.units,
        "rate": None if interval.estimate is None else round(interval.estimate, _SHARE_DIGITS),
        "lower": round(interval.lower, _SHARE_DIGITS),
        "upper": round(interval.upper, _SHARE_DIGITS),
    }


def triple(interval: Interval) -> list[float] | None:
    """Value and interval; None where there is no value."""
    if not all(math.isfinite(value) for value in (interval.value, interval.low, interval.high)):
        return None
    return [round(value, _FIGURE_DIGITS) for value in (interval.value, interval.low, interval.high)]


def _defect_shares(defects: Sequence[DefectOutcome]) -> dict[str, Any]:
    return {
        "found": share(clopper_pearson(sum(defect.is_found for defect in defects), len(defects))),
        "right_class": share(clopper_pearson(sum(defect.is_right_class for defect in defects), len(defects))),
    }


def _coco_record(coco: CocoPrecision, classes: Sequence[str]) -> dict[str, Any]:
    def by_class(values: Sequence[float]) -> dict[str, float]:
        return {
            name: round(value, _FIGURE_DIGITS)
            for name, value in zip(classes, values, strict=True)
            if math.isfinite(value)
        }

    return {"ap50_by_class": by_class(coco.by_class_at_50), "ap50_95_by_class": by_class(coco.by_class_50_95)}


def _false_call_record(judged: Sequence[JudgedPart], resampling: Resampling) -> dict[str, Any]:
    """Over all parts, with an interval."""
    calls = np.array([len(false_calls(view)) for part in judged for view in part.views], np.float64)
    is_first = np.array([index == 0 for part in judged for index, _ in enumerate(part.views)])

    def score(weights: Weights) -> list[float]:
        return [float(weights @ calls / weights[is_first].sum())]

    [per_part] = resampling.intervals(score)
    if not calls.sum():  # resamples of nothing have no spread; of a Poisson count of 0 the 97.5 % bound is this
        per_part = Interval(0.0, 0.0, -math.log(0.025) / len(judged))
    return {"count": int(calls.sum()), "per_part": triple(per_part)}


def _protocol_record(curve: ProtocolCurve, resampling: Resampling) -> dict[str, Any]:
    # What is stated can be typed again: `lineside predict --confidence` with it writes the detections counted here.
    best = math.floor(curve.best_confidence() * 10**_FIGURE_DIGITS) / 10**_FIGURE_DIGITS
    precision, recall, _ = curve.counts_at(best)
    average, f_score = resampling.intervals(
        lambda weights: [curve.average_precision(weights), curve.counts_at(best, weights)[2]]
    )
    return {
        "map": triple(average),
        "best_f": triple(f_score),
        "threshold": best,
        "precision": round(precision, _FIGURE_DIGITS),
        "recall": round(recall, _FIGURE_DIGITS),
    }


def _curve_record(ranked: RankedClass) -> dict[str, Any]:
    curve = class_curve(ranked)
    return {
        "precision_recall": [list(_rounded(point)) for point in curve.precision_recall],
        "f_over_threshold": [list(_rounded(point)) for point in curve.f_over_threshold],
        "best_threshold": None if curve.best_threshold is None else round(curve.best_threshold, _FIGURE_DIGITS),
        "best_f": round(curve.best_f, _FIGURE_DIGITS),
    }


def _size_record(defects: Sequence[DefectOutcome]) -> dict[str, Any]:
    unit, bins = recall_by_size(defects)
    return {
        "unit": unit,
        "bins": [
            {
                "least": round(each.least, _FIGURE_DIGITS),
                "below": round(each.below, _FIGURE_DIGITS),
                **share(each.found),
            }
            for each in bins
        ],
    }


def _by(outcomes: Sequence[PartOutcome], keys: Sequence[str | None]) -> Mapping[str, Any]:
    """Part figures by a key; empty where there is only one."""
    names = sorted({key for key in keys if key is not None})
    if len(set(keys)) < 2:
        return {}
    return {
        name: part_figures([part for part, key in zip(outcomes, keys, strict=True) if key == name]) for name in names
    }


def _rounded(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(value, _FIGURE_DIGITS) for value in values)
