"""Components of variance from mean squares, and their generalised intervals."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineside.statistics.gauge.records import Component, Interval
from lineside.statistics.gauge.variance_table import VarianceTable

_DRAWS = 40_000  # the ends of the intervals then move by about 1 % of themselves from seed to seed


@dataclass(frozen=True, slots=True)
class Squares:
    """Mean squares, as seen or as drawn: arrays of one shape. Pooled, the interaction's is that of repeating."""

    part: NDArray[np.float64]
    appraiser: NDArray[np.float64]
    interaction: NDArray[np.float64]
    repeating: NDArray[np.float64]
    parts: int
    appraisers: int
    trials: int


Figure = Callable[[Squares], NDArray[np.float64]]


def _raw_appraiser(squares: Squares) -> NDArray[np.float64]:
    return (squares.appraiser - squares.interaction) / (squares.parts * squares.trials)


def _raw_interaction(squares: Squares) -> NDArray[np.float64]:
    return (squares.interaction - squares.repeating) / squares.trials


def _raw_part(squares: Squares) -> NDArray[np.float64]:
    return (squares.part - squares.interaction) / (squares.appraisers * squares.trials)


def repeating_variance(squares: Squares) -> NDArray[np.float64]:
    """Of repeating: the same appraiser, the same part."""
    return squares.repeating


def appraiser_variance(squares: Squares) -> NDArray[np.float64]:
    """Between appraisers, not below 0."""
    return np.maximum(_raw_appraiser(squares), 0.0)


def interaction_variance(squares: Squares) -> NDArray[np.float64]:
    """Of appraisers who differ on some parts only, not below 0."""
    return np.maximum(_raw_interaction(squares), 0.0)


def reproducibility_variance(squares: Squares) -> NDArray[np.float64]:
    """Of appraisers and their interaction with parts."""
    return appraiser_variance(squares) + interaction_variance(squares)


def gauge_variance(squares: Squares) -> NDArray[np.float64]:
    """Of measuring: repeating and reproducibility."""
    return repeating_variance(squares) + reproducibility_variance(squares)


def part_variance(squares: Squares) -> NDArray[np.float64]:
    """Between parts, not below 0."""
    return np.maximum(_raw_part(squares), 0.0)


def total_variance(squares: Squares) -> NDArray[np.float64]:
    """Of everything."""
    return gauge_variance(squares) + part_variance(squares)


_RAW: dict[Figure, Figure] = {
    appraiser_variance: _raw_appraiser,
    interaction_variance: _raw_interaction,
    part_variance: _raw_part,
}
"""Of the figures that are set to 0 where they come out below: what came out."""


class Figures:
    """Figures of the mean squares with their generalised intervals; all from the same draws, so that they agree."""

    def __init__(self, table: VarianceTable, confidence: float, generator: np.random.Generator) -> None:
        self._tails = ((1 - confidence) / 2, (1 + confidence) / 2)
        rows = (table.part, table.appraiser, table.against, table.repeating)
        seen = [np.asarray(table.value(row) if row[1] else 0.0) for row in rows]
        draws = [
            value * row[1] / generator.chisquare(row[1], _DRAWS) if row[1] else np.zeros(_DRAWS)
            for value, row in zip(seen, rows, strict=True)
        ]
        if table.is_pooled:  # one mean square, not two that vary each on its own
            draws[2] = draws[3]
        if table.appraisers == 1:  # nothing to compare: no spread between appraisers, whatever is drawn
            seen[1], draws[1] = seen[2], draws[2]
        size = (table.parts, table.appraisers, table.trials)
        self._seen = Squares(seen[0], seen[1], seen[2], seen[3], *size)
        self._drawn = Squares(draws[0], draws[1], draws[2], draws[3], *size)
        self._whole = float(total_variance(self._seen))

    def component(self, figure: Figure) -> Component:
        """A variance as one component of the whole."""
        variance = float(figure(self._seen))
        lower, upper = np.quantile(figure(self._drawn), self._tails)
        share = variance / self._whole
        return Component(
            variance=variance,
            unbounded_variance=float(_RAW.get(figure, figure)(self._seen)),
            lower=float(lower),
            upper=float(upper),
            standard_deviation=math.sqrt(variance),
            share_of_study=math.sqrt(share),
            share_of_variance=share,
        )

    def interval(self, figure: Figure) -> Interval:
        """Any figure of the mean squares."""
        lower, upper = np.quantile(figure(self._drawn), self._tails)
        return Interval(float(figure(self._seen)), float(lower), float(upper))


def ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """A part of a whole; 0 of nothing."""
    return np.divide(part, whole, out=np.zeros_like(np.asarray(part)), where=np.asarray(whole) > 0)
