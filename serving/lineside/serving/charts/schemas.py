"""The JSON of control charts, of what they leave out, and of frozen baselines."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lineside.serving.fields import Instant, Name, Prose
from lineside.serving.notes.schemas import PlaceIn, Shape, WithdrawalOut
from lineside.statistics.spc import Baseline, ChartKind, Measure


class Counted(StrEnum):
    """Which count a chart follows."""

    PROCESS = "process"
    """Defective parts, or defects, as people confirmed them; calls that people overturned are not in it."""
    DETECTOR = "detector"
    """What the detector called, right or wrong: fast, and about the detector as much as about the process."""


class ChartChoice(StrEnum):
    """What may be asked for: one kind, or those to look at first."""

    DEFAULT = "default"
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

    def kinds(self) -> tuple[ChartKind, ...]:
        """The charts of it."""
        if self is ChartChoice.DEFAULT:
            return (ChartKind.P_PRIME, ChartKind.EWMA)
        return (ChartKind(self.value),)


class Quantity(StrEnum):
    """What a chart's values are."""

    SHARE = "share"
    PER_UNIT = "per unit"
    COUNT = "count"
    PARTS = "parts"
    HOURS = "hours"
    SIGMAS = "sigmas"


BucketName = Annotated[str, Field(pattern=r"^(hour|shift|day|lot|parts:[1-9][0-9]{0,6})$")]
"""What one point is of: `hour`, `shift`, `day` (the production day), `lot`, or `parts:N` for N inspected parts."""


RuleSetName = Literal["limits", "western-electric", "nelson"]
"""Which rules tell a signal: points beyond the limits alone, or the Western Electric or Nelson rules too."""


class ExclusionIn(PlaceIn):
    """A time or a lot that charts leave out of their estimates, and why."""

    start: Instant | None = None
    end: Instant | None = None
    lot: Name | None = None
    reason: Prose

    @model_validator(mode="after")
    def _lot_or_time(self) -> Self:
        if (self.start is None) != (self.end is None):
            raise ValueError("one end of the time is missing; expected start and end, or a lot")
        if (self.lot is None) == (self.start is None):
            raise ValueError("expected either a lot or a start and an end")
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError(f"the time starts at {self.start} and ends at {self.end}; expected a later end")
        return self


class ExclusionOut(Shape):
    """What charts leave out, who left it out, and why."""

    id: str
    station: str | None
    line: str | None
    lot: str | None
    start: datetime | None
    end: datetime | None
    reason: str
    excluded_at: datetime
    excluded_by: str
    ended: WithdrawalOut | None


class ExclusionList(Shape):
    """What charts leave out now, newest first."""

    items: tuple[ExclusionOut, ...]


class ExclusionChanged(Shape):
    """Data of the event `chart_exclusion.v1`: something is left out of charts, or no longer."""

    state: Literal["excluded", "ended"]
    exclusion: ExclusionOut
    changed_by: str


class ChartScope(Shape):
    """What a chart is of; null stands for all."""

    station: Name | None = None
    line: Name | None = None
    lot: Name | None = None
    product: Name | None = None
    class_name: Name | None = None


class BaselineIn(Shape):
    """Freeze what a chart estimates from a time that was in control, to hold later points against it."""

    kind: ChartKind
    counted: Counted = Counted.PROCESS
    by: BucketName = "hour"
    scope: ChartScope = ChartScope()
    start: Instant
    end: Instant
    reason: Prose

    @model_validator(mode="after")
    def _time_fits(self) -> Self:
        if self.start >= self.end:
            raise ValueError(f"the time starts at {self.start} and ends at {self.end}; expected a later end")
        return self


class FrozenParameters(Shape):
    """What a chart estimated, as the statistics hold it fixed."""

    kind: ChartKind
    measure: Measure
    centre: float
    sigma_z: float
    subgroups: int
    units: float

    @classmethod
    def of(cls, baseline: Baseline) -> Self:
        """The baseline as JSON."""
        return cls.model_validate(baseline.as_json())

    def to_record(self) -> Baseline:
        """As the statistics know it."""
        return Baseline(
            kind=self.kind,
            measure=self.measure,
            centre=self.centre,
            sigma_z=self.sigma_z,
            subgroups=self.subgroups,
            units=self.units,
        )


class BaselineOut(Shape):
    """A frozen baseline: parameters of a chart, and the time that they were estimated from."""

    id: str
    version: int
    kind: ChartKind
    counted: Counted
    by: str
    scope: ChartScope
    start: datetime
    end: datetime
    excluded: int = Field(description="Points that were left out of the estimate.")
    signals: int = Field(description="Points of that time that broke a rule though they were not left out.")
    parameters: FrozenParameters
    reason: str
    created_at: datetime
    created_by: str


class BaselineList(Shape):
    """The latest version of every baseline, by name; or every version of one, newest first."""

    items: tuple[BaselineOut, ...]


class BaselineStored(Shape):
    """Data of the event `chart_baseline.v1`: a version of a baseline was frozen."""

    baseline: BaselineOut
    changed_by: str


class ChartPointOut(Shape):
    """One point of a chart."""

    label: str
    start: datetime
    end: datetime
    value: float | None = Field(description="Null where no part was inspected.")
    lower: float | None = Field(description="Lower control limit; null where there is none.")
    centre: float | None
    upper: float | None
    rules: tuple[str, ...] = Field(description="Rules that the point breaks.")
    excluded: bool = Field(description="Left out of the estimate.")
    excluded_reason: str | None = Field(description="Why, and by whom.")
    provisional: bool = Field(description="May still change: calls in it are not settled, or its time is not over.")
    count: int | None = Field(description="Defective parts or defects; null on charts of gaps.")
    size: float | None = Field(description="Parts (or opportunities) that the count is of.")
    unsettled: int = Field(description="Calls in it that people have not settled.")
    value_if_confirmed: float | None = Field(description="The value if people confirm all of these; p and u charts.")


class BaselineRef(Shape):
    """Which version of a baseline a chart is held against."""

    id: str
    version: int


class ChartOut(Shape):
    """One control chart."""

    kind: ChartKind
    counted: Counted
    quantity: Quantity
    phase: Literal["I", "II"]
    baseline: BaselineRef | None
    parameters: Mapping[str, float]
    points: tuple[ChartPointOut, ...]
    notes: tuple[str, ...]


class AnnotationOut(Shape):
    """Something that happened while the points were counted."""

    at: datetime
    label: str = Field(description="Of the point in whose time it lies.")
    kind: str = Field(description="deployment, recipe, order, hold, shift, drift, or a note's kind.")
    station: str | None
    line: str | None
    text: str


class ChartsOut(Shape):
    """Control charts of one place and time, with what happened meanwhile.

    `default` gives two: Laney's p' of each point by itself, which large changes show on at once, and an EWMA with
    lambda 0.1, on which small ones that last add up.
    """

    scope: ChartScope
    by: str
    start: datetime
    end: datetime
    charts: tuple[ChartOut, ...]
    annotations: tuple[AnnotationOut, ...]
