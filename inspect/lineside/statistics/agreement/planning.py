"""How large an inspection capability study must be, and what it can show at best."""

from dataclasses import dataclass

from lineside.statistics.binomial import exact_upper_bound, units_for_upper_bound
from lineside.statistics.counts import check_counts, check_share

MOST_PARTS = 100_000
"""More than anybody collects."""
LEAST_PARTS = 20
"""Fewer parts show nothing: with 10 defective ones and no miss, the miss rate may still be 26 %."""
USUAL_PARTS = 50
USUAL_TRIALS = 3
USUAL_BORDERLINE = 0.4
BORDERLINE_RANGE = (0.3, 0.5)
"""Clear parts are called right by everybody: they make a study look good and teach nothing."""


@dataclass(frozen=True, slots=True)
class AgreementPlan:
    """A study's size, and what it can show.

    Attributes:
        parts: how many.
        defective, good: how many of each.
        borderline_defective, borderline_good: how many of those are near the limit.
        trials: calls of each appraiser on each part.
        miss_bound: upper bound of the miss rate at `confidence` if nobody misses anything.
        false_alarm_bound: the same for false alarms.
        confidence: one-sided.
        notes: what to think of.
    """

    parts: int
    defective: int
    good: int
    borderline_defective: int
    borderline_good: int
    trials: int
    miss_bound: float
    false_alarm_bound: float
    confidence: float
    notes: tuple[str, ...]


def plan_agreement(
    parts: int | None = None,
    *,
    miss_rate: float | None = None,
    defective_share: float = 0.5,
    borderline_share: float = USUAL_BORDERLINE,
    trials: int = USUAL_TRIALS,
    confidence: float = 0.95,
) -> AgreementPlan:
    """Plan an attribute agreement study.

    Repeats show repeatability; only more parts make miss and false-alarm rates surer, so the bounds count parts.

    Source: design as in Automotive Industry Action Group, "Measurement Systems Analysis", 4th edition (2010), chapter
    III, section C: about 50 parts, three appraisers, three trials, a good share of them near the limit.

    Args:
        parts: how many; None for 50, or as many as `miss_rate` asks for.
        miss_rate: the miss rate that the study is to rule out if it sees no miss.
        defective_share: of the parts, in (0, 1).
        borderline_share: of the parts near the limit, on both sides of it, 0 to 1.
        trials: calls of each appraiser on each part.
        confidence: one-sided.

    Raises:
        TypeError: a count is not an integer.
        ValueError: a figure is out of its range, parts are fewer than 20 or more than anybody collects, trials
            fewer than 1, or both `parts` and `miss_rate` are given.

    >>> plan_agreement(miss_rate=0.05).defective
    59
    """
    check_counts(trials=trials)
    check_share("defective_share", defective_share)
    check_share("confidence", confidence)
    if not 0.0 <= borderline_share <= 1.0:
        raise ValueError(f"borderline_share is {borderline_share}; expected 0 to 1, such as 0.4")
    if trials < 1:
        raise ValueError(f"{trials} trials; expected 1 or more, 3 are usual")
    if parts is not None and miss_rate is not None:
        raise ValueError("both parts and miss_rate are given; expected one of them")
    if miss_rate is not None:
        check_share("miss_rate", miss_rate)
        needed = units_for_upper_bound(miss_rate, confidence=confidence)
        if needed / defective_share > MOST_PARTS:
            raise ValueError(
                f"a miss rate of {miss_rate:g} takes {needed} defective parts, {defective_share:g} of all; expected a "
                f"study of at most {MOST_PARTS} parts: rule out a larger miss rate"
            )
        parts = max(LEAST_PARTS, round(needed / defective_share))
        while min(parts - 1, round(parts * defective_share)) < needed:
            parts += 1
    parts = USUAL_PARTS if parts is None else parts
    check_counts(parts=parts)
    if parts < LEAST_PARTS:
        raise ValueError(f"{parts} parts; expected at least {LEAST_PARTS}, {USUAL_PARTS} are usual")
    if parts > MOST_PARTS:
        raise ValueError(f"{parts} parts; expected at most {MOST_PARTS}, {USUAL_PARTS} are usual")
    defective = min(parts - 1, max(1, round(parts * defective_share)))
    good = parts - defective
    notes = []
    if not BORDERLINE_RANGE[0] <= borderline_share <= BORDERLINE_RANGE[1]:
        notes.append(
            f"{borderline_share:.0%} of the parts are borderline; 30 to 50 % are usual: clear parts alone make every "
            "appraiser look good, borderline ones alone make everyone look bad"
        )
    if trials == 1:
        notes.append("with one trial nothing is learned about repeatability")
    return AgreementPlan(
        parts=parts,
        defective=defective,
        good=good,
        borderline_defective=round(defective * borderline_share),
        borderline_good=round(good * borderline_share),
        trials=trials,
        miss_bound=exact_upper_bound(0, defective, confidence=confidence),
        false_alarm_bound=exact_upper_bound(0, good, confidence=confidence),
        confidence=confidence,
        notes=tuple(notes),
    )
