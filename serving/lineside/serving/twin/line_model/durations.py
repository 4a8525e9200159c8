"""How long something takes: laws that turn a uniform number into seconds, so that scenarios share their chances."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lineside.serving.twin.line_model.errors import ImpossibleLine
from lineside.serving.twin.line_model.numbers import check_not_negative, check_positive

Numbers = NDArray[np.float64]


class Durations(Protocol):
    """A law of durations."""

    @property
    def mean_s(self) -> float:
        """Seconds on average."""
        ...

    def seconds(self, uniforms: Numbers) -> Numbers:
        """The durations at some chances: the law's quantile function.

        Args:
            uniforms: any shape, in [0, 1).

        Returns:
            Seconds, of the same shape.
        """
        ...


@dataclass(frozen=True, slots=True)
class Always:
    """The same each time.

    Attributes:
        mean_s: seconds, 0 or more.
    """

    mean_s: float

    def __post_init__(self) -> None:
        """Refuse what is no duration."""
        check_not_negative("a duration in seconds", self.mean_s)

    def seconds(self, uniforms: Numbers) -> Numbers:
        """The same for every chance."""
        return np.full(uniforms.shape, self.mean_s)


@dataclass(frozen=True, slots=True)
class Exponential:
    """Without memory, as between independent events.

    Attributes:
        mean_s: seconds, above 0.
    """

    mean_s: float

    def __post_init__(self) -> None:
        """Refuse what is no duration."""
        check_positive("a mean duration in seconds", self.mean_s)

    def seconds(self, uniforms: Numbers) -> Numbers:
        """By inversion."""
        return -self.mean_s * np.log1p(-uniforms)


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One of the durations that were seen, each as likely.

    Attributes:
        seen_s: (n,), at least one, 0 or more; kept in ascending order.
    """

    seen_s: Numbers
    mean_s: float = field(init=False)

    def __post_init__(self) -> None:
        """Refuse what was never measured; put it in order."""
        seen: NDArray[Any] = np.sort(np.asarray(self.seen_s, np.float64))
        if seen.ndim != 1 or not len(seen):
            raise ImpossibleLine(f"durations of shape {seen.shape}; expected a list of at least one")
        if not (np.isfinite(seen).all() and seen[0] >= 0):
            raise ImpossibleLine(f"durations from {seen[0]} to {seen[-1]} s; expected finite ones, 0 or more")
        object.__setattr__(self, "seen_s", seen)
        object.__setattr__(self, "mean_s", float(seen.mean()))

    def seconds(self, uniforms: Numbers) -> Numbers:
        """The seen duration at that rank."""
        return self.seen_s[(uniforms * len(self.seen_s)).astype(np.intp)]
