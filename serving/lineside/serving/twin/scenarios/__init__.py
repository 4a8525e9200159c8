"""What-if: a model of a station, measured from its ledger, checked on its last period, then asked."""

from lineside.serving.twin.scenarios.alarm_file import WhatIfFile, read_what_if_file
from lineside.serving.twin.scenarios.alarms import AlarmQuestions
from lineside.serving.twin.scenarios.proposing import Proposing
from lineside.serving.twin.scenarios.schemas import CauseOut, QuestionIn, ScenarioIn, ScenarioOut, ScenarioState
from lineside.serving.twin.scenarios.service import ScenarioService

__all__ = [
    "AlarmQuestions",
    "CauseOut",
    "Proposing",
    "QuestionIn",
    "ScenarioIn",
    "ScenarioOut",
    "ScenarioService",
    "ScenarioState",
    "WhatIfFile",
    "read_what_if_file",
]
