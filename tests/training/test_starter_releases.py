"""The releases that come with the package do what their model cards say."""

import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineside.datasets.formats import read_deeppcb
from lineside.datasets.synthetic import DEFECT_CLASSES, Look
from lineside.inspection.detector import Detector
from lineside.inspection.engines import load_engine
from lineside.inspection.release import Release, read_release, run_canary, starter_release_folder
from lineside.training.evaluation import Scores, judge_pairs, score_images
from lineside.training.starters import unseen_boards

NAMES = ("pcb-reference", "pcb-single")


@pytest.fixture(scope="module", params=NAMES)
def release(request: pytest.FixtureRequest) -> Release:
    return read_release(starter_release_folder(request.param))


@pytest.fixture(scope="module")
def detector(release: Release) -> Iterator[Detector]:
    opened = Detector(release, load_engine("onnxruntime-fp32", release.served_model, threads=os.cpu_count() or 1))
    yield opened
    opened.close()


def manifest_of(release: Release) -> dict[str, dict[str, dict[str, list[float]]]]:
    manifest: dict[str, dict[str, dict[str, list[float]]]] = json.loads(
        (starter_release_folder(release.name) / "manifest.json").read_text("utf-8")
    )
    return manifest


def threshold_of(release: Release) -> float:
    (threshold,) = set(release.thresholds.values())
    return threshold


def test_it_finds_its_known_defects_and_they_are_of_every_class(release: Release, detector: Detector) -> None:
    run_canary(detector, release)
    shown = {defect.class_name for frame in release.canary for defect in frame.expected}
    assert shown == {str(name) for name in DEFECT_CLASSES} == set(release.classes)
    assert 3 <= len(release.canary) <= 6


@pytest.mark.parametrize("look", list(Look))
def test_unseen_synthetic_boards_score_as_the_manifest_says(release: Release, detector: Detector, look: Look) -> None:
    """The first 30 of the card's 150 boards: within the spread that so few boards have (about 0.06)."""
    boards = list(unseen_boards(1, look, boards=30))
    scores = score_images(judge_pairs(detector, boards), release.classes, confidence=threshold_of(release))
    stated = manifest_of(release)["metrics"][f"unseen synthetic boards, {look.value}"]
    assert scores.map50.value == pytest.approx(stated["map50"][0], abs=0.08)
    assert scores.protocol_f.value == pytest.approx(stated["deeppcb_f"][0], abs=0.08)


def test_a_good_board_has_few_false_calls(release: Release, detector: Detector) -> None:
    good = [board for board in unseen_boards(1, Look.BINARISED, boards=120) if not board.defects]
    assert len(good) == 12
    threshold = threshold_of(release)
    false_calls = [(judged.found.confidences >= threshold).sum() for judged in judge_pairs(detector, good)]
    assert sum(false_calls) <= 6


def test_real_boards_score_as_the_manifest_says(release: Release, detector: Detector, deeppcb_root: Path) -> None:
    """Every tenth pair of the headline groups, of a model that saw no real image."""
    groups = ["44000", "50600", "77000", "92000"]
    pairs = itertools.islice(read_deeppcb(deeppcb_root, groups=groups), 0, None, 10)
    scores: Scores = score_images(judge_pairs(detector, pairs), release.classes, confidence=threshold_of(release))
    stated = manifest_of(release)["metrics"]["DeepPCB, headline groups"]
    assert scores.map50.value == pytest.approx(stated["map50"][0], abs=0.08)


def test_the_card_states_the_manifest_s_figures_and_how_to_train_again(release: Release) -> None:
    folder = starter_release_folder(release.name)
    card = (folder / "MODEL_CARD.md").read_text("utf-8")
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert manifest["training"]["command"] in card
    for title, figures in manifest["metrics"].items():
        assert f"| {title} | {figures['boards']} | {figures['defects']} |" in card
        assert f"{figures['map50'][0]:.3f} [" in card
    assert "GNU AFFERO GENERAL PUBLIC LICENSE" in (folder / "LICENSE").read_text("utf-8").upper()


def test_both_starters_together_stay_small() -> None:
    sizes = [
        path.stat().st_size for name in NAMES for path in starter_release_folder(name).rglob("*") if path.is_file()
    ]
    assert sum(sizes) <= 25_000_000
