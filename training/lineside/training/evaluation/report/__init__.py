"""The evaluation as a page for a quality engineer: one HTML file, offline, printable, every mistake shown."""

from lineside.training.evaluation.report.headlines import Tile, remarks, tiles
from lineside.training.evaluation.report.page import write_report

__all__ = ["Tile", "remarks", "tiles", "write_report"]
