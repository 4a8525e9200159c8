"""Since when: the batch after which a figure most probably changed."""

from collections.abc import Sequence

import numpy as np

from lineside.statistics.drift.samples import finite


def change_point(figures: Sequence[float], *, earliest: int = 0) -> int:
    """The index of the first figure after the change, supposing that there is exactly one.

    Source: the maximum likelihood estimate of D. V. Hinkley, "Inference about the change-point in a sequence of random
    variables", Biometrika 57 (1970) 1-17: where the two sides' means leave the smallest sum of squares.

    Assumptions: one lasting change of the mean, figures nearly normal with one spread, as batch means are. A slow
    trend gives a point in its midst.

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
        raise ValueError(f"{values.size} figures, changed from {earliest} on; expected two or more, some of them after")
    sizes = np.arange(1, values.size)
    sums = np.cumsum(values - values.mean())[:-1]
    explained = sums**2 * values.size / (sizes * (values.size - sizes))
    return int(np.argmax(explained[first - 1 :])) + first
