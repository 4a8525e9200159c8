"""A whole retraining with real networks, as small as it goes."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from lineside.datasets.labelled import Split
from lineside.inspection.release import TrustStore
from lineside.training.gate import Overall, Override
from lineside.training.registry import Registry
from lineside.workflows.errors import RetrainingChanged
from lineside.workflows.retraining import Phase, RetrainProgress, RetrainReport, Step, retrain
from retraining_set import Workshop, open_workshop

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("one_thread")]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def done(shop: Workshop) -> tuple[RetrainReport, list[RetrainProgress]]:
    told: list[RetrainProgress] = []
    report = retrain(shop.plan(shop.folder / "out"), on_progress=told.append)
    return report, told


def test_the_candidate_is_the_next_version_signed_and_in_the_registry(
    done: tuple[RetrainReport, list[RetrainProgress]], shop: Workshop
) -> None:
    from datetime import UTC, datetime

    report = done[0]
    assert (report.name, report.version, report.live) == ("pcb-reference", "1.1.0", "pcb-reference 1.0.0")
    registry = Registry(str(shop.folder / "registry"))
    release = registry.verify(report.name, report.version, TrustStore([shop.keys.build.public]), now=datetime.now(UTC))
    assert release.digest == report.digest
    manifest = registry.find(report.name, report.version).manifest
    assert manifest.dataset_revision == report.revision
    assert manifest.training["start"] == "starter:pcb-reference"


def test_new_images_are_learnt_from_and_golden_stays(
    done: tuple[RetrainReport, list[RetrainProgress]], shop: Workshop
) -> None:
    report = done[0]
    assert set(report.joined) == {"board-4", "board-5", "board-6"}
    trained_on = shop.store.read(report.revision)
    assert trained_on.of_split(Split.GOLDEN) == shop.head.of_split(Split.GOLDEN)
    assert trained_on.parent == shop.head.id


def test_the_gate_answers_and_a_golden_set_that_is_too_small_blocks(
    done: tuple[RetrainReport, list[RetrainProgress]],
) -> None:
    report = done[0]
    assert report.gate.overall is Overall.FAILED
    assert report.gate.candidate.digest == report.digest
    assert json.loads(report.gate_path.read_bytes())["schema"] == "lineside.gate/1"
    outcomes = {each.id: each.outcome.value for each in (*report.gate.criteria, *report.gate.scopes[0].criteria)}
    assert outcomes["escapes"] == "too_few"
    assert (outcomes["leaks"], outcomes["parity"]) == ("passed", "passed")


def test_every_step_is_told_of_once(done: tuple[RetrainReport, list[RetrainProgress]]) -> None:
    finished = [each.step for each in done[1] if each.phase is Phase.FINISHED]
    assert finished == [each for each in Step if each in finished]
    assert {Step.SPLIT, Step.TRAIN, Step.PARITY, Step.EVALUATE, Step.BUILD, Step.SIGN, Step.GATE} <= set(finished)
    training = [each for each in done[1] if each.step is Step.TRAIN and each.phase is Phase.RUNNING]
    assert training[-1].done == training[-1].total
    assert all(each.seconds_left is None or each.seconds_left >= 0 for each in training)


def test_called_again_it_does_nothing_and_says_the_same(
    done: tuple[RetrainReport, list[RetrainProgress]], shop: Workshop
) -> None:
    told: list[RetrainProgress] = []
    assert retrain(shop.plan(shop.folder / "out"), on_progress=told.append) == done[0]
    assert {each.phase for each in told} == {Phase.KEPT}


def test_the_same_model_again_is_a_release_of_its_own(
    done: tuple[RetrainReport, list[RetrainProgress]], shop: Workshop
) -> None:
    """Training repeats itself bit by bit; what was made of it before, and perhaps retired, is not taken for it."""
    out = Path(shutil.copytree(shop.folder / "out", shop.folder / "again"))
    for step in (Step.BUILD, Step.SIGN, Step.GATE, Step.COMPARE):
        (out / "steps" / f"{list(Step).index(step) + 1:02d}-{step.value}.json").unlink()
    (out / "version").unlink()
    report = retrain(shop.plan(out))
    assert report.version == "1.2.0"
    assert report.digest != done[0].digest
    assert [each.manifest.version for each in Registry(str(shop.folder / "registry")).list()] == ["1.1.0", "1.2.0"]


def test_the_gates_answer_is_the_registrys_whatever_the_folder_says(
    done: tuple[RetrainReport, list[RetrainProgress]], shop: Workshop
) -> None:
    """Who edits the folder, its records of the steps too, does not promote what the gate refused."""
    out = Path(shutil.copytree(shop.folder / "out", shop.folder / "edited"))
    answered = (out / "gate/gate.json").read_bytes()
    overridden = replace(done[0].gate, override=Override("nobody", "none")).to_bytes()
    (out / "gate/gate.json").write_bytes(overridden)
    state = out / "steps" / f"{list(Step).index(Step.GATE) + 1:02d}-gate.json"
    noted = {**json.loads(state.read_bytes()), "files": {}}
    state.write_text(json.dumps(noted))
    report = retrain(shop.plan(out))
    assert report.gate == done[0].gate
    assert report.gate.to_bytes() == answered
    said = hashlib.sha256(overridden).hexdigest()
    noted["outputs"]["report"] = said
    state.write_text(json.dumps(noted))
    (out / "steps" / f"{list(Step).index(Step.COMPARE) + 1:02d}-compare.json").unlink()
    with pytest.raises(RetrainingChanged, match=rf"{said[:12]}.*holds no such answer"):
        retrain(shop.plan(out))
