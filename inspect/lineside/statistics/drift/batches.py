"""Parts as the watch sees them, and the batches of neighbouring parts that it counts in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from lineside.statistics.drift.errors import NonFiniteMeasure
from lineside.statistics.drift.novelty import FloatArray

BATCH_PARTS = 50
"""Parts of a batch: enough for a mean that is nearly normal and a 95 % quantile, and for 100 batches in 5,000 parts."""

PICTURE_MEASURES: Mapping[str, float] = MappingProxyType(
    {
        "mean": 0.5,
        "std": 0.5,
        "black_share": 0.002,
        "white_share": 0.002,
        "sharpness": 0.005,
        "shift_x_px": 0.1,
        "shift_y_px": 0.1,
        "registration_residual": 0.005,
    }
)
"""The measures of a picture that are watched, each with the least spread between batches that counts: gray levels,
shares, and pixels below these are of no consequence to a detector that was trained with far larger variations."""

_MEASURES = tuple(PICTURE_MEASURES)


@dataclass(frozen=True, slots=True)
class MeasuredPart:
    """One part's measures.

    Attributes:
        score: the highest peak score over its views; None where a view was not looked at, so that it has none.
        is_flagged: whether it was found defective.
        views: the measures of its pictures by view, each by the names of `PICTURE_MEASURES`; a measure that the
            picture does not have is absent.
    """

    score: float | None
    is_flagged: bool
    views: Mapping[str, Mapping[str, float]]

    def __post_init__(self) -> None:
        """Refuse what is no finite number, and a flag without a score."""
        if self.score is not None and not np.isfinite(self.score):
            raise NonFiniteMeasure("a part's score", position=0, value=self.score)
        if self.is_flagged and self.score is None:
            raise ValueError("a part is flagged and has no score; expected the peak score of every inspected part")
        for view, measures in self.views.items():
            unknown = set(measures) - set(PICTURE_MEASURES)
            if unknown:
                raise ValueError(f"view {view!r}: no such measure: {', '.join(sorted(unknown))}")
            for name, value in measures.items():
                if not np.isfinite(value):
                    raise NonFiniteMeasure(f"{name} of view {view!r}", position=0, value=value)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Neighbouring parts, in the order in which they were judged.

    Attributes:
        size: how many parts.
        scores: (n,), of those that have one.
        flagged_scores: (m,), of those that were found defective.
        pictures: by view: (size, measures) in the order of `PICTURE_MEASURES`, NaN where a part lacks a measure.
    """

    size: int
    scores: FloatArray
    flagged_scores: FloatArray
    pictures: Mapping[str, FloatArray]

    @classmethod
    def of(cls, parts: Sequence[MeasuredPart]) -> "Batch":
        """Gather some parts.

        Raises:
            ValueError: there is none.
        """
        if not parts:
            raise ValueError("a batch without a part; expected one or more")
        views = sorted({view for part in parts for view in part.views})
        return cls(
            size=len(parts),
            scores=np.array([part.score for part in parts if part.score is not None], np.float64),
            flagged_scores=np.array([part.score for part in parts if part.is_flagged], np.float64),
            pictures={
                view: np.array([[part.views.get(view, {}).get(name, np.nan) for name in _MEASURES] for part in parts])
                for view in views
            },
        )

    def mean(self, view: str, measure: str) -> float | None:
        """Mean of a picture's measure; None where fewer than half of the parts have it."""
        if view not in self.pictures:
            return None
        figures = self.pictures[view][:, _MEASURES.index(measure)]
        known = figures[np.isfinite(figures)]
        return float(known.mean()) if 2 * known.size >= self.size else None

    def complete(self, wanted: Mapping[str, Sequence[str]]) -> Mapping[str, FloatArray]:
        """The pictures of the parts that have every wanted measure.

        Args:
            wanted: measures by view.

        Returns:
            By view: (parts, measures of that view), the same parts in each; no part where a view is absent.
        """
        columns = {view: [_MEASURES.index(name) for name in names] for view, names in wanted.items()}
        has_all = np.ones(self.size, np.bool_)
        empty = np.full((self.size, len(_MEASURES)), np.nan)
        chosen = {view: self.pictures.get(view, empty)[:, indices] for view, indices in columns.items()}
        for figures in chosen.values():
            has_all &= np.isfinite(figures).all(axis=1)
        return {view: figures[has_all] for view, figures in chosen.items()}
