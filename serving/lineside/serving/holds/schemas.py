"""The JSON of holds."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from lineside.inspection.canonical_json import canonical_json
from lineside.serving.fields import Name, Prose

LONGEST_EVIDENCE: Final = 64 * 1024
"""Bytes of canonical JSON: some hundred points of a chart with their parts."""


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def storable(evidence: tuple[Mapping[str, Any], ...]) -> tuple[Mapping[str, Any], ...]:
    """Refuse what no ledger can hold: numbers and text that JSON has not, and megabytes."""
    try:
        size_bytes = len(canonical_json([dict(each) for each in evidence]).encode())
    except RecursionError as error:
        raise ValueError("the evidence is nested too deeply") from error
    except UnicodeEncodeError as error:
        raise ValueError("the evidence has text that is no Unicode (a lone surrogate)") from error
    if size_bytes > LONGEST_EVIDENCE:
        raise ValueError(
            f"the evidence is {size_bytes} bytes of JSON; at most {LONGEST_EVIDENCE} are kept: name inspections and "
            "charts by their identifiers"
        )
    return evidence


Evidence = Annotated[
    tuple[Mapping[str, Any], ...],
    AfterValidator(storable),
    Field(description="What speaks for it: rates with intervals, chart points, inspections. Any JSON objects."),
]
"""What speaks for a hold or a proposal."""


class HoldState(StrEnum):
    """Whether the parts are held back still."""

    HELD = "held"
    RELEASED = "released"


class HeldIn(_Shape):
    """What is held back: a station's parts, or a lot's."""

    station: Name | None = None
    lot: Name | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.station is None) == (self.lot is None):
            raise ValueError(
                f"station {self.station!r} and lot {self.lot!r}: a hold is of one station's parts or of one lot's, "
                "give one of them"
            )
        return self


class HoldIn(HeldIn):
    """What is held back, why, and what speaks for it."""

    reason: Prose
    evidence: Evidence = ()


class ReasonIn(_Shape):
    """Why it is done."""

    reason: Prose


class HoldOut(_Shape):
    """Parts that are or were held back."""

    id: str
    station: str | None
    lot: str | None
    state: HoldState
    reason: str
    evidence: tuple[Mapping[str, Any], ...]
    by: str
    at: datetime
    released_by: str | None
    released_at: datetime | None
    release_reason: str | None


class HoldList(_Shape):
    """Holds, newest first; at most as many as were asked for."""

    items: tuple[HoldOut, ...]


class HoldChanged(_Shape):
    """Data of the event `hold.v1`: parts of a station or of a lot are held back, or no longer."""

    station: str | None = Field(description="Null where a lot is held back.")
    state: Literal["held", "released"]
    reason: str = Field(description="Of this change.")
    changed_by: str
    lot: str | None = Field(default=None, description="Null where a station's parts are held back.")
    hold_id: str | None = Field(default=None, description="Null in events of before holds had one.")
    evidence: tuple[Mapping[str, Any], ...] = Field(default=(), description="What spoke for holding.")
