"""The JSON of recipes and reference images."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OverrideOut(_Out):
    """Who answers for a recipe that allows more than the one before."""

    name: str
    reason: str


class RecipeSummary(_Out):
    """One version of a recipe, without its text."""

    id: str
    version: int
    product: str
    release: str
    catalogue_id: str
    catalogue_version: int
    views: tuple[str, ...]
    digest: str
    created_at: datetime
    created_by: str
    override: OverrideOut | None
    gate_report: str | None = Field(description="SHA-256 of the gate's report that it stands on.")


class RecipeVersionOut(RecipeSummary):
    """One version of a recipe."""

    text: str


class RecipeList(_Out):
    """The latest version of every recipe."""

    items: tuple[RecipeSummary, ...]


class RecipeChanged(_Out):
    """Data of the event `recipe.v1`: a version was added."""

    id: str
    version: int
    product: str
    release: str
    catalogue_id: str
    catalogue_version: int
    digest: str
    looser_by: tuple[str, ...] = Field(description="Where it allows more than the version before; empty if nowhere.")
    override: OverrideOut | None
    gate_report: str | None = Field(description="SHA-256 of the gate's report that it stands on.")
    changed_by: str


class ReferenceOut(_Out):
    """A stored reference image; a recipe names it `sha256:<digest>`."""

    digest: str
    media_type: str
    size_bytes: int
    size_wh_px: tuple[int, int]
