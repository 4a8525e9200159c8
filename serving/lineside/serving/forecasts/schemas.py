"""The JSON of forecasts."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from lineside.serving.charts.schemas import ChartScope
from lineside.serving.notes.schemas import Shape
from lineside.statistics.spc import LimitOutlook


class ForecastSubject(StrEnum):
    """What is forecast."""

    RATE = "rate"
    LAMP = "lamp"
    FOCUS = "focus"


class ForecastOut(Shape):
    """When a straight trend reaches its limit, if it goes on as it did.

    A lamp that fails at once, or ages faster at its end, is not foreseen: no time is given further ahead than three
    times the span that was seen.
    """

    subject: ForecastSubject
    scope: ChartScope
    view: str | None = Field(description="Of which picture; null for the rate.")
    measure: str = Field(description="What was followed: the confirmed defect rate, or a measure of the pictures.")
    limit: float
    limit_from: str = Field(description="Where the limit comes from.")
    since: datetime = Field(description="From when on the values were taken.")
    since_because: str | None = Field(description="What began anew then, such as a lamp that was changed.")
    outlook: LimitOutlook
    reached_at: datetime | None = Field(description="When the trend reaches the limit; only where it is expected.")
    earliest: datetime | None = Field(description="Lower end of the interval of that time; null where there is none.")
    latest: datetime | None = Field(description="Upper end; null where there is none within the horizon.")
    remaining_hours: float | None = Field(description="From the last value to the limit; 0 where it was reached.")
    level: float = Field(description="Of the trend at the last value.")
    slope_per_day: float
    slope_per_day_lower: float
    slope_per_day_upper: float
    observations: int
    last_at: datetime
    horizon_hours: float = Field(description="No time is given further after the last value than that.")
    confidence: float
    notes: tuple[str, ...]
