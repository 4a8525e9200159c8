"""The JSON of a part's and a lot's history."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from lineside.inspection.verdict import Verdict
from lineside.serving.dispositions import DispositionOut
from lineside.serving.history.schemas import InspectionSummary
from lineside.serving.holds import HoldOut
from lineside.serving.jobs import JobOut
from lineside.serving.rates.schemas import WindowOut
from lineside.serving.reviews import ReviewOut
from lineside.serving.stations import OrderOut
from lineside.serving.stations.schemas import JudgedModel


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class AttemptOut(InspectionSummary):
    """One attempt at a part, with what was done and said after it."""

    dispositions: tuple[DispositionOut, ...]
    reviews: tuple[ReviewOut, ...]


class ChildOut(_Shape):
    """A part of this one at a station, by its newest attempt there."""

    part_id: str
    station: str
    attempt: int
    verdict: Verdict | None = Field(description="Null while views are missing.")
    inspection_id: str


class PartOut(_Shape):
    """Where a part has been."""

    part_id: str
    parent_id: str | None = Field(description="The panel or carrier that it belongs to.")
    lots: tuple[str, ...]
    products: tuple[str, ...]
    orders: tuple[str, ...]
    attempts: tuple[AttemptOut, ...] = Field(description="At every station, oldest first.")
    children: tuple[ChildOut, ...]
    jobs: tuple[JobOut, ...]
    holds: tuple[HoldOut, ...] = Field(
        description="Of its lots, and those that stood at its stations when it was there or stand there now."
    )
    is_complete: bool = Field(description="Whether nothing was left out: at most 500 attempts, children and jobs each.")


class LotStationOut(_Shape):
    """A lot at one station."""

    station: str
    first_at: datetime
    last_at: datetime
    judged: JudgedModel = Field(description="Parts by the verdict of their newest attempt.")
    rate: WindowOut | None = Field(description="The defect rate, as GET /v1/rates gives it; null until it is counted.")


class LotOut(_Shape):
    """What a lot is made of."""

    lot: str
    parts: int = Field(description="Different parts, over all stations.")
    products: tuple[str, ...]
    stations: tuple[LotStationOut, ...]
    orders: tuple[OrderOut, ...]
    holds: tuple[HoldOut, ...]
