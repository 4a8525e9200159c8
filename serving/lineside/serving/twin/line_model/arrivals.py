"""When parts come: at random, in time with the line, or as they were seen to come."""

from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np

from lineside.serving.twin.line_model.durations import Numbers
from lineside.serving.twin.line_model.errors import ImpossibleLine, RunTooLarge
from lineside.serving.twin.line_model.numbers import check_positive

LONGEST_S = 7 * 86_400.0
"""A week: what a period of a line may last. A year of one line is no forecast of anything."""

MOST_PARTS = 200_000
"""In one run, about 40 MB of chances."""


class Arrivals(Protocol):
    """A law of arrivals over a span of time."""

    @property
    def span_s(self) -> float:
        """How long parts come for."""
        ...

    @property
    def per_second(self) -> float:
        """Parts on average."""
        ...

    @property
    def most_parts(self) -> int:
        """How many chances a run needs at most."""
        ...

    def at_pace(self, factor: float) -> Self:
        """The same parts, so many times as fast."""
        ...

    def instants(self, uniforms: Numbers) -> Numbers:
        """When each part comes, in seconds from the start, ascending, within the span.

        Args:
            uniforms: (most_parts,), in [0, 1): one chance of each part.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Steady:
    """What random and regular arrivals share.

    Attributes:
        per_hour: parts on average.
        span_s: how long they come for.
    """

    per_hour: float
    span_s: float

    def __post_init__(self) -> None:
        """Refuse what no line does."""
        check_positive("parts per hour", self.per_hour)
        check_span(self.span_s)
        if self.most_parts > MOST_PARTS:
            raise RunTooLarge(
                f"{self.per_hour:g} parts an hour over {self.span_s / 3600:g} h; expected at most {MOST_PARTS:,} parts "
                "in a run: ask of a shorter time"
            )

    @property
    def per_second(self) -> float:
        """Parts on average."""
        return self.per_hour / 3600.0

    @property
    def most_parts(self) -> int:
        """The mean, and six standard deviations of a Poisson count above it."""
        expected = self.per_second * self.span_s
        return int(expected + 6.0 * expected**0.5 + 10.0)

    def at_pace(self, factor: float) -> Self:
        """As many parts in less or more time."""
        check_positive("the pace", factor)
        return replace(self, per_hour=self.per_hour * factor, span_s=self.span_s / factor)


@dataclass(frozen=True, slots=True)
class RandomArrivals(_Steady):
    """A Poisson process."""

    def instants(self, uniforms: Numbers) -> Numbers:
        """Gaps by inversion, added up."""
        instants: Numbers = np.cumsum(-np.log1p(-uniforms) / self.per_second)
        return instants[instants < self.span_s]


@dataclass(frozen=True, slots=True)
class RegularArrivals(_Steady):
    """One part each so many seconds."""

    def instants(self, uniforms: Numbers) -> Numbers:
        """Whatever the chances are."""
        instants: Numbers = np.arange(len(uniforms)) / self.per_second
        return instants[instants < self.span_s]


@dataclass(frozen=True, slots=True, eq=False)
class RecordedArrivals:
    """Parts that come as they did once, pauses and bursts included.

    Attributes:
        seen_s: (n,), at least one, seconds from the start, ascending, within the span.
        span_s: how long was looked.
    """

    seen_s: Numbers
    span_s: float

    def __post_init__(self) -> None:
        """Refuse what nobody recorded."""
        check_span(self.span_s)
        seen = np.asarray(self.seen_s, np.float64)
        if seen.ndim != 1 or not len(seen):
            raise ImpossibleLine("no part came in the whole time; expected arrivals")
        if len(seen) > MOST_PARTS:
            raise RunTooLarge(f"{len(seen):,} parts came; expected at most {MOST_PARTS:,}: ask of a shorter time")
        if not (np.isfinite(seen).all() and seen[0] >= 0 and seen[-1] <= self.span_s and (np.diff(seen) >= 0).all()):
            raise ImpossibleLine(f"arrivals that are not in order, or outside of 0 to {self.span_s:g} s")
        object.__setattr__(self, "seen_s", seen)

    @property
    def per_second(self) -> float:
        """Parts on average."""
        return len(self.seen_s) / self.span_s

    @property
    def most_parts(self) -> int:
        """As many as came."""
        return len(self.seen_s)

    def at_pace(self, factor: float) -> Self:
        """The same parts in less or more time."""
        check_positive("the pace", factor)
        return replace(self, seen_s=self.seen_s / factor, span_s=self.span_s / factor)

    def instants(self, uniforms: Numbers) -> Numbers:  # noqa: ARG002 - nothing is left to chance
        """As they came."""
        return self.seen_s


def check_span(span_s: float) -> None:
    """Refuse a time that no run covers.

    Raises:
        ImpossibleLine: it is not above 0, or longer than a week.
    """
    check_positive("the time in seconds", span_s)
    if span_s > LONGEST_S:
        raise ImpossibleLine(f"the time is {span_s / 86_400:.3g} days; expected at most {LONGEST_S / 86_400:g}")
