"""The plant's recipes and the reference images that they name."""

from lineside.serving.recipes.schemas import OverrideOut, RecipeChanged
from lineside.serving.recipes.service import RecipeBook
from lineside.serving.recipes.store import reference_digests
from lineside.serving.recipes.stored import StoredRecipe

__all__ = ["OverrideOut", "RecipeBook", "RecipeChanged", "StoredRecipe", "reference_digests"]
