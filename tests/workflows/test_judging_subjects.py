"""What `lineside inspect` and `lineside predict` may be given: releases of any catalogue, and training runs."""

import json
from pathlib import Path

import pytest

from blob_detector import Blob, BlobModel, TinyRelease
from labelled_blobs import BlobImage, png
from lineside.inspection.catalogue import Severity
from lineside.inspection.verdict import Judgement, Verdict
from lineside.training.errors import NothingToEvaluate
from lineside.workflows.judging import open_judge
from lineside.workflows.pictures import find_parts
from lineside.workflows.predicting import predict_all

ENGINE = "onnxruntime-fp32"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A part with one mousebite, which the built-in catalogue ranks as minor or major, not critical."""
    path = tmp_path / "part.png"
    path.write_bytes(png(BlobImage("part", drawn=[Blob(2, 64, 48)]).picture()))
    return path


def judgement_of(picture: Path, folder: Path) -> Judgement:
    with open_judge(folder, recipe_path=None, engine_cache=None, engine=ENGINE) as judge:
        [judged] = judge.judge_all(find_parts([picture]))
    return judged.judgement


def test_without_a_recipe_the_built_in_catalogue_ranks_its_own_classes(picture: Path, tmp_path: Path) -> None:
    judgement = judgement_of(picture, TinyRelease().write(tmp_path / "blobs"))
    assert judgement.verdict is Verdict.NG
    assert [defect.severity for defect in judgement.defects] != [Severity.CRITICAL]


def test_a_release_of_a_catalogue_that_is_not_here_allows_nothing(picture: Path, tmp_path: Path) -> None:
    folder = TinyRelease(changes={"catalogue": {"id": "web", "version": 2}}).write(tmp_path / "blobs")
    judgement = judgement_of(picture, folder)
    assert judgement.verdict is Verdict.NG
    assert [defect.severity for defect in judgement.defects] == [Severity.CRITICAL]


def test_a_training_run_predicts_as_a_release_of_its_model_does(picture: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "model.onnx").write_bytes(BlobModel().to_bytes())
    (run / "run.json").write_text(json.dumps({"schema": "lineside.run/1", "status": "finished", "kind": "single"}))
    for folder in (run, TinyRelease().write(tmp_path / "blobs")):
        with open_judge(folder, recipe_path=None, engine_cache=None, engine=ENGINE) as judge:
            list(predict_all(judge, find_parts([picture]), confidence=0.5, out=tmp_path / f"of-{folder.name}"))
    written = (tmp_path / "of-run/part.txt").read_text()
    assert written == (tmp_path / "of-blobs/part.txt").read_text()
    assert written.endswith(",mousebite\n")


def test_a_folder_that_is_neither_is_refused(picture: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(NothingToEvaluate, match=r"neither manifest.json nor run.json"):
        judgement_of(picture, empty)
