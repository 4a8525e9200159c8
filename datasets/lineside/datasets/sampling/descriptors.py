"""Points for pictures: what is near is alike, what is far from everything is new."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineside.datasets.errors import QueueRefused


@dataclass(frozen=True, slots=True, eq=False)
class Descriptors:
    """What the candidates' images look like, as points whose distances mean something.

    Attributes:
        of: (d,) float by inspection id; a candidate that is missing is never picked for diversity or novelty.
        labelled: (n, d) float, of the images that are labelled already; n may be 0, then nothing is novel.
        kind: what was measured, e.g. "backbone of pcb-single 1".
    """

    of: Mapping[str, NDArray[np.float32]]
    labelled: NDArray[np.float32]
    kind: str

    def __post_init__(self) -> None:
        """Refuse points of different spaces.

        Raises:
            QueueRefused: lengths that differ, or numbers that are not finite.
        """
        shapes = {point.shape for point in self.of.values()}
        if len(self.labelled):
            shapes.add(self.labelled.shape[1:])
        if len(shapes) > 1 or self.labelled.ndim != 2:
            raise QueueRefused(
                f"descriptors of the shapes {sorted(shapes)} cannot be compared (labelled ones: "
                f"{self.labelled.shape}); describe candidates and labelled images by the same release"
            )
        if not all(np.isfinite(point).all() for point in (self.labelled, *self.of.values())):
            raise QueueRefused("a descriptor is not finite; leave its candidate out")


NO_DESCRIPTORS = Descriptors(of={}, labelled=np.zeros((0, 0), np.float32), kind="none")


def nearest_distances(points: NDArray[np.float32], centers: NDArray[np.float32]) -> NDArray[np.float64]:
    """The Euclidean distance of each of (n, d) points to the nearest of (m, d) centers; infinite where m is 0."""
    if not len(centers):
        return np.full(len(points), np.inf)
    wide, centers = points.astype(np.float64), centers.astype(np.float64)
    squares = (wide**2).sum(axis=1)[:, None] + (centers**2).sum(axis=1)[None] - 2 * wide @ centers.T
    return np.asarray(np.sqrt(np.maximum(squares.min(axis=1), 0.0)), np.float64)


def spread_out(
    points: NDArray[np.float32], places: int, *, centers: NDArray[np.float32]
) -> Sequence[tuple[int, float]]:
    """Choose points that cover all of them: the one farthest from every center first, which then is a center itself.

    The greedy k-center of Gonzalez, Theoretical Computer Science 38 (1985): no choice of as many points covers the
    others within less than half its radius. At a tie the first point wins; without any center the first point starts.

    Args:
        points: (n, d).
        places: how many to choose, at most n.
        centers: (m, d), what is covered already.

    Returns:
        Positions in the order of choice, each with its distance to the centers when it was chosen.
    """
    distances = nearest_distances(points, centers)
    free = np.ones(len(points), bool)
    chosen: list[tuple[int, float]] = []
    for _ in range(min(places, len(points))):
        position = int(np.where(free, distances, -1.0).argmax())
        chosen.append((position, float(distances[position])))
        free[position] = False
        distances = np.minimum(distances, nearest_distances(points, points[position : position + 1]))
    return chosen
