"""What became of each part, as records and as the file that other programs read."""

import dataclasses
import json
from typing import Any

import pytest

from lineside.inspection.verdict import Verdict
from lineside.training.errors import NotAnEvaluation
from lineside.training.evaluation import (
    DefectOutcome,
    Evaluation,
    JudgedRelease,
    JudgingRecipe,
    Latency,
    PartOutcome,
)

DEFECT = DefectOutcome(
    "open", (10.0, 20.0, 30.0, 60.0), 28.284, 0.589, is_found=True, is_right_class=True, confidence=0.61
)
PART = PartOutcome(
    part_id="P-1",
    group="lot-7",
    product="BRD",
    line=None,
    is_defective=True,
    verdict=Verdict.NG,
    defects=(DEFECT,),
    false_calls=2,
    image_digests=("ab" * 32,),
)
GOOD = dataclasses.replace(
    PART, part_id="P-2", line="line-1", is_defective=False, verdict=Verdict.OK, defects=(), false_calls=0
)
EVALUATION = Evaluation(
    release=JudgedRelease("pcb-single", "1.2.0", "0f" * 32),
    revision="1e" * 32,
    splits=("golden",),
    engine="onnxruntime-fp32",
    recipe=JudgingRecipe("board", 3, "aa" * 32),
    truth="labels",
    thresholds={"open": 0.25, "short": 0.5},
    parts=(PART, GOOD),
    figures={"escapes": {"events": 0}, "name": "구멍"},
    latency_ms=Latency(10.5, 12.0, 15.25, 100, 81.5, "2 cores"),
)


def with_change(*path: str | int, value: Any) -> str:
    """The document with one value changed."""
    document = json.loads(EVALUATION.to_json())
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("is_defective", "verdict", "is_escape", "is_overkill"),
    [
        pytest.param(True, Verdict.OK, True, False, id="defective and passed: an escape"),
        pytest.param(True, Verdict.NG, False, False, id="defective and rejected"),
        pytest.param(True, Verdict.NOT_INSPECTED, False, False, id="defective and not inspected: no pass, no escape"),
        pytest.param(False, Verdict.OK, False, False, id="good and passed"),
        pytest.param(False, Verdict.NG, False, True, id="good and rejected: overkill"),
        pytest.param(False, Verdict.NOT_INSPECTED, False, False, id="good and not inspected: beside the rates"),
    ],
)
def test_escape_and_overkill(*, is_defective: bool, verdict: Verdict, is_escape: bool, is_overkill: bool) -> None:
    part = dataclasses.replace(PART, is_defective=is_defective, verdict=verdict)
    assert (part.is_escape, part.is_overkill) == (is_escape, is_overkill)
    assert part.is_inspected == (verdict is not Verdict.NOT_INSPECTED)


def test_what_is_written_is_read_back_equal() -> None:
    assert Evaluation.from_json(EVALUATION.to_json()) == EVALUATION
    bare = dataclasses.replace(EVALUATION, recipe=None, latency_ms=None, parts=())
    assert Evaluation.from_json(bare.to_json()) == bare


def test_the_same_evaluation_is_the_same_text() -> None:
    again = dataclasses.replace(EVALUATION, thresholds={"short": 0.5, "open": 0.25})
    assert again.to_json() == EVALUATION.to_json()
    assert "구멍" in EVALUATION.to_json()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("no JSON", "Invalid JSON", id="no JSON"),
        pytest.param(with_change("schema", value="lineside.gate/1"), "lineside.evaluation/1", id="another schema"),
        pytest.param(with_change("surprise", value=1), "surprise", id="unknown key"),
        pytest.param(with_change("parts", 0, "verdict", value="MAYBE"), "parts.0.verdict", id="unknown verdict"),
        pytest.param(with_change("parts", 0, "false_calls", value=-1), "parts.0.false_calls", id="negative count"),
        pytest.param(with_change("parts", 1, "part_id", value="P-1"), "'P-1'.* twice", id="a part twice"),
        pytest.param(
            with_change("parts", 0, "defects", 0, "box_xyxy_px", value=[9, 9, 9, 12]), "left < right", id="empty box"
        ),
        pytest.param(
            with_change("parts", 0, "defects", 0, "is_found", value=False), "not found", id="right class, not found"
        ),
        pytest.param(with_change("thresholds", "open", value=1.5), "thresholds.open", id="threshold above 1"),
        pytest.param(EVALUATION.to_json().replace("0.589", "NaN"), "finite", id="not a number"),
    ],
)
def test_what_is_no_evaluation_is_refused_by_key(text: str, message: str) -> None:
    with pytest.raises(NotAnEvaluation, match=f"golden.json: .*{message}"):
        Evaluation.from_json(text, source="golden.json")
