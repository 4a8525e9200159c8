"""The JSON of the watch for drift."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lineside.serving.fields import Prose
from lineside.statistics.drift import CANNOT_SEE, Signal


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DriftState(StrEnum):
    """Where the watch of a station stands."""

    TOO_FEW_PARTS = "too_few_parts"
    """The reference period is being taken: nothing is watched yet."""
    LOOKING = "looking"
    """There is a reference, and too few parts since for a look."""
    OK = "ok"
    """The last look found no change."""
    ALARM = "alarm"
    """A look found a change, and nobody has acknowledged it."""


class FindingOut(_Out):
    """One thing that a look tested."""

    signal: Signal
    detail: str = Field(description='Which quantile, or "view/measure" of a picture; empty where there is only one.')
    before: float = Field(description="Median, share or mean in the reference period.")
    after: float
    parts_before: int
    parts_after: int
    p_value: float | None = Field(description="Adjusted for all tests of the look; null for a cumulative sum.")
    has_changed: bool
    since: datetime | None = Field(description="When it most probably changed; null where it did not.")
    message: str


class LookOut(_Out):
    """What a look found."""

    at: datetime
    parts: int
    findings: tuple[FindingOut, ...]
    untested: tuple[str, ...]


class WatchedOut(_Out):
    """What is watched: parts of one station under one recipe, release and engine."""

    reference_id: str
    line: str
    station: str
    product: str
    recipe_id: str
    recipe_version: int
    release_name: str
    release_version: str
    release_digest: str
    engine: str


class AcknowledgementOut(_Out):
    """Who looked after an alarm."""

    at: datetime
    by: str
    reason: str
    reference: Literal["keep", "renew"]


class AlarmOut(_Out):
    """An alarm. Also the data of the event `drift_alarm.v1`, once when raised and once when acknowledged."""

    id: str
    state: Literal["raised", "acknowledged"]
    watched: WatchedOut
    raised_at: datetime
    since: datetime
    message: str
    findings: tuple[FindingOut, ...] = Field(description="What changed.")
    risk_per_look: float = Field(description="Chance of an alarm in one look at an undisturbed line, at most.")
    acknowledgement: AcknowledgementOut | None = None


class DriftOut(_Out):
    """How one station stands."""

    state: DriftState
    watched: WatchedOut
    seen_at: datetime
    reference_from: datetime
    reference_frozen_at: datetime | None
    reference_parts: int
    reference_parts_wanted: int
    parts_since: int
    look: LookOut | None
    alarm: AlarmOut | None


class DriftList(_Out):
    """Every station's state, and what the watch can see."""

    items: tuple[DriftOut, ...]
    failure: str | None = Field(
        default=None, description="Why the watch stands still: the states are then old. Null while it follows the line."
    )
    looks_every_parts: int
    risk_per_look: float
    cannot_see: tuple[str, ...] = CANNOT_SEE


class AcknowledgementIn(BaseModel):
    """That a person looked after an alarm, what it was, and what later parts are held against."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Prose
    reference: Literal["keep", "renew"] = Field(
        default="keep",
        description="keep: what was wrong is mended, the reference stands; renew: this is the new normal.",
    )
