"""Inference engines behind one Protocol, and the choice between them."""

from lineside.inspection.engines.agreement import Difference, Tolerance, compare
from lineside.inspection.engines.base import Engine, EngineChoice
from lineside.inspection.engines.registry import ENGINES, REFERENCE_ENGINE, EngineEntry, load_engine, usable_engines
from lineside.inspection.engines.selection import AUTO, available_threads, choose_engine

__all__ = [
    "AUTO",
    "ENGINES",
    "REFERENCE_ENGINE",
    "Difference",
    "Engine",
    "EngineChoice",
    "EngineEntry",
    "Tolerance",
    "available_threads",
    "choose_engine",
    "compare",
    "load_engine",
    "usable_engines",
]
