"""The labelling loop on the virtual line: its process changes, people label, and a better model passes the gate."""

from lineside.workflows.demo.loop.annotator import Annotator, PersonsReading, Slip
from lineside.workflows.demo.loop.first_revision import write_first_revision
from lineside.workflows.demo.loop.plan import LINE, PRODUCT, Arm, FirstLabels, LoopPlan
from lineside.workflows.demo.loop.summary import LoopSummary, Stretch

__all__ = [
    "LINE",
    "PRODUCT",
    "Annotator",
    "Arm",
    "FirstLabels",
    "LoopPlan",
    "LoopSummary",
    "PersonsReading",
    "Slip",
    "Stretch",
    "write_first_revision",
]
