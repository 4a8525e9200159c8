"""Fits of a logistic curve over log size: maximum likelihood, or Firth's penalised likelihood, and its profiles."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit  # type: ignore[import-untyped]  # scipy ships no types

_STEPS = 200
_HALVINGS = 40
_SMALL_STEP = 1e-7  # in units of the standardised log size; what the likelihood still gains is its square


class Fit(StrEnum):
    """What is maximised."""

    FIRTH = "firth"
    """The likelihood with Jeffreys' penalty: finite estimates, less bias in small studies. What we ship."""
    ML = "maximum-likelihood"
    """The plain likelihood: to compare with published figures. Its bound of a90 is short of its confidence."""


@dataclass(frozen=True, slots=True)
class Line:
    """The fitted log-odds of a hit.

    Attributes:
        intercept: log-odds at log size 0, i.e. at size 1.
        slope: log-odds per unit of the natural logarithm of size.
        log_likelihood: of the data, without the penalty.
    """

    intercept: float
    slope: float
    log_likelihood: float


class LogisticLikelihood:
    """log-odds(hit) = intercept + slope ln(size), of independent targets.

    Source: D. Firth, "Bias reduction of maximum likelihood estimates", Biometrika 80 (1993) 27-38: half the logarithm
    of the information's determinant is added to the log-likelihood. G. Heinze and M. Schemper, "A solution to the
    problem of separation in logistic regression", Statistics in Medicine 21 (2002) 2409-2419: its score, with the
    diagonal h of the hat matrix, is sum (y - p + h (1/2 - p)) x, and intervals come from the profile of the penalised
    likelihood.

    Assumptions: independent targets, log-odds linear in ln(size), no share of defects that no size helps.

    Args:
        sizes: shape (n,), positive and finite.
        hits: shape (n,), of bool.
        fit: what is maximised.
    """

    def __init__(self, sizes: Sequence[float], hits: Sequence[bool], *, fit: Fit) -> None:
        logs = np.log(np.asarray(sizes, np.float64))
        self._hits = np.asarray(hits, np.float64)
        self._fit = fit
        # Centred and scaled, the two parameters are nearly uncorrelated; the penalty changes by a constant only.
        self._centre = float(np.mean(logs))
        self._scale = float(np.std(logs)) or 1.0
        self._positions = (logs - self._centre) / self._scale
        self._powers = np.column_stack((np.ones_like(logs), self._positions, self._positions**2))
        self._best = self._climb(np.zeros(2), self._powers[:, :2], offset=0.0)

    @property
    def best(self) -> Line:
        """The line with the highest (penalised) likelihood."""
        level, steepness = self._best.parameters
        slope = steepness / self._scale
        odds = level + steepness * self._positions
        return Line(float(level - slope * self._centre), float(slope), _log_likelihood(odds, self._hits))

    def drop_at(self, log_size: float, log_odds: float) -> float:
        """Twice the (penalised) log-likelihood that is lost when the curve must pass through one point.

        Args:
            log_size: natural logarithm of the size.
            log_odds: of a hit at that size.

        Returns:
            0 or more; about chi-square with one degree of freedom where the true curve passes through the point.
        """
        run = self._positions - (log_size - self._centre) / self._scale
        reached = self._climb(np.asarray([self._best.parameters[1]]), run[:, np.newaxis], offset=log_odds)
        return max(0.0, 2 * (self._best.value - reached.value))

    def drop_of_flat(self) -> float:
        """The same for the best curve of no slope: how much the data say that size matters."""
        reached = self._climb(self._best.parameters[:1], np.ones((len(self._hits), 1)), offset=0.0)
        return max(0.0, 2 * (self._best.value - reached.value))

    def _climb(self, start: NDArray[np.float64], design: NDArray[np.float64], *, offset: float) -> "_Reached":
        """Fisher scoring with halved steps: up to the highest value over the parameters of `design`."""
        here = _Reached.at(start, self._look(offset + design @ start))
        for _ in range(_STEPS):
            step = _solved(design.T @ (here.look.weights[:, np.newaxis] * design), design.T @ here.look.residuals)
            for _ in range(_HALVINGS):
                there = _Reached.at(here.parameters + step, self._look(offset + design @ (here.parameters + step)))
                if there.value >= here.value:
                    break
                step = step / 2
            else:
                return here
            here = there
            if float(np.max(np.abs(step))) < _SMALL_STEP:
                return here
        return here

    def _look(self, odds: NDArray[np.float64]) -> "_Look":
        chances = expit(odds)
        weights = chances * (1 - chances)
        value, residuals = _log_likelihood(odds, self._hits), self._hits - chances
        if self._fit is Fit.ML:
            return _Look(value, residuals, weights)
        total, first, second = (weights @ self._powers).tolist()
        determinant = total * second - first**2
        if determinant <= 0.0:  # so far out that no target weighs anything
            return _Look(-np.inf, residuals, weights)
        spread = self._powers @ (second, -2 * first, total)
        hat = weights * spread / determinant
        return _Look(value + 0.5 * float(np.log(determinant)), residuals + hat * (0.5 - chances), weights)


@dataclass(frozen=True, slots=True)
class _Look:
    """The (penalised) likelihood at one place: its value, the residuals of its score, the weights of information."""

    value: float
    residuals: NDArray[np.float64]
    weights: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Reached:
    parameters: NDArray[np.float64]
    look: _Look

    @classmethod
    def at(cls, parameters: NDArray[np.float64], look: _Look) -> Self:
        return cls(parameters, look)

    @property
    def value(self) -> float:
        return self.look.value


def _solved(information: NDArray[np.float64], score: NDArray[np.float64]) -> NDArray[np.float64]:
    """The step of one or two parameters; the least one where the information is singular."""
    if len(score) == 1 and information[0, 0] > 0.0:
        return np.asarray(score / information[0, 0], np.float64)
    return np.asarray(np.linalg.lstsq(information, score, rcond=None)[0], np.float64)


def _log_likelihood(odds: NDArray[np.float64], hits: NDArray[np.float64]) -> float:
    return float(np.sum(hits * odds - np.logaddexp(0.0, odds)))
