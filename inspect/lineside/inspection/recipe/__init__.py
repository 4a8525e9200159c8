"""Recipes: the versioned rules by which the parts of one product are judged."""

from lineside.inspection.recipe.loading import load_recipe, recipe_digest, recipe_json_schema
from lineside.inspection.recipe.loosening import looser_than
from lineside.inspection.recipe.records import (
    Calibration,
    ClassLimit,
    Recipe,
    ReferenceSpec,
    Retention,
    Scale,
    View,
    Zone,
)
from lineside.inspection.recipe.release_fit import check_release_fits

__all__ = [
    "Calibration",
    "ClassLimit",
    "Recipe",
    "ReferenceSpec",
    "Retention",
    "Scale",
    "View",
    "Zone",
    "check_release_fits",
    "load_recipe",
    "looser_than",
    "recipe_digest",
    "recipe_json_schema",
]
