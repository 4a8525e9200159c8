"""Recipes: the versioned rules by which the parts of one product are judged."""

from lineside.inspection.recipe.drafting import (
    CalibratedScale,
    DraftTerms,
    defective_parts_needed,
    draft_recipe,
    scale_section,
    summary_lines,
)
from lineside.inspection.recipe.hold_rules import HoldAct, HoldOf, HoldRule, HoldTrigger, RateCounted
from lineside.inspection.recipe.learning import LearntView, VaryingZone, learn_view
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
    "CalibratedScale",
    "Calibration",
    "ClassLimit",
    "DraftTerms",
    "HoldAct",
    "HoldOf",
    "HoldRule",
    "HoldTrigger",
    "LearntView",
    "RateCounted",
    "Recipe",
    "ReferenceSpec",
    "Retention",
    "Scale",
    "VaryingZone",
    "View",
    "Zone",
    "check_release_fits",
    "defective_parts_needed",
    "draft_recipe",
    "learn_view",
    "load_recipe",
    "looser_than",
    "recipe_digest",
    "recipe_json_schema",
    "scale_section",
    "summary_lines",
]
