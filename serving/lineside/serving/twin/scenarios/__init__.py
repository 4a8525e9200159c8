"""What-if: a model of a station, measured from its ledger, checked on its last period, then asked."""

from lineside.serving.twin.scenarios.proposing import Proposing
from lineside.serving.twin.scenarios.schemas import CauseOut, QuestionIn, ScenarioIn, ScenarioOut, ScenarioState
from lineside.serving.twin.scenarios.service import ScenarioService

__all__ = ["CauseOut", "Proposing", "QuestionIn", "ScenarioIn", "ScenarioOut", "ScenarioService", "ScenarioState"]
