"""The JSON of jobs; field names follow OPC 40100-1 (Machine Vision), `StartSingleJob`."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from lineside.serving.fields import Name


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class JobState(StrEnum):
    """How a job stands."""

    STARTED = "started"
    DONE = "done"
    ABORTED = "aborted"


class JobIn(_Shape):
    """A part to be judged once. What it names of recipe and product must be what the station works by."""

    meas_id: Name | None = Field(default=None, description="The caller's own name for the measurement.")
    part_id: Name | None = Field(default=None, description="Left out: whichever part the station has judged next.")
    recipe_id: Name | None = None
    product: Name | None = None


class JobOut(_Shape):
    """A job and what became of it."""

    id: str
    station: str
    meas_id: str | None
    part_id: str | None
    recipe_id: str | None
    product: str | None
    state: JobState
    started_by: str
    started_at: datetime
    ended_by: str | None = Field(description="Who aborted it; null where an inspection ended it.")
    ended_at: datetime | None
    reason: str | None = Field(description="Why it was aborted.")
    inspection_id: str | None = Field(description="The inspection that ended it; its verdict is the job's result.")


class JobList(_Shape):
    """Jobs, newest first; at most as many as were asked for."""

    items: tuple[JobOut, ...]


class JobChanged(_Shape):
    """Data of the event `job.v1`: a job was started, done by an inspection, or aborted."""

    state: JobState
    job: JobOut
    changed_by: str | None = Field(description="Null where an inspection ended it.")
