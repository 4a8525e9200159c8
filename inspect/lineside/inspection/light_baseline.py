"""How bright a camera's pictures usually are: a slow mean that a picture's own mean is held against."""

from dataclasses import dataclass
from typing import Final

_PICTURES: Final = 200
"""Weight of the newest picture is 2 / (this + 1), which gives an exponential mean the age of a mean of so many (Brown,
"Smoothing, Forecasting and Prediction", 1963). Until there are so many it is their plain mean."""

_LEAST_PICTURES: Final = 20
"""Before so many pictures nothing is said: the first may be of a part, a light or a camera that is being set up."""


@dataclass(frozen=True, slots=True)
class LightBaseline:
    """The running mean of one camera under one recipe.

    It follows what is slow: a lamp that fades over weeks is for the charts. A step is a fault for as long as it lasts,
    because a faulty picture moves nothing: a new version of the recipe begins a new baseline.

    Attributes:
        mean: gray level, 0 to 255.
        pictures: healthy ones that it was made of.
    """

    mean: float = 0.0
    pictures: int = 0

    def drift(self, mean: float) -> float | None:
        """How much brighter than usual a picture of this mean is, in gray levels; None while nothing is usual."""
        return mean - self.mean if self.pictures >= _LEAST_PICTURES else None

    def with_picture(self, mean: float) -> "LightBaseline":
        """The baseline with a healthy picture in it."""
        pictures = self.pictures + 1
        weight = max(1 / pictures, 2 / (_PICTURES + 1))
        return LightBaseline(self.mean + weight * (mean - self.mean), pictures)
