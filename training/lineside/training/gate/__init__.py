"""The gate: what a release or a looser recipe must show before it goes live, for each product and line."""

from lineside.training.gate.criteria import Criterion, Outcome
from lineside.training.gate.document import gate_json_schema
from lineside.training.gate.judging import Compared, GateCase, judge
from lineside.training.gate.leak_check import LeakCheck
from lineside.training.gate.lineage import LearntImages, Lineage, ModelOrigin, learnt_images, lineage_of
from lineside.training.gate.pairs import Scope
from lineside.training.gate.performance import ParityRecord
from lineside.training.gate.policy import (
    ClassHit,
    ClassPolicy,
    ClassRule,
    EscapeBankPolicy,
    EscapePolicy,
    GatePolicy,
    LatencyPolicy,
    OverkillPolicy,
)
from lineside.training.gate.policy_file import load_policy, policy_json_schema
from lineside.training.gate.report import GATE_SCHEMA, GateKind, GateReport, Overall, Override, ScopeResult
from lineside.training.gate.searching import search_for_leaks

__all__ = [
    "GATE_SCHEMA",
    "ClassHit",
    "ClassPolicy",
    "ClassRule",
    "Compared",
    "Criterion",
    "EscapeBankPolicy",
    "EscapePolicy",
    "GateCase",
    "GateKind",
    "GatePolicy",
    "GateReport",
    "LatencyPolicy",
    "LeakCheck",
    "LearntImages",
    "Lineage",
    "ModelOrigin",
    "Outcome",
    "Overall",
    "OverkillPolicy",
    "Override",
    "ParityRecord",
    "Scope",
    "ScopeResult",
    "gate_json_schema",
    "judge",
    "learnt_images",
    "lineage_of",
    "load_policy",
    "policy_json_schema",
    "search_for_leaks",
]
