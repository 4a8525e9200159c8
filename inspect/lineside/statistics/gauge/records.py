"""What a gauge study shows, and what its figures are usually held to be."""

from dataclasses import dataclass

from lineside.statistics.agreement.bands import Bands

GRR_SHARE = Bands(0.10, 0.30)
"""Of the study's or the tolerance's spread; Automotive Industry Action Group, "Measurement Systems Analysis", 4th
edition (2010): under 10 % good, up to 30 % marginal."""
LEAST_CATEGORIES = 5
"""Of the same source: fewer distinct categories cannot follow a process."""


class GaugeRefused(ValueError):
    """The measurements cannot carry a gauge study."""


@dataclass(frozen=True, slots=True)
class MeanSquare:
    """A row of the table of variance.

    Attributes:
        sum_of_squares: in the square of the measurements' unit.
        degrees: of freedom.
        value: sum of squares / degrees.
        f_ratio: against the row that it is tested with; None for the last row.
        p_value: of that ratio; None for the last row.
    """

    sum_of_squares: float
    degrees: int
    value: float
    f_ratio: float | None
    p_value: float | None


@dataclass(frozen=True, slots=True)
class Component:
    """One source of spread.

    Attributes:
        variance: never below 0.
        unbounded_variance: what the mean squares gave; below 0 where the source shows less than repeating explains.
        lower, upper: interval of the variance, not below 0.
        standard_deviation: root of `variance`.
        share_of_study: standard deviation over that of everything: what "% study variation" is called, as a share.
        share_of_variance: variance over that of everything.
    """

    variance: float
    unbounded_variance: float
    lower: float
    upper: float
    standard_deviation: float
    share_of_study: float
    share_of_variance: float


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its interval.

    Attributes:
        estimate: the figure.
        lower, upper: the interval's ends.
    """

    estimate: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class GaugeStudy:
    """What a study of a gauge shows.

    Attributes:
        parts, appraisers, trials: its size; every appraiser measured every part in every trial.
        part_squares, appraiser_squares, interaction_squares, repeat_squares: the table of variance; None for what one
            appraiser cannot show.
        is_interaction_pooled: the interaction was so small that it was put with repeating.
        repeatability: same appraiser, same part.
        appraiser: between appraisers; None with one.
        interaction: appraisers who differ on some parts only; None where pooled, and with one appraiser.
        reproducibility: both together; None with one appraiser.
        gauge: repeatability and reproducibility: "GRR".
        part: between parts.
        total: gauge and part.
        share_of_study: the gauge's standard deviation over the total's, "%GRR".
        share_of_tolerance: six of the gauge's standard deviations over the tolerance; None without one.
        distinct_categories: 1.41 times the parts' over the gauge's standard deviation, rounded down: "ndc"; None
            where the gauge shows no spread at all.
        confidence: of every interval.
        notes: what a reader must know.
    """

    parts: int
    appraisers: int
    trials: int
    part_squares: MeanSquare
    appraiser_squares: MeanSquare | None
    interaction_squares: MeanSquare | None
    repeat_squares: MeanSquare
    is_interaction_pooled: bool
    repeatability: Component
    appraiser: Component | None
    interaction: Component | None
    reproducibility: Component | None
    gauge: Component
    part: Component
    total: Component
    share_of_study: Interval
    share_of_tolerance: Interval | None
    distinct_categories: int | None
    confidence: float
    notes: tuple[str, ...]
