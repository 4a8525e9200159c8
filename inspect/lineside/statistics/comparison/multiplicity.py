"""Several questions at once: the more are asked, the more often one is answered by luck."""

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p values: rejecting those at or below a level keeps the chance of any false rejection within it.

    Source: S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6
    (1979) 65-70. Assumes nothing of how the tests depend on each other.

    Args:
        p_values: one for each question, each in [0, 1].

    Returns:
        In the order given, each at least its own p value and at most 1; empty for no question.

    Raises:
        ValueError: a p value is outside [0, 1].

    >>> holm([0.01, 0.04, 0.03])
    (0.03, 0.06, 0.06)
    """
    for p_value in p_values:
        if not 0.0 <= p_value <= 1.0:
            raise ValueError(f"a p value is {p_value}; expected a number from 0 to 1")
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return tuple(adjusted)
