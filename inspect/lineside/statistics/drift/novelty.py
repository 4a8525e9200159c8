"""How unusual a picture's measures are: their robust Mahalanobis distance from the reference period's.

It is a distance of a few measures of the picture (light, contrast, sharpness, position), not of what the picture
shows: a new kind of defect that leaves these as they are is not novel to it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineside.statistics.errors import TooFewParts

FloatArray = NDArray[np.float64]

LEAST_PICTURES = 50
_MAD_TO_SIGMA = 1.4826
_LEAST_SPREAD = 0.1
"""Of a direction, in robust spreads of its measures: below, two measures say the same and rounding would be novel."""


@dataclass(frozen=True, slots=True, eq=False)
class PictureModel:
    """Where the reference's pictures lie.

    Attributes:
        centre: (measures,), their medians.
        scale: (measures,), their robust spreads, at least the resolution.
        directions: (measures, measures), orthogonal directions of the scaled measures, one a column.
        middles: (measures,), medians along the directions.
        spreads: (measures,), robust spreads along the directions.
    """

    centre: FloatArray
    scale: FloatArray
    directions: FloatArray
    middles: FloatArray
    spreads: FloatArray

    @classmethod
    def fit(cls, pictures: FloatArray, *, resolutions: FloatArray) -> "PictureModel":
        """Learn location and scatter; up to nearly half of the pictures may be odd ones.

        Source: R. A. Maronna and R. H. Zamar, "Robust estimates of location and dispersion for high-dimensional
        datasets", Technometrics 44 (2002) 307-317: the orthogonalized Gnanadesikan-Kettenring estimate, here with
        median and median absolute deviation, one pass.

        Args:
            pictures: (n, measures), finite.
            resolutions: (measures,), the least spread to assume of each, above 0.

        Raises:
            TooFewParts: there are fewer than `LEAST_PICTURES`.
        """
        if len(pictures) < LEAST_PICTURES:
            raise TooFewParts("a model of pictures", needed=LEAST_PICTURES, found=len(pictures))
        centre = np.median(pictures, axis=0)
        scale = np.maximum(_robust_spread(pictures), resolutions)
        scaled = (pictures - centre) / scale
        sums = scaled[:, :, None] + scaled[:, None, :]
        differences = scaled[:, :, None] - scaled[:, None, :]
        pairwise = (_robust_spread(sums) ** 2 - _robust_spread(differences) ** 2) / 4
        np.fill_diagonal(pairwise, 1.0)
        directions = np.linalg.eigh(pairwise)[1]
        along = scaled @ directions
        spreads = np.maximum(_robust_spread(along), _LEAST_SPREAD)
        return cls(centre, scale, directions, np.median(along, axis=0), spreads)

    def distances(self, pictures: FloatArray) -> FloatArray:
        """(n,): the robust Mahalanobis distance of each picture; about the square root of the measures' number."""
        along = ((pictures - self.centre) / self.scale) @ self.directions
        return np.asarray(np.sqrt((((along - self.middles) / self.spreads) ** 2).sum(axis=1)))


def _robust_spread(values: FloatArray) -> FloatArray:
    """Median absolute deviation along the first axis, as a standard deviation of normal values."""
    return np.asarray(np.median(np.abs(values - np.median(values, axis=0)), axis=0) * _MAD_TO_SIGMA)
