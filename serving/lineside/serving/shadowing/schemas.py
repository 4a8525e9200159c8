"""The JSON of what two releases are found to differ in."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lineside.inspection.verdict import Verdict
from lineside.serving.inspections.schemas import DefectOut, ReasonOut, ReleaseOut


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FindingsOut(_Shape):
    """What one release makes of a part."""

    release: ReleaseOut
    engine: str
    verdict: Verdict
    reasons: tuple[ReasonOut, ...]
    defects: tuple[DefectOut, ...]


class DisagreementOut(_Shape):
    """A part that two releases see differently. Also the data of the event `shadow_disagreement.v1`."""

    id: str
    deployment_id: str
    serial: int
    inspection_id: str
    station: str
    part_id: str
    candidate_judged: bool = Field(description="Whether the verdict that stands is the candidate's.")
    verdict_differs: bool = Field(description="Else the verdict is the same and the defects differ.")
    live: FindingsOut
    candidate: FindingsOut


class DisagreementList(_Shape):
    """The latest disagreements under a deployment, newest first."""

    items: tuple[DisagreementOut, ...]


class ComparisonOut(_Shape):
    """Two releases on the same parts, as far as it is known.

    The evidence stands on parts of which one release said OK and the other NG, and of which people have said who is
    right. An e-value of 20 or more is evidence at the 5 % level, however often one looks (mixture e-process).
    """

    compared: int = Field(description="Parts that both looked at.")
    agreements: int
    disagreements: int
    verdict_differences: int = Field(description="Of the disagreements, those in the verdict.")
    dropped: int = Field(description="Parts that were not compared for want of room or time.")
    reviewed: int = Field(description="Of the disagreements, those that people have settled.")
    candidate_right: int = Field(description="Of one OK and one NG, where people agree with the candidate.")
    live_right: int = Field(description="Of one OK and one NG, where people agree with the live release.")
    e_value: float = Field(description="Evidence that one of them is better, two-sided.")
    e_value_worse: float = Field(description="Evidence that the candidate is worse.")
    canary_parts: int = Field(description="Parts that the candidate gave the verdict on.")
    canary_failures: int = Field(description="Of those, the ones that it left NOT_INSPECTED.")


class CanaryEnded(_Shape):
    """Data of the event `canary.v1`: the server took a candidate back by itself."""

    deployment_id: str
    serial: int
    release: ReleaseOut
    state: Literal["rolled_back"]
    cause: Literal["worse", "disagreement", "not_inspected", "engine_failure", "unusable"]
    message: str
    comparison: ComparisonOut
