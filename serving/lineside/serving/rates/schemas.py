"""The JSON of the calendar and of rates."""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from lineside.serving.certificates import ThresholdStatus
from lineside.serving.fields import Name
from lineside.serving.rates.calendar import Break, PlantCalendar, Shift


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _clock_time(text: str) -> str:
    time.fromisoformat(text)
    return text


ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$"), AfterValidator(_clock_time)]
"""Local time of the plant, such as 06:00."""


class BreakShape(_Shape):
    """A time within a shift at which nothing is planned to run."""

    start: ClockTime
    end: ClockTime


class ShiftShape(_Shape):
    """One shift of every production day; it may run over midnight."""

    name: Name
    start: ClockTime
    end: ClockTime
    breaks: Annotated[tuple[BreakShape, ...], Field(max_length=20)] = ()


class CalendarIn(_Shape):
    """The plant's calendar."""

    time_zone: Annotated[str, Field(min_length=1, max_length=100)] = Field(description="IANA name, e.g. Asia/Seoul.")
    day_start: ClockTime = Field(default="00:00", description="When a production day begins, local time.")
    shifts: Annotated[tuple[ShiftShape, ...], Field(max_length=24)] = ()

    def to_calendar(self) -> PlantCalendar:
        """The calendar that it says.

        Raises:
            CalendarUnfit: no calendar can be like this.
        """
        return PlantCalendar(
            time_zone=self.time_zone,
            day_start=time.fromisoformat(self.day_start),
            shifts=tuple(
                Shift(
                    shift.name,
                    time.fromisoformat(shift.start),
                    time.fromisoformat(shift.end),
                    tuple(
                        Break(time.fromisoformat(pause.start), time.fromisoformat(pause.end)) for pause in shift.breaks
                    ),
                )
                for shift in self.shifts
            ),
        )

    @classmethod
    def of(cls, calendar: PlantCalendar) -> Self:
        """The calendar as JSON."""
        return cls(
            time_zone=calendar.time_zone,
            day_start=f"{calendar.day_start:%H:%M}",
            shifts=tuple(
                ShiftShape(
                    name=shift.name,
                    start=f"{shift.start:%H:%M}",
                    end=f"{shift.end:%H:%M}",
                    breaks=tuple(
                        BreakShape(start=f"{each.start:%H:%M}", end=f"{each.end:%H:%M}") for each in shift.breaks
                    ),
                )
                for shift in calendar.shifts
            ),
        )


class CalendarOut(CalendarIn):
    """The calendar in force; version 0 until the plant gives one."""

    version: int
    created_at: datetime | None
    created_by: str | None


class CalendarChanged(_Shape):
    """Data of the event `calendar.v1`: windows begin and end otherwise from now on, those of the past too."""

    version: int
    calendar: CalendarIn
    changed_by: str


class IntervalOut(_Shape):
    """A share with its interval and the counts behind it."""

    events: int
    units: int
    estimate: float | None
    lower: float
    upper: float
    confidence: float


class EscapesOut(_Shape):
    """Defective parts among those passed, in parts."""

    found_in_audit: int = Field(description="Of the parts drawn and read.")
    found_otherwise: int = Field(description="Noticed without a draw; they stand for no others.")
    point: float | None = Field(description="Expected number; null where no audit tells.")
    lower: int
    upper: int


class RateValue(_Shape):
    """The defect rate: the share of defective parts among those inspected."""

    point: float | None = Field(description="Null where nothing was inspected, or no audit tells of escapes.")
    lower: float
    upper: float
    confidence: float
    ppm: float | None = Field(description="The point in parts per million.")
    lower_if_none_unconfirmed_is_defective: float
    upper_if_all_unconfirmed_are_defective: float
    contract_upper_bound: float = Field(description="One-sided and exact; leans on no prior belief.")


class KnownReadsOut(_Shape):
    """What the detector did with parts of known truth."""

    right: int
    wrong: int
    share_right: IntervalOut


class ReviewerReadsOut(_Shape):
    """What people said of parts whose truth is known, and blindly of parts that others had read as well."""

    defective_right: int
    defective_wrong: int
    good_right: int
    good_wrong: int


class DefectsOut(_Shape):
    """Defects rather than defective parts, as reviewed; escapes that nobody found are not in it."""

    reported: int = Field(description="By the detector, on NG parts.")
    there: int = Field(description="According to the reviews.")
    dpu: float | None = Field(description="Defects there per inspected part.")
    dpmo: float | None = Field(
        description="The same per million opportunities; null unless the recipe says how many a part has."
    )
    opportunities: int | None


