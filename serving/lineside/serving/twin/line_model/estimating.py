"""How sure a simulated figure is: over replications, and over what the measured inputs may be in truth."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit  # type: ignore[import-untyped]  # scipy ships no types

from lineside.serving.twin.line_model.durations import Numbers
from lineside.serving.twin.line_model.errors import ImpossibleLine


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its interval.

    Attributes:
        mean: over all runs.
        lower: end of the interval of the expected value, the doubt about the inputs included.
        upper: the other end.
        simulation_error: half the width of the interval that more runs would narrow.
        input_sd: standard deviation of the expected value over what the inputs may be.
        run_sd: standard deviation of one period around its expected value.
        confidence: of the interval.
    """

    mean: float
    lower: float
    upper: float
    simulation_error: float
    input_sd: float
    run_sd: float
    confidence: float


def estimate(runs: Numbers, *, confidence: float = 0.95) -> Estimate:
    """The expected value of a measure, from runs in groups: each group has one draw of the inputs.

    One-way random effects: the variance between groups beyond what single runs explain is the doubt about the inputs,
    which more runs do not lessen. Half the interval is t(groups - 1) * sqrt(V_inputs + Var(group means) / groups).
    Sources: S. R. Searle, G. Casella, C. E. McCulloch, "Variance Components", section 3.5; R. C. H. Cheng and
    W. Holland, "Sensitivity of computer simulation experiments to errors in input data", J. Statist. Comput. Simul. 57
    (1997) 219-241. Groups of one run say nothing of the inputs: for those, and for inputs that are known, it is the t
    interval over runs. Assumptions: runs are independent and their means near normal.

    Args:
        runs: (groups, runs), at least two groups; finite.
        confidence: of the interval, strictly between 0 and 1.

    Raises:
        ImpossibleLine: there are too few runs, or a value is not finite.
    """
    values = np.asarray(runs, np.float64)
    if values.ndim != 2 or values.shape[0] < 2 or values.shape[1] < 1:
        raise ImpossibleLine(f"runs of shape {values.shape}; expected at least two groups of at least one run")
    if not np.isfinite(values).all():
        raise ImpossibleLine("a run gave a value that is not finite")
    if not 0.0 < confidence < 1.0:
        raise ImpossibleLine(f"confidence is {confidence}; expected a number strictly between 0 and 1, such as 0.95")
    groups, size = values.shape
    means = values.mean(axis=1)
    between = float(means.var(ddof=1))
    within = float(values.var(axis=1, ddof=1).mean()) if size > 1 else between
    inputs = max(0.0, between - within / size)
    quantile = float(stdtrit(groups - 1, 0.5 + confidence / 2))
    mean = float(values.mean())
    half = quantile * math.sqrt(inputs + between / groups)
    return Estimate(
        mean=mean,
        lower=mean - half,
        upper=mean + half,
        simulation_error=quantile * math.sqrt(between / groups),
        input_sd=math.sqrt(inputs),
        run_sd=math.sqrt(within),
        confidence=confidence,
    )


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one more period should show.

    Attributes:
        mean: expected.
        lower: end of the interval in which one period lies.
        upper: the other end.
        observed: what the period did show.
    """

    mean: float
    lower: float
    upper: float
    observed: float

    @property
    def is_reproduced(self) -> bool:
        """Whether what was observed lies within."""
        return self.lower <= self.observed <= self.upper


def predict(runs: Numbers, observed: float, *, learned_for: float, confidence: float = 0.95) -> Prediction:
    """Hold one observed period against runs of it.

    The period varies as its runs do, or as the inputs did from block to block of the time they were measured in,
    whichever is more: a line whose rate wanders shows that in the doubt about its inputs, not in a run.

    Args:
        runs: (groups, runs), each group with one draw of the inputs.
        observed: what the period showed.
        learned_for: how many such periods the inputs were measured over, above 0.
        confidence: of the interval.

    Raises:
        ImpossibleLine: as `estimate`.
    """
    found = estimate(runs, confidence=confidence)
    groups = len(runs)
    quantile = float(stdtrit(groups - 1, 0.5 + confidence / 2))
    period = max(found.run_sd**2, found.input_sd**2 * learned_for)
    error = (found.simulation_error / quantile) ** 2
    half = quantile * math.sqrt(found.input_sd**2 + period + error)
    return Prediction(found.mean, found.mean - half, found.mean + half, observed)
