"""How the values of an axis are written: percent or ppm, counts, parts, hours."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

_PPM_BELOW = 0.002  # of the largest value: under 0.2 % a percent has too many zeros to read


class Quantity(StrEnum):
    """What an axis shows."""

    SHARE = "share"
    PER_UNIT = "per unit"
    COUNT = "count"
    PARTS = "parts"
    HOURS = "hours"
    SIGMAS = "sigmas"


@dataclass(frozen=True, slots=True)
class Scale:
    """A unit for a quantity.

    Attributes:
        factor: what a value is multiplied by before it is drawn.
        unit: behind a number; empty where it has none.
    """

    factor: float
    unit: str

    def text(self, value: float) -> str:
        """A value with its unit, with no more digits than it carries."""
        number = f"{value * self.factor:,.4g}"
        return f"{number} {self.unit}".rstrip()


def scale_for(quantity: Quantity, values: Iterable[float | None]) -> Scale:
    """The unit in which these values read well.

    Args:
        quantity: what they are.
        values: all that will be drawn; None for what is not there.
    """
    if quantity is Quantity.SHARE:
        largest = max((abs(value) for value in values if value is not None), default=1.0)
        return Scale(1e6, "ppm") if 0 < largest < _PPM_BELOW else Scale(100.0, "%")
    units = {Quantity.PARTS: "parts", Quantity.HOURS: "h", Quantity.SIGMAS: "sigma"}
    return Scale(1.0, units.get(quantity, ""))
