"""The JSON of gate reports."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GateReportIn(_Shape):
    """A signed gate report: the exact bytes of both files, in base64."""

    document: Annotated[str, Field(min_length=1, max_length=6_000_000)]
    signature: Annotated[str, Field(min_length=1, max_length=20_000)]


class GateReportStored(_Shape):
    """A gate report that is stored. Also the data of the event `gate_report.v1`."""

    digest: str
    candidate_recipe: str = Field(description="SHA-256 of the recipe that wants to be in force.")
    live_recipe: str = Field(description="SHA-256 of the recipe that it was compared with.")
    release: str = Field(description="Digest of the release that judged by both.")
    overall: str
    stored_by: str
