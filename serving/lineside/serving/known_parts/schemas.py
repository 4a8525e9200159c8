"""The JSON of known parts."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lineside.serving.fields import Instant, Name, Prose


class Truth(StrEnum):
    """What a known part is."""

    DEFECTIVE = "defective"
    GOOD = "good"


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KnownPartIn(_Shape):
    """A part whose truth is known, such as one with a limit-sample defect, seeded into the line each shift."""

    truth: Truth
    classes: Annotated[tuple[Name, ...], Field(max_length=100)] = Field(
        default=(), description="The defect classes that it has."
    )
    valid_until: Instant | None = Field(
        default=None,
        description="From then on its inspections count as production again; for a part whose identifier is reused.",
    )
    note: Prose | None = None

    @model_validator(mode="after")
    def _classes_fit(self) -> Self:
        if self.truth is Truth.GOOD and self.classes:
            raise ValueError("a good part has no defect classes: leave them out, or say defective")
        if len(set(self.classes)) != len(self.classes):
            raise ValueError(f"classes {list(self.classes)} name one twice")
        return self


class KnownPartOut(KnownPartIn):
    """A known part. Also the data of the event `known_part.v1`."""

    part_id: str
    recorded_at: datetime
    recorded_by: str


class KnownPartList(_Shape):
    """Every known part, by name."""

    items: tuple[KnownPartOut, ...]
