"""Recipes and findings for tests, made through the real loader and the real records."""

from collections.abc import Sequence
from datetime import UTC, datetime
from textwrap import dedent, indent

import numpy as np

from lineside.inspection.catalogue import builtin_catalogue
from lineside.inspection.detections import Detections
from lineside.inspection.recipe import Recipe, load_recipe
from lineside.inspection.verdict import ViewFindings

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
CLASS_NAMES = ("open", "short", "mousebite", "spur", "copper", "pin-hole")
RELEASE_THRESHOLDS = dict.fromkeys(CLASS_NAMES, 0.25)

HEAD = """\
schema: lineside.recipe/1
id: board
version: 1
product: BRD
catalogue: {id: pcb, version: 1}
release: pcb-reference
deadline_ms: 500
"""

SCALE = """\
scale:
  mm_per_px: 0.1
  calibration: {id: CAL-1, method: glass scale, at: 2026-01-01T00:00:00Z, expires_at: 2027-01-01T00:00:00Z}
"""

ONE_VIEW = "views: {default: {size_wh_px: [640, 480]}}\n"


def recipe_text(body: str = ONE_VIEW, *, head: str = HEAD) -> str:
    """A recipe's text: the required keys, then `body`."""
    return head + dedent(body)


def recipe(body: str = ONE_VIEW, *, head: str = HEAD) -> Recipe:
    """A recipe from the required keys and `body`, which gives at least the views."""
    return load_recipe(recipe_text(body, head=head), catalogue=builtin_catalogue("pcb"))


def view_with_zones(zones: str) -> str:
    """The `views` key of a recipe whose one view has these zones (a YAML list)."""
    return "views:\n  default:\n    size_wh_px: [640, 480]\n    zones:\n" + indent(dedent(zones), "      ")


def findings(
    *found: tuple[str, float, Sequence[float]],
    view: str = "default",
    size_wh_px: tuple[int, int] = (640, 480),
    class_names: tuple[str, ...] = CLASS_NAMES,
) -> ViewFindings:
    """A view with detections given as (class, confidence, box)."""
    detections = Detections(
        np.array([box for _, _, box in found], np.float32).reshape(-1, 4),
        np.array([confidence for _, confidence, _ in found], np.float32),
        np.array([class_names.index(name) for name, _, _ in found], np.int64),
    )
    return ViewFindings(view, detections, class_names, size_wh_px)
