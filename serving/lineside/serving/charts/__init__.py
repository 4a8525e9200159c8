"""Control charts over the ledger's windows, what they leave out and why, and frozen baselines."""

from lineside.serving.charts.schemas import BaselineStored, ChartsOut, ExclusionChanged

__all__ = ["BaselineStored", "ChartsOut", "ExclusionChanged"]
