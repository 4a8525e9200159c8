"""One command from labels to a signed candidate: `retrain`, resumable step by step."""

from lineside.workflows.retraining.comparing import Change, SetComparison
from lineside.workflows.retraining.forecast import RetrainForecast
from lineside.workflows.retraining.golden_reach import GateLimit
from lineside.workflows.retraining.lessons import Lessons
from lineside.workflows.retraining.plan import (
    LabelSource,
    LiveGiven,
    LiveOnServer,
    Promotion,
    RetrainPlan,
    ServerAccess,
    StudioAccess,
    TrainingWishes,
)
from lineside.workflows.retraining.progress import OnProgress, Phase, RetrainProgress, Step
from lineside.workflows.retraining.report import RetrainReport
from lineside.workflows.retraining.running import foresee, retrain

__all__ = [
    "Change",
    "GateLimit",
    "LabelSource",
    "Lessons",
    "LiveGiven",
    "LiveOnServer",
    "OnProgress",
    "Phase",
    "Promotion",
    "RetrainForecast",
    "RetrainPlan",
    "RetrainProgress",
    "RetrainReport",
    "ServerAccess",
    "SetComparison",
    "Step",
    "StudioAccess",
    "TrainingWishes",
    "foresee",
    "retrain",
]
