"""How good a model is, from what the serving detector finds and what the line would have been told.

Figures of images in memory (`judge_pairs`, `score_images`) are what model cards state. `evaluate` judges the parts of a
dataset revision under a recipe, as serving does, and gives an `Evaluation`: every part's outcome and all figures.
"""

from lineside.training.evaluation.coco import CocoPrecision, coco_precision
from lineside.training.evaluation.document import evaluation_json_schema
from lineside.training.evaluation.evaluating import EvaluationPlan, JudgedRevision, evaluate, judge_revision
from lineside.training.evaluation.intervals import Interval, Resampling
from lineside.training.evaluation.judged import JudgedImage, truth_arrays
from lineside.training.evaluation.judging import Rules, Truth
from lineside.training.evaluation.outcomes import (
    DefectOutcome,
    Evaluation,
    JudgedRelease,
    JudgingRecipe,
    Latency,
    PartOutcome,
)
from lineside.training.evaluation.pairs import LabelledPicture, judge_pairs
from lineside.training.evaluation.protocol import ProtocolCurve, protocol_curve
from lineside.training.evaluation.scores import Scores, score_images
from lineside.training.evaluation.subject import model_under_test, read_subject

__all__ = [
    "CocoPrecision",
    "DefectOutcome",
    "Evaluation",
    "EvaluationPlan",
    "Interval",
    "JudgedImage",
    "JudgedRelease",
    "JudgedRevision",
    "JudgingRecipe",
    "LabelledPicture",
    "Latency",
    "PartOutcome",
    "ProtocolCurve",
    "Resampling",
    "Rules",
    "Scores",
    "Truth",
    "coco_precision",
    "evaluate",
    "evaluation_json_schema",
    "judge_pairs",
    "judge_revision",
    "model_under_test",
    "protocol_curve",
    "read_subject",
    "score_images",
    "truth_arrays",
]
