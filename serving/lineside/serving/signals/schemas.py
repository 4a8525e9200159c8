"""What the watch tells: the data of `rate.v1`, `chart_signal.v1`, `station_state.v1` and `image_alarm.v1`."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lineside.inspection.verdict import ReasonCode
from lineside.serving.charts.schemas import BaselineRef, ChartPointOut, ChartScope, Counted
from lineside.serving.rates.schemas import RecallPrior, WindowOut
from lineside.statistics.spc import ChartKind


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class RateTold(_Shape):
    """Data of the event `rate.v1`: what one station inspected of one product in one window of time.

    Told once when the window is closed, and again with the next revision if parts were handed in later that change its
    counts. Reviews that come later change the figures and tell nothing: `GET /v1/rates` has them as they stand.
    """

    station: str
    line: str
    product: str | None
    start: datetime
    end: datetime
    revision: int = Field(ge=1, description="Counts up per station, product and window; the highest one holds.")
    as_of_sequence: int = Field(description="The last event of the log that is counted.")
    is_simulated: bool
    recall_prior: RecallPrior
    figures: WindowOut = Field(description="As GET /v1/rates gives them: `rate` is estimated, `detector_rate` naive.")


class SignalPoint(ChartPointOut):
    """The point that signals, with the rules that the point before it did not break."""

    new_rules: tuple[str, ...]


class ChartSignalTold(_Shape):
    """Data of the event `chart_signal.v1`: a point broke rules of a chart that is held against a frozen baseline.

    Told once for each point that breaks a rule which the point before it did not break.
    """

    baseline: BaselineRef
    kind: ChartKind
    counted: Counted
    by: str
    scope: ChartScope
    stations: tuple[str, ...] = Field(description="Those whose parts are charted.")
    point: SignalPoint
    previous: tuple[ChartPointOut, ...] = Field(description="Up to eight points before it, oldest first.")
    message: str


class StateName(StrEnum):
    """What a station is doing, in the words of OPC 40100-1's vision state machine."""

    PREOPERATIONAL = "preoperational"
    """It cannot judge: no recipe, or no release that may judge by it."""
    HALTED = "halted"
    """Its parts are held back, whatever their verdict."""
    ERROR = "error"
    """It judges nothing that can be relied upon: its pictures are unfit, or the engine fails."""
    READY = "ready"
    """It can judge, and no part comes."""
    SINGLE_EXECUTION = "single_execution"
    """A job waits for its part."""
    CONTINUOUS_EXECUTION = "continuous_execution"
    """Parts come and are judged."""


class StationStateTold(_Shape):
    """Data of the event `station_state.v1`: a station is in another state than before."""

    station: str
    line: str
    state: StateName
    previous: StateName | None = Field(description="Null for the first state ever told.")
    since: datetime
    why: str


class ImageAlarmTold(_Shape):
    """Data of the event `image_alarm.v1`: a station's pictures are unfit to judge by, or no longer.

    Raised by so many parts in a row without a usable picture, or by their share in the newest ones; cleared once as
    many parts in a row had usable ones and the share is below the limit.
    """

    id: str = Field(description="Of the alarm; raised and cleared carry the same.")
    station: str
    state: Literal["raised", "cleared"]
    since: datetime = Field(description="When the first of the unfit parts was judged.")
    in_a_row: int = Field(description="Unfit parts in a row up to now.")
    unfit: int = Field(description="Of the newest parts, those unfit.")
    parts: int = Field(description="How many newest parts that is.")
    reasons: Mapping[ReasonCode, int] = Field(description="Of the unfit ones among them.")
    inspection_ids: tuple[str, ...] = Field(description="The newest unfit ones, oldest first.")
    message: str
