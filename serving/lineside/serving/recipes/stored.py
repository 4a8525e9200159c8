"""A recipe version as it is stored, with its reference images made ready on first use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from types import MappingProxyType

from lineside.inspection.decoding import DecodingLimits
from lineside.inspection.errors import FrameError
from lineside.inspection.recipe import Recipe, ReferenceSpec, View
from lineside.inspection.reference import PreparedReference
from lineside.inspection.stored_references import prepare_reference
from lineside.serving.errors import RecipeUnfit
from lineside.serving.images import ImageMissing, ImageStore
from lineside.serving.recipes.schemas import OverrideOut


@dataclass(frozen=True, eq=False)
class StoredRecipe:
    """One version of a recipe; never changes.

    Attributes:
        recipe: the rules.
        text: the YAML file's text.
        digest: lowercase hex SHA-256 of the text.
        created_at: when it came, aware UTC.
        created_by: name of the key it came with.
        override: who answers for it where it allows more than the one before.
        gate_report: digest of the gate's report that it stands on; None without one.
    """

    recipe: Recipe
    text: str = field(repr=False)
    digest: str
    created_at: datetime
    created_by: str
    override: OverrideOut | None
    gate_report: str | None
    images: ImageStore = field(repr=False)
    limits: DecodingLimits = field(repr=False)

    @cached_property
    def references(self) -> Mapping[str, tuple[PreparedReference, ...]]:
        """Prepared reference images by view; empty tuples for a single-image release.

        The first use reads, decodes and prepares them: some milliseconds a megapixel, so not on the event loop.

        Raises:
            RecipeUnfit: an image is not stored, is unreadable, or has not the view's size.
        """
        return MappingProxyType(
            {
                name: tuple(self._prepare(view, reference) for reference in view.references)
                for name, view in self.recipe.views.items()
            }
        )

    def _prepare(self, view: View, spec: ReferenceSpec) -> PreparedReference:
        where = f"view {view.name!r}, reference {spec.id!r}"
        if spec.sha256 is None:
            raise RecipeUnfit(
                f"{where} names the file {spec.image!r}: upload it with PUT /v1/references/<sha256> "
                "and name it sha256:<hex> here"
            )
        try:
            body = self.images.read(spec.sha256)
        except ImageMissing as error:
            raise RecipeUnfit(
                f"{where}: no image sha256:{spec.sha256} is stored; upload it with PUT /v1/references/{spec.sha256}"
            ) from error
        try:
            return prepare_reference(view, spec, body, limits=self.limits)
        except FrameError as error:
            raise RecipeUnfit(f"{where}: {error}") from error
