"""Rules that tell a disturbed process from chance, on points in standard deviations from the centre line.

Sources: Western Electric Co., "Statistical Quality Control Handbook" (1956), rules 1 to 4; L. S. Nelson, "The Shewhart
control chart: tests for special causes", Journal of Quality Technology 16 (1984) 237-239, tests 1 to 8.

Assumptions: the points are independent and nearly normal. Each rule adds false alarms: on undisturbed normal points
the first alone alarms once in 370 points, the four of Western Electric once in 92, as D. C. Montgomery, "Introduction
to Statistical Quality Control", section 5.3.7, warns after Champ and Woodall (1987).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rule:
    """A named rule.

    Attributes:
        name: as it stands in a point's `rules`.
        meaning: in a sentence.
        broken_by: from deviates of shape (n,), in order, to flags of shape (n,): True at the point that completes the
            pattern. Every window must be full: at fewer points than the rule looks at, nothing is flagged.
    """

    name: str
    meaning: str
    broken_by: Callable[[Floats], Flags]


def _windows(flags: Flags, length: int) -> NDArray[np.int64]:
    """How many of the last `length` are set, at each point; 0 while the window is not full."""
    counts = np.zeros(flags.size, np.int64)
    if flags.size >= length:
        sums = np.cumsum(np.concatenate(([0], flags.astype(np.int64))))
        counts[length - 1 :] = sums[length:] - sums[:-length]
    return counts


def _some_beyond(wanted: int, length: int, distance: float) -> Callable[[Floats], Flags]:
    """`wanted` of `length` beyond `distance` on the same side, the last one of them among these."""

    def broken_by(deviates: Floats) -> Flags:
        above, below = deviates > distance, deviates < -distance
        return np.asarray(
            (above & (_windows(above, length) >= wanted)) | (below & (_windows(below, length) >= wanted)), np.bool_
        )

    return broken_by


def _beyond_three(deviates: Floats) -> Flags:
    return np.asarray(np.abs(deviates) > 3.0, np.bool_)


def _six_in_a_trend(deviates: Floats) -> Flags:
    steps = np.diff(deviates)
    runs = np.maximum(_windows(steps > 0, 5), _windows(steps < 0, 5))
    return np.concatenate((np.zeros(min(1, deviates.size), np.bool_), runs == 5))


def _fourteen_alternating(deviates: Floats) -> Flags:
    steps = np.sign(np.diff(deviates))
    turns = steps[1:] * steps[:-1] < 0
    return np.concatenate((np.zeros(min(2, deviates.size), np.bool_), _windows(turns, 12) == 12))


def _fifteen_close(deviates: Floats) -> Flags:
    return np.asarray(_windows(np.abs(deviates) < 1.0, 15) == 15, np.bool_)


def _eight_away(deviates: Floats) -> Flags:
    above, below = deviates > 1.0, deviates < -1.0
    away = _windows(above | below, 8) == 8
    return np.asarray(away & (_windows(above, 8) > 0) & (_windows(below, 8) > 0), np.bool_)


BEYOND_LIMITS = Rule("beyond-limits", "a point beyond a control limit", _beyond_three)
TWO_OF_THREE = Rule("2-of-3-beyond-2-sigma", "two of three points beyond two sigma on one side", _some_beyond(2, 3, 2))
FOUR_OF_FIVE = Rule("4-of-5-beyond-1-sigma", "four of five points beyond one sigma on one side", _some_beyond(4, 5, 1))
EIGHT_ON_ONE_SIDE = Rule("8-on-one-side", "eight points in a row on one side of the centre", _some_beyond(8, 8, 0))
NINE_ON_ONE_SIDE = Rule("9-on-one-side", "nine points in a row on one side of the centre", _some_beyond(9, 9, 0))
SIX_IN_A_TREND = Rule("6-in-a-trend", "six points in a row, each higher (or each lower) than before", _six_in_a_trend)
FOURTEEN_ALTERNATING = Rule("14-alternating", "fourteen points in a row, up and down by turns", _fourteen_alternating)
FIFTEEN_CLOSE = Rule("15-within-1-sigma", "fifteen points in a row within one sigma of the centre", _fifteen_close)
EIGHT_AWAY = Rule("8-beyond-1-sigma", "eight points in a row beyond one sigma, on both sides", _eight_away)

WESTERN_ELECTRIC: tuple[Rule, ...] = (BEYOND_LIMITS, TWO_OF_THREE, FOUR_OF_FIVE, EIGHT_ON_ONE_SIDE)
"""The four zone rules of the handbook, in its order."""

NELSON: tuple[Rule, ...] = (
    BEYOND_LIMITS,
    NINE_ON_ONE_SIDE,
    SIX_IN_A_TREND,
    FOURTEEN_ALTERNATING,
    TWO_OF_THREE,
    FOUR_OF_FIVE,
    FIFTEEN_CLOSE,
    EIGHT_AWAY,
)
"""Nelson's eight tests, in his order."""


def broken_rules(
    deviates: Sequence[float] | Floats, rules: Sequence[Rule], *, beyond: Flags | None = None
) -> tuple[tuple[str, ...], ...]:
    """The names of the rules that each point breaks.

    Args:
        deviates: points in standard deviations from the centre, shape (n,), in order; may be empty. Infinite ones (a
            point off a centre line without any spread) are beyond every limit.
        rules: to apply; their order is that of the names.
        beyond: for charts whose limits are not at three sigma: which points are beyond them, shape (n,). It takes the
            place of `BEYOND_LIMITS`.

    Raises:
        ValueError: a deviate is NaN.
    """
    values = np.asarray(deviates, np.float64)
    if np.isnan(values).any():
        raise ValueError("a deviate is NaN; expected numbers. Leave empty subgroups out of the sequence")
    with np.errstate(invalid="ignore"):  # infinity less infinity, where a chart has no spread: no step either way
        flags = [beyond if rule is BEYOND_LIMITS and beyond is not None else rule.broken_by(values) for rule in rules]
    return tuple(
        tuple(rule.name for rule, flag in zip(rules, flags, strict=True) if flag[place]) for place in range(values.size)
    )
