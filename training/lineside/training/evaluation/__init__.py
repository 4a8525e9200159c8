"""How good a model is: COCO's and DeepPCB's figures with intervals, from what the serving detector finds."""

from lineside.training.evaluation.boards import JudgedBoard, LabelledImages, judge_pairs, model_under_test
from lineside.training.evaluation.coco import CocoPrecision, coco_precision
from lineside.training.evaluation.intervals import Interval, bootstrap_intervals
from lineside.training.evaluation.outcomes import (
    DefectOutcome,
    Evaluation,
    JudgedRelease,
    JudgingRecipe,
    Latency,
    PartOutcome,
)
from lineside.training.evaluation.protocol import ProtocolCurve, protocol_curve
from lineside.training.evaluation.report import Scores, score_boards

__all__ = [
    "CocoPrecision",
    "DefectOutcome",
    "Evaluation",
    "Interval",
    "JudgedBoard",
    "JudgedRelease",
    "JudgingRecipe",
    "LabelledImages",
    "Latency",
    "PartOutcome",
    "ProtocolCurve",
    "Scores",
    "bootstrap_intervals",
    "coco_precision",
    "judge_pairs",
    "model_under_test",
    "protocol_curve",
    "score_boards",
]
