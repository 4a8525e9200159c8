"""The JSON of Label Studio's protocol for ML backends, version 1.23: what it sends beyond this is not looked at."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_TASKS = 1000
"""In one request; Label Studio sends all tasks that somebody selected."""


class _In(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Out(BaseModel):
    # `model_` is Label Studio's prefix here, and pydantic keeps it for itself
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class AskedTask(_In):
    """A task to suggest boxes for."""

    data: dict[str, Any] = Field(description="As pushed; `vid` is our own identifier of the task.")


class PredictIn(_In):
    """Tasks to suggest boxes for."""

    tasks: Annotated[tuple[AskedTask, ...], Field(max_length=MOST_TASKS)]


class SuggestionOut(_Out):
    """What the live model finds on a task's picture."""

    model_version: str
    score: float | None = Field(default=None, description="Of the box that it is surest of; none without a box.")
    result: list[dict[str, Any]]


class PredictOut(_Out):
    """One entry for each task, in the order asked; an empty list where there is nothing to suggest."""

    results: list[SuggestionOut | list[SuggestionOut]]


class HealthOut(_Out):
    """That the server is there."""

    status: Literal["UP"] = "UP"
    model_class: Literal["Lineside"] = "Lineside"


class SetupOut(_Out):
    """Which model a suggestion would come from."""

    model_version: str


class VersionsOut(_Out):
    """The models that suggestions can come from."""

    versions: list[str]
