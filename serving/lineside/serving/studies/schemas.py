"""The JSON of studies."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from lineside.statistics.agreement import AgreementStudy
from lineside.statistics.gauge import GaugeStudy
from lineside.statistics.pod import PodEstimate, SizeDesign

_FileText = Annotated[str, Field(min_length=1, max_length=1_000_000)]


class StudyArea(StrEnum):
    """What a study is about."""

    POD = "pod"
    CAPABILITY = "capability"


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PodStudyIn(_Shape):
    """A study of detection probability: its file, as it stands."""

    study: _FileText = Field(description="The CSV file's text: `# design: designed`, then part_id,size,result.")
    indicative: bool = Field(
        default=False, description="Take sizes as production made them; every figure is then marked as indicative."
    )


class CapabilityStudyIn(_Shape):
    """A capability study: the filled-in sheet and its key, as they stand."""

    sheet: _FileText = Field(description="The CSV file's text: appraiser,trial,code, and call or size.")
    key: _FileText = Field(description="The CSV file's text: what hides behind each code.")


class StudySummary(_Shape):
    """A filed study without its figures."""

    id: str
    kind: Literal["pod", "attribute", "variable"]
    digest: str = Field(description="SHA-256 of what was handed in, in canonical JSON.")
    stored_at: datetime
    stored_by: str
    program_version: str = Field(description="The Lineside that made the result.")


class StudyList(_Shape):
    """Filed studies, newest first."""

    items: tuple[StudySummary, ...]


class PodResult(_Shape):
    """What the server made of a study of detection probability."""

    unit: str = Field(description="Of every size.")
    design: SizeDesign
    estimate: PodEstimate


class PodStudyOut(StudySummary):
    """A filed study of detection probability."""

    result: PodResult
    document: PodStudyIn


class CapabilityResult(_Shape):
    """What the server made of a capability study."""

    detector: str | None = Field(description="The appraiser that is the inspection system.")
    unit: str = Field(description="Of sizes.")
    borderline_parts: int = Field(description="Parts near the limit.")
    agreement: AgreementStudy | None = Field(description="Of an attribute study.")
    gauge: GaugeStudy | None = Field(description="Of a variable study.")


class CapabilityStudyOut(StudySummary):
    """A filed capability study."""

    result: CapabilityResult
    document: CapabilityStudyIn


class StudyFiledEvent(StudySummary):
    """Data of the event `study.v1`: a study was filed."""

    area: StudyArea
