"""The JSON of probes."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Alive(BaseModel):
    """The process answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Literal["alive"] = "alive"


class Readiness(BaseModel):
    """Whether parts can be judged now, and if not, why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Literal["ready", "not_ready"]
    reasons: tuple[str, ...]