class YieldOut(_Shape):
    """First-pass yield: OK at attempt 1, of the parts judged OK or NG at attempt 1."""

    passed: int
    judged: int
    share: IntervalOut


class WindowOut(_Shape):
    """One window, or one group over the whole span."""

    label: str
    start: datetime
    end: datetime
    inspected: int
    flagged: int
    confirmed: int
    false_calls: int
    unconfirmed: int
    unresolved: int
    audited: int
    audits_due: int
    not_inspected: int
    later_attempts: int
    is_provisional: bool
    is_gap: bool
    planned_minutes: float
    rate: RateValue
    detector_rate: IntervalOut = Field(description="The raw share of NG parts. It is no defect rate.")
    escapes: EscapesOut
    recall_alarm: float | None
    audits_needed: int
    first_pass_yield: YieldOut
    defects: DefectsOut
    seeded_defective: KnownReadsOut | None = Field(description="Right is flagged: direct recall.")
    seeded_good: KnownReadsOut | None
    reviewers: ReviewerReadsOut | None
    notes: tuple[str, ...]


class GroupOut(WindowOut):
    """One station, line, lot, product, class, shift or release."""

    name: str
    deployments: tuple[int, ...] = Field(default=(), description="By deployment: serials that named the release.")


class FilterOut(_Shape):
    """What was asked for."""

    start: datetime
    end: datetime
    conditions: Mapping[str, str]


class RecallPrior(_Shape):
    """What was believed of the recall beforehand."""

    source: str = Field(description="Where it comes from, in words.")
    hits: int | None
    misses: int | None


class ProcessOut(_Shape):
    """What the process lets past, from lots that differ: for lots to come, where a rate is of the parts it names."""

    escape_share: IntervalOut = Field(description="Defective ones among passed parts; counted are audit finds, reads.")
    design_effect: float = Field(description="Variance between the lots over that of parts without lots; 1 or more.")
    effective_units: float = Field(description="Reads that would be worth as much, were the lots all alike.")
    lots: int


class RatesOut(_Shape):
    """Defect rates of a span."""

    asked: FilterOut
    as_of_sequence: int = Field(description="The last event of the log that is counted.")
    rebuilding: bool = Field(description="The counts are being made anew; some are old or missing until then.")
    time_zone: str
    calendar_version: int
    recall_prior: RecallPrior
    threshold_status: ThresholdStatus = Field(
        default=ThresholdStatus.UNCERTIFIED,
        description="Of the thresholds that judge there now, all of them; each verdict carries its own.",
    )
    total: WindowOut
    groups: tuple[GroupOut, ...]
    series: tuple[WindowOut, ...]
    process: ProcessOut | None = Field(
        default=None, description="With windows by lot, where two of them or more were audited, all with one share."
    )


class SharedRateOut(_Shape):
    """What the compared sites have in common."""

    common: float = Field(description="The mean of the sites' rates.")
    between: float = Field(description="How far the true rates of sites lie apart, as a standard deviation.")
    funnel_centre: float
    dispersion: float = Field(description="Over 1: the sites differ more than chance explains.")


class ComparedSite(_Shape):
    """One station or line among the others; rank 1 has the highest rate."""

    name: str
    inspected: int
    is_provisional: bool
    ratio: float | None = Field(description="Defects against what all would do with its products; 1 is as all.")
    standardised_rate: float | None
    not_comparable_because: str | None
    shrunk_rate: float | None = Field(default=None, description="Drawn towards the common rate as far as it is unsure.")
    shrunk_lower: float | None = None
    shrunk_upper: float | None = None
    weight: float | None = Field(default=None, description="How much of the shrunk rate is its own.")
    rank_expected: float | None = None
    rank_lower: int | None = None
    rank_upper: int | None = None
    probability_worst: float | None = None
    funnel_deviate: float | None = None
    is_outside_funnel: bool | None = None


class RateComparisonOut(_Shape):
    """Stations or lines held against each other."""

    asked: FilterOut
    by: str
    confidence: float
    products: tuple[str, ...]
    shared: SharedRateOut | None = Field(description="Null where fewer than two can be compared.")
    sites: tuple[ComparedSite, ...]
    notes: tuple[str, ...]
