"""What goes into a control chart, and what comes out."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from lineside.statistics.counts import check_counts
from lineside.statistics.spc.errors import BaselineMismatch

Phase = Literal["I", "II"]
"""I: limits estimated from the points themselves. II: limits fixed before, by a baseline."""


class ChartKind(StrEnum):
    """The control charts there are, by the names that the API uses."""

    P = "p"
    NP = "np"
    C = "c"
    U = "u"
    P_PRIME = "p-prime"
    U_PRIME = "u-prime"
    EWMA = "ewma"
    CUSUM = "cusum"
    G_R = "g-r"
    T = "t"


class Measure(StrEnum):
    """What a subgroup counts."""

    PROPORTION = "proportion"
    """Defective parts among parts: binomial."""
    PER_UNIT = "per-unit"
    """Defects on an area of opportunity: Poisson; of a t chart, defects a second."""
    TRANSFORMED_TIME = "transformed-time"
    """Only of baselines of t charts with transformed limits: their centre is no rate."""


MEASURE_OF_KIND: Mapping[ChartKind, Measure] = MappingProxyType(
    {
        ChartKind.P: Measure.PROPORTION,
        ChartKind.NP: Measure.PROPORTION,
        ChartKind.P_PRIME: Measure.PROPORTION,
        ChartKind.C: Measure.PER_UNIT,
        ChartKind.U: Measure.PER_UNIT,
        ChartKind.U_PRIME: Measure.PER_UNIT,
    }
)
"""EWMA and CUSUM take either; g_r and t charts take gaps."""


@dataclass(frozen=True, slots=True)
class Subgroup:
    """One point's worth of production: an hour, a lot, so many parts.

    Attributes:
        label: what the point is called; unique in its chart.
        count: defective parts, or defects.
        size: parts, or opportunities (area, length), 0 or more. 0 is an empty subgroup, such as an hour without
            production: it keeps its place on the chart and has no point.
    """

    label: str
    count: int
    size: float

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            TypeError: the count is no integer.
            ValueError: the count is negative, the size negative or not finite, or something was counted in nothing.
        """
        check_counts(count=self.count)
        if not (math.isfinite(self.size) and self.size >= 0):
            raise ValueError(f"subgroup {self.label!r} has size {self.size}; expected a finite number, 0 or more")
        if self.count > 0 and self.size == 0:
            raise ValueError(f"subgroup {self.label!r} counts {self.count} in size 0; expected a size above 0")


@dataclass(frozen=True, slots=True)
class Gap:
    """What passed between two defects that follow each other.

    Attributes:
        label: of the defect at which the gap ends; unique in its chart.
        size: parts from after the defect before up to and including this one (so 1 or more), or seconds (0 or more).
    """

    label: str
    size: float

    def __post_init__(self) -> None:
        """Refuse what is no length.

        Raises:
            ValueError: the size is negative or not finite.
        """
        if not (math.isfinite(self.size) and self.size >= 0):
            raise ValueError(f"gap {self.label!r} has size {self.size}; expected a finite number, 0 or more")


@dataclass(frozen=True, slots=True)
class ChartPoint:
    """One place on a control chart.

    Attributes:
        label: of its subgroup.
        value: what is drawn; None for an empty subgroup.
        lower: control limit; None where the chart has none, and for an empty subgroup.
        centre: centre line; None for an empty subgroup.
        upper: control limit; None where the chart has none, and for an empty subgroup.
        rules: names of the rules that it breaks, in the rules' order.
        excluded: whether it takes no part in the estimate and in the rules.
        sums: of a CUSUM, the upper and the lower sum (the lower 0 or less); `value` is the larger of the two.
    """

    label: str
    value: float | None
    lower: float | None
    centre: float | None
    upper: float | None
    rules: tuple[str, ...] = ()
    excluded: bool = False
    sums: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Baseline:
    """Limits' parameters as phase I left them, to be held fixed in phase II.

    Attributes:
        kind: of the chart it was estimated with. p, np, p', and EWMA and CUSUM of proportions take each other's.
        measure: proportion or per unit; of gap charts, proportion (g_r, per part), per unit (t, per second) or
            transformed time (t with transformed limits).
        centre: rate per part, per unit of size or per second, 0 or more; of a transformed t chart the mean of the
            transformed gaps.
        sigma_z: spread between subgroups over what binomial or Poisson chance gives, above 0; 1 where the chart
            leaves it out. Of a transformed t chart the standard deviation of the transformed gaps.
        subgroups: how many it rests on.
        units: parts, size or seconds it rests on.
    """

    kind: ChartKind
    measure: Measure
    centre: float
    sigma_z: float
    subgroups: int
    units: float

    def __post_init__(self) -> None:
        """Refuse parameters of no chart.

        Raises:
            TypeError: the number of subgroups is no integer.
            ValueError: a parameter is out of its range.
        """
        check_counts(subgroups=self.subgroups)
        if not (math.isfinite(self.centre) and self.centre >= 0):
            raise ValueError(f"the baseline's centre is {self.centre}; expected a finite number, 0 or more")
        if self.measure is Measure.PROPORTION and self.centre > 1:
            raise ValueError(f"the baseline's centre is {self.centre}; expected a share of parts, from 0 to 1")
        if not (math.isfinite(self.sigma_z) and self.sigma_z > 0):
            raise ValueError(f"the baseline's sigma_z is {self.sigma_z}; expected a finite number above 0")

    def as_json(self) -> dict[str, str | float | int]:
        """As a JSON object, from which `from_json` makes the same baseline again."""
        return {
            "kind": self.kind.value,
            "measure": self.measure.value,
            "centre": self.centre,
            "sigma_z": self.sigma_z,
            "subgroups": self.subgroups,
            "units": self.units,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, object]) -> "Baseline":
        """Read what `as_json` wrote.

        Raises:
            BaselineMismatch: a field is missing, unknown or of another type.
            ValueError: a parameter is out of its range.
        """
        expected = {"kind", "measure", "centre", "sigma_z", "subgroups", "units"}
        if set(document) != expected:
            raise BaselineMismatch(f"a baseline with the fields {sorted(document)}; expected {sorted(expected)}")
        numbers: dict[str, float] = {}
        for name in ("centre", "sigma_z", "subgroups", "units"):
            value = document[name]
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise BaselineMismatch(f"the baseline's {name} is {value!r}; expected a number")
            numbers[name] = value
        return cls(
            kind=ChartKind(str(document["kind"])),
            measure=Measure(str(document["measure"])),
            centre=float(numbers["centre"]),
            sigma_z=float(numbers["sigma_z"]),
            subgroups=int(numbers["subgroups"]),
            units=float(numbers["units"]),
        )


@dataclass(frozen=True, slots=True)
class ControlChart:
    """A control chart, ready to be drawn or sent.

    Attributes:
        kind: which.
        points: one for each subgroup, empty ones included, in their order.
        parameters: what the limits were computed from, by name: centre, sigma_z, d2, width, weight, ...
        phase: I or II.
        notes: what a reader must know before believing it.
        baseline: to hold fixed from here on (phase I), or the one that was given (phase II).
        exclusions: label to reason, as given.
    """

    kind: ChartKind
    points: tuple[ChartPoint, ...]
    parameters: Mapping[str, float]
    phase: Phase
    notes: tuple[str, ...]
    baseline: Baseline
    exclusions: Mapping[str, str] = field(default_factory=dict)

    @property
    def signals(self) -> tuple[ChartPoint, ...]:
        """The points that break a rule."""
        return tuple(point for point in self.points if point.rules)
