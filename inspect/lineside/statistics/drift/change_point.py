"""Since when: the batch after which a figure most probably changed."""

from collections.abc import Sequence

import numpy as np

from lineside.statistics.drift.samples import finite


def change_point(figures: Sequence[float], *, earliest: int = 0) -> int:
    """The index of the first figure after the change, supposing that there is exactly one.

    Source: A. N. Pettitt, "A non-parametric approach to the change-point problem", Applied Statistics 28 (1979)
    126-135: where the rank sums of the two sides differ most; ties share their mean rank.

    Assumptions: one lasting change of level. A slow trend gives a point in its midst.

    Args:
        figures: in order, 2 or more.
        earliest: index before which there was no change: the figures of the reference period.

    Returns:
        From 1 (or `earliest`, if that is more) to the last index.

    Raises:
        NonFiniteMeasure: a figure is NaN or infinite.
        ValueError: there are fewer than two figures, or none from `earliest` on.

    >>> change_point([1.0, 1.2, 0.9, 5.0, 5.1, 4.8])
    3
    """
    values = finite("a figure", figures)
    first = max(1, earliest)
    if values.size < 2 or first >= values.size:
        raise ValueError(
            f"{values.size} figures, a change from figure {earliest} on; expected two or more, some of them after"
        )
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    mean_ranks = np.cumsum(counts) - (counts - 1) / 2
    ranks = mean_ranks[inverse]
    sizes = np.arange(1, values.size)
    difference = np.abs(2 * np.cumsum(ranks)[:-1] - sizes * (values.size + 1))
    return int(np.argmax(difference[first - 1 :])) + first
