"""`lineside evaluate` as a person or a program calls it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from blob_detector import Blob, BlobModel, TinyRelease
from labelled_blobs import BlobImage, write_blob_revision
from lineside.cli.evaluate import TruthName
from lineside.datasets.labelled import Split
from lineside.datasets.revisions import RevisionStore
from lineside.training.evaluation import Evaluation, Truth

Lineside = Callable[..., Any]
RECIPE = """\
schema: lineside.recipe/1
id: board
version: 3
product: BRD
catalogue: {id: pcb, version: 1}
release: blobs
deadline_ms: 500
limits: {open: {max_count: 1}}
views: {default: {}}
"""


@pytest.fixture
def plant(tmp_path: Path) -> str:
    """A store with a revision, and a release beside it; gives the revision's id."""
    images = [
        BlobImage("hit", drawn=[Blob(0, 16, 32), Blob(1, 64, 64)]),
        BlobImage("one", drawn=[Blob(0, 16, 32)]),
        BlobImage("escape", labelled=[Blob(0, 16, 32)]),
        BlobImage("pass"),
        BlobImage("train", drawn=[Blob(0, 16, 32)], split=Split.TRAIN),
    ]
    TinyRelease().write(tmp_path / "blobs")
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return write_blob_revision(RevisionStore(str(tmp_path / "store")), images).id


@pytest.fixture
def evaluate(lineside: Lineside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lineside:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    words = ("--store", tmp_path / "store", "--out", tmp_path / "out", "--engine", "onnxruntime-fp32")
    return lambda *more: lineside("evaluate", *more, *words)


def test_it_prints_the_headlines_and_leaves_both_files(evaluate: Lineside, plant: str, tmp_path: Path) -> None:
    ran = evaluate(tmp_path / "blobs", "--data", f"{plant[:12]}:golden")
    assert ran.code == 0
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in ran.out.splitlines()}
    assert rows["Escapes"][0] == "33.3 %"
    assert rows["Escapes"][1].startswith("1 of 3 defective parts; 95 % interval")
    assert "No short" not in ran.err
    assert f"report: {tmp_path / 'out/report.html'}" in ran.err
    evaluation = Evaluation.from_json((tmp_path / "out/evaluation.json").read_bytes())
    assert [part.part_id for part in evaluation.escapes] == ["escape"]
    assert (evaluation.revision, evaluation.splits, evaluation.recipe) == (plant, ("golden",), None)


def test_programs_get_the_figures(evaluate: Lineside, plant: str, tmp_path: Path) -> None:
    document = json.loads(evaluate(tmp_path / "blobs", "--data", plant, "--json").out)
    assert document["escapes"] == ["escape"]
    assert document["figures"]["counts"]["parts"] == 5
    assert Path(document["report"]).is_file()
    assert document["engine"] == "onnxruntime-fp32"


def test_a_recipe_makes_the_verdicts(evaluate: Lineside, plant: str, tmp_path: Path) -> None:
    words = (tmp_path / "blobs", "--data", f"{plant}:golden", "--recipe", tmp_path / "recipe.yaml", "--json")
    assert json.loads(evaluate(*words).out)["escapes"] == ["escape", "one"]
    assert json.loads(evaluate(*words, "--truth", "recipe").out)["figures"]["counts"]["defective"] == 1
    evaluation = Evaluation.from_json((tmp_path / "out/evaluation.json").read_bytes())
    assert evaluation.recipe is not None
    assert (evaluation.recipe.id, evaluation.recipe.version, evaluation.truth) == ("board", 3, "recipe")


def test_a_training_run_can_be_evaluated(evaluate: Lineside, plant: str, tmp_path: Path) -> None:
    run = tmp_path / "run-7"
    run.mkdir()
    (run / "model.onnx").write_bytes(BlobModel().to_bytes())
    (run / "run.json").write_text(json.dumps({"schema": "lineside.run/1", "status": "finished", "kind": "single"}))
    document = json.loads(evaluate(run, "--data", plant, "--confidence", "0.5", "--json").out)
    assert (document["release"]["name"], document["escapes"]) == ("run-7", ["escape"])
    evaluation = Evaluation.from_json((tmp_path / "out/evaluation.json").read_bytes())
    assert set(evaluation.thresholds.values()) == {0.5}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(
            ["{folder}/blobs", "--data", "{revision}:escape_bank"], "no image in escape_bank", id="empty split"
        ),
        pytest.param(["{folder}/blobs", "--data", "{revision}:gold"], "names the split 'gold'", id="no such split"),
        pytest.param(["{folder}/blobs", "--data", "ffff"], "has no revision ffff", id="no such revision"),
        pytest.param(["{folder}/store", "--data", "{revision}"], "neither manifest.json nor run.json", id="no release"),
        pytest.param(["starter:pcb-triple", "--data", "{revision}"], "no starter release", id="no such starter"),
        pytest.param(
            ["starter:pcb-reference", "--data", "{revision}"], "5 of 5 images have none", id="without references"
        ),
    ],
)
def test_what_cannot_be_evaluated_is_told_in_one_line(
    evaluate: Lineside, plant: str, tmp_path: Path, words: list[str], message: str
) -> None:
    ran = evaluate(*(word.format(folder=tmp_path, revision=plant) for word in words))
    assert ran.code == 1
    assert ran.out == ""
    assert message in ran.err
    assert len(ran.err.splitlines()) == 1
    assert not (tmp_path / "out/evaluation.json").exists()


def test_the_rule_of_truth_by_recipe_needs_the_recipe(evaluate: Lineside, plant: str, tmp_path: Path) -> None:
    ran = evaluate(tmp_path / "blobs", "--data", plant, "--truth", "recipe")
    assert ran.code == 2
    assert "--recipe" in ran.err


def test_the_rules_of_truth_are_those_of_the_evaluation() -> None:
    assert set(get_args(TruthName)) == {truth.value for truth in Truth}
