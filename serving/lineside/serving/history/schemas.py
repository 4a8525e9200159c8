"""The JSON of past inspections."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lineside.inspection.verdict import Verdict
from lineside.serving.certificates import ThresholdStatus
from lineside.serving.dispositions import DispositionOut
from lineside.serving.inspections.schemas import InspectionOut, ReasonOut
from lineside.serving.inspections.submission import Cause
from lineside.serving.reviews import ReviewOut, ReviewStanding


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class VersionedName(_Out):
    """A recipe or release by name and version."""

    name: str
    version: str


class InspectionSummary(_Out):
    """One attempt in a list."""

    id: str
    station: str
    part_id: str
    attempt: int
    cause: Cause
    parent_id: str | None
    product: str | None
    lot: str | None
    order_id: str | None
    verdict: Verdict | None = Field(description="None while views are missing.")
    reasons: tuple[ReasonOut, ...]
    defect_counts: Mapping[str, int] = Field(description="Defects by class; empty if there are none.")
    audit: bool
    recipe: VersionedName | None
    release: VersionedName | None
    judged_by: str
    is_simulated: bool
    opened_at: datetime
    judged_at: datetime | None
    standing: ReviewStanding
    threshold_status: ThresholdStatus = ThresholdStatus.UNCERTIFIED


class InspectionPage(_Out):
    """Some inspections, newest first, and where to go on."""

    items: tuple[InspectionSummary, ...]
    next_cursor: str | None = Field(description="None on the last page.")


class StoredFrame(_Out):
    """One view of an inspection as it was received."""

    view: str
    digest: str
    kept: bool = Field(description="Whether its image can be had.")
    notes: tuple[str, ...]
    media_type: str
    size_bytes: int
    captured_at: datetime | None
    received_at: datetime | None
    sequence: int | None
    encoder: int | None
    detections: tuple[Mapping[str, Any], ...] | None = Field(
        description="All that the detector reported, whether it counted or not; None if the view was not inspected."
    )
    failure: ReasonOut | None


class StoredInspection(InspectionOut):
    """One judged attempt: the answer as its station got it, and all that came of it since."""

    frames: tuple[StoredFrame, ...]  # type: ignore[assignment]  # says more of each frame than the answer did
    dispositions: tuple[DispositionOut, ...]
    reviews: tuple[ReviewOut, ...]
    standing: ReviewStanding


class PendingInspection(InspectionSummary):
    """One attempt whose views are not all there."""

    status: Literal["pending"] = "pending"
    deadline_at: datetime | None
    frames: tuple[StoredFrame, ...]
