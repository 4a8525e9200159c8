"""Inspections that a station judged by itself while the server was away, judged again when they arrive."""

from lineside.serving.reported.schemas import ReportIn
from lineside.serving.reported.service import ReportedInspections

__all__ = ["ReportIn", "ReportedInspections"]
