"""One command from labels to a signed candidate: `retrain`, resumable step by step."""

from lineside.workflows.retraining.plan import (
    LiveGiven,
    LiveOnServer,
    Promotion,
    RetrainPlan,
    ServerAccess,
    TrainingWishes,
)
from lineside.workflows.retraining.progress import OnProgress, Phase, RetrainProgress, Step
from lineside.workflows.retraining.report import RetrainReport
from lineside.workflows.retraining.running import retrain

__all__ = [
    "LiveGiven",
    "LiveOnServer",
    "OnProgress",
    "Phase",
    "Promotion",
    "RetrainPlan",
    "RetrainProgress",
    "RetrainReport",
    "ServerAccess",
    "Step",
    "TrainingWishes",
    "retrain",
]
