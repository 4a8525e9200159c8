"""The JSON of probes."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Alive(BaseModel):
    """The process answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Literal["alive"] = "alive"


class Readiness(BaseModel):
    """Whether parts can be judged now, and if not, why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Literal["ready", "not_ready"]
    reasons: tuple[str, ...]
    warnings: tuple[str, ...] = Field(description="What does not keep parts from being judged, and should not stay.")
