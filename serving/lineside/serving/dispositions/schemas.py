"""The JSON of dispositions."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lineside.inspection.verdict import Verdict
from lineside.serving.fields import Instant, Name


class DispositionKind(StrEnum):
    """What physically happened to a part."""

    PASSED = "passed"
    REJECTED = "rejected"
    SET_ASIDE = "set_aside"
    REWORKED = "reworked"
    SCRAPPED = "scrapped"
    GRADED = "graded"


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DispositionIn(_Shape):
    """What physically happened to the part."""

    kind: DispositionKind
    confirmed_by_sensor: bool = Field(strict=True, description="Whether a sensor saw it happen.")
    at: Instant
    grade: Name | None = Field(default=None, description="With `graded`: which grade.")

    @model_validator(mode="after")
    def _grade_fits(self) -> Self:
        if (self.kind is DispositionKind.GRADED) != (self.grade is not None):
            raise ValueError("a grade belongs to the kind 'graded', and that kind needs one")
        return self


class DispositionOut(_Shape):
    """A recorded disposition. Also the data of the event `disposition.v1`."""

    id: str
    inspection_id: str
    station: str
    part_id: str
    attempt: int
    product: str | None
    lot: str | None
    verdict: Verdict | None
    kind: DispositionKind
    grade: str | None
    confirmed_by_sensor: bool
    at: datetime
    recorded_by: str
    contradiction: bool = Field(description="The part was passed though its verdict is not OK.")
