"""Past inspections: find, look, understand."""

from lineside.serving.history.lookup import inspection_row, last_judged_of_part
from lineside.serving.history.overlay import Mark, draw_overlay
from lineside.serving.history.schemas import (
    InspectionPage,
    InspectionSummary,
    PendingInspection,
    StoredFrame,
    StoredInspection,
)
from lineside.serving.history.store import InspectionFilter, read_one, read_page

__all__ = [
    "InspectionFilter",
    "InspectionPage",
    "InspectionSummary",
    "Mark",
    "PendingInspection",
    "StoredFrame",
    "StoredInspection",
    "draw_overlay",
    "inspection_row",
    "last_judged_of_part",
    "read_one",
    "read_page",
]
