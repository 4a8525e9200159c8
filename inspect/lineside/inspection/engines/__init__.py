"""Inference engines behind one Protocol, and the choice between them."""

from lineside.inspection.engines.agreement import Difference, Tolerance, compare
from lineside.inspection.engines.base import Engine, EngineChoice
from lineside.inspection.engines.offering import load_release_engine, offered_engines, why_not_offered
from lineside.inspection.engines.registry import (
    ENGINES,
    REFERENCE_ENGINE,
    EngineEntry,
    Precision,
    load_engine,
    usable_engines,
)
from lineside.inspection.engines.selection import AUTO, available_threads, choose_engine

__all__ = [
    "AUTO",
    "ENGINES",
    "REFERENCE_ENGINE",
    "Difference",
    "Engine",
    "EngineChoice",
    "EngineEntry",
    "Precision",
    "Tolerance",
    "available_threads",
    "choose_engine",
    "compare",
    "load_engine",
    "load_release_engine",
    "offered_engines",
    "usable_engines",
    "why_not_offered",
]
