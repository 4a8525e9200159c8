"""The JSON of notes, and of the place that a note or an exclusion is about."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lineside.serving.fields import Instant, Name, Prose


class NoteKind(StrEnum):
    """What happened."""

    LAMP = "lamp"
    LENS = "lens"
    CAMERA = "camera"
    MAINTENANCE = "maintenance"
    MATERIAL = "material"
    OTHER = "other"


class Shape(BaseModel):
    """What these shapes have in common."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PlaceIn(Shape):
    """Where: a station, a line, or the whole plant where both are left out."""

    station: Name | None = None
    line: Name | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.station is not None and self.line is not None:
            raise ValueError("a station and a line are given; expected one of them: a station is on one line anyway")
        return self


class NoteIn(PlaceIn):
    """What happened, where and when."""

    kind: NoteKind = NoteKind.OTHER
    text: Prose
    at: Instant


class WithdrawalOut(Shape):
    """Who took a note back, when and why."""

    at: datetime
    by: str
    reason: str


class NoteOut(Shape):
    """A note."""

    id: str
    station: str | None
    line: str | None
    kind: NoteKind
    text: str
    at: datetime
    recorded_at: datetime
    recorded_by: str
    withdrawal: WithdrawalOut | None


class NoteList(Shape):
    """Notes, newest first; at most as many as were asked for."""

    items: tuple[NoteOut, ...]


class NoteChanged(Shape):
    """Data of the event `note.v1`: a note was written down, or taken back."""

    state: Literal["recorded", "withdrawn"]
    note: NoteOut
    changed_by: str


Reason = Annotated[Prose, Field(description="Why; it goes into the ledger.")]
"""Why something was changed."""
