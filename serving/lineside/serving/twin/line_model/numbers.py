"""The checks of single numbers that every record of the model makes."""

import math

from lineside.serving.twin.line_model.errors import ImpossibleLine


def check_share(name: str, share: float) -> None:
    """Refuse what is no share of parts.

    Raises:
        ImpossibleLine: it is outside [0, 1], or NaN.
    """
    if not 0.0 <= share <= 1.0:
        raise ImpossibleLine(f"{name} is {share}; expected a share of parts, from 0 to 1")


def check_positive(name: str, number: float) -> None:
    """Refuse what is not above 0 and finite.

    Raises:
        ImpossibleLine: it is 0, negative, infinite or NaN.
    """
    if not (number > 0 and math.isfinite(number)):
        raise ImpossibleLine(f"{name} is {number}; expected a finite number above 0")


def check_not_negative(name: str, number: float) -> None:
    """Refuse what is below 0 or not finite.

    Raises:
        ImpossibleLine: it is negative, infinite or NaN.
    """
    if not (number >= 0 and math.isfinite(number)):
        raise ImpossibleLine(f"{name} is {number}; expected a finite number, 0 or more")


def check_count(name: str, number: int, *, least: int = 1, most: int) -> None:
    """Refuse a count out of its range.

    Raises:
        ImpossibleLine: it is no integer, below `least` or above `most`.
    """
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
        raise ImpossibleLine(f"{name} is {number!r}; expected a whole number from {least} to {most}")
