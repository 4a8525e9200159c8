"""From synthetic boards to a release that serves, with a real run of ultralytics, as small as it goes."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from lineside.datasets.synthetic import DEFECT_CLASSES, Board, BoardDesign, LayoutFamily, Look
from lineside.inspection.detector import Detector
from lineside.inspection.engines import load_engine
from lineside.inspection.release import InputKind, read_release
from lineside.training import model_card, ultralytics_adapter
from lineside.training.canaries import CanaryPolicy, choose_canaries
from lineside.training.errors import NoCanary, TrainingError
from lineside.training.evaluation import judge_pairs, model_under_test, score_images
from lineside.training.release_folder import CanaryPicture, ReleaseContents, write_release
from lineside.training.starters import StarterPlan, main, train_starter, unseen_boards
from lineside.training.training_data import network_image, training_sample

pytestmark = pytest.mark.training

SIZE_WH_PX = (640, 640)


@pytest.fixture(scope="module")
def trained_model(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """One step over the four crops of one board: a detector in form, though it finds little."""
    folder = tmp_path_factory.mktemp("run")
    plan = StarterPlan(InputKind.REFERENCE, seed=6, boards=1, epochs=1, batch=4, device="cpu", machine="", command="")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # what is written relative to the working folder shows up there
        patch.setattr("lineside.training.ultralytics_adapter.available_threads", lambda: 1)
        train_starter(plan, folder / "run", say=lambda _line: None)
    assert {path.name for path in folder.iterdir()} == {"run"}
    assert json.loads((folder / "run/training.json").read_text("utf-8"))["epochs"] == 1
    return (folder / "run/model.onnx").read_bytes()


def test_the_export_says_what_it_is(trained_model: bytes) -> None:
    model = onnx.load_model_from_string(trained_model)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert metadata["task"] == "detect"
    assert metadata["imgsz"] == "[640, 640]"
    assert all(str(name) in metadata["names"] for name in DEFECT_CLASSES)
    assert len(trained_model) < 6_000_000


def test_the_export_names_no_path_of_the_machine_it_was_made_on(trained_model: bytes) -> None:
    assert b"data.yaml" not in trained_model
    assert os.fsencode(Path.cwd()) not in trained_model


def test_a_release_of_it_is_read_and_runs(trained_model: bytes, tmp_path: Path) -> None:
    detector = model_under_test(trained_model, name="tiny", kind=InputKind.REFERENCE, threads=1)
    judged = judge_pairs(detector, unseen_boards(5, Look.BINARISED, boards=3))
    scores = {"boards": score_images(judged, detector.release.classes)}
    detector.close()
    training = {
        "command": "test", "seed": 5, "seconds": 1, "generation_seconds": 1, "machine": "this one", "epochs": 1,
        "versions": ultralytics_adapter.versions(), "architecture": "yolo11n.yaml", "batch": 13, "image_px": 128,
        "data": "1 board",
    }  # fmt: skip
    sample = Board(BoardDesign(LayoutFamily.BUS, 1, SIZE_WH_PX)).sample(look=Look.BINARISED, defects=1, seed=1)
    contents = ReleaseContents(
        name="tiny-reference",
        version="0.0.1",
        kind=InputKind.REFERENCE,
        model=trained_model,
        thresholds={str(name): 0.25 for name in DEFECT_CLASSES},
        canaries=[CanaryPicture.of_sample(sample, InputKind.REFERENCE)],
        metrics={title: score.as_record() for title, score in scores.items()},
        training=training,
        card=model_card.render("tiny-reference", "0.0.1", InputKind.REFERENCE, training, scores),
        licence_text=ultralytics_adapter.licence_text(),
    )
    written = write_release(tmp_path / "release", contents)
    release = read_release(tmp_path / "release")
    assert release.digest == written.digest
    assert release.input_size_wh_px == SIZE_WH_PX
    assert release.classes == tuple(str(name) for name in DEFECT_CLASSES)
    assert [defect.box_xyxy_px for defect in release.canary[0].expected] == [sample.defects[0].box_xyxy_px]
    assert np.array_equal(release.canary[0].image, network_image(sample, InputKind.REFERENCE))
    assert "AFFERO" in (tmp_path / "release/LICENSE").read_text().upper()
    assert json.loads((tmp_path / "release/manifest.json").read_text())["training"] == training
    serving = Detector(release, load_engine("onnxruntime-fp32", release.served_model, threads=1))
    found = serving.detect(network_image(training_sample(5, 0), InputKind.REFERENCE))
    serving.close()
    assert np.isfinite(found.confidences).all()
    with pytest.raises(TrainingError, match="is not empty"):
        write_release(tmp_path / "release", contents)


def test_a_model_that_finds_nothing_gets_no_canary(trained_model: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lineside.training.canaries._CANDIDATES", 6)
    detector = model_under_test(trained_model, name="tiny", kind=InputKind.REFERENCE, threads=1)
    with pytest.raises(NoCanary, match="train it longer"):
        choose_canaries(detector, seed=5, policy=CanaryPolicy(least_confidence=0.9))
    detector.close()


def test_the_stand_in_for_torchvision_suppresses_like_ultralytics(trained_model: bytes) -> None:
    """It is in use only where the real one cannot be imported, as beside the CPU build of torch."""
    import torch

    in_use = ultralytics_adapter.install_torchvision_stand_in()
    assert in_use == getattr(sys.modules["torchvision"], "is_lineside_stand_in", False)
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]])
    kept = sys.modules["torchvision"].ops.nms(boxes, torch.tensor([0.8, 0.9, 0.3]), 0.5)
    assert kept.tolist() == [1, 2]


def test_the_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "--kind" in capsys.readouterr().out


def test_a_failed_run_is_one_line_and_exit_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--kind", "single", "--out", str(tmp_path), "--reuse"]) == 1
    assert capsys.readouterr().err.startswith("error: ")
